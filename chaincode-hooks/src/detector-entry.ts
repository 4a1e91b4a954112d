/**
 * `det~entry~<version>`: what was proposed, and what became of it.
 *
 * States: proposed → active → superseded → (active by roll-back) | withdrawn; proposed → refused.
 * @module
 */
import { byCodeUnit, parseJsonObject, type JsonObject } from './canonical-json.js';
import { refusedArgument } from './arguments.js';

export const DETECTOR_STATES = [
  'proposed',
  'active',
  'superseded',
  'withdrawn',
  'refused',
] as const;
export type DetectorState = (typeof DETECTOR_STATES)[number];

/** Where a detector comes from and what it cost; the orchestrator's word, bound by the manifest digest. */
export interface DetectorProvenance {
  readonly manifestDigest: string;
  /** The orchestrator's name of the round; detector 0 has none. */
  readonly round: string | number;
  readonly planHash: string;
  readonly unit: string;
  readonly epsilonMicro: number;
  readonly deltaExponent: number;
}

export interface DetectorEntry {
  readonly version: number;
  readonly state: DetectorState;
  readonly modelHash: string;
  readonly tableHash: string;
  readonly kernelHash: string;
  readonly schemaHash: string;
  readonly provenance: DetectorProvenance;
  readonly proposedMs: number;
}

/** One hospital's word that it verified a detector. */
export interface Attestation {
  readonly mspId: string;
  readonly modelHash: string;
  readonly tableHash: string;
  readonly kernelHash: string;
  readonly codeHash: string;
  readonly by: string;
  readonly atMs: number;
}

/** A hospital's own table for a version. */
export interface Calibration {
  readonly mspId: string;
  readonly tableHash: string;
  /** The blocks whose calls it was made from, both ends included. */
  readonly blocks: { readonly from: number; readonly to: number };
  readonly by: string;
}

/** An attestation counts if it names exactly what was proposed. Its code hash is recorded, not compared: see roll-outs. */
export function attests(entry: DetectorEntry, attestation: Attestation): boolean {
  return (
    attestation.modelHash === entry.modelHash &&
    attestation.tableHash === entry.tableHash &&
    attestation.kernelHash === entry.kernelHash
  );
}

const TEXTS = ['manifestDigest', 'planHash', 'unit'] as const;
const INTEGERS = ['epsilonMicro', 'deltaExponent'] as const;
const NAMES: readonly string[] = [...TEXTS, 'round', ...INTEGERS];
const TEXT_MAX = 128;

/**
 * @throws {ChaincodeError} `ERR_ARGUMENT` naming the property
 */
export function parseProvenance(text: string | undefined): DetectorProvenance {
  let raw: JsonObject;
  try {
    raw = parseJsonObject(text ?? '', 'entry');
  } catch {
    throw refusedArgument('entry', 'a JSON object');
  }
  for (const key of Object.keys(raw).sort(byCodeUnit)) {
    if (!NAMES.includes(key)) {
      throw refusedArgument(`entry.${key}`, `nothing but ${NAMES.join(', ')}`);
    }
  }
  for (const key of TEXTS) {
    const value = raw[key];
    if (typeof value !== 'string' || value.length > TEXT_MAX) {
      throw refusedArgument(`entry.${key}`, `a string of at most ${TEXT_MAX} characters`);
    }
  }
  for (const key of INTEGERS) {
    if (!Number.isSafeInteger(raw[key])) throw refusedArgument(`entry.${key}`, 'a safe integer');
  }
  const { round } = raw;
  if (!(Number.isSafeInteger(round) || (typeof round === 'string' && round.length <= TEXT_MAX))) {
    throw refusedArgument('entry.round', `a round's name or number`);
  }
  return raw as unknown as DetectorProvenance;
}
