/**
 * What a node checks of a work unit before it spends anything. Pure: the same unit against the same facts gives the same
 * answer.
 * @module
 */
import { decodePlan, planHash, type PrivacyPlan } from '@bhschain/dp';
import { HISTOGRAM_BINS, HISTOGRAM_SENSITIVITY } from '@bhschain/models/detector';
import { LAYOUT } from '@bhschain/models/features';
import { SCORE_HISTOGRAM, type WorkUnit } from '@bhschain/orchestrator/protocol';
import { PERIOD_MS, type Interval } from '../access-log/index.js';
import { codeOf, RoundRefusedError, type ErrorFacts } from '../errors.js';
import type { ReleaseState } from '../privacy-ledger/index.js';
import { intervalOfSlot, logSlotMsOf, type FederationCalendar } from './federation-document.js';

export interface WorkFacts {
  readonly calendar: FederationCalendar;
  readonly layoutHash: string;
  readonly parameterCount: number;
  /** Bins of the window store. */
  readonly binMs: number;
  /** The newest slot for which anything was debited, or null. */
  readonly newestSpentSlot: number | null;
  readonly nowMs: number;
}

/** How far in the future the end of a live interval may lie: clock skew, no more. */
const FUTURE_MS_MAX = 5_000;

/**
 * | fault                                                    | code                     | declines with  |
 * |----------------------------------------------------------|--------------------------|----------------|
 * | another federation                                       | `ERR_FEDERATION_OTHER`   | `local-policy` |
 * | bytes that are no plan, or whose parts do not fit        | `ERR_PLAN_INVALID`       | `version`      |
 * | plan bytes under another hash                            | `ERR_PLAN_HASH`          | `local-policy` |
 * | another layout or parameter count                        | `ERR_LAYOUT_OTHER`       | `version`      |
 * | bins or lengths other than this node cuts                | `ERR_PLAN_WINDOWING`     | `local-policy` |
 * | more bins in the interval than windows an actor may have | `ERR_PLAN_WINDOWING`     | `local-policy` |
 * | two periods of profiles, unless the plan says `live`    | `ERR_PLAN_WINDOWING`     | `local-policy` |
 * | a release that this node does not make                   | `ERR_PLAN_RELEASES`      | `version`      |
 * | other releases than the federation document says         | `ERR_PLAN_RELEASES`      | `local-policy` |
 * | a slot at or before one already spent                    | `ERR_ROUND_STALE`        | `local-policy` |
 * | an interval that the calendar does not give to this slot | `ERR_ROUND_OFF_CALENDAR` | `local-policy` |
 *
 * @returns the plan, decoded and re-derived
 */
export function checkWork(unit: WorkUnit, facts: WorkFacts): PrivacyPlan {
  const { calendar } = facts;
  const { slotIndex, federationId } = unit.roundId;
  if (federationId !== calendar.federationId) {
    refuse('ERR_FEDERATION_OTHER', `round of federation ${federationId}`, { federationId });
  }
  const plan = planOf(unit);
  if (unit.layoutHash !== facts.layoutHash || plan.parameterCount !== facts.parameterCount) {
    throw new RoundRefusedError(
      'ERR_LAYOUT_OTHER',
      `the round trains ${plan.parameterCount} parameters of layout ${unit.layoutHash.slice(0, 12)}…, this node has ${facts.parameterCount} of ${facts.layoutHash.slice(0, 12)}…`,
      'version',
      { got: unit.layoutHash, expected: facts.layoutHash },
    );
  }
  checkWindowing(plan, unit, facts);
  checkReleases(plan, calendar);
  if (facts.newestSpentSlot !== null && slotIndex <= facts.newestSpentSlot) {
    refuse('ERR_ROUND_STALE', `slot ${slotIndex} is not after slot ${facts.newestSpentSlot}`, {
      slotIndex,
      newestSpentSlot: facts.newestSpentSlot,
    });
  }
  const { fromMs, toMs } = unit.interval;
  const slotCount = (toMs - fromMs) / logSlotMsOf(calendar);
  const most = calendar.slotsPerRoundMax;
  const due = intervalOfSlot(slotIndex, calendar, Math.min(Math.max(1, slotCount), most));
  const fits =
    fromMs === due.fromMs &&
    toMs === due.toMs &&
    Number.isInteger(slotCount) &&
    fromMs % facts.binMs === 0 &&
    toMs % facts.binMs === 0 &&
    (calendar.replay !== null || toMs <= facts.nowMs + FUTURE_MS_MAX);
  if (!fits) {
    refuse(
      'ERR_ROUND_OFF_CALENDAR',
      `slot ${slotIndex} trains on ${due.fromMs}–${due.toMs}${most > 1 ? `, or on up to ${most} slots,` : ','} not on ${fromMs}–${toMs}`,
      { slotIndex, fromMs, toMs },
    );
  }
  return plan;
}

