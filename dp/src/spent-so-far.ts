/**
 * What the rounds of a privacy ledger cost, recomputed from their events.
 * @module
 */
import { requireDelta, requireInteger } from './argument-checks.js';
import { epsilonInterval, epsilonOf, type EpsilonInterval } from './accounting/epsilon.js';
import { LedgerRecordError } from './errors.js';
import { decodeEvent } from './event-codec.js';
import { groupEvent } from './group-event.js';
import type { PrivacyEvent } from './privacy-event.js';
import type { LedgerRecord } from './privacy-ledger.js';

/** What a `debited` record says about its round. */
export interface Debit {
  readonly seq: number;
  readonly roundId: string;
  readonly interval: { readonly fromMs: number; readonly toMs: number };
  readonly event: PrivacyEvent;
  /** Windows that an actor had in the round at most; null where the record does not say. */
  readonly windowsPerActor: number | null;
  /** δ = 10^−deltaExponent, of the plan; null where the record does not say. */
  readonly deltaExponent: number | null;
}

const WINDOWS_PER_ACTOR_MAX = 24;
const DELTA_EXPONENT_DEFAULT = 5;

/**
 * The debits of a verified ledger. Every debit counts, whatever came after: a round that was abandoned is spent.
 * @throws {LedgerRecordError} `ERR_DP_LEDGER_RECORD` for a debit without round, interval or event, or of another relation
 *   than plans have
 */
export function debitsOf(records: readonly LedgerRecord[]): Debit[] {
  return records
    .filter((record) => record.kind === 'debited')
    .map((record): Debit => {
      const { roundId, interval, event, adjacency = 'add-or-remove-one' } = record.body;
      const range = interval as { fromMs?: unknown; toMs?: unknown } | null | undefined;
      const fromMs = range?.fromMs;
      const toMs = range?.toMs;
      if (
        (typeof roundId !== 'string' && (typeof roundId !== 'object' || roundId === null)) ||
        typeof fromMs !== 'number' ||
        typeof toMs !== 'number' ||
        fromMs >= toMs
      ) {
        throw new LedgerRecordError(
          `debit ${record.seq}: expected roundId and interval {fromMs < toMs}`,
        );
      }
      // Where a record is replaced, ε is another number, which does not compose with these.
      if (adjacency !== 'add-or-remove-one' && adjacency !== 'zero-out') {
        throw new LedgerRecordError(
          `debit ${record.seq}: expected adjacency add-or-remove-one or zero-out, got ${JSON.stringify(adjacency)}`,
        );
      }
      return {
        seq: record.seq,
        roundId: typeof roundId === 'string' ? roundId : JSON.stringify(roundId),
        interval: { fromMs, toMs },
        event: decodeEvent(event),
        windowsPerActor: statedCount(record, 'windowsPerActor', WINDOWS_PER_ACTOR_MAX),
        deltaExponent: statedCount(record, 'deltaExponent', 300),
      };
    });
}

function statedCount({ seq, body }: LedgerRecord, field: string, max: number): number | null {
  const value = body[field];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max)
    return value;
  throw new LedgerRecordError(
    `debit ${seq}: expected ${field} from 1 to ${max}, got ${JSON.stringify(value)}`,
  );
}

/**
 * ε so far.
 *
 * - A **window** lies in one interval. Rounds on disjoint intervals compose in parallel, so the window's ε is the
 *   largest over intervals; debits whose intervals overlap are composed.
 * - An **actor** may be in every round, with as many windows as its debit states: all debits are composed.
 *
 * Both are PLD values and take the plans as fixed beforehand.
 *
 * @param o.delta - default: the least that a debit states, 1e-5 where none does
 * @param o.windowsPerActor - k in every round, 1 … 24; default: what each debit states, 1 where it does not
 * @returns with the δ and the largest k that were used
 * @throws {InvalidArgumentError | LedgerRecordError | EventFormatError}
 */
export function spentSoFar(
  records: readonly LedgerRecord[],
  o: Readonly<{ delta?: number | undefined; windowsPerActor?: number | undefined }> = {},
): {
  windowEpsilon: number;
  actorEpsilon: number;
  /** Certified, of the actor's ε. */
  actorInterval: EpsilonInterval;
  rounds: number;
  delta: number;
  windowsPerActor: number;
} {
  if (o.windowsPerActor !== undefined) {
    requireInteger('windowsPerActor', o.windowsPerActor, { min: 1, max: WINDOWS_PER_ACTOR_MAX });
  }
  const debits = debitsOf(records);
  const exponents = debits.map((debit) => debit.deltaExponent ?? DELTA_EXPONENT_DEFAULT);
  const delta =
    o.delta ?? 1 / 10 ** (exponents.length > 0 ? Math.max(...exponents) : DELTA_EXPONENT_DEFAULT);
  requireDelta('delta', delta);
  const windowsOf = (debit: Debit): number => o.windowsPerActor ?? debit.windowsPerActor ?? 1;
  const known = new Map<string, number>();
  const epsilon = (events: readonly PrivacyEvent[]): number => {
    const event: PrivacyEvent = { kind: 'composed', events };
    const key = JSON.stringify(event);
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = epsilonOf(event, { delta })));
    return value;
  };
  let windowEpsilon = 0;
  for (const events of overlapGroups(debits)) {
    windowEpsilon = Math.max(windowEpsilon, epsilon(events));
  }
  const actor = debits.map((debit) => groupEvent(debit.event, windowsOf(debit)));
  const actorEpsilon = epsilon(actor);
  return {
    windowEpsilon,
    actorEpsilon,
    actorInterval: epsilonInterval({ kind: 'composed', events: actor }, { delta }),
    rounds: debits.length,
    delta,
    windowsPerActor: debits.reduce(
      (most, debit) => Math.max(most, windowsOf(debit)),
      o.windowsPerActor ?? 1,
    ),
  };
}

/** Debits whose intervals touch the same time, chained: an over-estimate for chains, exact for equal intervals. */
function overlapGroups(debits: readonly Debit[]): PrivacyEvent[][] {
  const sorted = [...debits].sort((a, b) => a.interval.fromMs - b.interval.fromMs);
  const groups: PrivacyEvent[][] = [];
  let end = -Infinity;
  for (const debit of sorted) {
    if (debit.interval.fromMs >= end) groups.push([]);
    groups.at(-1)!.push(debit.event);
    end = Math.max(end, debit.interval.toMs);
  }
  return groups;
}
