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
import { sql } from 'kysely';
import { rowOf, run, transact, type NodeDatabase } from '../store/index.js';
import { BlockStreamError } from './errors.js';

/** A block has fewer transactions than this; a call's place is its block and its index in one number. */
export const PLACES_IN_BLOCK = 1_000_000;

/** One committed block with all its transactions, invalid ones included: they are signal. */
export interface FollowedBlock {
  readonly number: bigint;
  /** Hash of the header, hex. */
  readonly hash: string;
  readonly previousHash: string;
  readonly transactions: readonly DecodedTransaction[];
}

export interface BlockConsumer {
  /** Effects of one block, in the block's transaction and through it alone. A throw stops the stream. */
  apply(block: FollowedBlock, transaction: NodeDatabase): Promise<void>;
}

export interface Checkpoint {
  readonly nextBlock: bigint;
  readonly previousHash: string;
}

export async function readCheckpoint(database: NodeDatabase, channel: string): Promise<Checkpoint> {
  const row = await rowOf(
    database,
    sql<{ next_block: number; previous_hash: string }>`
      SELECT next_block, previous_hash FROM block_checkpoint WHERE channel = ${channel}`,
  );
  return row === undefined
    ? { nextBlock: 0n, previousHash: '' }
    : { nextBlock: BigInt(row.next_block), previousHash: row.previous_hash };
}

export async function applyBlock(
  database: NodeDatabase,
  o: Readonly<{
    channel: string;
    block: FollowedBlock;
    consumers: readonly BlockConsumer[];
    atMs: number;
  }>,
): Promise<'applied' | 'repeated'> {
  return transact(database, async (transaction) => {
    const { block } = o;
    const checkpoint = await readCheckpoint(transaction, o.channel);
    if (block.number < checkpoint.nextBlock) return repeated(transaction, block);
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
    await recordTransactions(transaction, block);
    for (const consumer of o.consumers) await consumer.apply(block, transaction);
    await run(
      transaction,
      sql`INSERT INTO block_checkpoint (channel, next_block, previous_hash, applied_at_ms)
        VALUES (${o.channel}, ${block.number + 1n}, ${block.hash}, ${o.atMs})
        ON CONFLICT (channel) DO UPDATE SET next_block = excluded.next_block,
          previous_hash = excluded.previous_hash, applied_at_ms = excluded.applied_at_ms`,
    );
    return 'applied';
  });
}

async function repeated(transaction: NodeDatabase, block: FollowedBlock): Promise<'repeated'> {
  const known = await rowOf(
    transaction,
    sql<{ hash: string }>`SELECT hash FROM ledger_block WHERE number = ${block.number}`,
  );
  if (known?.hash !== block.hash) {
    throw new BlockStreamError('ERR_FABRIC_FORK', {
      blockNumber: block.number,
      detail: `a second block of this number: ${block.hash}, ours is ${known?.hash ?? 'unknown'}`,
    });
  }
  return 'repeated';
}

/** Values of one statement; both engines allow more than thirty thousand. */
const ROWS_PER_STATEMENT = 500;

async function recordTransactions(transaction: NodeDatabase, block: FollowedBlock): Promise<void> {
  await run(
    transaction,
    sql`INSERT INTO ledger_block (number, hash) VALUES (${block.number}, ${block.hash})`,
  );
  const rows = block.transactions.map(
    (each, position) => sql`(${block.number}, ${position}, ${each.txId}, ${each.code},
      ${storable(each.function)}, ${each.creator.mspId}, ${each.creator.actor}, ${each.timestampMs})`,
  );
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    await run(
      transaction,
      sql`INSERT INTO ledger_transaction (block, position, tx_id, code, function, msp_id, actor, timestamp_ms)
        VALUES ${sql.join(rows.slice(start, start + ROWS_PER_STATEMENT))}`,
    );
  }
}

/** A text from outside as both engines keep it: they know no NUL. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}
