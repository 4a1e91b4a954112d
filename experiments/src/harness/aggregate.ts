/**
 * Several seeds as one figure: mean, standard deviation, and the 95 % interval of the mean (Student's t).
 * @module
 */

export interface Aggregate {
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  readonly least: number;
  readonly most: number;
  readonly seeds: number;
}

/** 97.5 % quantiles of Student's t for 1 … 30 degrees of freedom; beyond, the normal one. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];

export function aggregate(
  seeds: readonly Readonly<Record<string, number>>[],
): Record<string, Aggregate> {
  const names = new Set(seeds.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries(
    [...names].map((name) => [name, spread(seeds.flatMap((m) => (name in m ? [m[name]!] : [])))]),
  );
}

/** Of the same seeds under two conditions, pair by pair; seeds that lack one of the two do not count. */
export function spreadOfDifferences(
  pairs: readonly (readonly [number | undefined, number | undefined])[],
): Aggregate {
  return ofValues(
    pairs.flatMap(([a, b]) => (a === undefined || b === undefined ? [] : [a - b])),
    [-Infinity, Infinity],
  );
}

export function spread(all: readonly (number | null)[]): Aggregate {
  // JSON has no NaN: what does not exist is null there.
  const values = all.filter((value): value is number => value !== null && Number.isFinite(value));
  // An interval of shares ends at 0 and 1.
  const shares = values.every((value) => value >= 0 && value <= 1);
  return ofValues(values, shares ? [0, 1] : [-Infinity, Infinity]);
}

function ofValues(values: readonly number[], [least, most]: readonly [number, number]): Aggregate {
  const n = values.length;
  if (n === 0) return { mean: NaN, sd: NaN, low: NaN, high: NaN, least: NaN, most: NaN, seeds: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const sd =
    n < 2 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = n < 2 ? 0 : ((T_975[n - 2] ?? 1.96) * sd) / Math.sqrt(n);
  return {
    mean,
    sd,
    low: Math.max(least, mean - half),
    high: Math.min(most, mean + half),
    least: Math.min(...values),
    most: Math.max(...values),
    seeds: n,
  };
}
