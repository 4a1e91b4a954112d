/** A42, A43, A44: JXP google-deepmind/jax_privacy auditing_test. A45, A46: TFP tensorflow/privacy epsilon_lower_bound_test. */
import { describe, expect, it } from 'vitest';
import {
  canaryEpsilon,
  clopperPearsonUpper,
  ratioLowerBound,
  type RatioMethod,
} from '../src/auditing/canary-epsilon.js';
import {
  canaryAuroc,
  canaryTruePositiveRate,
  thresholdFrontier,
} from '../src/auditing/canary-scores.js';
import { gaussianShiftEpsilon } from '../src/auditing/gaussian-shift.js';
import { oneRunEpsilon, oneRunGaussianEpsilon } from '../src/auditing/one-run.js';
import { gaussianEpsilon } from '../src/accounting/gaussian.js';
import { sampleDiscreteGaussian } from '../src/discrete-gaussian.js';
import { InvalidArgumentError } from '../src/errors.js';
import { sumClipped } from '../src/noisy-step.js';
import { binomialTail } from '../src/numerics/binomial.js';
import { normalQuantileOfLog } from '../src/numerics/normal-distribution.js';
import { planPreset } from '../src/plan-presets.js';
import { createPrivacyPlan } from '../src/privacy-plan.js';
import { createExperimentRandom } from '../src/random-source.js';

function normalQuantiles(count: number, shift: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, i) => shift + normalQuantileOfLog(Math.log((i + 0.5) / count)),
  );
}

