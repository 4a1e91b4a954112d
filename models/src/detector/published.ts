/**
 * Detector 0 with its public table, and the public canaries: made from the simulator by
 * `npm run detector-zero`, committed as generated modules, decoded at first use.
 * @module
 */
import { decodeCanaries } from './canaries.js';
import { decodeDetector } from './detector-codec.js';
import type { CalibrationTable, Canaries, Detector } from './detector.js';
import { DETECTOR_ZERO_BASE64, TABLE_ZERO_BASE64 } from './detector-zero.js';
import { PUBLIC_CANARIES_BASE64 } from './public-canaries.js';
import { decodeTable } from './table-codec.js';

export interface PublishedDetector {
  /** Canonical bytes: what is proposed, hashed and attested. */
  readonly detectorBytes: Uint8Array;
  readonly tableBytes: Uint8Array;
  readonly detector: Detector;
  readonly table: CalibrationTable;
}

const detectorBytes = lazily(() => bytesOf(DETECTOR_ZERO_BASE64));
const tableBytes = lazily(() => bytesOf(TABLE_ZERO_BASE64));
const detector = lazily(() => decodeDetector(detectorBytes()));
const table = lazily(() => decodeTable(tableBytes()));
const canaries = lazily(() => decodeCanaries(bytesOf(PUBLIC_CANARIES_BASE64)));

export const DETECTOR_ZERO: PublishedDetector = {
  get detectorBytes() {
    return detectorBytes();
  },
  get tableBytes() {
    return tableBytes();
  },
  get detector() {
    return detector();
  },
  get table() {
    return table();
  },
};

export const PUBLIC_CANARIES: Canaries = {
  get windows() {
    return canaries().windows;
  },
  get labels() {
    return canaries().labels;
  },
};

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
