/**
 * Stands between the query builder and the driver. The embedded SQLite driver cuts a string at a NUL character, stores
 * NaN as NULL, and takes a plain object for named parameters, all without a word; this refuses them by name.
 * @module
 */
import { StoreError } from '../errors.js';

export type BoundValue = null | bigint | number | boolean | string | Uint8Array;

/**
 * @returns the same values
 * @throws {StoreError} `ERR_STORE_VALUE` naming the parameter: undefined, NaN, ±∞, a string with NUL, a Date, a plain
 *   object, a function, a symbol
 */
export function guardValues(values: readonly unknown[]): BoundValue[] {
  return values.map((value, index) => {
    if (!isBindable(value)) {
      throw new StoreError(
        'ERR_STORE_VALUE',
        `parameter ${index}: expected null, bigint, boolean, a finite number, a string without NUL or bytes, got ${describe(value)}`,
        { index },
      );
    }
    return value;
  });
}

function isBindable(value: unknown): value is BoundValue {
  switch (typeof value) {
    case 'bigint':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'string':
      return !value.includes('\0');
    case 'object':
      return value === null || value instanceof Uint8Array;
    default:
      return false;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return 'a string with NUL';
  return value === null || typeof value !== 'object' ? typeof value : value.constructor.name;
}