describe('statistics of audits', () => {
  it('binomial tails by hand', () => {
    expect(binomialTail(3, 0.5, 2)).toBeCloseTo(0.5, 14);
    expect(binomialTail(10, 0.1, 1)).toBeCloseTo(1 - 0.9 ** 10, 14);
    expect(binomialTail(1000, 0.5, 501)).toBeCloseTo(0.5 - 0.0252250181783608 / 2, 10);
    expect([
      binomialTail(5, 0.3, 0),
      binomialTail(5, 0.3, 6),
      binomialTail(5, 0, 1),
      binomialTail(5, 1, 5),
    ]).toEqual([1, 0, 0, 1]);
  });

  it('A46: tp 500, fp 0, fn 0, tn 500, .01: ln ratio 4.54', () => {
    const upper = clopperPearsonUpper(0, 500, 0.005);
    expect(Math.log((1 - upper) / upper)).toBeCloseTo(4.54, 2);
  });

  it('A44: the frontier of true and false negatives', () => {
    const frontier = thresholdFrontier({ inside: [1.5, 2.5, 0.5, 3.5], outside: [0, 3, 2, 1] });
    expect(frontier.map((point) => point.threshold)).toEqual([0, 0.5, 3.5, Infinity]);
    expect(frontier.map((point) => point.trueNegatives)).toEqual([0, 1, 4, 4]);
    expect(frontier.map((point) => point.falseNegatives)).toEqual([0, 0, 3, 4]);
  });

  it('A43: the area under the curve is 13/16', () => {
    expect(canaryAuroc({ inside: [0, 4, 6, 7], outside: [1, 2, 3, 5] })).toBe(13 / 16);
    expect(canaryAuroc({ inside: [1, 1], outside: [1, 1] })).toBe(0.5);
  });

  it.each([
    [0, 0.5],
    [0.25, 0.75],
    [0.5, 1],
    [0.75, 1],
    [1, 1],
  ])('A43: in {1, 3}, out {0, 2}: at a false positive rate of %d it is %d', (rate, expected) => {
    expect(canaryTruePositiveRate({ inside: [1, 3], outside: [0, 2] }, rate)).toBe(expected);
  });

  const counts = { truePositives: 473, falsePositives: 755, inside: 473 + 511, outside: 755 + 950 };
  it.each<[RatioMethod, number]>([
    ['katz', 1.01166194],
    ['adjusted-log', 1.01189079],
    ['bailey', 1.01148934],
    ['inverse-sinh', 1.01167669],
  ])('A45: 473 of 984 against 755 of 1705, .05, %s: %d', (method, expected) => {
    expect(ratioLowerBound(counts, { method, significance: 0.05 })).toBeCloseTo(expected, 7);
  });

  it.each<RatioMethod>(['katz', 'adjusted-log', 'bailey', 'inverse-sinh'])(
    'a ratio bound has edges: none found, no alarm, all guessed; refuses impossible counts: %s',
    (method) => {
      const o = { method, significance: 0.05 };
      const bound = (truePositives: number, falsePositives: number): number =>
        ratioLowerBound({ truePositives, falsePositives, inside: 100, outside: 100 }, o);
      expect(bound(0, 5)).toBe(0);
      expect(bound(90, 0)).toBeGreaterThan(5);
      expect(bound(100, 100)).toBeGreaterThan(0.9);
      expect(bound(100, 100)).toBeLessThan(1);
      for (const bad of [-1, 101, 1.5, NaN]) {
        expect(() => bound(bad, 1)).toThrow(InvalidArgumentError);
        expect(() => bound(1, bad)).toThrow(InvalidArgumentError);
      }
      expect(() => ratioLowerBound(counts, { method, significance: 0.5 })).toThrow(
        InvalidArgumentError,
      );
    },
  );

  it.each([
    [0, 0, 0],
    [1, 1.13346, 2.164749],
    [4, 4.395568, 9.133752],
  ])(
    'A42: one run, 10,000 in and out, shift %d: ε >= %d, and >= %d for a Gaussian',
    (shift, classic, gaussian) => {
      const inside = normalQuantiles(10_000, shift);
      const scores = { inside, outside: normalQuantiles(10_000, 0) };
      const o = { significance: 0.05, delta: 1e-6 };
      expect(oneRunEpsilon(scores, o)).toBeCloseTo(classic, 5);
      expect(oneRunGaussianEpsilon(scores, o)).toBeCloseTo(gaussian, 4);
    },
    20_000,
  );

  it.each([
    [
      { inside: [], outside: [1] },
      { significance: 0.05, delta: 0 },
    ],
    [
      { inside: [1], outside: [NaN] },
      { significance: 0.05, delta: 0 },
    ],
    [
      { inside: [1], outside: [1] },
      { significance: 0, delta: 0 },
    ],
    [
      { inside: [1], outside: [1] },
      { significance: 0.05, delta: 1 },
    ],
  ])('refuses bad input %#', (scores, options) => {
    expect(() => canaryEpsilon(scores, options)).toThrow(InvalidArgumentError);
    expect(() => oneRunEpsilon(scores, options)).toThrow(InvalidArgumentError);
    expect(() => oneRunGaussianEpsilon(scores, options)).toThrow(InvalidArgumentError);
  });
});

describe('distance of means of Gaussian scores', () => {
  const o = { significance: 0.05, delta: 1e-5 };

  it.each([0.142, 0.5, 1, 3])('μ = %d: just below the truth, by the stated error', (mu) => {
    const count = 10_000;
    const scores = { inside: normalQuantiles(count, mu), outside: normalQuantiles(count, 0) };
    // By hand: μ − 1.6449 √(2/n + μ²/(4n)).
    const lower = mu - 1.6448536 * Math.sqrt(2 / count + (mu * mu) / (4 * count));
    expect(gaussianShiftEpsilon(scores, o)).toBeCloseTo(gaussianEpsilon(1 / lower, 1e-5), 2);
    expect(gaussianShiftEpsilon(scores, o)).toBeLessThan(gaussianEpsilon(1 / mu, 1e-5));
  });

  it('holds as often as it says: 5 % of 400 audits of a true Gaussian, no more than chance allows', () => {
    const random = createExperimentRandom('coverage');
    const noise = new Float64Array(400);
    const truth = gaussianEpsilon(2, 1e-5);
    let above = 0;
    for (let audit = 0; audit < 400; audit++) {
      sampleDiscreteGaussian(noise, { scaleExponent: 12, random });
      const inside = noise.subarray(0, 200).map((value) => value + 2 ** 11);
      if (gaussianShiftEpsilon({ inside, outside: noise.subarray(200) }, o) > truth) above++;
    }
    expect(above).toBeLessThan(20 + 4 * Math.sqrt(19)); // binomial, four deviations
    expect(above).toBeGreaterThan(20 - 4 * Math.sqrt(19));
  });

  it('edges: no shift, the wrong way round, all alike; refuses too few and δ = 0', () => {
    const [low, high] = [normalQuantiles(100, 0), normalQuantiles(100, 1)];
    expect(gaussianShiftEpsilon({ inside: low, outside: low }, o)).toBe(0);
    expect(gaussianShiftEpsilon({ inside: low, outside: high }, o)).toBe(0);
    expect(gaussianShiftEpsilon({ inside: [1, 1], outside: [0, 0] }, o)).toBe(Infinity);
    expect(() => gaussianShiftEpsilon({ inside: [1], outside: [0, 0] }, o)).toThrow(
      InvalidArgumentError,
    );
    expect(() => gaussianShiftEpsilon({ inside: high, outside: low }, { ...o, delta: 0 })).toThrow(
      InvalidArgumentError,
    );
  });
});

