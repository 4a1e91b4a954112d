/**
 * From windows to a detector: normaliser, networks, laws of the summaries, table.
 * @module
 */
import { fromFixedPoint, toFixedPoint } from '@bhschain/models/architecture';
import {
  ENSEMBLE_LAYOUT_HASH,
  ENSEMBLE_NETWORKS,
  fitFeaturesLaw,
  fitNormaliser,
  fitStrata,
  fitTable,
  initialNetworks,
  membersOf,
  networksLayout,
  projectMask,
  standardise,
  type CalibrationTable,
  type Detector,
  type DetectorMember,
  type NetworkSpec,
  type Normaliser,
  type ScoredWindow,
  type StratumKey,
  type SummaryLaw,
} from '@bhschain/models/detector';
import {
  COLUMN,
  COLUMNS,
  featureSchemaHash,
  featureSchemaVersion,
  PEERLESS_MASK,
  TIMELESS_MASK,
  type RoleTables,
} from '@bhschain/models/features';
import { createKernel, kernelHash, type Kernel } from '@bhschain/models/kernel';
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

const LEFT_OUT: readonly number[] = [
  COLUMN.peerSurprisal,
  COLUMN.surprisalExcess,
  COLUMN.distinctFunctions,
  COLUMN.sessionsLastHour,
  COLUMN.position,
  COLUMN.erase,
];

/**
 * Columns of the network-free member: without those that others (nearly) determine, for the artefact has 64 KiB.
 */
export const FEATURES_COLUMNS: readonly number[] = COLUMNS.flatMap((_, column) =>
  LEFT_OUT.includes(column) ? [] : [column],
);

/** One network over all columns that a whitening has use for, as large as it was before there were three. */
export const JOINT_NETWORK: NetworkSpec = {
  name: 'joint',
  columns: COLUMNS.flatMap((_, column) => (column === COLUMN.peerSurprisal ? [] : [column])),
  hidden: 12,
  latent: 4,
};

const INTEGER_MEMBERS: readonly DetectorMember[] = [
  { kind: 'likelihood-ratio', name: 'likelihood-ratio' },
  { kind: 'unseen', name: 'unseen' },
  { kind: 'trigrams', name: 'trigrams' },
];

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
  /** The product's three by default. */
  readonly networks?: readonly NetworkSpec[];
  readonly log: (line: string) => void;
}

/** With all members; an arm leaves some of them out (`withMembers`). */
export function trainDetector(options: TrainOptions): Detector {
  const { windows, networks = ENSEMBLE_NETWORKS } = options;
  const normaliser = fitNormaliser(windows.full);
  const parameters = trainNetworks(options, networks, normaliser);
  const fixed = toFixedPoint(parameters);
  const rounded = fromFixedPoint(fixed);
  const autoencoders = networksLayout(networks).parts.map((part): DetectorMember => {
    const kernel = createKernel(part.architecture);
    kernel.setParameters(rounded.slice(part.offset, part.offset + part.parameterCount));
    return {
      kind: 'autoencoder',
      ...part.spec,
      laws: lawsOf(kernel, windows, part.spec, normaliser),
    };
  });
  return {
    formatVersion: 2,
    version: 0,
    round: '',
    members: [
      ...autoencoders,
      featuresMemberOf(windows, normaliser, FEATURES_COLUMNS),
      ...INTEGER_MEMBERS,
    ],
    parameters: fixed,
    featureSchemaVersion,
    featureSchemaHash,
    kernelHash,
    layoutHash: ENSEMBLE_LAYOUT_HASH,
    planHash: '',
    manifestDigest: '',
    normaliser,
    roles: options.roles,
    vocabulary: null,
    strata: STRATUM_KEYS,
  };
}

function trainNetworks(
  { windows, seed, steps, log }: TrainOptions,
  networks: readonly NetworkSpec[],
  normaliser: Normaliser,
): Float32Array {
  const random = randomStream('detector-zero', seed);
  const parameters = initialNetworks(networks, () => random.uniform());
  if (steps === 0) return parameters;
  for (const { spec, architecture, offset, parameterCount } of networksLayout(networks).parts) {
    const own = parameters.subarray(offset, offset + parameterCount);
    preTrain({
      kernel: createKernel(architecture),
      parameters: own,
      batch: standardise([...windows.full, ...windows.coded], normaliser, spec.columns),
      steps,
      windowsPerStep: 256,
      learningRate: 0.01,
      random: () => random.uniform(),
      onStep(step, loss) {
        if ((step + 1) % 1000 === 0) log(`${spec.name} step ${step + 1}: loss ${loss.toFixed(4)}`);
      },
    });
  }
  return parameters;
}

function lawsOf(
  kernel: Kernel,
  windows: TrainingSet,
  { columns }: NetworkSpec,
  normaliser: Normaliser,
): SummaryLaw[] {
  return STRATUM_KEYS.map((key) => {
    const columnMask = projectMask(key.columnMask, columns);
    const batch = standardise(windowsOf(windows, key), normaliser, columns);
    const [stratum] = fitStrata({ kernel, batch, keys: [{ ...key, columnMask }] });
    const { mean, whitening } = stratum!;
    return { mean, whitening };
  });
}

/** The network-free member of these columns. */
export function featuresMemberOf(
  windows: TrainingSet,
  normaliser: Normaliser,
  columns: readonly number[],
): DetectorMember {
  const laws = STRATUM_KEYS.map((key) =>
    fitFeaturesLaw(windowsOf(windows, key), key, { columns, normaliser }),
  );
  return { kind: 'features', name: 'features', columns, laws };
}

function windowsOf(
  { full, coded }: TrainingSet,
  { columnMask }: StratumKey,
): readonly ScoredWindow[] {
  return columnMask === 0 ? full : coded;
}

/** The detector with only those members that `keep` names; parameters go with their networks. */
export function withMembers(
  detector: Detector,
  keep: (member: DetectorMember) => boolean,
): Detector {
  const members = detector.members.filter(keep);
  const kept = new Set(members.map(({ name }) => name));
  const { parts } = networksLayout(detector.members.filter((m) => m.kind === 'autoencoder'));
  const parameters = parts.flatMap(({ spec, offset, parameterCount }) =>
    kept.has(spec.name) ? [...detector.parameters.subarray(offset, offset + parameterCount)] : [],
  );
  return { ...detector, members, parameters: Int32Array.from(parameters) };
}

/** A calibration window and whose it is: one actor's windows are never in both halves. */
export interface CalibrationWindow {
  readonly actor: string;
  readonly window: ScoredWindow;
}

/** Calibration table from held-out benign windows. */
export function calibrate(
  detector: Detector,
  windows: readonly CalibrationWindow[],
): CalibrationTable {
  return fitTable({ members: membersOf(detector), strata: detector.strata, ...halvesOf(windows) });
}

/** Half of the actors for evidence, the others for the score. */
export function halvesOf(windows: readonly CalibrationWindow[]): {
  readonly halfA: readonly ScoredWindow[];
  readonly halfB: readonly ScoredWindow[];
} {
  const halves = new Map<string, boolean>();
  for (const { actor } of windows) if (!halves.has(actor)) halves.set(actor, isHalfA(actor));
  const half = (wanted: boolean): ScoredWindow[] =>
    windows.filter(({ actor }) => halves.get(actor) === wanted).map(({ window }) => window);
  return { halfA: half(true), halfB: half(false) };
}

/** By a hash of the name, so that an actor's half does not depend on the others. */
function isHalfA(actor: string): boolean {
  return randomStream('detector-zero', 'calibration half', actor).chance(0.5);
}
