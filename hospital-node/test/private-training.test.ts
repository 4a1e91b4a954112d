import { randomFillSync } from 'node:crypto';
import {
  createExperimentRandom,
  createSecureRandom,
  sampleDiscreteGaussian,
  samplePoissonMask,
  type PrivacyPlan,
} from '@bhschain/dp';
import { DEFAULT_ARCHITECTURE, layoutOf } from '@bhschain/models/architecture';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { createKernel } from '@bhschain/models/kernel';
import { describe, expect, it } from 'vitest';
import { createNoisePool } from '../src/training/noise-pool.js';
import { normEnvelope, screenOwnUpdate } from '../src/training/own-update-screening.js';
import {
  trainPrivately,
  type TrainingInput,
  type TrainingTask,
} from '../src/training/private-training.js';
import { createTrainingPool } from '../src/training/training-pool.js';
import { openPrivacyLedger } from '../src/privacy-ledger/index.js';
import { smallPlan } from './small-plan.js';
import { temporaryFolder } from './temporary-folder.js';

const { parameterCount } = layoutOf(DEFAULT_ARCHITECTURE);
const { steps, features } = DEFAULT_ARCHITECTURE;
const plan: PrivacyPlan = smallPlan({ parameterCount });
const kernel = createKernel(DEFAULT_ARCHITECTURE);

/** Everything of a round from one seed. */
function input(seed: string, windowCount: number, of: PrivacyPlan = plan): TrainingInput {
  const random = createExperimentRandom(seed);
  const words = new Uint32Array(windowCount * steps * features);
  random.fill(words);
  const selections = new Uint8Array(of.steps * windowCount);
  samplePoissonMask(selections, { samplingNumerator: of.samplingNumerator, random });
  const noise = new Int32Array(of.steps * parameterCount);
  sampleDiscreteGaussian(noise, { scaleExponent: of.noiseExponent, random });
  return {
    plan: of,
    base: DETECTOR_ZERO.detector.parameters,
    windows: Float32Array.from(words, (word) => (word / 2 ** 32) * 4 - 2),
    lengths: new Uint8Array(windowCount).fill(steps),
    columnMasks: new Uint32Array(windowCount),
    selections,
    noise,
  };
}

/** The same, as it crosses into a worker: plain numbers and buffers. */
function taskOf(round: TrainingInput): TrainingTask {
  const { windowClippingNorm, gridScale, sensitivityUnits, expectedBatch } = plan;
  const { learningRateMicro, momentumMicro, updateScaleLog2 } = plan;
  return {
    ...round,
    plan: {
      steps: plan.steps,
      windowClippingNorm,
      gridScale,
      sensitivityUnits,
      expectedBatch,
      learningRateMicro,
      momentumMicro,
      updateScaleLog2,
      parameterCount,
    },
    architecture: DEFAULT_ARCHITECTURE,
  };
}

describe('private training', () => {
  it('gives the same update for the same experiment randomness, in a worker too', async () => {
    const first = trainPrivately(kernel, input('seed', 40));
    const second = trainPrivately(createKernel(DEFAULT_ARCHITECTURE), input('seed', 40));
    expect(second).toEqual(first);
    const pool = createTrainingPool({ threads: 1 });
    const moved = input('seed', 40);
    const inWorker = await pool.run(taskOf(moved));
    // A coded failure keeps its code on the way back; a dead worker is a failed training, and the next one is alive.
    const { architecture, ...rest } = taskOf(input('seed', 3));
    const short = { ...rest, architecture, noise: new Int32Array(1) };
    await expect(pool.run(short)).rejects.toMatchObject({ code: 'ERR_TRAINING_INPUT' });
    const impossible = {
      ...taskOf(input('seed', 3)),
      architecture: { ...architecture, hidden: -1 },
    };
    await expect(pool.run(impossible)).rejects.toMatchObject({ code: 'ERR_TRAINING_FAILED' });
    expect((await pool.run(taskOf(input('seed', 40)))).update).toEqual(first.update);
    await pool.close();
    expect(inWorker.update).toEqual(first.update);
    expect(moved.noise.length, 'the noise was given away').toBe(0);
    expect(trainPrivately(kernel, input('other seed', 40)).update).not.toEqual(first.update);
  });

  it('without a window is a noise-only step of exactly the plan’s scale, and of no other', () => {
    const { update } = trainPrivately(kernel, input('noise only', 0));
    const unit = 2 ** plan.updateScaleLog2;
    const rate = plan.learningRateMicro / 1e6;
    // σ of a coordinate: η · σ · C / expected batch, in grid units.
    const deviation =
      (rate * plan.noiseMultiplier * plan.windowClippingNorm * unit) / plan.expectedBatch;
    const variance = update.reduce((sum, entry) => sum + entry * entry, 0) / update.length;
    const ratio = variance / deviation ** 2;
    // Standard error of a variance estimate over d = 2,956: √(2/d) = 2.6 %; six of them.
    const tolerance = 6 * Math.sqrt(2 / update.length);
    expect(Math.abs(ratio - 1)).toBeLessThan(tolerance);
    for (const wrong of [2 / 3, 3 / 2]) {
      expect(Math.abs(ratio / wrong ** 2 - 1)).toBeGreaterThan(tolerance);
    }
  });

  it('moves by at most the clipping norm when one window is added', () => {
    const many = input('neighbours', 30);
    const without = {
      ...many,
      selections: many.selections.map((selected, index) => (index === 7 ? 0 : selected)),
    };
    const a = trainPrivately(kernel, many).update;
    const b = trainPrivately(kernel, without).update;
    const squares = a.reduce((sum, entry, i) => sum + (entry - b[i]!) ** 2, 0);
    const bound =
      ((plan.learningRateMicro / 1e6) * plan.windowClippingNorm * 2 ** plan.updateScaleLog2) /
      plan.expectedBatch;
    expect(Math.sqrt(squares)).toBeGreaterThan(0);
    // Rounding to the update grid adds at most 1/2 in each of two vectors and coordinate.
    expect(Math.sqrt(squares)).toBeLessThan(bound + Math.sqrt(parameterCount));
  });

  it('takes a window that is not finite as nothing', () => {
    const broken = input('nan', 5);
    broken.windows.fill(NaN, 0, steps * features);
    const { report } = trainPrivately(kernel, broken);
    expect(report.nonFinite).toBe(1);
    expect(report.contributing).toBe(4);
  });

  it('refuses to release a diverged update', () => {
    const wild = { ...plan, learningRateMicro: 1e15 } as PrivacyPlan;
    expect(() => trainPrivately(kernel, input('wild', 3, wild))).toThrow(
      expect.objectContaining({ code: 'ERR_UPDATE_RANGE' }) as Error,
    );
  });
});

