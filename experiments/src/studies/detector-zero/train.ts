/**
 * From windows to detector 0: normaliser, joint autoencoder, whitening, table.
 * @module
 */
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_LAYOUT_HASH,
  fromFixedPoint,
  initialParameters,
  toFixedPoint,
} from '@bhschain/models/architecture';
import {
  fitNormaliser,
  fitStrata,
  fitTable,
  nonconformityOf,
  standardise,
  stratumFor,
  type CalibrationTable,
  type Detector,
  type Normaliser,
  type ScoredWindow,
  type Stratum,
  type StratumKey,
} from '@bhschain/models/detector';
import {
  featureSchemaHash,
  featureSchemaVersion,
  PEERLESS_MASK,
  TIMELESS_MASK,
  type RoleTables,
} from '@bhschain/models/features';
import { createKernel, kernelHash, type Kernel, type SummarySource } from '@bhschain/models/kernel';
import { preTrain } from '@bhschain/models/training';
import { randomStream } from '@bhschain/datasets';

const CODED_MASK = TIMELESS_MASK | PEERLESS_MASK;
/** Early windows have another error law than full ones. */
const FILLS = [
  [1, 3],
  [4, 15],
  [16, 16],
] as const;

/** Ascending by mask, then length. A source that lacks fewer columns than the coded stratum leaves out is judged there too. */
export const STRATUM_KEYS: readonly StratumKey[] = [0, CODED_MASK].flatMap((columnMask) =>
  FILLS.map(([lengthMin, lengthMax]) => ({ columnMask, lengthMin, lengthMax })),
);

export interface TrainingSet {
  readonly full: readonly ScoredWindow[];
  readonly coded: readonly ScoredWindow[];
}

export interface TrainOptions {
  readonly windows: TrainingSet;
  readonly roles: RoleTables;
  readonly seed: string;
  /** Adam steps; 0 gives the untrained control. */
  readonly steps: number;
  readonly log: (line: string) => void;
}

export function trainDetector(options: TrainOptions): Detector {
  const { windows, seed, steps, log } = options;
  const normaliser = fitNormaliser(windows.full);
  const random = randomStream('detector-zero', seed);
  const parameters = initialParameters(DEFAULT_ARCHITECTURE, () => random.uniform());
  const kernel = createKernel(DEFAULT_ARCHITECTURE);
  if (steps > 0) {
    preTrain({
      kernel,
      parameters,
      batch: standardise([...windows.full, ...windows.coded], normaliser),
      steps,
      windowsPerStep: 256,
      learningRate: 0.01,
      random: () => random.uniform(),
      onStep(step, loss) {
        if ((step + 1) % 500 === 0) log(`step ${step + 1}: loss ${loss.toFixed(4)}`);
      },
    });
  }
  const fixed = toFixedPoint(parameters);
  kernel.setParameters(fromFixedPoint(fixed));
  return {
    formatVersion: 1,
    version: 0,
    round: '',
    architecture: DEFAULT_ARCHITECTURE,
    parameters: fixed,
    featureSchemaVersion,
    featureSchemaHash,
    kernelHash,
    layoutHash: DEFAULT_LAYOUT_HASH,
    planHash: '',
    manifestDigest: '',
    normaliser,
    roles: options.roles,
    vocabulary: null,
    strata: whiten(kernel, windows, normaliser, 'residuals'),
  };
}

/** Strata of the residuals, or of the features alone: the control without a network. */
export function whiten(
  kernel: Kernel,
  windows: TrainingSet,
  normaliser: Normaliser,
  of: SummarySource,
): Stratum[] {
  return STRATUM_KEYS.flatMap((key) =>
    fitStrata({
      kernel,
      batch: standardise(key.columnMask === 0 ? windows.full : windows.coded, normaliser),
      keys: [key],
      of,
    }),
  );
}

/** Nonconformity of each window by any kernel and strata. */
export function nonconformities(
  options: Readonly<{
    kernel: Kernel;
    strata: readonly Stratum[];
    normaliser: Normaliser;
    of: SummarySource;
  }>,
  windows: readonly ScoredWindow[],
): number[] {
  const { kernel, strata, normaliser, of } = options;
  const distances = new Array<number>(windows.length);
  const byStratum = new Map<Stratum, number[]>();
  windows.forEach(({ mask, rows }, i) => {
    const stratum = stratumFor(strata, { mask, length: rows.length })!;
    const indexes = byStratum.get(stratum);
    if (indexes === undefined) byStratum.set(stratum, [i]);
    else indexes.push(i);
  });
  for (const [stratum, indexes] of byStratum) {
    const batch = standardise(
      indexes.map((i) => windows[i]!),
      normaliser,
    );
    const squared = kernel.squaredDistances(
      { ...batch, columnMask: stratum.columnMask },
      stratum,
      of,
    );
    indexes.forEach((i, at) => (distances[i] = nonconformityOf(squared[at]!)));
  }
  return distances;
}

/** Kernel with the detector's parameters. */
export function kernelOf(detector: Detector): Kernel {
  const kernel = createKernel(detector.architecture);
  kernel.setParameters(fromFixedPoint(detector.parameters));
  return kernel;
}

/** Calibration table from held-out benign windows; each stratum gets its own. */
export function calibrate(detector: Detector, windows: readonly ScoredWindow[]): CalibrationTable {
  const scores = nonconformities(
    {
      kernel: kernelOf(detector),
      strata: detector.strata,
      normaliser: detector.normaliser,
      of: 'residuals',
    },
    windows,
  );
  const of = windows.map((w) =>
    stratumFor(detector.strata, { mask: w.mask, length: w.rows.length }),
  );
  return fitTable({
    strata: detector.strata.map(({ columnMask, lengthMin, lengthMax }, at) => ({
      columnMask,
      lengthMin,
      lengthMax,
      nonconformities: Uint32Array.from(scores.filter((_, i) => of[i] === detector.strata[at])),
    })),
  });
}
