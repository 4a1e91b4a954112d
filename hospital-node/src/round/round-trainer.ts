/**
 * From a debit to update bytes: noise that waits, windows of the interval, a worker, a look at the result.
 * @module
 */
import {
  samplePoissonMask,
  type NoisePool,
  type PrivacyPlan,
  type SecureRandom,
} from '@bhschain/dp';
import {
  createScorer,
  networksOf,
  standardise,
  type PublishedDetector,
} from '@bhschain/models/detector';
import type { Interval, LogFollower, WindowLabels, WindowStore } from '../access-log/index.js';
import type { DebitReceipt } from '../privacy-ledger/index.js';
import { normEnvelope, screenOwnUpdate } from '../training/own-update-screening.js';
import type { RoundNoise } from '../training/round-noise.js';
import type { TrainingPool } from '../training/training-pool.js';
import { commitToData, type DataCommitment } from './data-commitment.js';
import { releaseScoreHistogram } from './score-histogram.js';

/** Private facts of a round, for this hospital's own status page. */
export interface TrainingFacts {
  readonly windows: number;
  readonly excludedPending: number;
  readonly excludedConfirmed: number;
  readonly contributing: number;
  readonly clipped: number;
  readonly nonFinite: number;
  /** Euclidean norm of the update, in parameter units. */
  readonly updateNorm: number;
}

export interface RoundTrainer {
  /** Before the debit: draws the noise, then lets the log catch up, so that a fault of the log costs nothing. */
  prepare(plan: PrivacyPlan): Promise<void>;
  /** After the debit; the receipt opens the noise, once. */
  train(request: TrainRequest): Promise<Trained>;
}

export interface TrainRequest {
  readonly plan: PrivacyPlan;
  readonly base: Int32Array;
  readonly interval: Interval;
  readonly receipt: DebitReceipt;
}

export interface Trained {
  readonly update: Int32Array;
  /** Noised; null where the plan releases none. */
  readonly scoreHistogram: Int32Array | null;
  readonly data: DataCommitment;
  readonly facts: TrainingFacts;
}

export interface RoundTrainerOptions {
  readonly noise: RoundNoise;
  readonly pool: TrainingPool;
  readonly windows: WindowStore;
  readonly labels: WindowLabels;
  readonly log: Pick<LogFollower, 'pump' | 'closeThrough'>;
  /** For the Poisson mask. */
  readonly random: SecureRandom;
  /** Detector 0, whose public parts every version keeps. */
  readonly published: Pick<PublishedDetector, 'detector' | 'table'>;
}

export function createRoundTrainer(options: RoundTrainerOptions): RoundTrainer {
  const { noise, pool } = options;
  const { detector, table } = options.published;
  const { parts } = networksOf(detector);
  return {
    prepare: async (plan) => {
      noise.prepare(plan);
      await options.log.pump();
    },
    train: async ({ plan, base, interval, receipt }) => {
      const drawn = noise.open(plan, receipt);
      try {
        return await trainOn(drawn, { plan, base, interval });
      } finally {
        drawn.close();
      }
    },
  };

  async function trainOn(
    drawn: NoisePool,
    { plan, base, interval }: Omit<TrainRequest, 'receipt'>,
  ): Promise<Trained> {
    await options.log.closeThrough(interval.toMs);
    const found = await options.windows.trainingWindows(interval, options.labels);
    const windowCount = found.windows.length;
    const batches = parts.map(({ spec }) => {
      const batch = standardise(found.windows, detector.normaliser, spec.columns);
      return { windows: batch.windows, lengths: batch.lengths, columnMasks: batch.columnMask };
    });
    // The worker gets the buffers for good, so this comes first.
    const data = commitToData(
      batches.flatMap(({ windows, lengths, columnMasks }) => [windows, lengths, columnMasks]),
      options.random,
    );
    // Training closes the pool, so this comes before it.
    const scoreHistogram =
      plan.releases.length === 0
        ? null
        : await releaseScoreHistogram(plan, drawn, {
            scorer: createScorer({ ...detector, parameters: base }, table),
            windows: [...found.windows, ...found.pending],
          });
    const { update, report } = await pool.run({
      plan,
      architectures: parts.map(({ architecture }) => architecture),
      base,
      windowCount,
      batches,
      selections: samplePoisson(plan, windowCount, options.random),
      noise: drawn,
    });
    screenOwnUpdate(update, normEnvelope(plan, windowCount));
    return {
      update,
      scoreHistogram,
      data,
      facts: {
        windows: windowCount,
        excludedPending: found.excluded.pending,
        excludedConfirmed: found.excluded.confirmed,
        ...report,
        updateNorm: normOf(update, plan.updateScaleLog2),
      },
    };
  }
}

/** A fresh mask for every step, `[steps, windows]`. */
function samplePoisson(plan: PrivacyPlan, windowCount: number, random: SecureRandom): Uint8Array {
  const selections = new Uint8Array(plan.steps * windowCount);
  for (let step = 0; step < plan.steps; step++) {
    samplePoissonMask(selections.subarray(step * windowCount, (step + 1) * windowCount), {
      samplingNumerator: plan.samplingNumerator,
      random,
    });
  }
  return selections;
}

function normOf(update: Int32Array, scaleLog2: number): number {
  let squares = 0;
  for (const entry of update) squares += entry * entry;
  return Math.sqrt(squares) / 2 ** scaleLog2;
}
