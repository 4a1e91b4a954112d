/**
 * JSON with exactly one spelling: keys sorted by UTF-16 code unit, no white space, integers only.
 *
 * Every endorser must produce the same bytes, and a hash must bind what it names; `JSON.stringify` keeps insertion order
 * and prints floats. This file is the only one that may call it.
 * @module
 */
import { ChaincodeError } from './errors.js';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The canonical text of `value`. Properties that are `undefined` are left out, as if never set.
 *
 * @throws {ChaincodeError} `ERR_LEDGER_VALUE` for a number that is not a safe integer, and for anything that is not JSON
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new ChaincodeError('ERR_LEDGER_VALUE', `expected a safe integer, got ${value}`);
    }
    return String(Object.is(value, -0) ? 0 : value);
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members: string[] = [];
    for (const key of Object.keys(value).sort(byCodeUnit)) {
      const member = value[key];
      if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
    }
    return `{${members.join(',')}}`;
  }
  throw new ChaincodeError('ERR_LEDGER_VALUE', `expected a JSON value, got ${typeof value}`);
}

/** {@link canonicalJson} as UTF-8 bytes, for `putState` and events. */
export function canonicalBytes(value: JsonValue): Uint8Array {
  return encoder.encode(canonicalJson(value));
}

/**
 * Reads a JSON object from UTF-8 bytes.
 *
 * @throws {ChaincodeError} `ERR_LEDGER_VALUE` naming `what` if the bytes are not UTF-8, not JSON, or not an object
 */
export function parseJsonObject(bytes: Uint8Array | string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(typeof bytes === 'string' ? bytes : decoder.decode(bytes));
  } catch (cause) {
    throw new ChaincodeError('ERR_LEDGER_VALUE', `${what}: not JSON`, {}, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ChaincodeError('ERR_LEDGER_VALUE', `${what}: expected a JSON object`);
  }
  return value as JsonObject;
}

/** Ascending by UTF-16 code unit: the order of `canonicalJson` and of Fabric's keys for the ASCII that we use. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
