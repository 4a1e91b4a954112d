/**
 * Slots of wall time and the stretch of log time that each one trains on. Pure arithmetic in UTC milliseconds.
 * @module
 */
import type { Interval } from '../protocol/identifiers.js';
import { phaseBoundsMs, WEEKDAYS, type RoundPolicy } from './policy.js';
import type { Round } from './round.js';

/**
 * A declared mode of the federation document: slots are wall time as ever, the log is an older one. Slot s trains on
 * the log slot before s, counted from `originSlot`, which itself trains on the slot that ends at `originLogTimeMs`.
 */
export interface ReplayMode {
  readonly originSlot: number;
  readonly originLogTimeMs: number;
  readonly logSlotMs: number;
}

/** floor(now / length): the slot that has begun last. */
export function slotAt(nowMs: number, slotLengthMs: number): number {
  return Math.floor(nowMs / slotLengthMs);
}

export function slotStartMs(slotIndex: number, slotLengthMs: number): number {
  return slotIndex * slotLengthMs;
}

/**
 * Log time of a round: what lies before its boundary.
 * @param slotCount - how many slots of log time it covers; more than one only when missed slots are merged
 */
export function intervalOf(
  slotIndex: number,
  slotLengthMs: number,
  replay: ReplayMode | null,
  slotCount = 1,
): Interval {
  if (replay === null) {
    const toMs = slotStartMs(slotIndex, slotLengthMs);
    return { fromMs: toMs - slotCount * slotLengthMs, toMs };
  }
  const toMs = replay.originLogTimeMs + (slotIndex - replay.originSlot) * replay.logSlotMs;
  return { fromMs: toMs - slotCount * replay.logSlotMs, toMs };
}

/** For so long the profiles of a hospital's actors stand still, UTC. */
export const PROFILE_PERIOD_MS = 21_600_000;

/**
 * How many slots of log time a round covers: one, or under `merge` everything since the newest sealed slot, at most
 * `mergeSlotsMax` and never of two profile periods, since a window of the first would change the features of windows of
 * the second, and a plan prices each for itself. A node trains on no interval twice, so what one of them has spent
 * meanwhile is left out there.
 */
export function mergedSlotCount(
  slotIndex: number,
  newestSealedSlot: number,
  policy: Pick<RoundPolicy, 'slotLengthMs' | 'catchUp' | 'mergeSlotsMax'>,
  replay: ReplayMode | null,
): number {
  if (policy.catchUp !== 'merge') return 1;
  const { fromMs, toMs } = intervalOf(slotIndex, policy.slotLengthMs, replay);
  const slotMs = toMs - fromMs;
  const sincePeriodMs = ((toMs - 1) % PROFILE_PERIOD_MS) + 1;
  return Math.max(
    1,
    Math.min(
      slotIndex - newestSealedSlot,
      policy.mergeSlotsMax,
      Math.floor(sincePeriodMs / slotMs),
    ),
  );
}

/** Whether the slot begins in an agreed pause. */
export function isQuiet(
  slotIndex: number,
  policy: Pick<RoundPolicy, 'slotLengthMs' | 'quietHours'>,
): boolean {
  const start = new Date(slotStartMs(slotIndex, policy.slotLengthMs));
  const day = WEEKDAYS[start.getUTCDay()]!;
  const minute = start.getUTCHours() * 60 + start.getUTCMinutes();
  return policy.quietHours.some(
    (quiet) => quiet.days.includes(day) && quiet.fromMinute <= minute && minute < quiet.toMinute,
  );
}

/** Whether a round that missed its quorum is tried once more: all phases must still fit into its slot. */
export function isTriedAgain(round: Round, nowMs: number): boolean {
  const { policy, id } = round;
  const endMs = slotStartMs(id.slotIndex + 1, policy.slotLengthMs);
  return (
    round.outcome === 'quorum-not-reached' &&
    id.attempt < policy.attemptsPerSlot &&
    nowMs + policy.gatherMaxMs + policy.collectMaxMs + policy.sealMaxMs <= endMs
  );
}

/** What the calendar asks for at a moment. */
export interface DueSlots {
  /** The slot to open now, or null. */
  readonly open: number | null;
  /** Slots that passed without a round, oldest first; at most `MISSED_MAX`, the newest of them. */
  readonly missed: readonly number[];
}

/** How many missed slots are put on record one by one after a long absence. */
export const MISSED_MAX = 28;

/**
 * Which slots are due, given the newest slot that has a round (of any outcome) on record. None runs twice and there is
 * never a burst: at most the slot that now is opens.
 *
 * | newest on record | now in slot | how late       | result                                            |
 * |------------------|-------------|----------------|---------------------------------------------------|
 * | s                | s           | –              | nothing                                           |
 * | s − 1            | s           | in time        | open s                                            |
 * | s − 1            | s           | too late       | `skip`: s missed · `latest`: open s if half is left |
 * | s − 3            | s           | in time        | open s; s − 2 and s − 1 missed                    |
 *
 * *In time* means that every phase still fits into the slot, or that its opening delay (at least a twentieth of the
 * slot, for very short slots) is not over.
 */
export function dueSlots(lastSlot: number, nowMs: number, policy: RoundPolicy): DueSlots {
  const { slotLengthMs } = policy;
  const current = slotAt(nowMs, slotLengthMs);
  if (current <= lastSlot) return { open: null, missed: [] };
  const lateMs = nowMs - slotStartMs(current, slotLengthMs);
  const spareMs = slotLengthMs - phaseBoundsMs(policy);
  const toleranceMs = Math.max(spareMs, policy.openDelayMs, Math.floor(slotLengthMs / 20));
  const limitMs =
    policy.catchUp === 'latest' ? Math.max(toleranceMs, slotLengthMs / 2) : toleranceMs;
  const opens = lateMs <= limitMs;
  const missed: number[] = [];
  for (let slot = Math.max(lastSlot + 1, current - MISSED_MAX); slot < current; slot++) {
    missed.push(slot);
  }
  if (!opens) missed.push(current);
  return { open: opens ? current : null, missed };
}
