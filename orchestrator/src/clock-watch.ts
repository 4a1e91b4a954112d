/**
 * Is our own clock right? Slots are cut by it. One hospital's clock may be wrong, most of them are not: the median of
 * their offsets tells.
 * @module
 */
import type { NodeRow } from './store/store.js';

/** Beyond this an operator should look. */
export const CLOCK_SUSPECT_MS = 2_000;

/** Beyond this nodes decline by themselves, and a slot says why it was skipped. */
export const CLOCK_WRONG_MS = 5_000;

const NODES_LEAST = 3;

/**
 * Median of the members' clocks minus ours, of those that were heard within two slots, in milliseconds; null where fewer
 * than three were.
 */
export function medianClockOffsetMs(
  members: readonly Pick<NodeRow, 'lastSeenMs' | 'clockOffsetMs'>[],
  nowMs: number,
  slotLengthMs: number,
): number | null {
  const offsets = members
    .filter((each) => each.lastSeenMs > 0 && nowMs - each.lastSeenMs <= 2 * slotLengthMs)
    .map((each) => each.clockOffsetMs)
    .sort((a, b) => a - b);
  if (offsets.length < NODES_LEAST) return null;
  const middle = offsets.length >> 1;
  return offsets.length % 2 === 1
    ? offsets[middle]!
    : (offsets[middle - 1]! + offsets[middle]!) / 2;
}
