/**
 * A small world of random windows and detectors that judge them; nothing is trained.
 * @module
 */
import { fromFixedPoint, toFixedPoint } from '../src/architecture/index.js';
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
  type ScoredWindow,
  type StratumKey,
} from '../src/detector/index.js';
import {
  featureSchemaHash,
  featureSchemaVersion,
  flatRoleTables,
  LAYOUT,
  PEERLESS_MASK,
  TIMELESS_MASK,
} from '../src/features/index.js';
import { createKernel, kernelHash } from '../src/kernel/index.js';
import { seeded } from './reference.js';

/** Windows with a level per window and noise per cell; `shift` moves column 3 up. */
export function makeWindows(count: number, seed: number, shift = 0): ScoredWindow[] {
  const random = seeded(seed);
  const noise = (): number => random() + random() + random() - 1.5;
  return Array.from({ length: count }, () => {
    const level = noise();
    const length = 1 + Math.floor(random() * LAYOUT.steps);
    const rows = Array.from({ length }, () =>
      Int16Array.from(LAYOUT.columns, ({ k }, column) =>
        Math.round((4 + level + noise() + (column === 3 ? shift : 0)) * 2 ** k),
      ),
    );
    return { mask: 0, rows };
  });
}

/** Full windows in three lengths, windows without clock, windows without clock and peers. */
export const STRATA: readonly StratumKey[] = [
  { columnMask: 0, lengthMin: 1, lengthMax: 3 },
  { columnMask: 0, lengthMin: 4, lengthMax: 15 },
  { columnMask: 0, lengthMin: 16, lengthMax: 16 },
  { columnMask: TIMELESS_MASK, lengthMin: 1, lengthMax: 16 },
  { columnMask: TIMELESS_MASK | PEERLESS_MASK, lengthMin: 1, lengthMax: 16 },
];

export interface MadeDetector {
  readonly detector: Detector;
  readonly table: CalibrationTable;
}

export interface MadeOptions {
  readonly keys?: readonly StratumKey[];
  readonly windows?: readonly ScoredWindow[];
  readonly networks?: readonly NetworkSpec[];
  /** Columns of the network-free member. */
  readonly features?: readonly number[];
  readonly parameterSeed?: number;
}

/** Random networks, their laws, and a table from windows of the same world. */
export function makeDetector(options: MadeOptions = {}): MadeDetector {
  const { keys = STRATA, windows = makeWindows(2500, 1), networks = ENSEMBLE_NETWORKS } = options;
  const features = options.features ?? LAYOUT.columns.map((_, column) => column).slice(0, 20);
  const normaliser = fitNormaliser(windows);
  const parameters = toFixedPoint(initialNetworks(networks, seeded(options.parameterSeed ?? 2)));
  const rounded = fromFixedPoint(parameters);
  const autoencoders = networksLayout(networks).parts.map((part): DetectorMember => {
    const { spec, architecture, offset, parameterCount } = part;
    const kernel = createKernel(architecture);
    kernel.setParameters(rounded.slice(offset, offset + parameterCount));
    const batch = standardise(windows, normaliser, spec.columns);
    const laws = keys.map((key) => {
      const columnMask = projectMask(key.columnMask, spec.columns);
      const [stratum] = fitStrata({ kernel, batch, keys: [{ ...key, columnMask }] });
      return { mean: stratum!.mean, whitening: stratum!.whitening };
    });
    return { kind: 'autoencoder', ...spec, laws };
  });
  const laws = keys.map((key) => fitFeaturesLaw(windows, key, { columns: features, normaliser }));
  const detector: Detector = {
    formatVersion: 2,
    version: 7,
    round: 'demo/7/0',
    members: [
      ...autoencoders,
      { kind: 'features', name: 'features', columns: features, laws },
      { kind: 'likelihood-ratio', name: 'likelihood-ratio' },
      { kind: 'unseen', name: 'unseen' },
      { kind: 'trigrams', name: 'trigrams' },
    ],
    parameters,
    featureSchemaVersion,
    featureSchemaHash,
    kernelHash,
    layoutHash: ENSEMBLE_LAYOUT_HASH,
    planHash: '5a'.repeat(32),
    manifestDigest: '',
    normaliser,
    roles: flatRoleTables(),
    vocabulary: { hash: 'c3'.repeat(32), size: 624 },
    strata: keys,
  };
  const [halfA, halfB] = [3, 4].map((seed) => masked(makeWindows(4000, seed), keys));
  const table = fitTable({
    members: membersOf(detector),
    strata: keys,
    halfA: halfA!,
    halfB: halfB!,
  });
  return { detector, table };
}

/** The windows spread over the masks of these strata. */
export function masked(
  windows: readonly ScoredWindow[],
  keys: readonly StratumKey[] = STRATA,
): ScoredWindow[] {
  const masks = [...new Set(keys.map(({ columnMask }) => columnMask))];
  return windows.map((window, i) => ({ ...window, mask: masks[i % masks.length]! }));
}

/** One stratum, one small network, two columns of features: a detector of few bytes. */
export function makeSmallDetector(): MadeDetector {
  return makeDetector({
    keys: [{ columnMask: 0, lengthMin: 1, lengthMax: 16 }],
    windows: makeWindows(300, 1),
    networks: [{ name: 'small', columns: [2, 3, 5], hidden: 1, latent: 1 }],
    features: [3, 8],
  });
}
