import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleDiscreteGaussian, sampleTailMagnitudes } from '../src/discrete-gaussian.js';
import { InvalidArgumentError } from '../src/errors.js';
import { expNegativeBracket } from '../src/numerics/integer-exp.js';
import { createExperimentRandom } from '../src/random-source.js';
import { chiSquare, meanSquare } from './statistics.js';

function draw(count: number, scaleExponent: number, seed: string): Int32Array {
  const out = new Int32Array(count);
  sampleDiscreteGaussian(out, { scaleExponent, random: createExperimentRandom(seed) });
  return out;
}

/** Exact mass function, normalised over ±12σ. */
function law(sigma: number): { values: number[]; masses: number[] } {
  const end = Math.ceil(12 * sigma);
  const values = Array.from({ length: 2 * end + 1 }, (_, i) => i - end);
  const heights = values.map((y) => Math.exp((-y * y) / (2 * sigma * sigma)));
  const total = heights.reduce((sum, height) => sum + height, 0);
  return { values, masses: heights.map((height) => height / total) };
}

function countsOf(samples: Int32Array, values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const y of samples) counts.set(y, (counts.get(y) ?? 0) + 1);
  return values.map((value) => counts.get(value) ?? 0);
}

describe('discrete Gaussian', () => {
  it.each([
    [0, 1, 100_000],
    [2, 4, 300_000],
    [4, 16, 1_000_000],
  ])('m = %i: counts follow the exact mass function, and no other scale', (m, sigma, count) => {
    const samples = draw(count, m, `chi/${m}`);
    const exact = law(sigma);
    expect(chiSquare(countsOf(samples, exact.values), exact.masses).tail).toBeGreaterThan(1e-4);
    for (const factor of [2 / 3, 1.02, 1.5]) {
      const other = law(sigma * factor);
      expect(chiSquare(countsOf(samples, other.values), other.masses).tail).toBeLessThan(1e-6);
    }
  });

  it('m = 11, strips of four integers: cells of one eighth of σ and the place inside of a strip', () => {
    const sigma = 2048;
    const samples = draw(1_000_000, 11, 'strips');
    const exact = law(sigma);
    const cells = new Array<number>(64).fill(0);
    const masses = new Array<number>(64).fill(0);
    const cell = (y: number): number => Math.min(63, Math.max(0, Math.floor((8 * y) / sigma) + 32));
    for (const y of samples) cells[cell(y)] = cells[cell(y)]! + 1;
    exact.values.forEach((y, i) => (masses[cell(y)] = masses[cell(y)]! + exact.masses[i]!));
    expect(chiSquare(cells, masses).tail).toBeGreaterThan(1e-4);
    const residues = [0, 0, 0, 0];
    const residueLaw = [0, 0, 0, 0];
    for (const y of samples) residues[Math.abs(y) % 4] = residues[Math.abs(y) % 4]! + 1;
    exact.values.forEach(
      (y, i) => (residueLaw[Math.abs(y) % 4] = residueLaw[Math.abs(y) % 4]! + exact.masses[i]!),
    );
    expect(chiSquare(residues, residueLaw).tail).toBeGreaterThan(1e-4);
  });

  it.each([12, 18, 20])('m = %i: the variance is σ², not 4/9 or 9/4 of it', (m) => {
    const samples = draw(1_000_000, m, `variance/${m}`);
    const ratio = meanSquare(samples) / 4 ** m;
    // One million draws: standard error 0.14 %.
    expect(ratio).toBeGreaterThan(1 - 0.006);
    expect(ratio).toBeLessThan(1 + 0.006);
    const mean = samples.reduce((sum, y) => sum + y, 0) / samples.length / 2 ** m;
    expect(Math.abs(mean)).toBeLessThan(0.004);
    const tails = samples.filter((y) => Math.abs(y) > 3 * 2 ** m).length / samples.length;
    expect(tails).toBeGreaterThan(0.0027 * 0.9);
    expect(tails).toBeLessThan(0.0027 * 1.1);
  });

  it('uses all low bits: no lattice coarser than the integers', () => {
    const samples = draw(100_000, 20, 'low-bits');
    for (const bit of [1, 2, 4, 8, 1024]) {
      const share = samples.filter((y) => (Math.abs(y) & bit) !== 0).length / samples.length;
      expect(share).toBeGreaterThan(0.49);
      expect(share).toBeLessThan(0.51);
    }
  });

  it('the sign tells nothing about the size: not about its low bits, nor about its range', () => {
    const samples = draw(400_000, 14, 'sign');
    for (const trait of [
      (y: number) => Math.abs(y) % 2 === 1,
      (y: number) => (Math.abs(y) & 2) !== 0,
      (y: number) => Math.abs(y) > 2 ** 14,
      (y: number) => Math.abs(y) % 32 < 16,
    ]) {
      const having = samples.filter(trait);
      const negative = having.filter((y) => y < 0).length / having.length;
      expect(Math.abs(negative - 0.5)).toBeLessThan(4 * (0.5 / Math.sqrt(having.length)));
    }
  });

  it.each([
    [2, 5_000],
    [4, 8_000],
    [12, 8_000],
  ])('m = %i: beyond 8σ the tail branch has the law of the curve, and of no other', (m, count) => {
    const sigma = 2 ** m;
    const tail = new Float64Array(count);
    sampleTailMagnitudes(tail, { scaleExponent: m, random: createExperimentRandom(`tail/${m}`) });
    expect(tail.every((y) => Number.isInteger(y) && y >= 8 * sigma)).toBe(true);
    // Cells of σ/16 (at least one integer), up to 9.5σ.
    const width = Math.max(1, sigma / 16);
    const cells = Math.ceil((1.5 * sigma) / width);
    const counts = new Array<number>(cells).fill(0);
    for (const y of tail) {
      const cell = Math.min(cells - 1, Math.floor((y - 8 * sigma) / width));
      counts[cell] = counts[cell]! + 1;
    }
    const masses = (scale: number): number[] => {
      const heights = new Array<number>(cells).fill(0);
      for (let y = 8 * sigma; y < 11 * sigma; y++) {
        const cell = Math.min(cells - 1, Math.floor((y - 8 * sigma) / width));
        heights[cell] = heights[cell]! + Math.exp(32 - (y * y) / (2 * scale * scale));
      }
      const total = heights.reduce((sum, height) => sum + height, 0);
      return heights.map((height) => height / total);
    };
    expect(chiSquare(counts, masses(sigma)).tail).toBeGreaterThan(1e-4);
    expect(chiSquare(counts, masses(sigma * 1.5)).tail).toBeLessThan(1e-9);
  });

  it('gives the same draws for the same words in both kinds of array', () => {
    const wide = new Float64Array(1000);
    sampleDiscreteGaussian(wide, { scaleExponent: 13, random: createExperimentRandom('same') });
    expect([...wide]).toEqual([...draw(1000, 13, 'same')]);
  });

  it('draws nothing for an empty vector', () => {
    sampleDiscreteGaussian(new Int32Array(0), {
      scaleExponent: 12,
      random: {
        kind: 'experiment',
        fill() {
          throw new Error('drawn');
        },
      },
    });
  });

  it.each([-1, 0.5, 21, NaN, Infinity])('refuses m = %s', (scaleExponent) => {
    expect(() =>
      sampleDiscreteGaussian(new Int32Array(1), {
        scaleExponent,
        random: createExperimentRandom('x'),
      }),
    ).toThrow(InvalidArgumentError);
  });
});

