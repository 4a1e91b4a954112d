/**
 * How much memory an answer may take, whatever is asked.
 * @module
 */
import { GridTooLargeError } from '../errors.js';

/** Longest array of losses or transform: 2^21 doubles. A composition holds six of them at most, about 100 MB. */
export const GRID_SIZE_MAX = 2_097_152;
const BYTES_PER_POINT = 48;

/** @throws {GridTooLargeError} `ERR_DP_GRID` with the reason */
export function requireGridSize(points: number, reason: string): void {
  if (points <= GRID_SIZE_MAX) return;
  throw new GridTooLargeError({
    bytesNeeded: points * BYTES_PER_POINT,
    bytesMax: GRID_SIZE_MAX * BYTES_PER_POINT,
    reason,
  });
}
