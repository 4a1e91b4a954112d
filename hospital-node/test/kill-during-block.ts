/**
 * A process that applies blocks to a database and kills itself in the middle of one, after its effects and before its
 * checkpoint. Run by `block-checkpoint.conformance.test.ts`: place of the database as JSON, number of the fatal block
 * (−1: none).
 * @module
 */
import { sql } from 'kysely';
import { applyBlock, readCheckpoint, type BlockConsumer } from '../src/fabric/block-checkpoint.js';
import { openNodeDatabase, type StorePlace } from '../src/store/index.js';
import { chainOf, hashOf, transactionOf } from './review-fixture.js';

const [place = '', fatal = '-1'] = process.argv.slice(2);
const database = await openNodeDatabase(JSON.parse(place) as StorePlace);
await sql`CREATE TABLE IF NOT EXISTS seen (tx_id TEXT NOT NULL)`.execute(database);
const consumer: BlockConsumer = {
  async apply(block, transaction) {
    for (const { txId } of block.transactions) {
      await sql`INSERT INTO seen (tx_id) VALUES (${txId})`.execute(transaction);
    }
    if (Number(block.number) === Number(fatal)) process.kill(process.pid, 'SIGKILL');
  },
};
const blocks = chainOf(
  Array.from({ length: 8 }, (_, number) => [
    transactionOf({ txId: hashOf(`${number} a`) }),
    transactionOf({ txId: hashOf(`${number} b`) }),
  ]),
);
const { nextBlock } = await readCheckpoint(database, 'consortium');
for (const block of blocks.slice(Number(nextBlock))) {
  await applyBlock(database, { channel: 'consortium', block, consumers: [consumer], atMs: 0 });
}
await database.destroy();