describe('integer bracket of exp', () => {
  it('holds e^−1 to 30 digits', () => {
    const { lower, upper } = expNegativeBracket(1n, 0n, 100n);
    // 0.367879441171442321595523770161460867 (OEIS A068985)
    const digits = 367879441171442321595523770161460867n;
    const scale = 10n ** 36n;
    expect(lower * scale <= (digits + 1n) << 100n).toBe(true);
    expect(upper * scale >= digits << 100n).toBe(true);
    expect(upper - lower).toBeLessThan(4n);
  });

  it('brackets Math.exp, tightly, at every dyadic point up to 40 (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 * 4096 }), (n) => {
        const { lower, upper } = expNegativeBracket(BigInt(n), 12n, 120n);
        expect(lower <= upper && upper - lower < 4n).toBe(true);
        const float = Math.exp(-n / 4096);
        expect(Number(lower) / 2 ** 120 / float).toBeCloseTo(1, 12);
      }),
    );
  });

  it('is consistent: e^−(a+b) lies between the products of the brackets (property)', () => {
    fc.assert(
      fc.property(fc.nat(8192), fc.nat(8192), (a, b) => {
        const at = (n: number): { lower: bigint; upper: bigint } =>
          expNegativeBracket(BigInt(n), 10n, 150n);
        const [x, y, z] = [at(a), at(b), at(a + b)];
        expect((x.lower * y.lower) >> 150n).toBeLessThanOrEqual(z.upper);
        expect((x.upper * y.upper) >> 150n).toBeGreaterThanOrEqual(z.lower - 1n);
      }),
    );
  });
});