/** One window per actor and bin: so many bins, so many windows, and the actor's ε counts on it. */
function checkWindowing(plan: PrivacyPlan, unit: WorkUnit, facts: WorkFacts): void {
  const { binMs, stepsMax, windowsPerActorMax } = plan.windowing;
  if (binMs !== facts.binMs || stepsMax !== LAYOUT.steps) {
    refuse('ERR_PLAN_WINDOWING', 'the plan cuts other windows than this node', {
      binMs,
      stepsMax,
      ownBinMs: facts.binMs,
    });
  }
  const binCount = (unit.interval.toMs - unit.interval.fromMs) / binMs;
  if (binCount > windowsPerActorMax) {
    refuse(
      'ERR_PLAN_WINDOWING',
      `the interval has ${binCount} bins, the plan allows an actor ${windowsPerActorMax} windows`,
      { binCount, windowsPerActorMax },
    );
  }
  const { fromMs, toMs } = unit.interval;
  const spansPeriods = Math.floor(fromMs / PERIOD_MS) !== Math.floor((toMs - 1) / PERIOD_MS);
  if (spansPeriods && !plan.windowing.featureScopes.includes('live')) {
    refuse(
      'ERR_PLAN_WINDOWING',
      'profiles move between periods of six hours and the interval lies in more than one, so a window would change others of its round; the plan counts each for itself',
      { fromMs, toMs },
    );
  }
}

/** The histogram of scores, as this node counts it, and only where the members have agreed on it. */
function checkReleases(plan: PrivacyPlan, calendar: FederationCalendar): void {
  const unknown = plan.releases.find(
    ({ name, length, sensitivityUnits, count }) =>
      name !== SCORE_HISTOGRAM ||
      length !== HISTOGRAM_BINS ||
      sensitivityUnits !== HISTOGRAM_SENSITIVITY ||
      count !== 1,
  );
  if (unknown !== undefined) {
    throw new RoundRefusedError(
      'ERR_PLAN_RELEASES',
      `the plan releases ${unknown.name} (${unknown.length} entries, ${unknown.count} a round) besides the update; this node makes ${SCORE_HISTOGRAM} (${HISTOGRAM_BINS}, 1) and no other`,
      'version',
      { release: unknown.name },
    );
  }
  const asked = ['update', ...plan.releases.map(({ name }) => name)].join(', ');
  const agreed = calendar.releases.join(', ');
  if (asked !== agreed) {
    refuse(
      'ERR_PLAN_RELEASES',
      `the plan releases ${asked}, the federation document says ${agreed}`,
      { asked, agreed },
    );
  }
}

function planOf(unit: WorkUnit): PrivacyPlan {
  let plan: PrivacyPlan;
  try {
    plan = decodePlan(unit.plan);
  } catch (cause) {
    throw new RoundRefusedError(
      'ERR_PLAN_INVALID',
      `the plan's bytes do not decode: ${codeOf(cause)}`,
      'version',
      { cause: codeOf(cause) },
      cause,
    );
  }
  const hash = planHash(plan);
  if (hash !== unit.planHash) {
    refuse('ERR_PLAN_HASH', 'the plan is not the one that the work unit names', {
      got: hash,
      expected: unit.planHash,
    });
  }
  return plan;
}

function refuse(code: string, message: string, facts: ErrorFacts): never {
  throw new RoundRefusedError(code, message, 'local-policy', facts);
}

/**
 * What of a merged interval this node has not spent in rounds of earlier slots. A second attempt of the same slot gets the
 * same answer, and with it the same release.
 *
 * @returns the interval as it is if nothing of it is left: the ledger refuses it
 */
export function unspentPart(
  { roundId, interval }: Pick<WorkUnit, 'roundId' | 'interval'>,
  releases: readonly ReleaseState[],
): Interval {
  let fromMs = interval.fromMs;
  for (const release of releases) {
    if (release.roundId.slotIndex < roundId.slotIndex) {
      fromMs = Math.max(fromMs, release.interval.toMs);
    }
  }
  return fromMs < interval.toMs ? { fromMs, toMs: interval.toMs } : interval;
}
