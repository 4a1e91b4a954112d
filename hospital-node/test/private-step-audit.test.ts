/**
 * An empirical audit of the private step as it is executed: WebAssembly kernel, clipped integer sum, noise pool opened
 * by a debit, release, local SGD, the update on the wire's grid. Evidence against bugs, never proof of privacy: the
 * bounds are lower bounds, and each audit is shown to fail on the mechanism with one thing broken.
 *
 * Sources: Jagielski et al. 2020 (arXiv:2006.07709) for canaries and Clopper–Pearson; Steinke, Nasr, Jagielski 2023
 * (arXiv:2305.08846) and Mahloujifar, Melis, Chaudhuri 2024 (arXiv:2410.22235) for many canaries in one run.
 */
import {
  appendRecord,
  canaryEpsilon,
  createExperimentRandom,
  createNoisePool,
  createPrivacyPlan,
  createSecureRandom,
  gaussianShiftEpsilon,
  oneRunEpsilon,
  oneRunGaussianEpsilon,
  planHash,
  planPreset,
  verifyLedger,
  type CanaryScores,
  type GridClipping,
  type LedgerRecord,
  type PrivacyPlan,
  type SecureRandom,
  type SensitivityUnits,
} from '@bhschain/dp';
import { layoutOf, type Architecture } from '@bhschain/models/architecture';
import { createJointKernel } from '@bhschain/models/kernel';
import { describe, expect, it } from 'vitest';
import { kernelSum } from '../src/training/kernel-sums.js';
import { trainPrivately } from '../src/training/private-training.js';

/** Small, so that the step can be executed tens of thousands of times; the code is that of the large one. */
const ARCHITECTURE: Architecture = { steps: 4, features: 4, hidden: 3, latent: 2 };
const WINDOW_SIZE = ARCHITECTURE.steps * ARCHITECTURE.features;
const { parameterCount } = layoutOf(ARCHITECTURE);
const plan = createPrivacyPlan(planPreset('demo', { parameterCount }));
const CLAIMED = plan.target.epsilon;
const AUDIT = { significance: 0.05, delta: plan.target.delta };
const kernel = createJointKernel([ARCHITECTURE]);

const base = Int32Array.from({ length: parameterCount }, (_, i) =>
  Math.round(Math.sin(i * 12.9898) * 0.5 * 2 ** plan.updateScaleLog2),
);

/** What is executed. The audited claim is always that of `plan`. */
interface Mechanism {
  /** Its noise is drawn and its divisor is used. */
  readonly plan: PrivacyPlan;
  readonly clipping: GridClipping;
}

const KEPT: Mechanism = {
  plan,
  clipping: {
    clippingNorm: plan.windowClippingNorm,
    gridScale: plan.gridScale,
    sensitivityUnits: plan.sensitivityUnits,
  },
};

/** Noise of 2^−powers of its scale. */
function lessNoise(powers: number): Mechanism {
  return { ...KEPT, plan: { ...plan, noiseExponent: plan.noiseExponent - powers } };
}

/** The same grid, and a ball that hardly anything leaves. */
const UNCLIPPED: Mechanism = {
  plan,
  clipping: {
    clippingNorm: 16 * plan.windowClippingNorm,
    gridScale: plan.gridScale,
    sensitivityUnits: (16 * plan.sensitivityUnits) as SensitivityUnits,
  },
};

/** Repeatable words behind the type that production takes. */
function words(seed: string): SecureRandom {
  const seeded = createExperimentRandom(seed);
  return createSecureRandom((bytes) =>
    seeded.fill(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)),
  );
}

function debitOf(of: PrivacyPlan): LedgerRecord {
  const at = '2026-03-01T06:00:00.000Z';
  const opened = appendRecord(null, 'opened', at, {});
  const debited = appendRecord(opened.head, 'debited', at, { planHash: planHash(of) });
  return verifyLedger(opened.line + debited.line).records[1]!;
}

/** One executed round after another: each takes these windows in and gives the update that would be sent. */
function executor(
  { plan: executed, clipping }: Mechanism,
  seed: string,
): (windows: readonly Float32Array[]) => Promise<Int32Array> {
  const random = words(seed);
  const debit = debitOf(executed);
  return async (windows) => {
    const batch = {
      windows: Float32Array.from(windows.flatMap((window) => [...window])),
      lengths: new Uint8Array(windows.length).fill(ARCHITECTURE.steps),
      columnMasks: new Uint32Array(windows.length),
    };
    const noise = createNoisePool(executed, random);
    noise.open(debit);
    const { update } = await trainPrivately(
      (parameters, select) =>
        kernelSum(kernel, {
          architectures: [ARCHITECTURE],
          batches: [batch],
          clipping,
          parameters,
          select,
        }),
      {
        plan: executed,
        base,
        windowCount: windows.length,
        selections: new Uint8Array(windows.length).fill(1),
        noise,
      },
    );
    return update;
  };
}

function windowsOf(seed: string, count: number, amplitude: number): Float32Array[] {
  const random = createExperimentRandom(seed);
  return Array.from({ length: count }, () => {
    const drawn = new Uint32Array(WINDOW_SIZE);
    random.fill(drawn);
    return Float32Array.from(drawn, (word) => (word / 2 ** 31 - 1) * amplitude);
  });
}

