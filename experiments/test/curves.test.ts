import { randomStream } from '@bhschain/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recallAtRate, recallsAtRates } from '../src/evaluation/matched-rate.js';
import { BIN_COUNT, BIN_WIDTH, histogramOf } from '../src/studies/hospital/curves.js';
import { driftMetrics, type WeekRow } from '../src/studies/hospital/drift.js';
import type { HospitalData } from '../src/studies/hospital/hospital-data.js';
import { shortened, shuffled } from '../src/studies/hospital/variants.js';
import type { PlacedWindow } from '../src/studies/hospital/row-store.js';

describe('a ROC at several rates', () => {
  it('is the recall at each of them', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(scores, scores, (benign, abnormal) => {
        const rates = [0, 0.01, 0.032, 0.5, 0.99];
        expect(recallsAtRates(benign, abnormal, rates)).toEqual(
          rates.map((rate) => recallAtRate(benign, abnormal, rate)),
        );
      }),
    );
  });

  it('ends where everything alarms', () => {
    expect(recallsAtRates([1, 2, 3], [-Infinity, 5], [1])).toEqual([1]);
  });
});

describe('scores in bins', () => {
  const scores = {
    arm: 'ours',
    beforeGuilt: null,
    calls: null,
    rehearsal: null,
    incidents: new Map([['a', 2_000]]),
  };

  it('put what is at θ or above into the bins above it, and nothing else', () => {
    const calibration = Array.from({ length: 999 }, (_, i) => i);
    const row = histogramOf({ ...scores, benign: calibration, calibration })!;
    const above = row.benign.slice(Math.round(0.87 / BIN_WIDTH)).reduce((sum, n) => sum + n, 0);
    // p = (1 + #{≥ x}) / 1000 is at most 0.032 for the 31 largest.
    expect(above).toBe(31);
    expect(row.benign).toHaveLength(BIN_COUNT);
    expect(row.incidents.at(-1)! + row.incidents.at(-2)!).toBe(1);
  });

  it('are not there for an arm without calibration', () => {
    expect(histogramOf({ ...scores, benign: [1], calibration: null })).toBeNull();
  });
});

describe('the same calls seen otherwise', () => {
  const rows = [1, 2, 3, 4, 5].map((n) => Int16Array.of(n));
  const window: PlacedWindow = { index: 0, rows, mask: 0, group: 0, flag: 0 };
  const source = () => ({ windows: () => [window] });
  const data = { calibration: source, live: source } as unknown as HospitalData;

  it('shuffled have the same rows, in another order', () => {
    const live = shuffled(data, randomStream(1, 'order')).live();
    const [seen] = live.windows();
    expect(live.windows([0])).toEqual([seen]);
    expect([...seen!.rows].sort((a, b) => a[0]! - b[0]!)).toEqual(rows);
    expect(seen!.rows).not.toEqual(rows);
  });

  it('shortened end with the same row', () => {
    const [seen] = shortened(data, 2).calibration().windows();
    expect(seen!.rows).toEqual(rows.slice(-2));
  });
});

describe('weeks after a calibration', () => {
  it('add up over hospitals, week by week', () => {
    const row = (hospital: string, week: number, held: number): WeekRow => ({
      policy: 'static',
      hospital,
      week,
      calls: 100,
      held,
      governance: 0,
    });
    const weeks = [row('H1', 1, 2), row('H2', 1, 4), row('H1', 2, 10), row('H2', 2, 8)];
    const found = { static: new Set(['a']), naive: new Set<string>(), adaptive: new Set<string>() };
    const metrics = Object.fromEntries(driftMetrics({ weeks, found }, 4));
    expect(metrics['static.callRate']).toBeCloseTo(0.06);
    expect(metrics['static.callRateFirstWeek']).toBeCloseTo(0.03);
    expect(metrics['static.callRateWorstWeek']).toBeCloseTo(0.09);
    expect(metrics['static.callRecall']).toBe(0.25);
  });
});
