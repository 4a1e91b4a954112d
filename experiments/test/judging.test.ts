import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recallAtRate, thresholdAt } from '../src/evaluation/matched-rate.js';
import { aggregate } from '../src/studies/hospital/federation.js';
import { RowStore } from '../src/studies/hospital/row-store.js';
import { COLUMN_COUNT } from '@bhschain/models/features';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('recall at a matched rate', () => {
  it('of the same scores on both sides is the rate itself, however coarse they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 80 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (scores, rate) => {
          expect(recallAtRate(scores, scores, rate)).toBeCloseTo(rate, 9);
        },
      ),
    );
  });

  it('never alarms on more benign cases than the rate allows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (scores, rate) => {
          const threshold = thresholdAt(scores, rate);
          expect(
            scores.filter((score) => score > threshold).length / scores.length,
          ).toBeLessThanOrEqual(rate);
        },
      ),
    );
  });

  it('worked: 10 benign, 10 %, points in steps', () => {
    const benign = [0, 0, 0, 0, 0, 0, 0, 0, 40, 40];
    // Of two ties one is allowed: half of the incidents at 40 count.
    expect(recallAtRate(benign, [80, 40, 40, 0], 0.1)).toBeCloseTo((1 + 0.5 * 2) / 4, 12);
  });
});

describe('aggregation', () => {
  const honest = [
    Float64Array.of(1, 2),
    Float64Array.of(1, 2),
    Float64Array.of(1, 2),
    Float64Array.of(1, 2),
  ];
  const wild = Float64Array.of(-100, 300);

  it('the mean follows one wild update, median and norm bound do not', () => {
    expect([...aggregate([...honest, wild], 'mean')]).toEqual([(4 - 100) / 5, (8 + 300) / 5]);
    expect([...aggregate([...honest, wild], 'median')]).toEqual([1, 2]);
    const bounded = aggregate([...honest, wild], 'norm-bound');
    expect(Math.hypot(...bounded)).toBeLessThanOrEqual(Math.hypot(1, 2));
  });
});

describe('rows on disk', () => {
  it('give the same windows again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'bhs-rows-'));
    try {
      const store = new RowStore();
      // More than one growth of the arrays.
      for (let i = 0; i < 9_000; i++) {
        const at = store.addRow(new Int16Array(COLUMN_COUNT).fill(i % 32_000));
        store.addWindow(at, Math.min(at + 1, 16), { mask: i, group: i >> 4, flag: i % 2 });
      }
      store.write(join(dir, 'rows'));
      const again = RowStore.read(join(dir, 'rows'));
      expect(again.size).toBe(9_000);
      for (const i of [0, 5, 8_999]) expect(again.windows()[i]).toEqual(store.windows()[i]);
      expect(again.windows()[8_999]!.rows.map((row) => row[0])).toEqual(
        Array.from({ length: 16 }, (_, j) => 8_984 + j),
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
