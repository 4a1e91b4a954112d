/** A published table at another α. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTable,
  DETECTOR_ZERO,
  encodeTable,
  fitScores,
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

describe('a retargeted table', () => {
  it('lets at most the new share through θ, and less by at most a step', () => {
    const table = tableOf(32_000);
    fc.assert(
      fc.property(fc.integer({ min: 16_000, max: 64_000 }), (alphaPpm) => {
        const share = shareOf(retargetedTable(table, alphaPpm));
        expect(share).toBeLessThanOrEqual(alphaPpm / 1e6);
        expect(share).toBeGreaterThan(alphaPpm / 1e6 / 1.2);
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

  it('keeps thresholds and order, and is the table itself at its own α', () => {
    const table = DETECTOR_ZERO.table;
    expect(retargetedTable(table, table.alphaPpm)).toBe(table);
    const moved = retargetedTable(table, 20_000);
    expect(decodeTable(encodeTable(moved))).toEqual(moved);
    moved.strata.forEach(({ thresholds, values }, i) => {
      expect(thresholds).toEqual(table.strata[i]!.thresholds);
      expect([...values]).toEqual([...values].sort((a, b) => a - b));
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
