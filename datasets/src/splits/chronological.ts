/**
 * Time runs one way: train, then calibrate, then test. What shares a stamp stays together, so nothing lies on both sides
 * of a border.
 * @module
 */

import { DatasetError } from '../errors.js';

export interface ChronologicalSplit<T> {
  readonly train: T[];
  readonly calibrate: T[];
  readonly test: T[];
  /** The first times of `calibrate` and of `test`. */
  readonly borders: readonly [number, number];
}

export interface Shares {
  readonly train: number;
  readonly calibrate: number;
  readonly test: number;
}

/** The protocol of user switches: profile, calibrate, test. */
export const SHARES: Shares = { train: 0.5, calibrate: 0.2, test: 0.3 };

/**
 * Splits by time; `calibrate` and `test` may be 0.
 *
 * @param options.timeOf - any unit; ties go to the later part together
 * @throws {DatasetError} `ERR_DATASET_OPTION` where shares are negative or do not add up to 1
 */
export function chronologicalSplit<T>(
  items: readonly T[],
  options: Readonly<{ timeOf: (item: T) => number; shares?: Shares }>,
): ChronologicalSplit<T> {
  const { timeOf } = options;
  const { train, calibrate, test } = options.shares ?? SHARES;
  const sum = train + calibrate + test;
  if (!(Math.abs(sum - 1) < 1e-9) || Math.min(train, calibrate, test) < 0) {
    throw new DatasetError(
      'ERR_DATASET_OPTION',
      `shares: expected three numbers of at least 0 that add up to 1, got ${train}, ${calibrate}, ${test}`,
      { name: 'shares', got: `${train}, ${calibrate}, ${test}` },
    );
  }
  const times = items.map(timeOf).sort((a, b) => a - b);
  const borderAt = (share: number): number => times[Math.ceil(share * times.length)] ?? Infinity;
  const borders = [borderAt(train), borderAt(train + calibrate)] as const;
  const of = (from: number, until: number): T[] =>
    items.filter((item) => timeOf(item) >= from && timeOf(item) < until);
  return {
    train: of(-Infinity, borders[0]),
    calibrate: of(borders[0], borders[1]),
    test: of(borders[1], Infinity),
    borders,
  };
}
