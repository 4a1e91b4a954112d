/**
 * A hospital node's block follower, alone in a process that may be killed at any moment:
 * `node node-follower.mjs OPTIONS_FILE [FATAL_BLOCK]`. It writes each transaction id it has seen into the table `seen`, in the
 * block's own transaction, and kills itself in the middle of FATAL_BLOCK, after its effects and before its checkpoint.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [file, fatal = '-1'] = process.argv.slice(2);
const o = JSON.parse(readFileSync(file, 'utf8'));
const dist = dirname(fileURLToPath(import.meta.resolve('@bhschain/hospital-node')));
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { connectFabric } = await load('fabric/connection.js');
const { createBlockFollower } = await load('fabric/block-follower.js');
const { createIdentity } = await load('fabric/identity.js');
const { fabricSchema } = await load('fabric/schema.js');
const { openNodeDatabase } = await load('store/index.js');

const database = await openNodeDatabase({ file: o.database, migrations: [fabricSchema] });
await database.schema
  .createTable('seen')
  .ifNotExists()
  .addColumn('tx_id', 'text', (column) => column.notNull())
  .execute();

const connection = await connectFabric({
  ...o.fabric,
  identity: createIdentity(o.identity),
  now: Date.now,
  random: Math.random,
});
const follower = await createBlockFollower({
  connection,
  database,
  consumers: [
    {
      async apply(block, inBlock) {
        for (const { txId } of block.transactions) {
          await inBlock.insertInto('seen').values({ tx_id: txId }).execute();
        }
        if (Number(block.number) === Number(fatal)) process.kill(process.pid, 'SIGKILL');
      },
    },
  ],
  now: Date.now,
  random: Math.random,
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready', nextBlock: String(follower.health().nextBlock) });
await follower.run(new AbortController().signal);
