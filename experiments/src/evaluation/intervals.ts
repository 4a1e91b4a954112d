/**
 * Intervals for what a finite test can say.
 * Sources: Wilson 1927 (score interval of a share); Efron & Tibshirani 1993, ch. 13 (percentile bootstrap); DeLong is not
 * used because windows of one actor are not independent: whole groups are drawn; Vovk 2012, "Conditional validity of inductive
 * conformal predictors" (what a threshold from few scores realises).
 * @module
 */
import { randomStream } from '@bhschain/datasets';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

const Z_95 = 1.959963984540054;

/** 95 % interval of a share of `hits` in `count`; [0, 1] if there is nothing to count. */
export function wilson(hits: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const z2 = Z_95 * Z_95;
  const share = hits / count;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const half =
    (Z_95 / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * 95 % interval of the share of `test` normal scores with p ≤ `alpha`, when p comes from `calibration` scores of the same kind: the
 * threshold is the l-th largest of n, l = ⌊α (n + 1)⌋, so the rate is Beta(l, n + 1 − l) and the count Beta-binomial. What
 * lies outside was not chance: the two are not of one kind.
 *
 * | n   | l | mean  | interval, many tests |
 * |-----|---|-------|----------------------|
 * | 83  | 2 | 2.4 % | 0.3 to 6.5 %         |
 * | 167 | 5 | 3.0 % | 1.0 to 6.0 %         |
 *
 * No threshold at all (l = 0, fewer than ⌈1/α⌉ − 1 scores) alarms never.
 */
export function rateByChance(
  of: Readonly<{ calibration: number; test: number; alpha: number }>,
): Interval {
  const { test } = of;
  const a = Math.floor(of.alpha * (of.calibration + 1));
  const b = of.calibration + 1 - a;
  if (a === 0 || test === 0) return { low: 0, high: 0 };
  let logMass = 0;
  for (let i = 0; i < test; i++) logMass += Math.log((b + i) / (a + b + i));
  let below = 0;
  let low: number | null = null;
  for (let k = 0; k < test; k++) {
    below += Math.exp(logMass);
    if (low === null && below >= 0.025) low = k;
    if (below >= 0.975) return { low: low! / test, high: k / test };
    logMass += Math.log((((test - k) / (k + 1)) * (k + a)) / (test - k - 1 + b));
  }
  return { low: (low ?? test) / test, high: 1 };
}

export interface BootstrapOptions<T> {
  /**
   * What is drawn with replacement – incidents, actors, or single sessions if there is nothing larger – once a trained
   * seed. Draws take the seeds in turn, so the interval holds what another training would change as well.
   */
  readonly groupsOfSeeds: readonly (readonly (readonly T[])[])[];
  readonly statistic: (sample: readonly T[]) => number;
  readonly seed: number | string;
  readonly draws?: number;
}

/** 95 % percentile interval over draws of whole groups; draws in which the statistic does not exist are left out. */
export function bootstrap<T>(options: BootstrapOptions<T>): Interval {
  const { groupsOfSeeds, statistic, seed, draws = 400 } = options;
  const random = randomStream(seed, 'bootstrap');
  const values: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const groups = groupsOfSeeds[draw % groupsOfSeeds.length]!;
    const sample = groups.flatMap(() => groups[random.below(groups.length)]!);
    const value = statistic(sample);
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
  return { low: at(0.025), high: at(0.975) };
}

/**
 * McNemar's exact two-sided p-value of two detectors on the same incidents, from the counts that only one of them found.
 * Source: McNemar 1947; the exact binomial form.
 */
export function mcNemar(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const k = Math.min(onlyFirst, onlySecond);
  let logChoose = 0;
  let tail = 0;
  for (let i = 0; i <= k; i++) {
    tail += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log((n - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}
