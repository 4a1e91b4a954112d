import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recallAtRate, thresholdAt } from '../src/evaluation/matched-rate.js';
import type { LabelledIncident } from '@bhschain/datasets';
import { aggregate } from '../src/studies/hospital/federation.js';
import { judgeArm, type ArmScores } from '../src/studies/hospital/judging.js';
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

describe('an arm against its rehearsal', () => {
  const truth = [1, 2, 3, 4].map((i) => ({
    id: `I${i}`,
    scenario: i <= 2 ? 'S3' : 'S5',
    kind: 'group snooping',
    difficulty: 1,
    seenBy: ['H'],
  })) as unknown as readonly LabelledIncident[];
  const benignCases = Array.from({ length: 100 }, (_, i) => ({
    nodeId: 'H1',
    actor: `a${i % 10}`,
    day: i,
    incidents: [],
  }));
  const judge = (rehearsal: ArmScores['rehearsal']): ReturnType<typeof judgeArm> =>
    judgeArm(
      {
        arm: 'ours',
        benign: benignCases.map((_, i) => i),
        incidents: new Map([
          ['I1', 200],
          ['I2', 200],
          ['I3', 200],
          ['I4', 5],
        ]),
        beforeGuilt: null,
        rehearsal,
        calibration: null,
        calls: null,
      },
      { truth, benignCases },
      {
        seed: 1,
        evaluation: {
          falsePositiveRate: 0.1,
          benignShare: 1,
          publicWindows: 500,
          bootstrapDraws: 20,
          untrainedSeeds: 1,
        },
      },
    );

  it('counts what the same threshold finds without guilt, and what it finds only with it', () => {
    const { arm, cells } = judge({
      incidents: new Map([
        ['I1', 95],
        ['I2', 3],
        ['I3', 40],
        ['I4', 99],
      ]),
      days: [95, 3, 40, 99, 7],
    });
    // Nine of the hundred benign days score above 90.
    expect(arm.rehearsal).toEqual({ days: 5, dayRate: 2 / 5, recall: 2 / 4, byAct: 2 / 4 });
    expect(
      cells.map(({ scenario, found, rehearsed, byAct }) => [scenario, found, rehearsed, byAct]),
    ).toEqual([
      ['S3', 2, 1, 1],
      ['S5', 1, 1, 1],
    ]);
  });

  it('says nothing of it where nothing was rehearsed', () => {
    const { arm, cells } = judge(null);
    expect(arm.rehearsal).toBeNull();
    expect(cells[0]).toMatchObject({ rehearsed: null, byAct: null });
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
      expect(again.windows([8_999, 5])).toEqual([again.windows()[8_999], again.windows()[5]]);
      expect(
        again.places().map(({ rows, ...place }) => ({ ...place, length: rows.length })),
      ).toEqual(again.windows().map(({ rows, ...place }) => ({ ...place, length: rows.length })));
      expect(again.windows()[8_999]!.rows.map((row) => row[0])).toEqual(
        Array.from({ length: 16 }, (_, j) => 8_984 + j),
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