describe('audit of the executed private step', () => {
  /** Runs clipping, summing and noising with and without a canary of norm far above C. */
  function audit(o: { noiseScale: number; canary: number; runs: number; seed: string }): number {
    const plan = createPrivacyPlan(planPreset('demo', { parameterCount: 4 }));
    const bystander = Float32Array.of(0.1, 0.05, 0, -0.1);
    const canary = Float32Array.of(o.canary, 0, 0, 0);
    const sums = [
      sumClipped(plan, [bystander, canary], Uint8Array.of(1, 1)).units,
      sumClipped(plan, [bystander], Uint8Array.of(1)).units,
    ];
    const random = createExperimentRandom(o.seed);
    const noise = new Float64Array(4);
    const scores = sums.map((sum) =>
      Float64Array.from({ length: o.runs }, () => {
        sampleDiscreteGaussian(noise, { scaleExponent: plan.noiseExponent, random });
        return sum[0]! + Math.round(noise[0]! * o.noiseScale);
      }),
    );
    return canaryEpsilon(
      { inside: scores[0]!, outside: scores[1]! },
      { significance: 0.05, delta: 1e-5 },
    );
  }

  it('finds no evidence against ε = 0.5 where the plan is kept, however large the canary', () => {
    expect(audit({ noiseScale: 1, canary: 1e6, runs: 20_000, seed: 'kept' })).toBeLessThan(0.5);
  });

  it('finds a fifth of the noise', () => {
    expect(audit({ noiseScale: 0.2, canary: 1e6, runs: 20_000, seed: 'fifth' })).toBeGreaterThan(
      0.5,
    );
  });

  it('one run, 20,000 one-hot canaries: nothing at the plan, evidence at a tenth of the noise', () => {
    const count = 20_000;
    const plan = createPrivacyPlan(planPreset('demo', { parameterCount: count }));
    const random = createExperimentRandom('one-run');
    const coins = new Uint32Array(count);
    random.fill(coins);
    const noise = new Float64Array(count);
    sampleDiscreteGaussian(noise, { scaleExponent: plan.noiseExponent, random });
    const found = (scale: number): readonly [number, number] => {
      const inside: number[] = [];
      const outside: number[] = [];
      // Canary i is C times the i-th unit vector: clipped exactly onto D.
      coins.forEach((coin, i) => {
        const score = Math.round(noise[i]! * scale);
        if (coin % 2 === 1) inside.push(score + plan.sensitivityUnits);
        else outside.push(score);
      });
      const o = { significance: 0.05, delta: 1e-5 };
      return [oneRunEpsilon({ inside, outside }, o), oneRunGaussianEpsilon({ inside, outside }, o)];
    };
    for (const epsilon of found(1)) expect(epsilon).toBeLessThan(0.5);
    const [classic, gaussian] = found(0.1);
    expect(classic).toBeGreaterThan(0.5);
    expect(gaussian).toBeGreaterThan(classic);
    // A third of the noise escapes the classic bound and not the Gaussian one.
    expect(found(1 / 3)[1]).toBeGreaterThan(0.5);
  });
});
