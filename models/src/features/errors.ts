/**
 * What the feature code refuses, with a stable code and the place of the fault.
 * @module
 */

/** The codes of this folder; the README of the room says what each one means. */
export type FeatureErrorCode =
  | 'ERR_ACCESS_EVENT'
  | 'ERR_AUDIT_EVENT'
  | 'ERR_CALL_ARGUMENTS'
  | 'ERR_FEATURE_BYTES'
  | 'ERR_FEATURE_OPTION';

/** Facts of a refusal. `path` is a field, an argument position or a byte offset; `got` is cut to 80 characters. */
export interface FeatureFault {
  readonly path: string;
  readonly got: string;
  readonly expected: string;
}

export class FeatureError extends Error {
  readonly code: FeatureErrorCode;
  readonly path: string;
  readonly got: string;
  readonly expected: string;

  constructor(code: FeatureErrorCode, fault: FeatureFault, options?: ErrorOptions) {
    super(`${fault.path}: expected ${fault.expected}, got ${fault.got}`, options);
    this.name = 'FeatureError';
    this.code = code;
    this.path = fault.path;
    this.got = fault.got;
    this.expected = fault.expected;
  }
}

/** A short, safe picture of any value for an error message. */
export function pictureOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return cut(JSON.stringify(value));
  if (typeof value === 'bigint') return cut(`${value.toString()}n`);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) {
    return String(value);
  }
  return Array.isArray(value) ? `an array of ${value.length}` : `a value of type ${typeof value}`;
}

function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
