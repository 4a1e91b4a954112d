/**
 * What may be proposed, calibrated and moved in the registry of detectors. Pure; every refusal has its code.
 * @module
 */
import {
  createScorer,
  decodeDetector,
  decodeTable,
  type CalibrationTable,
  type Detector,
} from '@bhschain/models/detector';

import { canonicalJson, type JsonObject } from './canonical-json.js';
import type { DetectorEntry, DetectorState } from './detector-entry.js';
import { SCORE_THRESHOLD } from './disposition.js';
import { ChaincodeError } from './errors.js';

/** α₀: 32 in 1,000 benign calls are held. */
const PUBLIC_ALPHA_PPM = 32_000;
const CALIBRATION_COUNT_MIN = 1_000;

/** Decodes both blobs and makes a scorer of them: what cannot judge is never proposed. */
export function verifyProposal(
  version: number,
  modelBytes: Uint8Array,
  tableBytes: Uint8Array,
): Detector {
  let detector: Detector;
  let table: CalibrationTable;
  try {
    detector = decodeDetector(modelBytes);
    table = decodeTable(tableBytes);
    createScorer(detector, table);
  } catch (cause) {
    // Kernel, schema, layout, size, bytes: whatever `models` refuses has a code and a sentence of its own.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new ChaincodeError('ERR_DETECTOR_INVALID', cause.message, { cause: String(cause.code) });
  }
  if (detector.version !== version) {
    throw new ChaincodeError(
      'ERR_DETECTOR_VERSION',
      `propose: expected the detector's own version ${detector.version}, got ${version}`,
    );
  }
  if (table.theta !== SCORE_THRESHOLD) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.theta: expected ${SCORE_THRESHOLD}, got ${table.theta}`,
    );
  }
  return detector;
}

/**
 * What a hospital's own table may be: one that goes with the model, of the same θ, made from enough calls, and with an α that
 * is at most twice and at least half of the public one's.
 */
export function requireCalibration(modelBytes: Uint8Array, tableBytes: Uint8Array): void {
  let table: CalibrationTable;
  try {
    table = decodeTable(tableBytes);
    createScorer(decodeDetector(modelBytes), table);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new ChaincodeError('ERR_DETECTOR_INVALID', cause.message, { cause: String(cause.code) });
  }
  if (table.theta !== SCORE_THRESHOLD) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.theta: expected ${SCORE_THRESHOLD}, got ${table.theta}`,
    );
  }
  const [least, most] = [Math.floor(PUBLIC_ALPHA_PPM / 2), PUBLIC_ALPHA_PPM * 2];
  if (table.alphaPpm < least || table.alphaPpm > most) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.alphaPpm: expected ${least} to ${most}, got ${table.alphaPpm}`,
    );
  }
  const fewest = Math.min(...table.strata.map(({ n }) => n));
  if (fewest < CALIBRATION_COUNT_MIN) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table: expected at least ${CALIBRATION_COUNT_MIN} calls a stratum, got ${fewest}`,
    );
  }
}

export function requireSameProposal(stored: DetectorEntry, entry: DetectorEntry): void {
  if (
    stored.modelHash !== entry.modelHash ||
    stored.tableHash !== entry.tableHash ||
    canonicalJson({ ...stored.provenance }) !== canonicalJson({ ...entry.provenance })
  ) {
    throw new ChaincodeError(
      'ERR_DETECTOR_DIGEST',
      `propose: version ${entry.version} was proposed with other bytes`,
      { version: entry.version },
    );
  }
}

/** The first version is 0, the public detector, or 1; each further one follows its predecessor. */
export function requireNext(version: number, last: JsonObject | null): void {
  const previous = last?.['version'];
  const ok = typeof previous === 'number' ? version === previous + 1 : version <= 1;
  if (!ok) {
    const expected = typeof previous === 'number' ? String(previous + 1) : '0 or 1';
    throw new ChaincodeError(
      'ERR_DETECTOR_VERSION',
      `propose: expected version ${expected}, got ${version}`,
    );
  }
}

export function requireState(
  entry: DetectorEntry,
  states: readonly DetectorState[],
  step: string,
): void {
  if (!states.includes(entry.state)) {
    throw new ChaincodeError(
      'ERR_DETECTOR_STATE',
      `${step}: expected version ${entry.version} ${states.join(' or ')}, it is ${entry.state}`,
      { version: entry.version, state: entry.state },
    );
  }
}
