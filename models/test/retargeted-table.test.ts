/** A published table at another α. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTable,
  DETECTOR_ZERO,
  encodeTable,
  fitScores,
  nonconformityAt,
  pValues,
  retargetedTable,
  type CalibrationTable,
} from '../src/detector/index.js';
import { valueAt } from '../src/detector/calibration-table.js';
import { seeded } from './reference.js';

const random = seeded(77);
const SAMPLE = Uint32Array.from({ length: 5_000 }, () => Math.floor(random() * 2 ** 31));
const tableOf = (alphaPpm: number): CalibrationTable => ({
  formatVersion: 2,
  evidence: [],
  ...fitScores({
    strata: [{ columnMask: 0, lengthMin: 1, lengthMax: 16, nonconformities: SAMPLE }],
    alphaPpm,
  }),
});
const shareOf = ({ strata, theta }: CalibrationTable): number =>
  SAMPLE.filter((each) => valueAt(strata[0]!, each) >= theta).length / SAMPLE.length;

describe('p between the steps of a table', () => {
  const table = DETECTOR_ZERO.table;
  it.each(table.strata.map((stratum, i) => [i, stratum] as const))(
    'of stratum %d falls, is exact at a step, and inverts',
    (_, stratum) => {
      const p = pValues(stratum, table);
      expect(p(0)).toBe(1);
      expect(p(stratum.thresholds.at(-1)! * 2)).toBe(p(stratum.thresholds.at(-1)!));
      fc.assert(
        fc.property(fc.integer({ min: 0, max: stratum.thresholds.at(-1)! }), (x) => {
          expect(p(x + 1)).toBeLessThanOrEqual(p(x));
          const least = nonconformityAt(stratum, table, p(x))!;
          // The least x of its p, up to the rounding of one unit.
          expect(Math.abs(least - x)).toBeLessThanOrEqual(1);
          // θ is where the rank is the last that satisfies p ≤ α.
          const border = Math.floor((table.alphaPpm * (stratum.n + 1)) / 1e6) / (stratum.n + 1);
          expect(p(x) <= border).toBe(valueAt(stratum, x) >= table.theta);
        }),
      );
      expect(nonconformityAt(stratum, table, 1 / (2 * stratum.n))).toBeNull();
    },
  );
});

describe('a retargeted table', () => {
  it('lets the new share through θ, also between two steps of the old one', () => {
    const table = tableOf(32_000);
    fc.assert(
      fc.property(fc.integer({ min: 16_000, max: 64_000 }), (alphaPpm) => {
        const share = shareOf(retargetedTable(table, alphaPpm));
        // Between two steps lie at most 45 of the 5,000; a straight line through them misses few.
        expect(Math.abs(share / (alphaPpm / 1e6) - 1)).toBeLessThan(0.08);
      }),
    );
  });

  it('has scores of a table that was fitted at that α, where both have a step', () => {
    const fitted = tableOf(20_000).strata[0]!;
    const moved = retargetedTable(tableOf(32_000), 20_000).strata[0]!;
    const scoreAt = new Map([...fitted.thresholds].map((at, i) => [at, fitted.values[i]!]));
    const both = [...moved.thresholds].flatMap((at, i) =>
      scoreAt.has(at) ? [[moved.values[i]!, scoreAt.get(at)!] as const] : [],
    );
    expect(both.length).toBeGreaterThan(40);
    for (const [ours, theirs] of both) expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(1);
  });

  it('keeps thresholds and order, puts the border in, and is the table itself at its own α', () => {
    const table = DETECTOR_ZERO.table;
    expect(retargetedTable(table, table.alphaPpm)).toBe(table);
    const moved = retargetedTable(table, 20_000);
    expect(decodeTable(encodeTable(moved))).toEqual(moved);
    moved.strata.forEach(({ thresholds, values }, i) => {
      const before = table.strata[i]!;
      const border = nonconformityAt(before, table, 0.02)!;
      expect([...thresholds]).toEqual(
        [...new Set([...before.thresholds, border])].sort((a, b) => a - b),
      );
      expect([...values]).toEqual([...values].sort((a, b) => a - b));
      expect(values[thresholds.indexOf(border)]).toBeGreaterThanOrEqual(table.theta);
      expect(values[thresholds.indexOf(border) - 1]).toBeLessThan(table.theta);
    });
  });

  it.each([15_999, 64_001, 20_000.5, Number.NaN])(
    'refuses α = %d ppm of a table at 32,000',
    (alpha) => {
      expect(() => retargetedTable(tableOf(32_000), alpha)).toThrow(
        expect.objectContaining({ code: 'ERR_TABLE_CALIBRATION' }) as Error,
      );
    },
  );
});
