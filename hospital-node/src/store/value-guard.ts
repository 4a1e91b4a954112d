/**
 * What may be bound to a statement. SQLite's binding is forgiving in ways that lose data without a word: a string is
 * cut at a NUL, NaN becomes NULL, an object is taken for named parameters. The guard stands between Kysely and the
 * driver and lets only values through that come back as they went in.
 * @module
 */

/** A value that SQLite stores and returns unchanged (booleans come back as 0 and 1). */
export type BoundValue = null | bigint | boolean | number | string | Uint8Array;

const INT64_LIMIT = 1n << 63n;

/**
 * | value                                             | result      |
 * |---------------------------------------------------|-------------|
 * | null, boolean, finite number, string without NUL  | passes      |
 * | bigint within 64 bits, Uint8Array                 | passes      |
 * | undefined, NaN, ±∞, object, Date, array, symbol … | `TypeError` |
 *
 * @throws {TypeError} that names the position of the parameter and what came
 */
export function guardValues(parameters: readonly unknown[]): readonly BoundValue[] {
  parameters.forEach((value, index) => {
    const fault = faultOf(value);
    if (fault !== null) {
      throw new TypeError(
        `SQL parameter ${index + 1}: expected null, bigint, boolean, finite number, string without NUL or Uint8Array, got ${fault}`,
      );
    }
  });
  return parameters as readonly BoundValue[];
}

function faultOf(value: unknown): string | null {
  switch (typeof value) {
    case 'boolean':
      return null;
    case 'bigint':
      return value >= -INT64_LIMIT && value < INT64_LIMIT ? null : 'a bigint beyond 64 bits';
    case 'number':
      return Number.isFinite(value) ? null : String(value);
    case 'string':
      return value.includes('\0') ? 'a string with a NUL character' : null;
    case 'object':
      if (value === null || value instanceof Uint8Array) return null;
      return Object.prototype.toString.call(value);
    default:
      return typeof value;
  }
}
