/**
 * Errors of the review: what a person or a program did that the review cannot do.
 * @module
 */
import { HospitalNodeError, type ErrorFacts } from '../errors.js';

export type ReviewErrorCode =
  | 'ERR_HOLD_UNKNOWN'
  | 'ERR_HOLD_FOREIGN'
  | 'ERR_HOLD_STALE'
  | 'ERR_HOLD_SECOND_PERSON'
  | 'ERR_HOLD_REFUSED'
  | 'ERR_HOLD_EVIDENCE'
  | 'ERR_LEDGER_AWAY'
  | 'ERR_LEDGER_UNKNOWN'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_PERSON'
  | 'ERR_SIGN_IN'
  | 'ERR_SIGN_IN_DELAYED'
  | 'ERR_SIGN_IN_METHOD'
  | 'ERR_OIDC_UNREACHABLE'
  | 'ERR_OIDC_TICKET'
  | 'ERR_OIDC_DENIED'
  | 'ERR_OIDC_TOKEN'
  | 'ERR_OIDC_CLOCK'
  | 'ERR_OIDC_CLAIMS'
  | 'ERR_OIDC_ROLE'
  | 'ERR_NO_KEY'
  | 'ERR_SESSION'
  | 'ERR_SESSION_LOCKED'
  | 'ERR_SIGN_IN_AGAIN'
  | 'ERR_FORBIDDEN'
  | 'ERR_CSRF'
  | 'ERR_REQUEST'
  | 'ERR_REASON'
  | 'ERR_CURSOR'
  | 'ERR_NOT_FOUND'
  | 'ERR_RATE_LIMIT'
  | 'ERR_IF_MATCH'
  | 'ERR_IDEMPOTENCY_KEY'
  | 'ERR_SUPPRESSION_STATE'
  | 'ERR_CASE_STALE'
  | 'ERR_CASE_STATE'
  | 'ERR_SAVED_VIEW'
  | 'ERR_BULK_COUNT';

/** `message` is a sentence that may be shown to the person at the screen. */
export class ReviewError extends HospitalNodeError {
  constructor(code: ReviewErrorCode, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(code, message, facts, cause);
  }
}

/** What does not fit, and where in the body. */
export interface Misfit {
  /** JSON pointer. */
  readonly pointer: string;
  readonly expected: string;
}

/** A request that is not as it must be; the program that sent it is told each place. */
export class MalformedRequestError extends ReviewError {
  readonly errors: readonly Misfit[];

  constructor(
    code: 'ERR_REQUEST' | 'ERR_REASON',
    message: string,
    o: { readonly errors: readonly Misfit[] },
  ) {
    super(code, message);
    this.errors = o.errors;
  }
}
