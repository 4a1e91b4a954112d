/**
 * The committer's judgement of a block, a pure function of the envelopes, the channel's configuration and the state
 * before the block: endorsement policy, then versions, earlier transactions of the same block included.
 * Source: hyperledger/fabric core/committer/txvalidator, core/ledger/kvledger/txmgmt/validation.
 * @module
 */
import { common, type peer } from '@hyperledger/fabric-protos';
import { IdentityRefusedError, MalformedMessageError } from './errors.js';
import { compareKeys } from './key-order.js';
import { memberSigned, type Member, type Membership } from './membership.js';
import {
  decode,
  decodeHeader,
  decodeTransaction,
  present,
  proposalHashOf,
  transactionIdOf,
  type DecodedHeader,
  type DecodedTransaction,
} from './messages.js';
import {
  decodeReadWriteSet,
  type KeyWrite,
  type RangeRead,
  type ReadWriteSet,
  type Version,
} from './read-write-set.js';
import type { VersionedValue } from './world-state.js';

/** Validation codes that this ledger gives; the numbers are Fabric's `TxValidationCode`. */
export const CODE = {
  valid: 0,
  badPayload: 2,
  badHeader: 3,
  badCreatorSignature: 4,
  invalidTransaction: 5,
  badTransactionId: 8,
  duplicateTransactionId: 9,
  policyFailure: 10,
  mvccConflict: 11,
  phantomRead: 12,
  unknownType: 13,
  wrongChannel: 14,
  badReadWriteSet: 22,
} as const;

/** Who must have endorsed. */
export interface EndorsementPolicy {
  readonly endorsers: ReadonlySet<string>;
  readonly outOf: number;
}

/** State before the block. */
export interface CommittedState {
  get(key: string): VersionedValue | null;
  range(startKey: string, endKey: string): Iterable<readonly [string, VersionedValue]>;
}

export interface ValidationContext {
  readonly channel: string;
  readonly chaincode: string;
  readonly membership: Membership;
  readonly policy: EndorsementPolicy;
  readonly state: CommittedState;
  /** True for ids of transactions in earlier blocks. */
  readonly isCommitted: (txId: string) => boolean;
}

export interface ValidatedTransaction {
  readonly code: number;
  /** Empty when the header could not be read. */
  readonly txId: string;
  readonly writes: readonly KeyWrite[];
  readonly event: peer.ChaincodeEvent | null;
  /** MSP ids whose endorsers signed these bytes; empty when an earlier check failed. */
  readonly endorsers: readonly string[];
}

/**
 * Whether a transaction with this code has proven that its id is its own. One that has not must not block the id of
 * another that will, so it is kept in its block, but not in the index.
 */
export function ownsItsId(code: number): boolean {
  const unproven: readonly number[] = [
    CODE.badPayload,
    CODE.badHeader,
    CODE.badCreatorSignature,
    CODE.badTransactionId,
    CODE.duplicateTransactionId,
    CODE.unknownType,
    CODE.wrongChannel,
  ];
  return !unproven.includes(code);
}

/** Carries a validation code out of the nested checks. */
class Invalid extends Error {
  readonly validationCode: number;

  constructor(validationCode: number) {
    super(`validation code ${validationCode}`);
    this.validationCode = validationCode;
  }
}

export function validateBlock(
  block: number,
  envelopes: readonly Uint8Array[],
  context: ValidationContext,
): ValidatedTransaction[] {
  const inBlock = new Set<string>();
  const overlay = new Map<string, { value: Uint8Array | null; version: Version }>();
  return envelopes.map((envelope, tx) => {
    let txId = '';
    let endorsers: readonly string[] = [];
    try {
      const { header, data } = openEnvelope(envelope, context);
      txId = header.txId;
      if (inBlock.has(txId) || context.isCommitted(txId)) {
        throw new Invalid(CODE.duplicateTransactionId);
      }
      inBlock.add(txId);
      const transaction = decodeAs(CODE.invalidTransaction, () => decodeTransaction(data));
      endorsers = checkEndorsements(header, transaction, context);
      const set = decodeAs(CODE.badReadWriteSet, () =>
        decodeReadWriteSet(context.chaincode, transaction.results),
      );
      checkVersions(set, context.state, overlay);
      for (const { key, value } of set.writes) overlay.set(key, { value, version: { block, tx } });
      const { event } = transaction;
      return { code: CODE.valid, txId, writes: set.writes, event, endorsers };
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      return { code: error.validationCode, txId, writes: [], event: null, endorsers };
    }
  });
}

