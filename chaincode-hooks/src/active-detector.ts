/**
 * The pointer `det~active`, and the judge that it names.
 *
 * Pointer and blobs are read on every call, on a warm endorser as on a cold one; what is remembered is only the decoded
 * judge, by all four hashes of the pointer. Bytes that come from the ledger are compared with the bytes whose SHA-256 was checked.
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

/** Turns the two blobs of a pointer into a scorer; null if they cannot be trusted. */
export type Judges = (
  pointer: DetectorPointer,
  mspId: string,
  blobs: { readonly model: Uint8Array; readonly table: Uint8Array },
) => Scorer | null;

interface Judge {
  readonly model: Uint8Array;
  readonly table: Uint8Array;
  readonly scorer: Scorer;
}

/** In use at the same time: one for each hospital's table, and those of the predecessor while calls are in flight. */
const JUDGES_MAX = 16;

/**
 * Null on: a missing blob, bytes that do not hash to their name, bytes that do not decode, a kernel, feature schema or layout
 * that is not ours. A failure is not remembered, so it costs its full price again: it is an alarm, not a state to be in.
 */
export function createJudges(createScorerOf: CreateScorer = createScorer): Judges {
  const judges = contentCache<Judge>(JUDGES_MAX);
  return (pointer, mspId, { model, table }) => {
    try {
      const { modelHash, kernelHash, schemaHash } = pointer;
      const tableHash = tableHashFor(pointer, mspId);
      const judge = judges([modelHash, tableHash, kernelHash, schemaHash].join(' '), () => {
        requireHash(model, modelHash);
        requireHash(table, tableHash);
        const detector = decodeDetector(model);
        if (detector.kernelHash !== kernelHash || detector.featureSchemaHash !== schemaHash) {
          throw new ChaincodeError('ERR_DETECTOR_DIGEST', 'pointer and model disagree');
        }
        return { model, table, scorer: createScorerOf(detector, decodeTable(table)) };
      });
      const same =
        Buffer.compare(judge.model, model) === 0 && Buffer.compare(judge.table, table) === 0;
      return same ? judge.scorer : null;
    } catch {
      return null;
    }
  };
}

function requireHash(bytes: Uint8Array, sha256: string): void {
  if (sha256Hex(bytes) !== sha256) {
    throw new ChaincodeError('ERR_DETECTOR_DIGEST', 'a blob does not hash to its name');
  }
}