/** How a window's gradient shows in an update without noise, by the kernel itself: what an attacker may know. */
function trace(window: Float32Array, clipping: GridClipping): Float64Array {
  const batch = {
    windows: window,
    lengths: Uint8Array.of(ARCHITECTURE.steps),
    columnMasks: new Uint32Array(1),
  };
  const parameters = Float32Array.from(base, (value) => value * 2 ** -plan.updateScaleLog2);
  return kernelSum(kernel, {
    architectures: [ARCHITECTURE],
    batches: [batch],
    clipping,
    parameters,
    select: Uint8Array.of(1),
  }).units.map((units) => -units);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The part of each trace that the others cannot explain: no canary's coin moves another one's score. */
function apart(traces: readonly Float64Array[]): Float64Array[] {
  return traces.map((own, i) => {
    const others: Float64Array[] = [];
    for (const other of [...traces.slice(0, i), ...traces.slice(i + 1), own]) {
      const rest = Float64Array.from(other);
      for (const axis of others) {
        const share = dot(rest, axis) / dot(axis, axis);
        axis.forEach((value, k) => (rest[k]! -= share * value));
      }
      others.push(rest);
    }
    return others.at(-1)!;
  });
}

/** The windows whose traces are least alike. */
function leastAlike(count: number, candidates: readonly Float32Array[]): Float32Array[] {
  const traces = candidates.map((window) => trace(window, KEPT.clipping));
  const likeness = (a: Float64Array, b: Float64Array): number =>
    Math.abs(dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b));
  const chosen = [0];
  while (chosen.length < count) {
    const worst = traces.map((own) => Math.max(...chosen.map((i) => likeness(own, traces[i]!))));
    chosen.push(worst.indexOf(Math.min(...worst)));
  }
  return chosen.map((i) => candidates[i]!);
}

/** The window that clipping costs most. */
function loudest(candidates: readonly Float32Array[]): Float32Array {
  const norms = candidates.map((window) => {
    const unclipped = trace(window, UNCLIPPED.clipping);
    return dot(unclipped, unclipped);
  });
  return candidates[norms.indexOf(Math.max(...norms))]!;
}

const RUNS = 6000;
const ROUNDS = 6000;
const [bystander] = windowsOf('bystander', 1, 1);
const CANDIDATES = windowsOf('canaries', 400, 4);
const LOUD_CANARY = loudest(CANDIDATES);
/** No more: the gradients of so small a network lie in few directions. */
const CANARIES = leastAlike(4, CANDIDATES);

/** The same round with and without one canary, again and again. */
async function distinguish(mechanism: Mechanism, seed: string): Promise<CanaryScores> {
  const execute = executor(mechanism, seed);
  const direction = trace(LOUD_CANARY, KEPT.clipping);
  const inside = new Float64Array(RUNS);
  const outside = new Float64Array(RUNS);
  for (let i = 0; i < RUNS; i++) {
    inside[i] = dot(await execute([bystander!, LOUD_CANARY]), direction);
    outside[i] = dot(await execute([bystander!]), direction);
  }
  return { inside, outside };
}

/** A node's history as one run: in each round every canary takes part or not by a coin of its own. */
async function oneRun(mechanism: Mechanism, seed: string): Promise<CanaryScores> {
  const execute = executor(mechanism, seed);
  const directions = apart(CANARIES.map((window) => trace(window, KEPT.clipping)));
  const coins = createExperimentRandom(`${seed}/coins`);
  const drawn = new Uint32Array(CANARIES.length);
  const inside: number[] = [];
  const outside: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    coins.fill(drawn);
    const update = await execute([bystander!, ...CANARIES.filter((_, i) => drawn[i]! % 2 === 1)]);
    directions.forEach((direction, i) => {
      // In units of the direction's own length, so that the scores of all canaries have one scale.
      const score = dot(update, direction) / Math.sqrt(dot(direction, direction));
      (drawn[i]! % 2 === 1 ? inside : outside).push(score);
    });
  }
  return { inside, outside };
}

describe('audit of the executed private step', () => {
  it('canary against none, Clopper–Pearson: no evidence where the plan is kept', async () => {
    expect(canaryEpsilon(await distinguish(KEPT, 'kept'), AUDIT)).toBeLessThan(CLAIMED);
  }, 60_000);

  it('finds a quarter of the noise', async () => {
    const found = canaryEpsilon(await distinguish(lessNoise(2), 'quarter'), AUDIT);
    expect(found).toBeGreaterThan(CLAIMED);
  }, 60_000);

  it('finds a clip that is ignored', async () => {
    const found = canaryEpsilon(await distinguish(UNCLIPPED, 'unclipped'), AUDIT);
    expect(found).toBeGreaterThan(CLAIMED);
  }, 60_000);

  it('one run, 24,000 canaries: no evidence where the plan is kept, by any bound', async () => {
    const scores = await oneRun(KEPT, 'one run');
    expect(scores.inside.length + scores.outside.length).toBe(ROUNDS * CANARIES.length);
    for (const bound of [oneRunEpsilon, oneRunGaussianEpsilon, gaussianShiftEpsilon]) {
      expect(bound(scores, AUDIT)).toBeLessThan(CLAIMED);
    }
    // The noise is where the claim says: the sharpest bound comes close to it.
    expect(gaussianShiftEpsilon(scores, AUDIT)).toBeGreaterThan(0.8 * CLAIMED);
  }, 60_000);

  it('one run finds half of the noise', async () => {
    const scores = await oneRun(lessNoise(1), 'one run, half');
    expect(gaussianShiftEpsilon(scores, AUDIT)).toBeGreaterThan(1.5 * CLAIMED);
  }, 60_000);

  it.each([
    ['a quarter of the noise', lessNoise(2)],
    ['an ignored clip', UNCLIPPED],
  ])(
    'one run finds %s, even without the scale of the scores',
    async (name, mechanism) => {
      const scores = await oneRun(mechanism, `one run, ${name}`);
      expect(oneRunGaussianEpsilon(scores, AUDIT)).toBeGreaterThan(CLAIMED);
    },
    60_000,
  );
});
