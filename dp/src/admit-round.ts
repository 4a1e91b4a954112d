/**
 * The hospital's own ceilings: may this round be debited?
 *
 * Plans may change after somebody has looked at models, so the actor's ceiling is enforced by a Rényi filter: the sum
 * of the curves stays under a bound that was fixed in advance, which holds under full adaptivity (Feldman, Zrnic 2021,
 * arXiv:2008.11193; Lécuyer 2021, arXiv:2103.01379). The PLD value stands beside it in `spentSoFar`. A rolling horizon
 * is a policy, not a theorem: print the lifetime ε next to it.
 * @module
 */
import { requireDelta, requireInteger, requirePositive } from './argument-checks.js';
import { epsilonOf, provenEpsilonOf } from './accounting/epsilon.js';
import { rdpRepetitions } from './accounting/rdp-accountant.js';
import { groupEvent } from './group-event.js';
import type { PrivacyEvent } from './privacy-event.js';
import type { LedgerRecord } from './privacy-ledger.js';
import { debitsOf, type Debit } from './spent-so-far.js';

export interface PrivacyCeilings {
  /** ε of one round for a window. */
  readonly windowEpsilon: number;
  /** ε of an actor over the horizon, by the Rényi filter. */
  readonly actorEpsilon: number;
  /** How far back the actor's spend is counted, in milliseconds of log time; 30 days are 2,592,000,000. */
  readonly horizonMs: number;
  /** k of the actor; a debit that states more counts with its own. */
  readonly windowsPerActor: number;
  readonly delta: number;
}

export interface ProposedRound {
  readonly interval: { readonly fromMs: number; readonly toMs: number };
  readonly event: PrivacyEvent;
}

export type Admission =
  | { readonly admitted: true; readonly actorEpsilonAfter: number; readonly roundsLeft: number }
  | {
      readonly admitted: false;
      readonly reason: 'interval-spent' | 'window-ceiling' | 'actor-ceiling';
      /** ε before the round, the ceiling, and ε after it, in terms of the reason. */
      readonly spent: number;
      readonly ceiling: number;
      readonly after: number;
    };

const ROUNDS_LEFT_MAX = 10_000;

/**
 * Decides before anything is computed. Nothing is written: the caller appends the debit.
 *
 * | round                                         | result                                          |
 * |-----------------------------------------------|-------------------------------------------------|
 * | its interval overlaps one that is spent       | `interval-spent`, whatever became of that round |
 * | it alone costs a window more than the ceiling | `window-ceiling`                                |
 * | with it, the horizon costs an actor too much  | `actor-ceiling`                                 |
 *
 * @throws {InvalidArgumentError | LedgerRecordError | UnsupportedEventError}
 */
export function admitRound(
  records: readonly LedgerRecord[],
  round: ProposedRound,
  ceilings: PrivacyCeilings,
): Admission {
  requireDelta('delta', ceilings.delta);
  requirePositive('windowEpsilon', ceilings.windowEpsilon);
  requirePositive('actorEpsilon', ceilings.actorEpsilon);
  requirePositive('horizonMs', ceilings.horizonMs);
  requireInteger('windowsPerActor', ceilings.windowsPerActor, { min: 1, max: 24 });
  const { fromMs, toMs } = round.interval;
  requireInteger('interval.toMs', toMs, { min: fromMs + 1, max: Number.MAX_SAFE_INTEGER });
  const { delta } = ceilings;
  const debits = debitsOf(records);

  const overlapping = debits.find(
    ({ interval }) => interval.fromMs < toMs && fromMs < interval.toMs,
  );
  const cost = provenEpsilonOf(round.event, { delta });
  if (overlapping !== undefined) {
    const both: PrivacyEvent = { kind: 'composed', events: [overlapping.event, round.event] };
    return {
      admitted: false,
      reason: 'interval-spent',
      spent: provenEpsilonOf(overlapping.event, { delta }),
      ceiling: ceilings.windowEpsilon,
      after: provenEpsilonOf(both, { delta }),
    };
  }
  if (cost > ceilings.windowEpsilon) {
    return {
      admitted: false,
      reason: 'window-ceiling',
      spent: 0,
      ceiling: ceilings.windowEpsilon,
      after: cost,
    };
  }
  const recent = debits.filter(({ interval }) => interval.toMs > toMs - ceilings.horizonMs);
  const after = actorEpsilon(recent, round.event, 1, ceilings);
  if (after > ceilings.actorEpsilon) {
    const spent = actorEpsilon(recent, round.event, 0, ceilings);
    return {
      admitted: false,
      reason: 'actor-ceiling',
      spent,
      ceiling: ceilings.actorEpsilon,
      after,
    };
  }
  return {
    admitted: true,
    actorEpsilonAfter: after,
    roundsLeft: roundsLeft(recent, round.event, ceilings),
  };
}

/** The filter's value after `more` further rounds of the same kind. */
function actorEpsilon(
  debits: readonly Debit[],
  event: PrivacyEvent,
  more: number,
  { windowsPerActor, delta }: PrivacyCeilings,
): number {
  const events = debits.map((debit) => actorEvent(debit, windowsPerActor));
  events.push({ kind: 'self-composed', event: groupEvent(event, windowsPerActor), count: more });
  return epsilonOf({ kind: 'composed', events }, { delta, accountant: 'rdp' });
}

function actorEvent(debit: Debit, windowsPerActor: number): PrivacyEvent {
  return groupEvent(debit.event, Math.max(debit.windowsPerActor ?? 1, windowsPerActor));
}

/** Rounds of this kind that still fit after this one, if none of the horizon expires meanwhile. */
function roundsLeft(
  debits: readonly Debit[],
  event: PrivacyEvent,
  { windowsPerActor, delta, actorEpsilon: epsilon }: PrivacyCeilings,
): number {
  const events = debits.map((debit) => actorEvent(debit, windowsPerActor));
  events.push(groupEvent(event, windowsPerActor));
  return rdpRepetitions({ kind: 'composed', events }, groupEvent(event, windowsPerActor), {
    epsilon,
    delta,
    adjacency: 'add-or-remove-one',
    most: ROUNDS_LEFT_MAX,
  });
}
