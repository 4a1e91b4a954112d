/** Bad input and edges at every door, by what came: an answer that is right, or a coded error that names the argument. */
import { describe, expect, it } from 'vitest';
import { sampledGaussianRdp } from '../src/accounting/rdp.js';
import {
  DpError,
  calibrateNoiseMultiplier,
  clipToGrid,
  createExperimentRandom,
  createPrivacyPlan,
  deltaOf,
  epsilonInterval,
  epsilonOf,
  gaussianEpsilon,
  groupEvent,
  planPreset,
  provenEpsilonOf,
  sampleDiscreteGaussian,
  samplePoissonMask,
  sumClipped,
  sumFromKernel,
  type PrivacyEvent,
} from '../src/index.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

const delta = 1e-5;
const random = createExperimentRandom('bad input');
const plan = createPrivacyPlan(planPreset('demo', { parameterCount: 3 }));
const clipping = {
  clippingNorm: plan.windowClippingNorm,
  gridScale: plan.gridScale,
  sensitivityUnits: plan.sensitivityUnits,
};

function refusal(work: () => unknown): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DpError)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error('accepted');
}

describe('numbers that are none, or of the wrong sign', () => {
  const bad = [NaN, Infinity, -Infinity, -1];
  const laplace = (noiseMultiplier: number): PrivacyEvent => ({ kind: 'laplace', noiseMultiplier });
  const lattice = (sigma: number): PrivacyEvent => ({
    kind: 'discrete-gaussian',
    sigma,
    sensitivity: 1,
  });
  const doors: [string, (x: number) => unknown, string, string][] = [
    [
      'noise of an event',
      (x) => epsilonOf(gaussian(x), { delta }),
      'ERR_DP_EVENT',
      'noiseMultiplier',
    ],
    ['Laplace scale', (x) => epsilonOf(laplace(x), { delta }), 'ERR_DP_EVENT', 'noiseMultiplier'],
    ['lattice scale', (x) => epsilonOf(lattice(x), { delta }), 'ERR_DP_EVENT', 'sigma'],
    [
      'sampling probability',
      (x) => epsilonOf(dpSgd(x, 1, 1), { delta }),
      'ERR_DP_EVENT',
      'samplingProbability',
    ],
    ['count', (x) => epsilonOf(dpSgd(0.1, 1, x), { delta }), 'ERR_DP_EVENT', 'count'],
    ['δ', (x) => epsilonOf(gaussian(1), { delta: x }), 'ERR_DP_ARGUMENT', 'delta'],
    [
      'δ of an interval',
      (x) => epsilonInterval(gaussian(1), { delta: x }),
      'ERR_DP_ARGUMENT',
      'delta',
    ],
    ['δ of the closed form', (x) => gaussianEpsilon(1, x), 'ERR_DP_ARGUMENT', 'delta'],
    ['target ε', (x) => calibrated({ epsilon: x }), 'ERR_DP_ARGUMENT', 'epsilon'],
    ['target δ', (x) => calibrated({ delta: x }), 'ERR_DP_ARGUMENT', 'delta'],
    ['sampling rate', (x) => calibrated({ samplingRate: x }), 'ERR_DP_ARGUMENT', 'samplingRate'],
    ['steps', (x) => calibrated({ steps: x }), 'ERR_DP_ARGUMENT', 'steps'],
    ['clipping norm', (x) => clip({ clippingNorm: x }), 'ERR_DP_ARGUMENT', 'clippingNorm'],
    ['grid scale', (x) => clip({ gridScale: x }), 'ERR_DP_ARGUMENT', 'gridScale'],
    [
      'noise exponent',
      (x) => sampleDiscreteGaussian(new Int32Array(1), { scaleExponent: x, random }),
      'ERR_DP_ARGUMENT',
      'scaleExponent',
    ],
    [
      'sampling numerator',
      (x) => samplePoissonMask(new Uint8Array(1), { samplingNumerator: x, random }),
      'ERR_DP_ARGUMENT',
      'samplingNumerator',
    ],
    [
      'target of a plan',
      (x) => createPrivacyPlan({ ...plan.spec, epsilonMicro: x }),
      'ERR_DP_PLAN',
      'epsilonMicro',
    ],
    [
      'δ of a plan',
      (x) => createPrivacyPlan({ ...plan.spec, deltaExponent: x }),
      'ERR_DP_PLAN',
      'deltaExponent',
    ],
    [
      'clip of a plan',
      (x) => createPrivacyPlan({ ...plan.spec, windowClippingNormMicro: x }),
      'ERR_DP_PLAN',
      'windowClippingNormMicro',
    ],
    [
      'rate of a plan',
      (x) => createPrivacyPlan({ ...plan.spec, samplingNumerator: x }),
      'ERR_DP_PLAN',
      'samplingNumerator',
    ],
    [
      'steps of a plan',
      (x) => createPrivacyPlan({ ...plan.spec, steps: x }),
      'ERR_DP_PLAN',
      'steps',
    ],
  ];

  function calibrated(change: Partial<Parameters<typeof calibrateNoiseMultiplier>[0]>): number {
    const adjacency = 'add-or-remove-one';
    const target = { epsilon: 0.5, delta, samplingRate: 0.1, steps: 3, adjacency } as const;
    return calibrateNoiseMultiplier({ ...target, ...change });
  }

  function clip(change: Partial<typeof clipping>): unknown {
    return clipToGrid(new Float32Array(1), { ...clipping, ...change }, new Int32Array(1));
  }

  it.each(doors)('%s: NaN, ±∞ and −1 are refused by name', (_, door, code, argument) => {
    for (const x of bad) {
      const { code: found, message } = refusal(() => door(x));
      expect(found).toBe(code);
      expect(message).toContain(argument);
      expect(message).toMatch(/expected .+, got /);
    }
  });

  it('deltaOf takes ε = ∞ (δ is what has no bound), refuses NaN and −1', () => {
    expect(deltaOf(gaussian(1), { epsilon: Infinity })).toBe(0);
    for (const epsilon of [NaN, -1]) {
      expect(refusal(() => deltaOf(gaussian(1), { epsilon })).code).toBe('ERR_DP_ARGUMENT');
    }
  });

  it.each([0, 1, 1.5])('δ = %d is refused', (given) => {
    for (const door of [
      () => epsilonOf(gaussian(1), { delta: given }),
      () => provenEpsilonOf(gaussian(1), { delta: given }),
      () => calibrated({ delta: given }),
    ]) {
      expect(refusal(door)).toMatchObject({ code: 'ERR_DP_ARGUMENT' });
    }
  });

  it('zero where a scale must be above it', () => {
    expect(refusal(() => clip({ clippingNorm: 0 })).code).toBe('ERR_DP_ARGUMENT');
    expect(refusal(() => clip({ gridScale: 0 })).code).toBe('ERR_DP_ARGUMENT');
    expect(refusal(() => epsilonOf(lattice(0), { delta })).code).toBe('ERR_DP_EVENT');
    for (const field of ['epsilonMicro', 'steps', 'samplingNumerator', 'windowClippingNormMicro']) {
      const { code, message } = refusal(() => createPrivacyPlan({ ...plan.spec, [field]: 0 }));
      expect(code).toBe('ERR_DP_PLAN');
      expect(message).toContain(field);
    }
  });
});