/** Payload, header, creator and transaction id: codes 2, 3, 4, 8, 13, 14. */
function openEnvelope(
  bytes: Uint8Array,
  context: ValidationContext,
): { header: DecodedHeader; data: Uint8Array } {
  const { envelope, payload } = decodeAs(CODE.badPayload, () => {
    const decoded = decode(common.Envelope, bytes, 'envelope');
    return {
      envelope: decoded,
      payload: decode(common.Payload, decoded.getPayload_asU8(), 'payload'),
    };
  });
  const header = decodeAs(CODE.badHeader, () =>
    decodeHeader(present(payload.getHeader(), 'header')),
  );
  if (header.nonce.length === 0 || header.creator.length === 0) throw new Invalid(CODE.badHeader);
  if (header.channel !== context.channel) throw new Invalid(CODE.wrongChannel);
  const creator = memberOrNull(context.membership, header.creator);
  const signature = envelope.getSignature_asU8();
  if (creator === null || !memberSigned(creator, envelope.getPayload_asU8(), signature)) {
    throw new Invalid(CODE.badCreatorSignature);
  }
  if (header.type !== common.HeaderType.ENDORSER_TRANSACTION) throw new Invalid(CODE.unknownType);
  if (header.txId !== transactionIdOf(header.nonce, header.creator)) {
    throw new Invalid(CODE.badTransactionId);
  }
  return { header, data: payload.getData_asU8() };
}

/** The endorsed bytes belong to this proposal, and enough different endorsers signed them: codes 5, 10. */
function checkEndorsements(
  header: DecodedHeader,
  transaction: DecodedTransaction,
  context: ValidationContext,
): readonly string[] {
  const expectedHash = proposalHashOf(header, transaction.publicPayload);
  if (!expectedHash.equals(transaction.proposalHash)) throw new Invalid(CODE.invalidTransaction);
  if (transaction.chaincode !== context.chaincode) throw new Invalid(CODE.policyFailure);
  const agreed = new Set<string>();
  for (const { endorser, signature } of transaction.endorsements) {
    const member = memberOrNull(context.membership, endorser);
    if (member?.role !== 'peer' || !context.policy.endorsers.has(member.mspId)) continue;
    const signed = Buffer.concat([transaction.responsePayload, endorser]);
    if (memberSigned(member, signed, signature)) agreed.add(member.mspId);
  }
  if (agreed.size < context.policy.outOf) throw new Invalid(CODE.policyFailure);
  return [...agreed].sort();
}

type Overlay = ReadonlyMap<string, { value: Uint8Array | null; version: Version }>;

/** Everything that was read still has the version that was read: codes 11, 12. */
function checkVersions(set: ReadWriteSet, state: CommittedState, overlay: Overlay): void {
  for (const { key, version } of set.reads) {
    if (overlay.has(key) || !sameVersion(state.get(key)?.version ?? null, version)) {
      throw new Invalid(CODE.mvccConflict);
    }
  }
  for (const range of set.ranges) {
    if (!rangeUnchanged(range, state, overlay)) throw new Invalid(CODE.phantomRead);
  }
}

function rangeUnchanged(range: RangeRead, state: CommittedState, overlay: Overlay): boolean {
  // An iterator that was not exhausted gave its last key: the range that counts ends just behind it.
  const endKey = range.exhausted ? range.endKey : `${range.endKey}\0`;
  for (const [key, { value }] of overlay) {
    const inside =
      compareKeys(key, range.startKey) >= 0 && (endKey === '' || compareKeys(key, endKey) < 0);
    // Deleting what was not there changes no range.
    if (inside && (value !== null || state.get(key) !== null)) return false;
  }
  let index = 0;
  for (const [key, { version }] of state.range(range.startKey, endKey)) {
    const read = range.reads[index++];
    if (read?.key !== key || !sameVersion(version, read.version)) return false;
  }
  return index === range.reads.length;
}

function sameVersion(left: Version | null, right: Version | null): boolean {
  return left?.block === right?.block && left?.tx === right?.tx;
}

function memberOrNull(membership: Membership, identity: Uint8Array): Member | null {
  try {
    return membership.memberOf(identity);
  } catch (error) {
    if (error instanceof IdentityRefusedError) return null;
    throw error;
  }
}

function decodeAs<T>(code: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedMessageError) throw new Invalid(code);
    throw error;
  }
}
