/**
 * Strict readers for canonical JSON that arrives from elsewhere: exact keys, exact kinds, the path in the message.
 * They throw `StrictError`; the caller gives it the code of its own format.
 * @module
 */
import { canonicalJson, type JsonValue } from '@bhschain/dp';

const DIGEST = /^[0-9a-f]{64}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Where a document differs from its format. Never leaves this room: decoders translate it. */
export class StrictError extends Error {
  override readonly name = 'StrictError';
}

function fail(path: string, expected: string, got: unknown): never {
  const shown = typeof got === 'string' ? JSON.stringify(got.slice(0, 80)) : typeof got;
  throw new StrictError(`${path}: expected ${expected}, got ${shown}`);
}

/** An object with exactly these keys; one of `optional` may be there. */
export function readFields<K extends string, O extends string = never>(
  value: unknown,
  path: string,
  keys: readonly K[],
  optional: readonly O[] = [],
): Record<K, unknown> & Partial<Record<O, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(path, 'an object', value);
  }
  for (const key of Object.keys(value)) {
    if (![...keys, ...optional].some((each) => each === key)) fail(path, `no key ${key}`, key);
  }
  for (const key of keys) if (!Object.hasOwn(value, key)) fail(path, `a key ${key}`, undefined);
  return value as ReturnType<typeof readFields<K, O>>;
}

/** A string of at most `charactersMax` UTF-16 units. */
export function readString(value: unknown, path: string, charactersMax = 256): string {
  if (typeof value !== 'string' || value.length > charactersMax) {
    fail(path, `a string of at most ${charactersMax} characters`, value);
  }
  return value;
}

/** SHA-256 in 64 lower-case hexadecimal digits. */
export function readDigest(value: unknown, path: string): string {
  if (typeof value !== 'string' || !DIGEST.test(value)) fail(path, '64 hexadecimal digits', value);
  return value;
}

/** A digest, or the empty string where there is none. */
export function readDigestOrNone(value: unknown, path: string): string {
  return value === '' ? '' : readDigest(value, path);
}

/** An integer in [min, max]; both must be safe. */
export function readInteger(
  value: unknown,
  path: string,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    fail(path, `an integer in [${min}, ${max}]`, value);
  }
  return value;
}

export function readBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') fail(path, 'true or false', value);
  return value;
}

/** One of a closed list. */
export function readOneOf<T extends string>(
  value: unknown,
  path: string,
  options: readonly T[],
): T {
  const found = options.find((option) => option === value);
  if (found === undefined) fail(path, `one of ${options.join(', ')}`, value);
  return found;
}

/** An array of at most `lengthMax` items, each read by `item`. */
export function readArray<T>(
  value: unknown,
  path: string,
  lengthMax: number,
  item: (value: unknown, path: string) => T,
): T[] {
  if (!Array.isArray(value) || value.length > lengthMax) {
    fail(path, `an array of at most ${lengthMax} items`, value);
  }
  return value.map((each, index) => item(each, `${path}[${index}]`));
}

/**
 * Parses canonical JSON and insists that it is canonical, so that two different byte strings never mean the same
 * document and a digest binds what it names.
 */
export function parseCanonical(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new StrictError('document: expected UTF-8 JSON', { cause });
  }
  let canonical: string;
  try {
    canonical = canonicalJson(value as JsonValue);
  } catch (cause) {
    throw new StrictError('document: expected integers and strings only', { cause });
  }
  if (canonical !== text) throw new StrictError('document: expected canonical form');
  return value;
}
