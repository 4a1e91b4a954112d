/**
 * A training window is not a call: it begins in the middle of a session, so more than α of ordinary windows lie at or below
 * p = α of a table that was fitted on calls. How many do, per length of a bin, in simulated hospitals of their own: public,
 * made by `node experiments/dist/calibration/window-shares.js`.
 * @module
 */
const HOUR_MS = 3_600_000;

/** Millionths of windows, by the length of their bin in milliseconds; 4,359 and 1,408 simulated windows. */
export const ORDINARY_SHARE_PPM: ReadonlyMap<number, number> = new Map([
  [HOUR_MS, 100_252],
  [6 * HOUR_MS, 83_097],
]);
