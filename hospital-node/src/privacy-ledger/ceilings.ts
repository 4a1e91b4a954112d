/**
 * The hospital's own limits, checked before anything is computed. ε is recomputed from the stored events each time and
 * never added up. Since plans may change after somebody has looked at models, the enforced actor ceiling is an RDP
 * filter (valid under adaptivity); the tighter PLD value is printed beside it.
 * Sources: Feldman and Zrnic 2021, "Individual Privacy Accounting via a Rényi Filter" (arXiv:2008.11193); `privacy.md` §9.
 * @module
 */
import { epsilonOf, groupEvent, type PrivacyEvent, type PrivacyPlan } from '@bhschain/dp';
import type { Interval } from '../access-log/index.js';
import type { Ceilings } from '../config.js';
import { RoundRefusedError } from '../errors.js';
import type { ReleaseState } from './release-history.js';

const DAY_MS = 86_400_000;
const ROUNDS_MAX = 100_000;
/** ε values are compared with this slack: it is far below anything a person would type. */
const EPSILON_SLACK = 1e-9;

/** What one more round would do. */
export interface Affordability {
  readonly roundEpsilon: number;
  readonly actorEpsilonBefore: number;
  readonly actorEpsilonAfter: number;
}

/** Actor-level ε of debited rounds whose data lie in the horizon before `atMs`. */
export function actorEpsilonOf(
  releases: Iterable<ReleaseState>,
  o: {
    readonly atMs: number;
    readonly horizonMs: number;
    readonly delta: number;
    readonly accountant: 'rdp' | 'pld';
  },
): number {
  const events = eventsWithin(releases, o.atMs, o.horizonMs);
  return composedEpsilon(events, o.delta, o.accountant);
}

/**
 * @param releases - every debit so far, abandoned ones included: spent is spent
 * @throws {RoundRefusedError} `ERR_BUDGET_EXHAUSTED` with spent, ceiling, cost, when it fits again and rounds left
 */
export function assertAffordable(
  ceilings: Ceilings,
  plan: PrivacyPlan,
  interval: Interval,
  releases: readonly ReleaseState[],
): Affordability {
  const { delta } = plan.target;
  const { windowsPerActorMax } = plan.windowing;
  if (windowsPerActorMax > ceilings.windowsPerActorMax) {
    refuse('windows per actor and round', windowsPerActorMax, ceilings.windowsPerActorMax, {});
  }
  const roundEpsilon = plan.certified.pld;
  if (roundEpsilon > ceilings.epsilonPerRound + EPSILON_SLACK) {
    refuse('epsilon of a round', roundEpsilon, ceilings.epsilonPerRound, {});
  }
  const horizonMs = ceilings.actorHorizonDays * DAY_MS;
  const spent = eventsWithin(releases, interval.toMs, horizonMs);
  const cost = groupEvent(plan.event, windowsPerActorMax);
  const before = composedEpsilon(spent, delta, 'rdp');
  const after = composedEpsilon([...spent, cost], delta, 'rdp');
  if (after > ceilings.actorEpsilon + EPSILON_SLACK) {
    refuse('epsilon of an actor over the horizon', after, ceilings.actorEpsilon, {
      spent: round6(before),
      cost: round6(composedEpsilon([cost], delta, 'rdp')),
      fitsFromMs: fitsFrom(releases, cost, interval, ceilings, delta),
      horizonDays: ceilings.actorHorizonDays,
    });
  }
  return { roundEpsilon, actorEpsilonBefore: before, actorEpsilonAfter: after };
}

/** How many more rounds of this plan fit under the actor ceiling if nothing leaves the horizon. */
export function roundsLeft(
  ceilings: Ceilings,
  plan: PrivacyPlan,
  releases: readonly ReleaseState[],
  atMs: number,
): number {
  const spent = eventsWithin(releases, atMs, ceilings.actorHorizonDays * DAY_MS);
  const cost = groupEvent(plan.event, plan.windowing.windowsPerActorMax);
  const fits = (count: number): boolean =>
    composedEpsilon(
      [...spent, { kind: 'self-composed', event: cost, count }],
      plan.target.delta,
      'rdp',
    ) <= ceilings.actorEpsilon;
  let low = 0;
  let high = 1;
  while (high < ROUNDS_MAX && fits(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function eventsWithin(
  releases: Iterable<ReleaseState>,
  atMs: number,
  horizonMs: number,
): PrivacyEvent[] {
  const events: PrivacyEvent[] = [];
  for (const release of releases) {
    if (release.interval.toMs > atMs - horizonMs) {
      events.push(groupEvent(release.event, release.windowsPerActor));
    }
  }
  return events;
}

/** Equal events are gathered first: a month of rounds under one plan is one event, repeated. */
function composedEpsilon(
  events: readonly PrivacyEvent[],
  delta: number,
  accountant: 'rdp' | 'pld',
): number {
  if (events.length === 0) return 0;
  const counts = new Map<string, { readonly event: PrivacyEvent; count: number }>();
  for (const event of events) {
    const key = JSON.stringify(event);
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, { event, count: 1 });
    else entry.count += 1;
  }
  return epsilonOf(
    {
      kind: 'composed',
      events: [...counts.values()].map(({ event, count }) => ({
        kind: 'self-composed',
        event,
        count,
      })),
    },
    { delta, adjacency: 'add-or-remove-one', accountant },
  );
}

/** The first end of an interval at which enough has left the horizon; null if the plan alone is too dear. */
function fitsFrom(
  releases: readonly ReleaseState[],
  cost: PrivacyEvent,
  interval: Interval,
  ceilings: Ceilings,
  delta: number,
): number | null {
  const horizonMs = ceilings.actorHorizonDays * DAY_MS;
  const ends = releases
    .map((release) => release.interval.toMs + horizonMs)
    .filter((endMs) => endMs > interval.toMs)
    .sort((a, b) => a - b);
  for (const endMs of ends) {
    const left = [...eventsWithin(releases, endMs, horizonMs), cost];
    if (composedEpsilon(left, delta, 'rdp') <= ceilings.actorEpsilon) return endMs;
  }
  return null;
}

function refuse(
  what: string,
  got: number,
  ceiling: number,
  facts: Readonly<Record<string, number | null>>,
): never {
  throw new RoundRefusedError(
    'ERR_BUDGET_EXHAUSTED',
    `${what} would be ${round6(got)}, this hospital's ceiling is ${ceiling}`,
    'budget',
    { ...facts, would: round6(got), ceiling },
  );
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
