import { randomFillSync } from 'node:crypto';
import {
  createExperimentRandom,
  createNoisePool,
  createSecureRandom,
  planHash,
  releaseSum,
  sampleDiscreteGaussian,
  samplePoissonMask,
  sumFromKernel,
  type NoisePool,
  type PrivacyPlan,
} from '@bhschain/dp';
import { DETECTOR_ZERO, networksOf } from '@bhschain/models/detector';
import { createJointKernel, type JointKernel } from '@bhschain/models/kernel';
import { describe, expect, it } from 'vitest';
import { kernelSum } from '../src/training/kernel-sums.js';
import { noiseFault } from '../src/training/noise-fault.js';
import { normEnvelope, screenOwnUpdate } from '../src/training/own-update-screening.js';
import { trainPrivately, type TrainingResult } from '../src/training/private-training.js';
import { createRoundNoise } from '../src/training/round-noise.js';
import { createTrainingPool, type TrainingTask } from '../src/training/training-pool.js';
import { openPrivacyLedger, type PrivacyLedger } from '../src/privacy-ledger/index.js';
import { seededWords } from './seeded-words.js';
import { smallPlan } from './small-plan.js';
import { temporaryFolder } from './temporary-folder.js';

const { parameterCount, parts } = networksOf(DETECTOR_ZERO.detector);
const architectures = parts.map(({ architecture }) => architecture);
const plan: PrivacyPlan = smallPlan({ parameterCount });
const kernel = createJointKernel(architectures);

/** A pool as a debit has opened it. */
function openedNoise(seed: string, of: PrivacyPlan): NoisePool {
  const noise = createRoundNoise(seededWords(`${seed}/noise`));
  noise.prepare(of);
  return noise.open(of, receipt(of));
}

/** Everything of a round from one seed. */
function input(seed: string, windowCount: number, of: PrivacyPlan = plan): TrainingTask {
  const random = createExperimentRandom(seed);
  const batches = architectures.map(({ steps, features }) => {
    const words = new Uint32Array(windowCount * steps * features);
    random.fill(words);
    return {
      windows: Float32Array.from(words, (word) => (word / 2 ** 32) * 4 - 2),
      lengths: new Uint8Array(windowCount).fill(steps),
      columnMasks: new Uint32Array(windowCount),
    };
  });
  const selections = new Uint8Array(of.steps * windowCount);
  samplePoissonMask(selections, { samplingNumerator: of.samplingNumerator, random });
  return {
    plan: of,
    architectures,
    base: DETECTOR_ZERO.detector.parameters,
    windowCount,
    batches,
    selections,
    noise: openedNoise(seed, of),
  };
}

/** Trains on this thread. */
function train(round: TrainingTask, own: JointKernel = kernel): Promise<TrainingResult> {
  const { architectures, batches } = round;
  const { windowClippingNorm: clippingNorm, gridScale, sensitivityUnits } = round.plan;
  const clipping = { clippingNorm, gridScale, sensitivityUnits };
  return trainPrivately(
    (parameters, select) =>
      kernelSum(own, { architectures, batches, clipping, parameters, select }),
    round,
  );
}

const RECEIPT_CEILINGS = {
  epsilonPerRound: 1,
  actorEpsilon: 8,
  actorHorizonDays: 30,
  windowsPerActorMax: 1,
};

function receipt(of: PrivacyPlan = plan): ReturnType<PrivacyLedger['debit']> {
  const ledger = openPrivacyLedger({
    file: `${temporaryFolder()}/ledger.jsonl`,
    nodeId: 'H1',
    ceilings: RECEIPT_CEILINGS,
    now: () => 0,
  });
  return ledger.debit({
    roundId: { federationId: 'f', slotIndex: 1, attempt: 1 },
    plan: of,
    planHash: planHash(of),
    layoutHash: 'b'.repeat(64),
    baseModel: 'c'.repeat(64),
    interval: { fromMs: 0, toMs: 1 },
  });
}

