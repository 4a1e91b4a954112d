/**
 * Errors of the development ledger. Each has a stable `code`; the room's README lists them.
 * @module
 */
import type { status } from '@grpc/grpc-js';

export abstract class EmbeddedPeerError extends Error {
  abstract readonly code: string;

  override get name(): string {
    return this.constructor.name;
  }
}

/** The ledger's configuration is unusable. `key` is the path of the value in the configuration. */
export class LedgerConfigError extends EmbeddedPeerError {
  readonly code = 'ERR_LEDGER_CONFIG';
  readonly key: string;
  readonly got: string;
  readonly expected: string;

  constructor(facts: Readonly<{ key: string; got: string; expected: string; cause?: unknown }>) {
    super(`${facts.key}: expected ${facts.expected}, got ${facts.got}`, { cause: facts.cause });
    this.key = facts.key;
    this.got = facts.got;
    this.expected = facts.expected;
  }
}

/** Another process has the block directory open. */
export class LedgerLockedError extends EmbeddedPeerError {
  readonly code = 'ERR_LEDGER_LOCKED';
  readonly file: string;
  readonly pid: number;

  constructor(facts: Readonly<{ file: string; pid: number }>) {
    super(`the ledger is open in process ${facts.pid} (lock ${facts.file})`);
    this.file = facts.file;
    this.pid = facts.pid;
  }
}

/** The port is taken, or the address is not ours. */
export class LedgerListenError extends EmbeddedPeerError {
  readonly code = 'ERR_LEDGER_LISTEN';
  readonly address: string;

  constructor(facts: Readonly<{ address: string; cause?: unknown }>) {
    super(`cannot listen on ${facts.address}`, { cause: facts.cause });
    this.address = facts.address;
  }
}

/** A block file holds bytes that we did not write. `block` is the block that cannot be read or believed. */
export class BlockCorruptError extends EmbeddedPeerError {
  readonly code = 'ERR_BLOCK_CORRUPT';
  readonly file: string;
  readonly offset: number;
  readonly block: number;
  readonly reason: string;

  constructor(facts: Readonly<{ file: string; offset: number; block: number; reason: string }>) {
    super(`${facts.file}, offset ${facts.offset}, block ${facts.block}: ${facts.reason}`);
    this.file = facts.file;
    this.offset = facts.offset;
    this.block = facts.block;
    this.reason = facts.reason;
  }
}

/** The development ledger keeps its indexes in memory and stops taking transactions at its limit. */
export class LedgerFullError extends EmbeddedPeerError {
  readonly code = 'ERR_LEDGER_FULL';
  readonly transactionsMax: number;

  constructor(facts: Readonly<{ transactionsMax: number }>) {
    super(`the development ledger takes at most ${facts.transactionsMax} transactions`);
    this.transactionsMax = facts.transactionsMax;
  }
}

/** Why an identity does not count as a member of the channel. */
export type IdentityRefusal =
  | 'malformed'
  | 'unknown-msp'
  | 'inactive-msp'
  | 'untrusted-chain'
  | 'no-role'
  | 'expired'
  | 'not-yet-valid';

/** A serialized identity is not that of a member. */
export class IdentityRefusedError extends EmbeddedPeerError {
  readonly code = 'ERR_IDENTITY_REFUSED';
  readonly mspId: string;
  readonly refusal: IdentityRefusal;

  constructor(facts: Readonly<{ mspId: string; refusal: IdentityRefusal; detail: string }>) {
    super(`creator of ${facts.mspId === '' ? 'unknown MSP' : facts.mspId}: ${facts.detail}`);
    this.mspId = facts.mspId;
    this.refusal = facts.refusal;
  }
}

/** Certificates or keys that cannot be read, or do not belong together. */
export class CertificateError extends EmbeddedPeerError {
  readonly code = 'ERR_CERTIFICATE';

  constructor(facts: Readonly<{ what: string; reason: string; cause?: unknown }>) {
    super(`${facts.what}: ${facts.reason}`, { cause: facts.cause });
  }
}

/** The chaincode server is away, speaks out of turn, or took too long. */
export class ChaincodeError extends EmbeddedPeerError {
  readonly code = 'ERR_CHAINCODE';
  readonly address: string;

  constructor(facts: Readonly<{ address: string; reason: string; cause?: unknown }>) {
    super(facts.reason, { cause: facts.cause });
    this.address = facts.address;
  }
}

/** Bytes that should be a Fabric message and are not, or lack a part. */
export class MalformedMessageError extends EmbeddedPeerError {
  readonly code = 'ERR_MALFORMED_MESSAGE';

  constructor(facts: Readonly<{ what: string; reason: string; cause?: unknown }>) {
    super(`${facts.what}: ${facts.reason}`, { cause: facts.cause });
  }
}

/** One endorser's part in a refusal, as `@hyperledger/fabric-gateway` shows it in `EndorseError.details`. */
export interface RefusalDetail {
  readonly address: string;
  readonly mspId: string;
  readonly message: string;
}

/** A request of a client is refused with a gRPC status; the message and details reach the client. */
export class RequestRefusedError extends EmbeddedPeerError {
  readonly code = 'ERR_REQUEST_REFUSED';
  readonly status: status;
  readonly details: readonly RefusalDetail[];

  constructor(
    facts: Readonly<{
      status: status;
      message: string;
      details?: readonly RefusalDetail[];
      cause?: unknown;
    }>,
  ) {
    super(facts.message, { cause: facts.cause });
    this.status = facts.status;
    this.details = facts.details ?? [];
  }
}
