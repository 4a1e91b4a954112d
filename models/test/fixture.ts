/**
 * A small world of random windows and detectors that judge them; nothing is trained.
 * @module
 */
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_LAYOUT_HASH,
  fromFixedPoint,
  initialParameters,
  toFixedPoint,
} from '../src/architecture/index.js';
import {
  fitNormaliser,
  fitStrata,
  fitTable,
  nonconformityOf,
  standardise,
  stratumFor,
  type CalibrationTable,
  type Detector,
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

export function makeDetector(
  keys: readonly StratumKey[] = STRATA,
  windows = makeWindows(2500, 1),
): MadeDetector {
  const normaliser = fitNormaliser(windows);
  const parameters = toFixedPoint(initialParameters(DEFAULT_ARCHITECTURE, seeded(2)));
  const kernel = createKernel(DEFAULT_ARCHITECTURE);
  kernel.setParameters(fromFixedPoint(parameters));
  const strata = fitStrata({ kernel, batch: standardise(windows, normaliser), keys });
  const held = makeWindows(1500, 3);
  const samples = strata.map((stratum) => {
    const own = held.filter(
      ({ rows }) => stratumFor([stratum], { mask: 0, length: rows.length }) !== undefined,
    );
    const batch = { ...standardise(own, normaliser), columnMask: stratum.columnMask };
    const distances = kernel.squaredDistances(batch, stratum);
    return { ...stratum, nonconformities: Uint32Array.from(distances, nonconformityOf) };
  });
  const detector: Detector = {
    formatVersion: 1,
    version: 7,
    round: 'demo/7/0',
    architecture: DEFAULT_ARCHITECTURE,
    parameters,
    featureSchemaVersion,
    featureSchemaHash,
    kernelHash,
    layoutHash: DEFAULT_LAYOUT_HASH,
    planHash: '5a'.repeat(32),
    manifestDigest: '',
    normaliser,
    roles: flatRoleTables(),
    vocabulary: { hash: 'c3'.repeat(32), size: 624 },
    strata,
  };
  return { detector, table: fitTable({ strata: samples }) };
}

/** One stratum of four columns: a detector of few bytes. */
export function makeSmallDetector(): MadeDetector {
  return makeDetector([{ columnMask: 0xfffff0, lengthMin: 1, lengthMax: 16 }], makeWindows(300, 1));
}
