/**
 * Errors of the orchestrator and of its wire. A code is stable and never means something else later;
 * README.md lists all of them and a test compares.
 * @module
 */
/** Facts that go with an error: numbers and short strings that may be shown to the other side. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * What can be wrong between node and orchestrator, with the gRPC status under which it crosses the wire. Anything else
 * is INTERNAL and says nothing.
 */
export const FEDERATION_ERRORS = {
  ERR_PROTOCOL_UNSUPPORTED: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_FEDERATION_MISMATCH: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_IDENTITY_UNKNOWN: { status: 'UNAUTHENTICATED', retryable: false },
  ERR_TOKEN_INVALID: { status: 'UNAUTHENTICATED', retryable: false },
  ERR_CERTIFICATE_REVOKED: { status: 'PERMISSION_DENIED', retryable: false },
  ERR_NODE_MISMATCH: { status: 'PERMISSION_DENIED', retryable: false },
  ERR_CLOCK_SKEW: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_LEDGER_ROLLED_BACK: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_ROUND_UNKNOWN: { status: 'NOT_FOUND', retryable: false },
  ERR_ROUND_CLOSED: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_NOT_IN_COHORT: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_TOO_EARLY: { status: 'FAILED_PRECONDITION', retryable: true },
  ERR_PLAN_MISMATCH: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_LAYOUT_MISMATCH: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_BASE_MODEL_MISMATCH: { status: 'FAILED_PRECONDITION', retryable: false },
  ERR_UPDATE_CONFLICT: { status: 'ALREADY_EXISTS', retryable: false },
  ERR_ENVELOPE: { status: 'INVALID_ARGUMENT', retryable: false },
  ERR_SIGNATURE: { status: 'INVALID_ARGUMENT', retryable: false },
  ERR_OBJECT_LIMIT: { status: 'INVALID_ARGUMENT', retryable: false },
  ERR_OBJECT_UNKNOWN: { status: 'NOT_FOUND', retryable: false },
  ERR_CHUNK_DIGEST: { status: 'DATA_LOSS', retryable: true },
  ERR_OBJECT_INCOMPLETE: { status: 'FAILED_PRECONDITION', retryable: true },
  ERR_REQUEST: { status: 'INVALID_ARGUMENT', retryable: false },
  ERR_BUSY: { status: 'RESOURCE_EXHAUSTED', retryable: true },
  ERR_STORAGE: { status: 'UNAVAILABLE', retryable: true },
  ERR_UNREACHABLE: { status: 'UNAVAILABLE', retryable: true },
  ERR_TLS_REFUSED: { status: 'UNAVAILABLE', retryable: false },
  ERR_INTERNAL: { status: 'INTERNAL', retryable: true },
} as const;

export type FederationErrorCode = keyof typeof FEDERATION_ERRORS;

/** Everything that this room throws on purpose. */
export class OrchestratorError extends Error {
  override readonly name: string = 'OrchestratorError';
  readonly code: string;
  readonly facts: ErrorFacts;

  constructor(code: string, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}

/** An error that crosses the wire, the same object on both sides. */
export class FederationError extends OrchestratorError {
  override readonly name = 'FederationError';
  declare readonly code: FederationErrorCode;
  readonly retryable: boolean;
  /** How long to wait before a retry, or null for "as you see fit". */
  readonly retryAfterMs: number | null;

  constructor(
    code: FederationErrorCode,
    message: string,
    o: Readonly<{ facts?: ErrorFacts; retryAfterMs?: number | null; cause?: unknown }> = {},
  ) {
    super(code, message, o.facts ?? {}, o.cause);
    this.retryable = FEDERATION_ERRORS[code].retryable;
    this.retryAfterMs = o.retryAfterMs ?? null;
  }
}

/** The screening turned an update down; the signed receipt says so and is kept. */
export class UpdateRejectedError extends OrchestratorError {
  override readonly name = 'UpdateRejectedError';

  constructor(facts: Readonly<{ slotIndex: number; nodeId: string; reason: string }>) {
    super(
      'ERR_UPDATE_REJECTED',
      `update of ${facts.nodeId} for slot ${facts.slotIndex} rejected: ${facts.reason}`,
      facts,
    );
  }
}

/** A sum, a weight or a parameter left the range in which the arithmetic is exact, or what is to be averaged is not itself. */
export class AggregationError extends OrchestratorError {
  override readonly name = 'AggregationError';
}

/** Bytes that claim to be a manifest, receipt or envelope and do not check. */
export class VerificationError extends OrchestratorError {
  override readonly name = 'VerificationError';
}

/** The configuration file or a command line value. */
export class ConfigError extends OrchestratorError {
  override readonly name = 'ConfigError';
}

/** The database, the object folder or the lock. */
export class StoreError extends OrchestratorError {
  override readonly name = 'StoreError';
}

/** The channel refused a governance transaction for good. */
export class PublicationError extends OrchestratorError {
  override readonly name = 'PublicationError';
}