describe('private training', () => {
  it('gives the same update for the same experiment randomness, in a worker too', async () => {
    const first = await train(input('seed', 40));
    const second = await train(input('seed', 40), createJointKernel(architectures));
    expect(second).toEqual(first);
    const pool = createTrainingPool({ threads: 1 });
    const used = input('seed', 40);
    const inWorker = await pool.run(used);
    // A coded failure keeps its code; a dead worker is a failed training, and the next one is alive.
    const short = { ...input('seed', 3), selections: new Uint8Array(1) };
    await expect(pool.run(short)).rejects.toMatchObject({ code: 'ERR_TRAINING_INPUT' });
    const impossible = {
      ...input('seed', 3),
      architectures: architectures.map((each) => ({ ...each, hidden: -1 })),
    };
    await expect(pool.run(impossible)).rejects.toMatchObject({ code: 'ERR_TRAINING_FAILED' });
    expect((await pool.run(input('seed', 40))).update).toEqual(first.update);
    const several = smallPlan({ parameterCount, steps: 4 });
    expect(await pool.run(input('several', 40, several))).toEqual(
      await train(input('several', 40, several)),
    );
    await pool.close();
    expect(inWorker).toEqual(first);
    expect(used.noise.remaining, 'the noise is used up').toBe(0);
    expect(
      used.batches.every(({ windows }) => windows.every((value) => value === 0)),
      'windows overwritten',
    ).toBe(true);
    await expect(train(used)).rejects.toMatchObject({ code: 'ERR_DP_NOISE_POOL' });
    expect((await train(input('other seed', 40))).update).not.toEqual(first.update);
  });

  it('takes no noise of another plan, and none before its debit', async () => {
    const other = smallPlan({ parameterCount, nominalWindows: 400 });
    const foreign = { ...input('foreign', 3), noise: openedNoise('foreign', other) };
    await expect(train(foreign)).rejects.toMatchObject({ code: 'ERR_DP_NOISE_POOL' });
    expect(foreign.noise.remaining, 'what was not used is overwritten').toBe(0);
    const early = { ...input('early', 3), noise: createNoisePool(plan, seededWords('early')) };
    await expect(train(early)).rejects.toMatchObject({ code: 'ERR_DP_NOISE_POOL' });
  });

  it('without a window is a noise-only step of exactly the plan’s scale, and of no other', async () => {
    const { update } = await train(input('noise only', 0));
    const unit = 2 ** plan.updateScaleLog2;
    const rate = plan.learningRateMicro / 1e6;
    // σ of a coordinate: η · σ · C / expected batch, in grid units.
    const deviation =
      (rate * plan.noiseMultiplier * plan.windowClippingNorm * unit) / plan.expectedBatch;
    const variance = update.reduce((sum, entry) => sum + entry * entry, 0) / update.length;
    const ratio = variance / deviation ** 2;
    // Standard error of a variance estimate over d = 4,024: √(2/d) = 2.2 %; six of them.
    const tolerance = 6 * Math.sqrt(2 / update.length);
    expect(Math.abs(ratio - 1)).toBeLessThan(tolerance);
    for (const wrong of [2 / 3, 3 / 2]) {
      expect(Math.abs(ratio / wrong ** 2 - 1)).toBeGreaterThan(tolerance);
    }
  });

  it('moves by at most the clipping norm when one window is added', async () => {
    const many = input('neighbours', 30);
    const without = {
      ...input('neighbours', 30),
      selections: many.selections.map((selected, index) => (index === 7 ? 0 : selected)),
    };
    const a = (await train(many)).update;
    const b = (await train(without)).update;
    const squares = a.reduce((sum, entry, i) => sum + (entry - b[i]!) ** 2, 0);
    const bound =
      ((plan.learningRateMicro / 1e6) * plan.windowClippingNorm * 2 ** plan.updateScaleLog2) /
      plan.expectedBatch;
    expect(Math.sqrt(squares)).toBeGreaterThan(0);
    // Rounding to the update grid adds at most 1/2 in each of two vectors and coordinate.
    expect(Math.sqrt(squares)).toBeLessThan(bound + Math.sqrt(parameterCount));
  });

  it('goes down the mean clipped gradient, with heavy-ball momentum', async () => {
    // The same noise with and without a sum: what differs is the sum's own doing.
    const movedBy = async (
      steps: number,
      unit: number,
    ): Promise<{ of: PrivacyPlan; entry: number }> => {
      const of = smallPlan({ parameterCount, steps });
      const none = { contributing: 0, clipped: 0, nonFinite: 0 };
      const run = (entry: number): Promise<TrainingResult> =>
        trainPrivately(
          () => ({ ...none, units: new Float64Array(parameterCount).fill(entry) }),
          input('descent', 1, of),
        );
      const [moved, still] = [await run(unit), await run(0)];
      const each = moved.update.map((entry, i) => entry - still.update[i]!);
      return { of, entry: each.reduce((sum, entry) => sum + entry, 0) / each.length };
    };
    const unit = 100_000;
    for (const steps of [1, 3]) {
      const { of, entry } = await movedBy(steps, unit);
      const momentum = of.momentumMicro / 1e6;
      // Polyak 1964: v ← μ v + g, so that equal gradients come to Σ_t Σ_{k ≤ t} μ^k.
      let velocity = 0;
      let path = 0;
      for (let step = 0; step < steps; step++) path += velocity = momentum * velocity + 1;
      const gradient = unit / of.gridScale / of.expectedBatch;
      const expected = -(of.learningRateMicro / 1e6) * gradient * path * 2 ** of.updateScaleLog2;
      expect(entry / expected).toBeCloseTo(1, 2);
    }
  });

  it('takes a window that is not finite as nothing', async () => {
    const broken = input('nan', 5);
    // One network's gradient is enough to spoil the window's.
    broken.batches[1]!.windows.fill(NaN, 0, architectures[1]!.steps * architectures[1]!.features);
    const { report } = await train(broken);
    expect(report.nonFinite).toBe(1);
    expect(report.contributing).toBe(4);
  });

  it('refuses to release a diverged update', async () => {
    const wild = { ...plan, learningRateMicro: 1e15 } as PrivacyPlan;
    await expect(train(input('wild', 3, wild))).rejects.toMatchObject({
      code: 'ERR_UPDATE_RANGE',
    });
  });
});

