/**
 * Everything this room refuses, by stable code. The table in the README lists the same codes; a test compares the two.
 * @module
 */

/** Base class: catch this to catch every refusal of this room. */
export abstract class DpError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** How a refused value is shown: short, and never a whole array. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'bigint') return `${value.toString()}n`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return String(value);
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return `${value.constructor.name} of length ${String(value.length)}`;
  }
  return Array.isArray(value) ? `array of length ${value.length}` : typeof value;
}

/** An argument outside of its documented range. */
export class InvalidArgumentError extends DpError {
  override readonly code = 'ERR_DP_ARGUMENT';
  readonly argument: string;
  readonly expected: string;

  constructor(argument: string, expected: string, received: unknown, cause?: unknown) {
    super(`${argument}: expected ${expected}, got ${shown(received)}`, { cause });
    this.argument = argument;
    this.expected = expected;
  }
}

/** An accountant cannot bound this event under this neighbouring relation. Nothing was composed. */
export class UnsupportedEventError extends DpError {
  override readonly code = 'ERR_DP_UNSUPPORTED';
  readonly event: string;
  readonly adjacency: string;
  readonly accountant: string;

  constructor(
    facts: Readonly<{ event: string; adjacency: string; accountant: string; reason: string }>,
  ) {
    super(
      `The ${facts.accountant} accountant cannot bound ${facts.event} under ${facts.adjacency}: ${facts.reason}`,
    );
    this.event = facts.event;
    this.adjacency = facts.adjacency;
    this.accountant = facts.accountant;
  }
}

/** The accuracy asked for would need more memory than we take. */
export class GridTooLargeError extends DpError {
  override readonly code = 'ERR_DP_GRID';
  readonly bytesNeeded: number;
  readonly bytesMax: number;

  constructor(facts: Readonly<{ bytesNeeded: number; bytesMax: number; reason: string }>) {
    super(
      `${facts.reason}: needs ${Math.ceil(facts.bytesNeeded / 1e6)} MB, at most ${Math.floor(facts.bytesMax / 1e6)} MB are taken`,
    );
    this.bytesNeeded = facts.bytesNeeded;
    this.bytesMax = facts.bytesMax;
  }
}

/** No amount of noise in the searched range meets the target. */
export class CalibrationError extends DpError {
  override readonly code = 'ERR_DP_UNREACHABLE';
  constructor(reason: string) {
    super(`Calibration: ${reason}`);
  }
}

/** Bytes that are not the description of a privacy event. */
export class EventFormatError extends DpError {
  override readonly code = 'ERR_DP_EVENT';
  readonly path: string;
  constructor(path: string, expected: string, received: unknown) {
    super(`${path}: expected ${expected}, got ${shown(received)}`);
    this.path = path;
  }
}

/** A value that has no canonical JSON form, or text that is not in canonical form. */
export class CanonicalJsonError extends DpError {
  override readonly code = 'ERR_DP_JSON';
  readonly path: string;
  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path}: ${reason}`, { cause });
    this.path = path;
  }
}

/** Plan values that contradict one another. */
export class PlanError extends DpError {
  override readonly code = 'ERR_DP_PLAN';
  readonly field: string;
  constructor(field: string, reason: string, cause?: unknown) {
    super(`Privacy plan, ${field}: ${reason}`, { cause });
    this.field = field;
  }
}

/** Plan bytes whose derived values are not what their own specification gives. */
export class PlanMismatchError extends DpError {
  override readonly code = 'ERR_DP_PLAN_MISMATCH';
  readonly field: string;
  constructor(facts: Readonly<{ field: string; stated: string; derived: string }>) {
    super(
      `Privacy plan, ${facts.field}: states ${facts.stated}, its specification derives ${facts.derived}`,
    );
    this.field = facts.field;
  }
}

/** A privacy ledger that does not verify. Never repaired silently: an operator decides. */
export class PrivacyLedgerError extends DpError {
  override readonly code = 'ERR_DP_LEDGER_CORRUPT';
  /** Line, counted from 1. */
  readonly line: number;
  /** Offset of the first byte of that line. */
  readonly byteOffset: number;
  readonly reason: string;

  constructor(
    facts: Readonly<{ line: number; byteOffset: number; reason: string; cause?: unknown }>,
  ) {
    super(`Privacy ledger, line ${facts.line} (byte ${facts.byteOffset}): ${facts.reason}`, {
      cause: facts.cause,
    });
    this.line = facts.line;
    this.byteOffset = facts.byteOffset;
    this.reason = facts.reason;
  }
}

/** A record that may not be appended. */
export class LedgerRecordError extends DpError {
  override readonly code = 'ERR_DP_LEDGER_RECORD';
  constructor(reason: string, cause?: unknown) {
    super(`Privacy ledger record: ${reason}`, { cause });
  }
}

/** The source of randomness does not behave like one. */
export class RandomnessError extends DpError {
  override readonly code = 'ERR_DP_RANDOM';
  constructor(reason: string) {
    super(`Random source: ${reason}`);
  }
}

/** Noise was asked for twice, too late, or before its debit. */
export class NoisePoolError extends DpError {
  override readonly code = 'ERR_DP_NOISE_POOL';
  constructor(reason: string) {
    super(`Noise pool: ${reason}`);
  }
}

/** A command line that cannot be understood. */
export class UsageError extends DpError {
  override readonly code = 'ERR_DP_USAGE';
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
  }
}

/** A file that the command line names and that cannot be read. */
export class FileReadError extends DpError {
  override readonly code = 'ERR_DP_FILE';
  readonly file: string;
  constructor(file: string, cause: unknown) {
    super(`${file}: ${cause instanceof Error ? cause.message : 'cannot be read'}`, { cause });
    this.file = file;
  }
}
