/**
 * Errors of the Fabric edge: one class where a caller acts differently, each with a stable `code`.
 * @module
 */

export type FabricErrorCode =
  | 'ERR_FABRIC_OPTIONS'
  | 'ERR_FABRIC_UNAVAILABLE'
  | 'ERR_FABRIC_REFUSED'
  | 'ERR_FABRIC_CHAINCODE'
  | 'ERR_FABRIC_MISMATCH'
  | 'ERR_FABRIC_CONFLICT'
  | 'ERR_FABRIC_INVALID'
  | 'ERR_FABRIC_UNKNOWN'
  | 'ERR_FABRIC_BLOCK'
  | 'ERR_FABRIC_BLOCK_GAP'
  | 'ERR_FABRIC_FORK';

export class FabricError extends Error {
  readonly code: FabricErrorCode;

  constructor(code: FabricErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
  }
}

/** No gateway answered, each tried in turn. Nothing was sent for ordering. */
export class GatewayUnavailableError extends FabricError {
  readonly endpoints: readonly string[];

  constructor(facts: Readonly<{ endpoints: readonly string[]; detail: string; cause?: unknown }>) {
    super(
      'ERR_FABRIC_UNAVAILABLE',
      `no Fabric gateway answered (${facts.endpoints.join(', ')}): ${facts.detail}`,
      facts.cause,
    );
    this.endpoints = facts.endpoints;
  }
}

/** A gateway answered and will not carry the call: identity, policy, channel, malformed proposal. */
export class GatewayRefusedError extends FabricError {
  readonly grpcStatus: number;

  constructor(facts: Readonly<{ grpcStatus: number; detail: string; cause?: unknown }>) {
    super(
      'ERR_FABRIC_REFUSED',
      `the gateway refused the call (gRPC ${facts.grpcStatus}): ${facts.detail}`,
      facts.cause,
    );
    this.grpcStatus = facts.grpcStatus;
  }
}

/**
 * The chaincode itself refused. `chaincodeCode` is the contract's own stable code (`ERR_REVIEW_VERSION` …), or null if
 * the message carried none; `sentence` is what stands after it and may be shown to a person.
 */
export class ChaincodeError extends FabricError {
  readonly chaincodeCode: string | null;
  readonly sentence: string;

  constructor(
    facts: Readonly<{ chaincodeCode: string | null; sentence: string; cause?: unknown }>,
  ) {
    super(
      'ERR_FABRIC_CHAINCODE',
      `the chaincode refused: ${facts.chaincodeCode ?? 'no code'}: ${facts.sentence}`,
      facts.cause,
    );
    this.chaincodeCode = facts.chaincodeCode;
    this.sentence = facts.sentence;
  }
}

/** The transaction was ordered and found invalid, and another try would not help (or all tries were used). */
export class TransactionInvalidError extends FabricError {
  readonly transactionId: string;
  readonly validationCode: number;

  constructor(
    facts: Readonly<{ transactionId: string; validationCode: number; attempts: number }>,
  ) {
    const conflict = facts.validationCode === 11 || facts.validationCode === 12;
    super(
      conflict ? 'ERR_FABRIC_CONFLICT' : 'ERR_FABRIC_INVALID',
      `transaction ${facts.transactionId} committed with validation code ${facts.validationCode}` +
        ` after ${facts.attempts} attempt(s); expected 0`,
    );
    this.transactionId = facts.transactionId;
    this.validationCode = facts.validationCode;
  }
}

/** Sent for ordering, no answer, and not found within the time given: it may still commit. Look the id up before retrying. */
export class UnknownOutcomeError extends FabricError {
  readonly transactionId: string;

  constructor(facts: Readonly<{ transactionId: string; waitedMs: number; cause?: unknown }>) {
    super(
      'ERR_FABRIC_UNKNOWN',
      `the outcome of transaction ${facts.transactionId} is unknown after ${facts.waitedMs} ms; it may still commit`,
      facts.cause,
    );
    this.transactionId = facts.transactionId;
  }
}

/** The block stream broke a rule that no reconnect repairs: a hole, a second block of one number, an undecodable one. */
export class BlockStreamError extends FabricError {
  readonly blockNumber: bigint;

  constructor(
    code: 'ERR_FABRIC_BLOCK' | 'ERR_FABRIC_BLOCK_GAP' | 'ERR_FABRIC_FORK',
    facts: Readonly<{ blockNumber: bigint; detail: string; cause?: unknown }>,
  ) {
    super(code, `block ${facts.blockNumber}: ${facts.detail}`, facts.cause);
    this.blockNumber = facts.blockNumber;
  }
}
