/**
 * What can go wrong at a hospital node. A class where a caller would act differently, a stable `code` always.
 * Faults that need no branch of their own are plain {@link HospitalNodeError}s. The README lists every code.
 * @module
 */
import type { DeclineReason } from '@bhschain/orchestrator/protocol';

/** Facts of an error: small, printable, never a person and never a parameter of a model. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/** Base of all errors of this room. */
export class HospitalNodeError extends Error {
  readonly code: string;
  readonly facts: ErrorFacts;

  constructor(code: string, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** The configuration is unusable; the process stops before it opens anything. */
export class ConfigError extends HospitalNodeError {}

/** The state directory or its database cannot be used: locked, newer, unreadable. */
export class StoreError extends HospitalNodeError {}

/** The access log cannot be trusted any further. */
export class AccessLogError extends HospitalNodeError {}

/** The privacy ledger is unusable. No round runs until a person has looked at it. */
export class LedgerFileError extends HospitalNodeError {}

/** The audit log cannot be trusted or written. */
export class AuditLogError extends HospitalNodeError {}

/** Enrolment, renewal or leaving stopped here; what was done so far is on disk and the same command goes on. */
export class EnrolmentError extends HospitalNodeError {}

/** This round is refused; others may follow. `reason` is what the orchestrator is told, the rest stays here. */
export class RoundRefusedError extends HospitalNodeError {
  readonly reason: DeclineReason;

  constructor(
    code: string,
    message: string,
    reason: DeclineReason,
    facts: ErrorFacts = {},
    cause?: unknown,
  ) {
    super(code, message, facts, cause);
    this.reason = reason;
  }
}

/** A proposed detector is not what it claims to be, so this hospital does not attest it. */
export class DetectorRefusedError extends HospitalNodeError {}

/** The stable code of anything thrown, for one line of log. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    return typeof error.code === 'string' ? error.code : 'ERR_INTERNAL';
  }
  return 'ERR_INTERNAL';
}
