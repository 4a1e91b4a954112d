/**
 * The position in the channel, and the one transaction in which a block's effects and the new position are written.
 *
 * | what arrives                              | result                                          |
 * |-------------------------------------------|-------------------------------------------------|
 * | the next block, previous hash fits        | applied, checkpoint moves, `'applied'`          |
 * | an earlier block with the hash it had     | nothing happens, `'repeated'`                   |
 * | an earlier block with another hash        | `ERR_FABRIC_FORK`                               |
 * | the next block, previous hash differs     | `ERR_FABRIC_FORK`                               |
 * | a later block                             | `ERR_FABRIC_BLOCK_GAP`                          |
 * | the process dies at any moment            | either all of the block is there, or none of it |
 * @module
 */
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { BlockStreamError } from './errors.js';
import { transact } from './transact.js';

/** One committed block with all its transactions, invalid ones included: they are signal. */
export interface FollowedBlock {
  readonly number: bigint;
  /** Hash of the header, hex. */
  readonly hash: string;
  readonly previousHash: string;
  readonly transactions: readonly DecodedTransaction[];
}

export interface BlockConsumer {
  /** Effects of one block; synchronous, and part of the block's transaction. A throw stops the stream. */
  apply(block: FollowedBlock, database: DatabaseSyncInstance): void;
}

export interface Checkpoint {
  readonly nextBlock: bigint;
  readonly previousHash: string;
}

export function readCheckpoint(database: DatabaseSyncInstance, channel: string): Checkpoint {
  const row = database
    .prepare('SELECT next_block, previous_hash FROM block_checkpoint WHERE channel = ?')
    .get(channel) as { next_block: number; previous_hash: string } | undefined;
  return row === undefined
    ? { nextBlock: 0n, previousHash: '' }
    : { nextBlock: BigInt(row.next_block), previousHash: row.previous_hash };
}

export async function applyBlock(
  database: DatabaseSyncInstance,
  o: Readonly<{
    channel: string;
    block: FollowedBlock;
    consumers: readonly BlockConsumer[];
    atMs: number;
  }>,
): Promise<'applied' | 'repeated'> {
  return transact(database, () => {
    const { block } = o;
    const checkpoint = readCheckpoint(database, o.channel);
    if (block.number < checkpoint.nextBlock) return repeated(database, block);
    if (block.number > checkpoint.nextBlock) {
      throw new BlockStreamError('ERR_FABRIC_BLOCK_GAP', {
        blockNumber: block.number,
        detail: `expected block ${checkpoint.nextBlock}`,
      });
    }
    if (block.number > 0n && block.previousHash !== checkpoint.previousHash) {
      throw new BlockStreamError('ERR_FABRIC_FORK', {
        blockNumber: block.number,
        detail: `it follows ${block.previousHash}, ours is ${checkpoint.previousHash}`,
      });
    }
    recordTransactions(database, block);
    for (const consumer of o.consumers) consumer.apply(block, database);
    database
      .prepare(
        `INSERT INTO block_checkpoint (channel, next_block, previous_hash, applied_at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (channel) DO UPDATE SET next_block = excluded.next_block,
           previous_hash = excluded.previous_hash, applied_at_ms = excluded.applied_at_ms`,
      )
      .run(o.channel, block.number + 1n, block.hash, o.atMs);
    return 'applied';
  });
}

function repeated(database: DatabaseSyncInstance, block: FollowedBlock): 'repeated' {
  const known = database
    .prepare('SELECT hash FROM ledger_block WHERE number = ?')
    .get(block.number) as { hash: string } | undefined;
  if (known?.hash !== block.hash) {
    throw new BlockStreamError('ERR_FABRIC_FORK', {
      blockNumber: block.number,
      detail: `a second block of this number: ${block.hash}, ours is ${known?.hash ?? 'unknown'}`,
    });
  }
  return 'repeated';
}

function recordTransactions(database: DatabaseSyncInstance, block: FollowedBlock): void {
  database
    .prepare('INSERT INTO ledger_block (number, hash) VALUES (?, ?)')
    .run(block.number, block.hash);
  const insert = database.prepare(
    `INSERT INTO ledger_transaction (block, position, tx_id, code, function, msp_id, actor, timestamp_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  block.transactions.forEach((transaction, position) => {
    insert.run(
      block.number,
      position,
      transaction.txId,
      transaction.code,
      transaction.function,
      transaction.creator.mspId,
      transaction.creator.actor,
      transaction.timestampMs,
    );
  });
}
