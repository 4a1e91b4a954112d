import { areaUnderCurve } from '@bhschain/models/detector';
import { randomStream } from '@bhschain/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALPHA, conformal, scoreOf, THETA } from '../src/evaluation/conformal.js';
import { bootstrap, mcNemar, rateByChance, wilson } from '../src/evaluation/intervals.js';
import { aucOfRanks, aucWithinGroups, densely, rank, recallAt } from '../src/evaluation/ranking.js';

const scores = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 60 });

describe('ranking', () => {
  it('never alarms on more normals than the rate allows, however many ties', () => {
    fc.assert(
      fc.property(scores, scores, fc.double({ min: 0, max: 0.99, noNaN: true }), (n, a, rate) => {
        const sorted = n.toSorted((x, y) => y - x);
        const threshold = sorted[Math.floor(rate * n.length)]!;
        expect(n.filter((score) => score > threshold).length / n.length).toBeLessThanOrEqual(rate);
        expect(recallAt(n, a, rate)).toBe(a.filter((s) => s > threshold).length / a.length);
      }),
    );
  });

  it('average precision is 1 for a perfect ranking and the base rate for a constant', () => {
    expect(rank([1, 2, 3], [4, 5]).averagePrecision).toBe(1);
    expect(rank([1, 1, 1], [1]).averagePrecision).toBe(0.25);
  });

  it('average precision of a worked example (Manning, Raghavan & Schütze 2008, fig. 8.7 style)', () => {
    // Ranks of the abnormal ones: 1, 3, 6 → (1/1 + 2/3 + 3/6) / 3.
    const { averagePrecision, auc } = rank([5, 3, 2], [6, 4, 1]);
    expect(averagePrecision).toBeCloseTo((1 + 2 / 3 + 0.5) / 3, 12);
    expect(auc).toBeCloseTo(areaUnderCurve([5, 3, 2], [6, 4, 1]), 12);
  });
});

describe('ranking by places', () => {
  const sampleOf = (n: number[], a: number[]): { normal: boolean; rank: number }[] => {
    const ranks = densely([...n, ...a]);
    return [...ranks].map((place, i) => ({ normal: i < n.length, rank: place }));
  };

  it('is the area under the ROC curve of the scores', () => {
    fc.assert(
      fc.property(scores, scores, (n, a) => {
        expect(aucOfRanks(sampleOf(n, a))).toBeCloseTo(areaUnderCurve(n, a), 12);
      }),
    );
    expect(aucOfRanks(sampleOf([1], []))).toBeNaN();
  });

  it('within groups: a score that knows only the name ranks well over all and not at all within', () => {
    const sample = [
      { normal: true, rank: 0, group: 'often' },
      { normal: true, rank: 0, group: 'often' },
      { normal: false, rank: 0, group: 'often' },
      { normal: true, rank: 1, group: 'seldom' },
      { normal: false, rank: 1, group: 'seldom' },
      { normal: false, rank: 1, group: 'seldom' },
    ];
    expect(aucOfRanks(sample)).toBeCloseTo(2 / 3, 12);
    expect(aucWithinGroups(sample, ({ group }) => group)).toBe(0.5);
    expect(aucWithinGroups([], () => '')).toBeNaN();
  });
});

describe('intervals', () => {
  it('Wilson: 10 of 100 gives 5.5 % to 17.4 % (Newcombe 1998, table of method 3)', () => {
    expect(wilson(10, 100).low).toBeCloseTo(0.0552, 4);
    expect(wilson(10, 100).high).toBeCloseTo(0.1744, 4);
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('Wilson stays inside [0, 1] and holds the share', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, f) => {
          const hits = Math.round(f * n);
          const { low, high } = wilson(hits, n);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(hits / n + 1e-12);
          expect(high).toBeGreaterThanOrEqual(hits / n - 1e-12);
        },
      ),
    );
  });

  it('the bootstrap covers the mean of a fair coin about as often as it says', () => {
    let covered = 0;
    for (let seed = 0; seed < 100; seed++) {
      const tosses = Array.from({ length: 60 }, (_, i) => [
        ((seed * 7919 + i * 104729) % 1009) % 2,
      ]);
      const mean = (sample: readonly (number | undefined)[]): number =>
        sample.reduce<number>((sum, x) => sum + (x ?? 0), 0) / sample.length;
      const truth = mean(tosses.flat());
      const { low, high } = bootstrap({
        groupsOfSeeds: [tosses],
        statistic: mean,
        seed,
        draws: 200,
      });
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered).toBeGreaterThan(90);
  });

  it('the bootstrap over two trained seeds reaches from the one to the other', () => {
    const groupsOfSeeds = [0.2, 0.9].map((score) => Array.from({ length: 20 }, () => [score]));
    const statistic = (sample: readonly number[]): number => sample.reduce((a, b) => a + b, 0) / 20;
    const { low, high } = bootstrap({ groupsOfSeeds, statistic, seed: 1, draws: 50 });
    expect(low).toBeCloseTo(0.2, 12);
    expect(high).toBeCloseTo(0.9, 12);
  });

  it('the rate of a threshold from few scores: the Beta quantiles where tests are many', () => {
    // Beta(2, 82) and Beta(5, 163), by P(Beta(l, n + 1 − l) ≤ x) = P(Bin(n, x) ≥ l) and bisection, in Python.
    for (const [calibration, low, high] of [
      [83, 0.002931623, 0.065308374],
      [167, 0.009791519, 0.060188924],
    ] as const) {
      const interval = rateByChance({ calibration, test: 200_000, alpha: 0.032 });
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
    expect(rateByChance({ calibration: 30, test: 100, alpha: 0.032 })).toEqual({ low: 0, high: 0 });
  });

  it('the rate of a threshold from few scores: covers what happens, and not twice as much', () => {
    const random = randomStream(1, 'rates');
    const uniforms = (count: number): number[] =>
      Array.from({ length: count }, () => random.uniform());
    const { low, high } = rateByChance({ calibration: 70, test: 300, alpha: 0.05 });
    const rates = Array.from({ length: 2_000 }, () => {
      const p = conformal(uniforms(70));
      return uniforms(300).filter((score) => p(score) <= 0.05).length / 300;
    });
    const inside = (rate: number): boolean => low <= rate && rate <= high;
    expect(rates.filter(inside).length / rates.length).toBeGreaterThan(0.935);
    expect(rates.filter((rate) => inside(2 * rate)).length / rates.length).toBeLessThan(0.8);
  });

  it('McNemar: exact two-sided binomial (6 against 1: p = 0.125; equal counts: 1)', () => {
    expect(mcNemar(6, 1)).toBeCloseTo(0.125, 12);
    expect(mcNemar(4, 4)).toBe(1);
    expect(mcNemar(0, 0)).toBe(1);
  });
});

describe('conformal', () => {
  it('the score is θ exactly at α', () => {
    expect(scoreOf(ALPHA)).toBeCloseTo(THETA, 12);
  });

  it('counts calibration scores at or above, itself included', () => {
    const p = conformal([1, 2, 2, 3]);
    expect([0, 1, 2, 2.5, 3, 4].map(p)).toEqual([1, 1, 0.8, 0.4, 0.4, 0.2]);
  });

  it('is monotone', () => {
    fc.assert(
      fc.property(scores, fc.integer(), fc.integer(), (calibration, a, b) => {
        const p = conformal(calibration);
        expect(p(Math.min(a, b))).toBeGreaterThanOrEqual(p(Math.max(a, b)));
      }),
    );
  });
});