describe('edges that have an answer', () => {
  it.each(['pld', 'rdp'] as const)('no noise is ∞; nothing done is 0 (%s)', (accountant) => {
    const epsilon = (event: PrivacyEvent): number => epsilonOf(event, { delta, accountant });
    expect(epsilon(gaussian(0))).toBe(Infinity);
    expect(epsilon(dpSgd(0.1, 0, 3))).toBe(Infinity);
    expect(epsilon(dpSgd(0, 1, 3))).toBe(0);
    expect(epsilon(dpSgd(0, 0, 3))).toBe(0);
    expect(epsilon(dpSgd(0.1, 1, 0))).toBe(0);
    expect(epsilon(times(0, { kind: 'non-private' }))).toBe(0);
    expect(epsilon({ kind: 'composed', events: [] })).toBe(0);
    expect(epsilon(poisson(1, gaussian(3)))).toBe(epsilon(gaussian(3)));
  });

  it('Rényi: q 0, q 1, no noise', () => {
    expect(sampledGaussianRdp(0, 1, 5)).toBe(0);
    expect(sampledGaussianRdp(1, 2, 5)).toBe(5 / 8);
    expect(sampledGaussianRdp(0.1, 0, 5)).toBe(Infinity);
  });

  it('ε far below a grid: bounded from both sides, 0 where δ alone is enough', () => {
    const { lower, upper } = epsilonInterval(dpSgd(0.001, 1e4, 100), { delta: 1e-9 });
    expect(lower).toBeGreaterThanOrEqual(0);
    expect(upper).toBeLessThan(1e-5);
    expect(epsilonOf(dpSgd(0.001, 1e6, 10), { delta })).toBe(0);
  });

  it('losses beyond what doubles tell apart: refused, never NaN', () => {
    for (const event of [
      poisson(1e-12, gaussian(1e-100)),
      poisson(1e-12, { kind: 'laplace', noiseMultiplier: 1e-300 }),
      dpSgd(0.1, 1e-300, 3),
    ]) {
      expect(refusal(() => deltaOf(event, { epsilon: 0.1 })).code).toBe('ERR_DP_GRID');
      expect(refusal(() => epsilonInterval(event, { delta })).message).not.toMatch(/NaN MB/);
    }
  });

  it('δ below what round-off lets anybody certify: ∞, not a number', () => {
    expect(provenEpsilonOf(dpSgd(0.1, 2, 1000), { delta: 1e-15 })).toBe(Infinity);
  });

  const catastrophe = (mass: number): PrivacyEvent => ({
    kind: 'epsilon-delta',
    epsilon: 0,
    delta: mass,
  });

  it.each<[string, PrivacyEvent, number, number]>([
    ['no loss but a catastrophe', catastrophe(1e-6), 1e-6, 0],
    ['nine of them', times(9, catastrophe(1e-6)), 9e-6, 0],
    ['too many of them', times(100, catastrophe(1e-6)), 1e-4, Infinity],
    ['a denormal loss', { kind: 'epsilon-delta', epsilon: 5e-324, delta: 1e-6 }, 1e-6, 0],
    ['a loss below round-off', { kind: 'epsilon-delta', epsilon: 1e-20, delta: 0 }, 0, 0],
    ['much Laplace noise', { kind: 'laplace', noiseMultiplier: 1e300 }, 0, 0],
    ['a group under much noise', groupEvent(poisson(0.1, gaussian(1e17)), 2), 0, 0],
    ['a rate of 1e-17', dpSgd(1e-17, 1, 1000), 0, 0],
  ])('losses without a width have an answer: %s', (_, event, deltaAtZero, epsilon) => {
    const { lower, upper } = epsilonInterval(event, { delta });
    expect([lower, epsilonOf(event, { delta }), upper]).toEqual([epsilon, epsilon, epsilon]);
    expect(Math.abs(deltaOf(event, { epsilon: 0 }) - deltaAtZero)).toBeLessThan(1e-8);
  });

  it('a catastrophe beside a mechanism takes its mass off δ, and nothing else', () => {
    const { lower, upper } = epsilonInterval(all(catastrophe(1e-6), dpSgd(0.0512, 3.05, 59)), {
      delta,
    });
    // δ' with 1 − (1 − δ')(1 − 1e-6) = δ.
    const alone = epsilonInterval(dpSgd(0.0512, 3.05, 59), {
      delta: 1 - (1 - delta) / (1 - 1e-6),
    });
    expect(lower).toBeCloseTo(alone.lower, 4);
    expect(upper).toBeCloseTo(alone.upper, 4);
  });

  it('an empty batch is a noise-only step: zeros, to be released like any other', () => {
    for (const select of [new Uint8Array(0), Uint8Array.of(0)]) {
      const gradients = Array.from(select, () => Float32Array.of(1, 2, 3));
      expect([...sumClipped(plan, gradients, select).units]).toEqual([0, 0, 0]);
    }
  });
});

describe('vectors of the wrong length', () => {
  it.each<[string, () => unknown, string]>([
    ['clipped output', () => clipToGrid(new Float32Array(3), clipping, new Int32Array(2)), 'out'],
    ['mask', () => sumClipped(plan, [new Float32Array(3)], new Uint8Array(2)), 'select'],
    ['gradient', () => sumClipped(plan, [new Float32Array(2)], Uint8Array.of(1)), 'out'],
    ['kernel sum', () => sumFromKernel(plan, new Float64Array(4)), 'units'],
  ])('%s', (_, work, argument) => {
    expect(refusal(work)).toMatchObject({ code: 'ERR_DP_ARGUMENT' });
    expect(refusal(work).message).toMatch(new RegExp(`^${argument}: expected length \\d+, got `));
  });

  it('a kernel sum that holds no integers', () => {
    for (const value of [0.5, NaN, Infinity, 2 ** 60]) {
      const { code } = refusal(() => sumFromKernel(plan, Float64Array.of(0, value, 0)));
      expect(code).toBe('ERR_DP_ARGUMENT');
    }
  });
});
