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
 * | null, boolean, string without NUL                 | passes      |
 * | safe integer; fraction that is one to the driver  | passes      |
 * | bigint within 64 bits, Uint8Array                 | passes      |
 * | any other number: NaN, ±∞, 2^53, 1e-20            | `TypeError` |
 * | undefined, object, Date, array, symbol …          | `TypeError` |
 *
 * @throws {TypeError} that names the position of the parameter and what came
 */
export function guardValues(parameters: readonly unknown[]): readonly BoundValue[] {
  parameters.forEach((value, index) => {
    const fault = faultOf(value);
    if (fault !== null) {
      throw new TypeError(
        `SQL parameter ${index + 1}: expected null, bigint, boolean, storable number, string without NUL or Uint8Array, got ${fault}`,
      );
    }
  });
  return parameters as readonly BoundValue[];
}

/**
 * The driver stores a number within `Number.EPSILON` of an integer as that integer (1e-20 becomes 0), and an integer
 * beyond 2^53 cannot be read back as a number.
 */
function faultOfNumber(value: number): string | null {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) {
    return Number.isSafeInteger(value) ? null : `${value}, which needs a bigint`;
  }
  return Math.abs(value - Math.round(value)) > Number.EPSILON
    ? null
    : `${value}, which the driver would round to an integer`;
}

function faultOf(value: unknown): string | null {
  switch (typeof value) {
    case 'boolean':
      return null;
    case 'bigint':
      return value >= -INT64_LIMIT && value < INT64_LIMIT ? null : 'a bigint beyond 64 bits';
    case 'number':
      return faultOfNumber(value);
    case 'string':
      return value.includes('\0') ? 'a string with a NUL character' : null;
    case 'object':
      if (value === null || value instanceof Uint8Array) return null;
      return Object.prototype.toString.call(value);
    default:
      return typeof value;
  }
}
