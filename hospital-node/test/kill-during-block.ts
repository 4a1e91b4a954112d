/**
 * A process that applies blocks to a database and kills itself in the middle of one, after its effects and before its
 * checkpoint. Run by `block-checkpoint.test.ts`: FILE, number of the fatal block (−1: none).
 * @module
 */
import { applyBlock, readCheckpoint, type BlockConsumer } from '../src/fabric/block-checkpoint.js';
import { openShared } from '../src/fabric/transact.js';
import { chainOf, hashOf, transactionOf } from './review-fixture.js';

const [file = '', fatal = '-1'] = process.argv.slice(2);
const database = openShared(file);
database.exec('CREATE TABLE IF NOT EXISTS seen (tx_id TEXT NOT NULL)');
const consumer: BlockConsumer = {
  apply(block) {
    for (const { txId } of block.transactions) {
      database.prepare('INSERT INTO seen (tx_id) VALUES (?)').run(txId);
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
const { nextBlock } = readCheckpoint(database, 'consortium');
for (const block of blocks.slice(Number(nextBlock))) {
  await applyBlock(database, { channel: 'consortium', block, consumers: [consumer], atMs: 0 });
}
