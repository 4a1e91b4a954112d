/**
 * Named streams of reproducible randomness. A stream is drawn from (root seed, name), so that a new consumer moves no
 * other one. Never for secrets.
 * @module
 */

import seedrandom from 'seedrandom';

export interface RandomStream {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Integer in [0, below). */
  below(below: number): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Index by weight; weights ≥ 0, not all 0. */
  weighted(weights: readonly number[]): number;
  normal(): number;
  /** Log-normal with the given median. */
  logNormal(median: number, sigma: number): number;
  poisson(mean: number): number;
  /** `digits` hex digits, at most 16. */
  hex(digits: number): string;
  shuffled<T>(from: readonly T[]): T[];
}

export function randomStream(seed: number | string, ...name: (string | number)[]): RandomStream {
  const draw = seedrandom.alea([seed, ...name].join('/'));
  const uniform = (): number => draw();
  const below = (limit: number): number => Math.floor(uniform() * limit);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    below,
    between: (low, high) => low + uniform() * (high - low),
    chance: (probability) => uniform() < probability,
    pick: (from) => from[below(from.length)]!,
    weighted(weights) {
      let rest = uniform() * weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < weights.length; i++) {
        rest -= weights[i]!;
        if (rest < 0) return i;
      }
      return weights.length - 1;
    },
    normal,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    poisson(mean) {
      // Knuth's product, for the small means used here.
      const floor = Math.exp(-mean);
      let count = 0;
      for (let product = uniform(); product > floor; product *= uniform()) count++;
      return count;
    },
    hex(digits) {
      const word = (): string => (draw.int32() >>> 0).toString(16).padStart(8, '0');
      return (word() + word()).slice(0, digits);
    },
    shuffled(from) {
      const list = [...from];
      for (let i = list.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j]!, list[i]!];
      }
      return list;
    },
  };
}
