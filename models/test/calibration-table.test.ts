import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pool, valueAt as scoreOf } from '../src/detector/calibration-table.js';
import { ALPHA_PPM, fitScores, STRATUM_LEAST, THETA_MILLIONTHS } from '../src/detector/index.js';
import { naturalLog, realPower } from '../src/detector/real-power.js';
import { seeded } from './reference.js';

const key = { columnMask: 0, lengthMin: 1, lengthMax: 16 };
const tableOf = (nonconformities: Uint32Array, alphaPpm = ALPHA_PPM) =>
  fitScores({ strata: [{ ...key, nonconformities }], alphaPpm }).strata[0]!;

const sample = fc.oneof(
  fc.array(fc.nat(0xffffffff), { minLength: 31, maxLength: 400 }),
  // Many ties, and values at the top of the range.
  fc.array(fc.nat(12), { minLength: 31, maxLength: 400 }),
  fc.array(fc.integer({ min: 0xffffffff - 5, max: 0xffffffff }), { minLength: 31, maxLength: 99 }),
);

describe('calibration table', () => {
  it('s ≥ 0.87 ⇔ p ≤ α at every rank and beside it', () => {
    fc.assert(
      fc.property(sample, fc.constantFrom(32_000, 100_000, 250_000), (values, alphaPpm) => {
        const table = tableOf(Uint32Array.from(values), alphaPpm);
        const probes = new Set(values.flatMap((x) => [x - 1, x, x + 1]).concat(0, 0xffffffff));
        for (const x of probes) {
          if (x < 0 || x > 0xffffffff) continue;
          const rank = 1 + values.filter((value) => value >= x).length;
          const below = rank * 1_000_000 <= alphaPpm * (values.length + 1);
          expect(scoreOf(table, x) >= THETA_MILLIONTHS).toBe(below);
        }
      }),
    );
  });

  it('never scores above 1 − p^γ, and not far below it', () => {
    const random = seeded(1);
    const values = Uint32Array.from({ length: 3000 }, () => Math.floor(random() * 1e9));
    const table = tableOf(values);
    expect(table.thresholds.length).toBeLessThanOrEqual(64);
    const gamma = Math.log(0.13) / Math.log(0.032);
    expect(gamma).toBeCloseTo(0.5927, 4);
    for (const x of values.subarray(0, 500)) {
      const p = (1 + values.filter((value) => value >= x).length) / 3001;
      const exact = 1e6 * (1 - p ** gamma);
      expect(scoreOf(table, x)).toBeLessThanOrEqual(exact + 1);
      // One of 61 geometric steps from 1 to 1/3001 is a factor of 1.14 in p.
      expect(scoreOf(table, x)).toBeGreaterThan(1e6 * (1 - (1.16 * p) ** gamma) - 1000);
    }
  });

  it('maps the p-values of the design to its scores', () => {
    const n = 99_999;
    const table = tableOf(Uint32Array.from({ length: n }, (_, i) => i));
    // p = rank / 100,000 just above each rank's step, so at most one step of 1.2 below.
    for (const [p, s] of [
      [0.032, 0.87],
      [0.01, 0.935],
      [0.001, 0.983],
    ] as const) {
      const x = n - Math.round(p * 100_000) + 1;
      expect(scoreOf(table, x) / 1e6).toBeLessThanOrEqual(s + 0.0006);
      expect(scoreOf(table, x) / 1e6).toBeGreaterThan(s - 0.025);
    }
    expect(scoreOf(table, n - 3200 + 1)).toBe(870_000);
    expect(scoreOf(table, n - 3200)).toBeLessThan(870_000);
  });

  it('holds its alert rate on exchangeable draws: α accepted, two thirds and one and a half of it not', () => {
    const random = seeded(5);
    const draw = (): number => Math.floor(random() ** 3 * 1e9);
    const tests = 40_000;
    const table = tableOf(Uint32Array.from({ length: 20_000 }, draw));
    let alerts = 0;
    for (let i = 0; i < tests; i++) if (scoreOf(table, draw()) >= THETA_MILLIONTHS) alerts++;
    const rate = alerts / tests;
    // Calibration and test each add √(α (1 − α) / n).
    const deviation = Math.sqrt(0.032 * 0.968 * (1 / tests + 1 / 20_000));
    const inBand = (alpha: number): boolean => Math.abs(rate - alpha) < 4 * deviation;
    expect(inBand(0.032)).toBe(true);
    expect(inBand((0.032 * 2) / 3)).toBe(false);
    expect(inBand(0.032 * 1.5)).toBe(false);
  });

  it('needs 31 windows to reach 3.2 %', () => {
    expect(() => tableOf(new Uint32Array(30))).toThrow('expected at least 31, got 30');
    expect(() => tableOf(new Uint32Array(31))).not.toThrow();
    expect(() => tableOf(new Uint32Array(31), 0)).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_CALIBRATION' }) as Error,
    );
  });
});

describe('shrinkage to a coarser stratum', () => {
  const sample = (columnMask: number, lengthMin: number, n: number, value: number) => ({
    columnMask,
    lengthMin,
    lengthMax: lengthMin,
    nonconformities: new Uint32Array(n).fill(value),
  });
  const least = STRATUM_LEAST;

  it('borrows from strata that lack the same columns, then from all, and says so', () => {
    const samples = [
      sample(0, 1, least, 1),
      sample(0, 2, least - 1, 2),
      sample(1, 1, 10, 3),
      sample(1, 2, 20, 4),
    ];
    const pooled = pool(samples);
    expect(pooled.map((each) => each.pool)).toEqual(['own', 'columns', 'all', 'all']);
    expect(pooled.map(({ nonconformities }) => nonconformities.length)).toEqual([
      least,
      2 * least - 1,
      2 * least + 29,
      2 * least + 29,
    ]);
    expect(fitScores({ strata: samples }).strata.map(({ n, pool: of }) => [n, of])).toEqual(
      pooled.map(({ nonconformities, pool: of }) => [nonconformities.length, of]),
    );
  });

  it('borrows for an empty stratum too', () => {
    const [empty] = pool([sample(0, 1, 0, 1), sample(0, 2, least, 2)]);
    expect(empty).toMatchObject({ pool: 'columns', lengthMin: 1 });
    expect(empty!.nonconformities).toHaveLength(least);
  });
});

describe('real power', () => {
  it('agrees with the platform within 1e-13', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        (base, exponent) => {
          expect(Math.abs(realPower(base, exponent) / base ** exponent - 1)).toBeLessThan(1e-13);
          if (base < 1 - 1e-9) {
            expect(Math.abs(naturalLog(base) / Math.log(base) - 1)).toBeLessThan(1e-13);
          }
        },
      ),
    );
  });
});
