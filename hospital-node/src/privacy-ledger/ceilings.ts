/**
 * The hospital's own limits, checked before anything is computed. What a round costs and whether it fits is dp's
 * `admitRound`; here it gets this hospital's numbers, and a refusal its sentence and facts.
 * Every actor is counted with the most windows that any round of the horizon allows, so that plans may be mixed.
 * @module
 */
import {
  admitRound,
  epsilonOf,
  groupEvent,
  type LedgerRecord,
  type PrivacyEvent,
  type PrivacyPlan,
} from '@bhschain/dp';
import type { Interval } from '../access-log/index.js';
import type { Ceilings } from '../config.js';
import { RoundRefusedError } from '../errors.js';
import type { ReleaseState } from './release-history.js';

const DAY_MS = 86_400_000;
const ROUNDS_MAX = 100_000;

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
  const events = within(releases, o.atMs, o.horizonMs).map((release) =>
    groupEvent(release.event, release.windowsPerActor),
  );
  return composedEpsilon(events, o.delta, o.accountant);
}

/**
 * @param records - the ledger's; every debit counts, abandoned ones included: spent is spent
 * @param releases - the same debits, folded
 * @throws {RoundRefusedError} `ERR_BUDGET_EXHAUSTED` with spent, ceiling, cost and when it fits again;
 *   `ERR_INTERVAL_SPENT` if the interval overlaps a spent one
 */
export function assertAffordable(
  ceilings: Ceilings,
  plan: PrivacyPlan,
  interval: Interval,
  { records, releases }: { records: readonly LedgerRecord[]; releases: readonly ReleaseState[] },
): void {
  const { windowsPerActorMax } = plan.windowing;
  if (windowsPerActorMax > ceilings.windowsPerActorMax) {
    refuse('windows per actor and round', windowsPerActorMax, ceilings.windowsPerActorMax, {});
  }
  const horizonMs = ceilings.actorHorizonDays * DAY_MS;
  const { delta } = plan.target;
  const recent = within(releases, interval.toMs, horizonMs);
  const windowsPerActor = mostWindows(recent, plan);
  const admission = admitRound(
    records,
    { interval, event: plan.event },
    {
      windowEpsilon: ceilings.epsilonPerRound,
      actorEpsilon: ceilings.actorEpsilon,
      horizonMs,
      windowsPerActor,
      delta,
    },
  );
  if (admission.admitted) return;
  const { reason, spent, ceiling, after } = admission;
  switch (reason) {
    case 'interval-spent':
      throw new RoundRefusedError(
        'ERR_INTERVAL_SPENT',
        `log interval ${interval.fromMs}–${interval.toMs} overlaps one that is spent`,
        'local-policy',
        { fromMs: interval.fromMs, toMs: interval.toMs },
      );
    case 'window-ceiling':
      return refuse('epsilon of a round', after, ceiling, {});
    case 'actor-ceiling': {
      const cost = groupEvent(plan.event, windowsPerActor);
      return refuse('epsilon of an actor over the horizon', after, ceiling, {
        spent: round6(spent),
        cost: round6(composedEpsilon([cost], delta, 'rdp')),
        fitsFromMs: fitsFrom(releases, plan, interval, ceilings),
        horizonDays: ceilings.actorHorizonDays,
      });
    }
  }
}

/** How many more rounds of this plan fit under the actor ceiling if nothing leaves the horizon. */
export function roundsLeft(
  ceilings: Ceilings,
  plan: PrivacyPlan,
  releases: readonly ReleaseState[],
  atMs: number,
): number {
  const recent = within(releases, atMs, ceilings.actorHorizonDays * DAY_MS);
  const windowsPerActor = mostWindows(recent, plan);
  const spent = recent.map((release) => groupEvent(release.event, windowsPerActor));
  const cost = groupEvent(plan.event, windowsPerActor);
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

function within(releases: Iterable<ReleaseState>, atMs: number, horizonMs: number): ReleaseState[] {
  return [...releases].filter((release) => release.interval.toMs > atMs - horizonMs);
}

/** k: nobody had more windows than this in any of the rounds. */
function mostWindows(releases: readonly ReleaseState[], plan: PrivacyPlan): number {
  return releases.reduce(
    (most, release) => Math.max(most, release.windowsPerActor),
    plan.windowing.windowsPerActorMax,
  );
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
  plan: PrivacyPlan,
  interval: Interval,
  ceilings: Ceilings,
): number | null {
  const horizonMs = ceilings.actorHorizonDays * DAY_MS;
  const ends = releases
    .map((release) => release.interval.toMs + horizonMs)
    .filter((endMs) => endMs > interval.toMs)
    .sort((a, b) => a - b);
  for (const endMs of ends) {
    const left = within(releases, endMs, horizonMs);
    const windowsPerActor = mostWindows(left, plan);
    const events = [...left.map((release) => release.event), plan.event].map((event) =>
      groupEvent(event, windowsPerActor),
    );
    if (composedEpsilon(events, plan.target.delta, 'rdp') <= ceilings.actorEpsilon) return endMs;
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
