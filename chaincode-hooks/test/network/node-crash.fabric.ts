/**
 * Ring 3, scenario 9: a hospital node dies between effect and checkpoint, and at any other moment; afterwards it has seen each
 * transaction of the ledger once, in order. The node's own follower runs (`node-follower.mjs`), from its build.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueIdentity } from '../../src/embedded-peer/index.js';
import { HOST } from '../../src/network/index.js';
import { commit } from '../embedded-peer/ledger-fixture.js';
import { heightOf, transactionsOf } from './guarded-network.js';
import { PLAIN, fabricAvailable, startNetwork, type TestNetwork } from './network-fixture.js';

const available = await fabricAvailable();
const SETTLE = { timeout: 60_000, interval: 100 };

interface Database {
  prepare(sql: string): { all(): { tx_id: string }[]; get(): { next_block: number } | undefined };
  close(): void;
}

// Six followers start here, one after the other, each with the modules of a whole node.
describe.skipIf(!available)("a node's follower that is killed", { timeout: 240_000 }, () => {
  let o: TestNetwork;
  let dir: string;
  let options: string;
  let database: string;
  let child: ChildProcess | null = null;

  beforeAll(async () => {
    o = await startNetwork([PLAIN], { hospitalCount: 3, ordering: 'raft' });
    dir = mkdtempSync(join(tmpdir(), 'node-crash-'));
    options = join(dir, 'options.json');
    database = join(dir, 'node.sqlite');
    const { certificatePem, privateKeyPem } = issueIdentity({
      authority: o.fabric.authority('H1MSP'),
      commonName: 'node.h1',
      attributes: { role: 'hospital-node' },
    });
    writeFileSync(
      options,
      JSON.stringify({
        database,
        identity: { mspId: 'H1MSP', certificatePem, privateKey: privateKeyPem },
        fabric: {
          endpoints: o.hospitals.map(({ peer }) => `${HOST}:${peer.port}`),
          tlsRootPem: o.hospitals
            .map(({ tlsRootFile }) => readFileSync(tlsRootFile, 'utf8'))
            .join(''),
          channel: o.fabric.topology.channel,
          chaincode: PLAIN.name,
        },
      }),
    );
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await o.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function follow(fatalBlock = -1): Promise<ChildProcess> {
    const script = fileURLToPath(new URL('node-follower.mjs', import.meta.url));
    const started = fork(script, [options, String(fatalBlock)], {
      execArgv: ['--no-deprecation'],
    });
    child = started;
    const ended = once(started, 'exit').then(([code]) => {
      throw new Error(`the follower ended with ${String(code)} before it was ready`);
    });
    await Promise.race([once(started, 'message'), ended]);
    return started;
  }
  function look<T>(read: (database: Database) => T): T {
    const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as {
      DatabaseSync: new (file: string) => Database;
    };
    const opened = new DatabaseSync(database);
    try {
      return read(opened);
    } finally {
      opened.close();
    }
  }
  const seen = (): string[] =>
    look((db) => db.prepare('SELECT tx_id FROM seen ORDER BY rowid').all()).map((row) => row.tx_id);
  const nextBlock = (): number =>
    look((db) => db.prepare('SELECT next_block FROM block_checkpoint').get()?.next_block ?? 0);

  it('9: has seen each transaction once, in the order of the ledger', async () => {
    const client = o.person('H1MSP');
    let written = 0;
    const write = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await commit(client.contract, 'Plain:put', `k${++written}`, 'v');
      }
    };
    await write(3);

    // Between effect and checkpoint: the block's rows are written, and go with the transaction.
    const fatal = (await heightOf(client)) + 1;
    const dying = await follow(fatal);
    const ended = once(dying, 'exit');
    await write(3);
    expect((await ended)[1]).toBe('SIGKILL');
    expect(nextBlock()).toBe(fatal);
    expect(new Set(seen()).size).toBe(seen().length);

    // At any moment.
    for (let turn = 1; turn <= 4; turn++) {
      const victim = await follow();
      const writing = write(2);
      await sleep(40 * turn);
      victim.kill('SIGKILL');
      await Promise.all([once(victim, 'exit'), writing]);
    }

    await follow();
    await expect.poll(nextBlock, SETTLE).toBe(await heightOf(client));
    const ledger = (await transactionsOf(client)).map(({ txId }) => txId);
    expect(ledger.length).toBeGreaterThan(14);
    expect(seen()).toEqual(ledger);
  });
});
