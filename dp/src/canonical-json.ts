/**
 * One value, one string: what we hash, chain and sign.
 *
 * Keys are sorted by UTF-16 code unit, there is no white space, and numbers are safe integers. A real number has many
 * spellings and its own rounding on every platform, so it is refused; callers write millionths or a decimal string.
 * @module
 */
import { CanonicalJsonError } from './errors.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const DEPTH_MAX = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * @returns the one canonical text of `value`
 * @throws {CanonicalJsonError} `ERR_DP_JSON` with the path, for a non-integer number (NaN, ±∞, −0, above 2^53 − 1),
 *   undefined, bigint, function, symbol, a lone surrogate, or nesting deeper than 64
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, '$', 0);
}

/**
 * Reads canonical JSON and nothing else: text whose canonical form is another text is refused.
 * @throws {CanonicalJsonError} `ERR_DP_JSON`
 */
export function parseCanonicalJson(text: string): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new CanonicalJsonError('$', 'not JSON', cause);
  }
  if (canonicalJson(value) !== text) throw new CanonicalJsonError('$', 'JSON, but not canonical');
  return value;
}

function write(value: unknown, path: string, depth: number): string {
  if (depth > DEPTH_MAX) throw new CanonicalJsonError(path, `nested deeper than ${DEPTH_MAX}`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
    throw new CanonicalJsonError(path, `expected a safe integer, got ${String(value)}`);
  }
  if (typeof value === 'string') {
    if (!LONE_SURROGATE.test(value)) return JSON.stringify(value);
    throw new CanonicalJsonError(path, 'string with a lone surrogate');
  }
  if (Array.isArray(value)) {
    const items: string[] = [];
    for (let i = 0; i < value.length; i++) items.push(write(value[i], `${path}[${i}]`, depth + 1));
    return `[${items.join(',')}]`;
  }
  if (typeof value === 'object' && isPlain(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries
      .map(
        ([key, item]) => `${write(key, path, depth)}:${write(item, `${path}.${key}`, depth + 1)}`,
      )
      .join(',')}}`;
  }
  throw new CanonicalJsonError(path, `a ${typeof value} has no JSON form`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
