/**
 * Proof of an audit item from the block that holds its transaction: what the chaincode answered is checked against what the
 * channel committed, without trusting whoever answered.
 * @module
 */
import type { common } from '@hyperledger/fabric-protos';

import { decodeBlock } from './block-walk.js';
import { sha256Hex } from './digest.js';

/** An item of `AuditContract`, as far as it can be proved. */
export interface AuditItem {
  readonly txId: string;
  readonly actor: string;
  readonly function: string;
  /** Parts joined by `~`. */
  readonly key: string;
  readonly digest: string;
}

export interface AuditProof {
  readonly blockNumber: number;
  /** Of the header; equal to the `previousHash` of the next block, and so on up to a head that the verifier knows. */
  readonly blockHash: string;
  /** MSP ids of the organisations that signed the transaction's result. */
  readonly endorsers: readonly string[];
}

/** Why an item is not proved. */
export type AuditDoubt =
  | 'data-hash'
  | 'no-such-transaction'
  | 'invalid-transaction'
  | 'other-actor'
  | 'other-function'
  | 'no-such-write';

/**
 * The record of a review moves on after its call, so of `q~` and `rev~` it is the key that is proved, and not the digest.
 *
 * @throws {ChaincodeError} `ERR_BLOCK_MALFORMED` if the bytes are not a block
 */
export function proveAuditItem(
  item: AuditItem,
  block: Uint8Array | common.Block,
): AuditProof | AuditDoubt {
  const { number, hash, dataHash, recomputedDataHash, transactions } = decodeBlock(block);
  if (dataHash !== recomputedDataHash) return 'data-hash';
  const transaction = transactions.find(({ txId }) => txId === item.txId);
  if (transaction === undefined) return 'no-such-transaction';
  if (transaction.code !== 0) return 'invalid-transaction';
  if (transaction.creator.actor !== item.actor) return 'other-actor';
  if (transaction.function !== item.function) return 'other-function';
  const write = transaction.writes.find(({ key }) => key.join('~') === item.key);
  const moves = item.key.startsWith('q~') || item.key.startsWith('rev~');
  if (write === undefined || (!moves && sha256Hex(write.value) !== item.digest)) {
    return 'no-such-write';
  }
  return { blockNumber: number, blockHash: hash, endorsers: transaction.endorsers };
}