describe('own-update screening', () => {
  it.each(['a', 'b', 'c', 'd'])('passes an honest update (%s)', async (seed) => {
    const { update } = await train(input(seed, 60));
    screenOwnUpdate(update, normEnvelope(plan, 60));
  });

  it('passes honest updates of a plan with several steps and momentum', async () => {
    const several = smallPlan({ parameterCount, steps: 4 });
    expect(several.momentumMicro).toBeGreaterThanOrEqual(0);
    const { update } = await train(input('several', 40, several));
    screenOwnUpdate(update, normEnvelope(several, 40));
  });

  it.each([
    ['no noise', 0],
    ['two thirds of the noise', 2 / 3],
    ['one and a half of it', 1.5],
  ])('refuses an update with %s', async (_, factor) => {
    const round = input('spoilt', 10);
    // The pool gives whole noise only: what is missing or too much of it comes with the sum.
    const noise = new Int32Array(parameterCount);
    sampleDiscreteGaussian(noise, {
      scaleExponent: plan.noiseExponent,
      random: seededWords('spoilt/noise'),
    });
    const { batches } = round;
    const { windowClippingNorm: clippingNorm, gridScale, sensitivityUnits } = plan;
    const clipping = { clippingNorm, gridScale, sensitivityUnits };
    const { update } = await trainPrivately((parameters, select) => {
      const sum = kernelSum(kernel, { architectures, batches, clipping, parameters, select });
      noise.forEach((value, i) => (sum.units[i]! += Math.trunc((factor - 1) * value)));
      return sum;
    }, round);
    expect(() => screenOwnUpdate(update, normEnvelope(plan, 10))).toThrow(
      expect.objectContaining({ code: 'ERR_UPDATE_NORM' }) as Error,
    );
  });
});

describe('the noise of a round', () => {
  const secure = createSecureRandom((bytes) => randomFillSync(bytes));

  it('is opened once per receipt, and is never the same twice', () => {
    const noise = createRoundNoise(secure);
    const bought = receipt();
    noise.prepare(plan);
    const first = noise.open(plan, bought);
    expect(first.remaining).toBe(plan.steps);
    noise.prepare(plan);
    expect(() => noise.open(plan, bought)).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_RECEIPT_USED' }) as Error,
    );
    const second = noise.open(plan, receipt());
    const units = [first, second].map(
      (pool) =>
        releaseSum(sumFromKernel(plan, new Float64Array(parameterCount)), pool.next()).units,
    );
    expect(units[0]!.some((entry) => entry !== 0)).toBe(true);
    expect(units[1]).not.toEqual(units[0]);
  });

  it('hands out nothing that was not drawn beforehand', () => {
    const noise = createRoundNoise(secure);
    expect(() => noise.open(plan, receipt())).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_NOT_READY' }) as Error,
    );
    noise.prepare(smallPlan({ parameterCount, nominalWindows: 400 }));
    expect(() => noise.open(plan, receipt())).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_NOT_READY' }) as Error,
    );
  });

  it('takes no seeded randomness, and no receipt that the ledger did not make', () => {
    // @ts-expect-error a seed is a password in the source
    const noise = createRoundNoise(createExperimentRandom('seed'));
    noise.prepare(plan);
    const forged: unknown = { releaseKey: 'x' };
    expect(() => noise.open(plan, forged as ReturnType<typeof receipt>)).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_RECEIPT' }) as Error,
    );
  });

  it('is opened by a debit of its own plan only', () => {
    const noise = createRoundNoise(secure);
    noise.prepare(plan);
    const other = smallPlan({ parameterCount, nominalWindows: 400 });
    expect(() => noise.open(plan, receipt(other))).toThrow(
      expect.objectContaining({ code: 'ERR_DP_NOISE_POOL' }) as Error,
    );
  });
});

describe('the look at the noise when a node starts', () => {
  it('passes the platform’s randomness, and gives a coded reason for any that is not', () => {
    expect(noiseFault(createSecureRandom((bytes) => randomFillSync(bytes)))).toBeNull();
    const stuck = noiseFault(createSecureRandom((bytes) => bytes.fill(7)));
    expect(stuck).toMatchObject({ code: 'ERR_DP_RANDOM' });
    const narrow = createSecureRandom((bytes) => {
      randomFillSync(bytes);
      for (let i = 0; i < bytes.length; i++) bytes[i]! &= 0x7f;
    });
    expect(noiseFault(narrow)).toMatchObject({ code: 'ERR_DP_RANDOM' });
  });
});
