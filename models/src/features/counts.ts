/**
 * Sparse counts in key order: the shape of everything that a profile remembers.
 * @module
 */

import type { FeatureReader, FeatureWriter } from './feature-bytes.js';

/** `[key, count]`, keys strictly ascending, counts ≥ 1. */
export type Counts = readonly (readonly [key: number, count: number])[];

/** The count of `key`, 0 where absent. */
export function countOf(counts: Counts, key: number): number {
  let low = 0;
  let high = counts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (counts[middle]![0] < key) low = middle + 1;
    else high = middle;
  }
  const found = counts[low];
  return found?.[0] === key ? found[1] : 0;
}

/** Adds `by` to `key`. A new key beyond `keysMax` is not taken up; a count stops at `countMax`. */
export function withCount(
  counts: Counts,
  key: number,
  by: number,
  limits: Readonly<{ keysMax: number; countMax: number }>,
): Counts {
  const at = counts.findIndex((entry) => entry[0] >= key);
  const present = at >= 0 && counts[at]![0] === key;
  if (!present && counts.length >= limits.keysMax) return counts;
  const entry = [key, Math.min((present ? counts[at]![1] : 0) + by, limits.countMax)] as const;
  if (at < 0) return [...counts, entry];
  return [...counts.slice(0, at), entry, ...counts.slice(present ? at + 1 : at)];
}

/** Keeps the `keysMax` largest; of equal counts the smaller keys stay. */
export function largestCounts(counts: Counts, keysMax: number): Counts {
  if (counts.length <= keysMax) return counts;
  return [...counts]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, keysMax)
    .sort((a, b) => a[0] - b[0]);
}

export function writeCounts(writer: FeatureWriter, counts: Counts): void {
  writer.whole(counts.length);
  let previous = -1;
  for (const [key, count] of counts) {
    writer.whole(key - previous - 1);
    writer.whole(count);
    previous = key;
  }
}

export function readCounts(
  reader: FeatureReader,
  what: string,
  limits: Readonly<{ keysMax: number; keyMax: number; countMax: number }>,
): Counts {
  const length = reader.whole(`${what} length`, limits.keysMax);
  const counts: [number, number][] = [];
  let previous = -1;
  for (let i = 0; i < length; i++) {
    const key = previous + 1 + reader.whole(`${what} key`, limits.keyMax);
    if (key > limits.keyMax) reader.refuse(`${what} key`, `a key of at most ${limits.keyMax}`);
    const count = reader.whole(`${what} count`, limits.countMax);
    if (count === 0) reader.refuse(`${what} count`, 'a count of at least 1');
    counts.push([key, count]);
    previous = key;
  }
  return counts;
}
