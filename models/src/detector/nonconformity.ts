import { DetectorError } from '../errors.js';

/**
 * Fixed point of a squared distance: `trunc(d² · 65536)`, saturated at 2^32 − 1.
 * @throws {DetectorError} `ERR_SCORE_NOT_FINITE`
 */
export function nonconformityOf(squaredDistance: number): number {
  if (!Number.isFinite(squaredDistance)) {
    throw new DetectorError(
      'ERR_SCORE_NOT_FINITE',
      `distance: expected a finite number, got ${squaredDistance}`,
      { got: String(squaredDistance) },
    );
  }
  return Math.min(0xffffffff, Math.trunc(squaredDistance * 65_536));
}
