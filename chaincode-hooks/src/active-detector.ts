/**
 * The pointer `det~active`, and the judge that it names.
 *
 * The pointer is read on every call; the blobs that it names by SHA-256 only while this process has not seen them. A blob
 * cannot change under its name, so a verdict is the same with a blob read now and with one read before, and the pointer, which
 * is in every read set, binds the bytes. What differs is the read set of an endorser that has to read: endorsed together with
 * one that has not, it does not match, and the client asks again, once. Nodes read both blobs through their own server before
 * they attest, so it is warm when the detector becomes active.
 * @module
 */
import {
  createScorer,
  decodeDetector,
  decodeTable,
  type CalibrationTable,
  type Detector,
  type Scorer,
} from '@bhschain/models/detector';

import { parseJsonObject } from './canonical-json.js';
import { contentCache } from './content-cache.js';
import { sha256Hex } from './digest.js';
import { ChaincodeError } from './errors.js';
import { detectorBlobKey } from './ledger-keys.js';

export interface DetectorPointer {
  readonly version: number;
  readonly modelHash: string;
  /** The public table of the proposal; judges the calls of every hospital that has no table of its own. */
  readonly tableHash: string;
  /** Tables of single hospitals, by MSP, as far as enough others recomputed them. */
  readonly tables?: Readonly<Record<string, string>>;
  readonly kernelHash: string;
  readonly schemaHash: string;
  /** `shadow`: calls are judged, nothing is diverted. */
  readonly mode: 'enforce' | 'shadow';
  /** The version that was active before; null for the first. */
  readonly previous: number | null;
}

/** Null if no detector was ever activated. */
export function decodePointer(bytes: Uint8Array): DetectorPointer | null {
  if (bytes.length === 0) return null;
  const raw = parseJsonObject(bytes, 'active detector');
  if (
    !Number.isSafeInteger(raw['version']) ||
    (raw['mode'] !== 'enforce' && raw['mode'] !== 'shadow')
  ) {
    throw new ChaincodeError('ERR_LEDGER_VALUE', 'active detector: version or mode of wrong kind');
  }
  return raw as unknown as DetectorPointer;
}

/** Keys of the model and of the table that judges the calls of `mspId`. */
export function blobKeysOf(pointer: DetectorPointer, mspId: string): readonly [string, string] {
  return [detectorBlobKey(pointer.modelHash), detectorBlobKey(tableHashFor(pointer, mspId))];
}

function tableHashFor(pointer: DetectorPointer, mspId: string): string {
  return pointer.tables?.[mspId] ?? pointer.tableHash;
}

export type CreateScorer = (detector: Detector, table: CalibrationTable) => Scorer;

/** The two blobs of a pointer. */
export interface DetectorBlobs {
  readonly model: Uint8Array;
  readonly table: Uint8Array;
}

/** From the names in a pointer to the scorer that they name. */
export interface Judges {
  /** The scorer if its blobs need not be read; null if they must be. */
  known(pointer: DetectorPointer, mspId: string): Scorer | null;
  /** The scorer that the blobs make; null if they cannot be trusted. */
  judge(pointer: DetectorPointer, mspId: string, blobs: DetectorBlobs): Scorer | null;
  /** Remembers a blob that passed through this process, so that the first call under a new detector need not read it. */
  remember(blob: Uint8Array): void;
}

/** In use at the same time: one for each hospital's table, and those of the predecessor while calls are in flight. */
const JUDGES_MAX = 16;
const BLOBS_MAX = 32;

/**
 * Null on: a missing blob, bytes that do not hash to their name, bytes that do not decode, a kernel, feature schema or layout
 * that is not ours. A failure is not remembered, so it costs its full price again: it is an alarm, not a state to be in.
 */
export function createJudges(createScorerOf: CreateScorer = createScorer): Judges {
  const scorers = contentCache<Scorer>(JUDGES_MAX);
  const blobs = contentCache<Uint8Array>(BLOBS_MAX);
  const make = (pointer: DetectorPointer, tableHash: string, { model, table }: DetectorBlobs) => {
    const { modelHash, kernelHash, schemaHash } = pointer;
    requireHash(model, modelHash);
    requireHash(table, tableHash);
    const detector = decodeDetector(model);
    if (detector.kernelHash !== kernelHash || detector.featureSchemaHash !== schemaHash) {
      throw new ChaincodeError('ERR_DETECTOR_DIGEST', 'pointer and model disagree');
    }
    return createScorerOf(detector, decodeTable(table));
  };
  const judge: Judges['judge'] = (pointer, mspId, read) => {
    const tableHash = tableHashFor(pointer, mspId);
    try {
      return scorers(nameOf(pointer, tableHash), () => make(pointer, tableHash, read));
    } catch {
      return null;
    }
  };
  return {
    judge,
    known(pointer, mspId) {
      const tableHash = tableHashFor(pointer, mspId);
      const scorer = scorers.known(nameOf(pointer, tableHash));
      if (scorer !== undefined) return scorer;
      const model = blobs.known(pointer.modelHash);
      const table = blobs.known(tableHash);
      if (model === undefined || table === undefined) return null;
      return judge(pointer, mspId, { model, table });
    },
    remember(blob) {
      blobs(sha256Hex(blob), () => Uint8Array.from(blob));
    },
  };
}

function nameOf({ modelHash, kernelHash, schemaHash }: DetectorPointer, tableHash: string): string {
  return [modelHash, tableHash, kernelHash, schemaHash].join(' ');
}

function requireHash(bytes: Uint8Array, sha256: string): void {
  if (sha256Hex(bytes) !== sha256) {
    throw new ChaincodeError('ERR_DETECTOR_DIGEST', 'a blob does not hash to its name');
  }
}
