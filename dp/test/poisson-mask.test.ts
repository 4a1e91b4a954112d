import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../src/errors.js';
import { SAMPLING_DENOMINATOR, samplePoissonMask } from '../src/poisson-mask.js';
import { createExperimentRandom } from '../src/random-source.js';
import { chiSquare } from './statistics.js';

const random = createExperimentRandom('poisson-mask');

function mask(length: number, samplingNumerator: number): Uint8Array {
  const out = new Uint8Array(length);
  samplePoissonMask(out, { samplingNumerator, random });
  return out;
}

describe('Poisson sampling', () => {
  it('takes nobody at 0 and everybody at 2^32', () => {
    expect(mask(5000, 0).every((bit) => bit === 0)).toBe(true);
    expect(mask(5000, SAMPLING_DENOMINATOR).every((bit) => bit === 1)).toBe(true);
  });

  it('draws nothing for an empty data set', () => {
    samplePoissonMask(new Uint8Array(0), {
      samplingNumerator: 5,
      random: {
        kind: 'experiment',
        fill(words) {
          if (words.length > 0) throw new Error('drawn');
        },
      },
    });
  });

  it.each([-1, 0.5, NaN, Infinity, SAMPLING_DENOMINATOR + 1])('refuses the numerator %s', (bad) => {
    expect(() => mask(1, bad)).toThrow(InvalidArgumentError);
  });

  it('includes at the stated rate, and not at two thirds or one and a half of it', () => {
    const n = 1_000_000;
    const q = 0.0512;
    const taken = mask(n, Math.round(q * SAMPLING_DENOMINATOR)).reduce((sum, bit) => sum + bit, 0);
    const z = (rate: number): number => (taken - n * rate) / Math.sqrt(n * rate * (1 - rate));
    expect(Math.abs(z(q))).toBeLessThan(4);
    expect(Math.abs(z((q * 2) / 3))).toBeGreaterThan(20);
    expect(Math.abs(z(q * 1.5))).toBeGreaterThan(20);
  });

  it('has the joint law of independent coins: over windows and over steps', () => {
    // 3 windows × 2 steps = 64 patterns; a fixed-size batch, a shuffle or a reused mask would show at once.
    const q = 0.375;
    const counts = new Array<number>(64).fill(0);
    for (let trial = 0; trial < 100_000; trial++) {
      const first = mask(3, q * SAMPLING_DENOMINATOR);
      const second = mask(3, q * SAMPLING_DENOMINATOR);
      const pattern = [...first, ...second].reduce((bits, bit) => bits * 2 + bit, 0);
      counts[pattern] = counts[pattern]! + 1;
    }
    const law = counts.map((_, pattern) => {
      const ones = pattern.toString(2).replaceAll('0', '').length;
      return q ** ones * (1 - q) ** (6 - ones);
    });
    expect(chiSquare(counts, law).tail).toBeGreaterThan(1e-4);
    const fixedRate = counts.map((_, pattern) => {
      const ones = pattern.toString(2).replaceAll('0', '').length;
      return 0.25 ** ones * 0.75 ** (6 - ones);
    });
    expect(chiSquare(counts, fixedRate).tail).toBeLessThan(1e-12);
  });

  it('has the batch-size variance of Poisson sampling, not of fixed batches', () => {
    const n = 400;
    const q = 0.25;
    const sizes = Array.from({ length: 4000 }, () =>
      mask(n, q * SAMPLING_DENOMINATOR).reduce((sum, bit) => sum + bit, 0),
    );
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length;
    expect(variance / (n * q * (1 - q))).toBeGreaterThan(0.9);
    expect(variance / (n * q * (1 - q))).toBeLessThan(1.1);
  });
});