describe('own-update screening', () => {
  it.each(['a', 'b', 'c', 'd'])('passes an honest update (%s)', (seed) => {
    const { update } = trainPrivately(kernel, input(seed, 60));
    screenOwnUpdate(update, normEnvelope(plan, 60));
  });

  it('passes honest updates of a plan with several steps and momentum', () => {
    const several = smallPlan({ parameterCount, steps: 4 });
    expect(several.momentumMicro).toBeGreaterThanOrEqual(0);
    const { update } = trainPrivately(kernel, input('several', 40, several));
    screenOwnUpdate(update, normEnvelope(several, 40));
  });

  it.each([
    [
      'no noise',
      (round: TrainingInput) => ({ ...round, noise: new Int32Array(round.noise.length) }),
    ],
    [
      'two thirds of the noise',
      (round: TrainingInput) => ({ ...round, noise: round.noise.map((x) => (x * 2) / 3) }),
    ],
    [
      'one and a half of it',
      (round: TrainingInput) => ({ ...round, noise: round.noise.map((x) => x * 1.5) }),
    ],
  ])('refuses an update with %s', (_, spoil) => {
    const { update } = trainPrivately(kernel, spoil(input('spoilt', 10)));
    expect(() => screenOwnUpdate(update, normEnvelope(plan, 10))).toThrow(
      expect.objectContaining({ code: 'ERR_UPDATE_NORM' }) as Error,
    );
  });
});

describe('the noise pool', () => {
  const shape = { steps: 2, parameterCount: 500, noiseExponent: 18 };
  const secure = createSecureRandom((bytes) => randomFillSync(bytes));

  function receipt(): ReturnType<ReturnType<typeof openPrivacyLedger>['debit']> {
    const ledger = openPrivacyLedger({
      file: `${temporaryFolder()}/ledger.jsonl`,
      nodeId: 'H1',
      ceilings: {
        epsilonPerRound: 1,
        actorEpsilon: 8,
        actorHorizonDays: 30,
        windowsPerActorMax: 1,
      },
      now: () => 0,
    });
    return ledger.debit({
      roundId: { federationId: 'f', slotIndex: 1, attempt: 1 },
      plan,
      planHash: 'a'.repeat(64),
      layoutHash: 'b'.repeat(64),
      baseModel: 'c'.repeat(64),
      interval: { fromMs: 0, toMs: 1 },
    });
  }

  it('sells once per receipt, and never the same noise twice', () => {
    const pool = createNoisePool(secure);
    const bought = receipt();
    pool.prepare(shape);
    const noise = pool.handOut(shape, bought);
    expect(noise.some((entry) => entry !== 0)).toBe(true);
    pool.prepare(shape);
    expect(() => pool.handOut(shape, bought)).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_RECEIPT_USED' }) as Error,
    );
    expect(pool.handOut(shape, receipt())).not.toEqual(noise);
  });

  it('hands out nothing that was not drawn beforehand', () => {
    const pool = createNoisePool(secure);
    expect(() => pool.handOut(shape, receipt())).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_NOT_READY' }) as Error,
    );
  });

  it('takes no seeded randomness, and no receipt that the ledger did not make', () => {
    // @ts-expect-error a seed is a password in the source
    const pool = createNoisePool(createExperimentRandom('seed'));
    pool.prepare(shape);
    const forged: unknown = { releaseKey: 'x' };
    expect(() => pool.handOut(shape, forged as ReturnType<typeof receipt>)).toThrow(
      expect.objectContaining({ code: 'ERR_NOISE_RECEIPT' }) as Error,
    );
  });
});
