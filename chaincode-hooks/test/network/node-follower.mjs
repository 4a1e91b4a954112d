/**
 * A hospital node's block follower, alone in a process that may be killed at any moment:
 * `node node-follower.mjs OPTIONS_FILE [FATAL_BLOCK]`. It writes each transaction id it has seen into the table `seen`, in the
 * block's own SQLite transaction, and kills itself in the middle of FATAL_BLOCK, after its effects and before its checkpoint.
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
const { openNodeDatabase } = await load('store/node-database.js');
const { openShared } = await load('fabric/transact.js');

const database = openNodeDatabase({ file: o.database, migrations: [fabricSchema] });
await database.destroy();
const seen = openShared(o.database);
seen.exec('CREATE TABLE IF NOT EXISTS seen (tx_id TEXT NOT NULL)');
seen.close();

const connection = await connectFabric({
  ...o.fabric,
  identity: createIdentity(o.identity),
  now: Date.now,
  random: Math.random,
});
const follower = createBlockFollower({
  connection,
  file: o.database,
  consumers: [
    {
      apply(block, shared) {
        for (const { txId } of block.transactions) {
          shared.prepare('INSERT INTO seen (tx_id) VALUES (?)').run(txId);
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
