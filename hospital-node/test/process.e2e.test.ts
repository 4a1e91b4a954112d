/** The node as a process: how it starts, refuses and ends. No channel and no orchestrator answer here. */
import { fork, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { consortium, identityOf } from './identity-fixture.js';
import { logText, PERIOD_MS, START_MS } from './native-log.js';
import { postgresqlPrograms, startPostgres } from '../../test/postgresql.js';
import { temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 90_000 });

function state(store = {}): { readonly folder: string; readonly config: string } {
  const folder = temporaryFolder();
  const world = consortium();
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  const identity = identityOf(world, {
    mspId: 'H1MSP',
    name: 'node',
    attributes: { role: 'hospital-node' },
  });
  const ca = readFileSync(join(world.dir, 'msp', 'H1MSP', 'ca.pem'), 'utf8');
  write('H1.jsonl', logText({ fromMs: START_MS, toMs: START_MS + 2 * PERIOD_MS }));
  write('actors.jsonl', '');
  mkdirSync(join(folder, 'people'));
  const config = {
    nodeId: 'H1',
    mspId: 'H1MSP',
    stateDir: 'state',
    log: { file: 'H1.jsonl', liveFromMs: START_MS + PERIOD_MS },
    federation: {
      id: 'fed',
      address: '127.0.0.1:9',
      tls: {
        ca: write('ca.pem', ca),
        cert: write('cert.pem', identity.certificatePem),
        key: write('key.pem', identity.privateKeyPem),
      },
      signerCa: 'ca.pem',
    },
    fabric: {
      endpoints: ['127.0.0.1:9'],
      tlsRoot: 'ca.pem',
      channel: 'consortium',
      chaincode: 'bhschain',
      cert: 'cert.pem',
      key: 'key.pem',
    },
    actorsFile: 'actors.jsonl',
    peopleDir: 'people',
    store,
  };
  return { folder, config: join(folder, write('config.json', JSON.stringify(config))) };
}

interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when it has begun to look for the orchestrator. */
  readonly polls: Promise<void>;
  /** Resolves when it waits for the database server. */
  readonly waits: Promise<void>;
}

function start(config: string): Started {
  const main = new URL('../dist/main.js', import.meta.url);
  const child = fork(main, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let errors = '';
  const said = (words: string): Promise<void> =>
    new Promise((resolve) => {
      child.stderr?.on('data', () => {
        if (errors.includes(words)) resolve();
      });
    });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const polls = said('poll failed');
  const waits = said('database not open yet');
  // After a disconnect 'close' never comes; what stderr still holds may be read after the exit.
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const read = new Promise((resolve) => child.stderr?.once('end', resolve));
  const ended = Promise.all([exit, read]).then(([code]) => ({ code, errors }));
  return { child, ended, polls, waits };
}

const lastLine = (errors: string): unknown => JSON.parse(errors.trimEnd().split('\n').at(-1) ?? '');

describe('the process', () => {
  it('ends cleanly on SIGTERM, and when its parent is gone, even while it waits for the channel', async () => {
    const { config } = state();
    for (const end of ['SIGTERM', 'disconnect'] as const) {
      const { child, ended, polls } = start(config);
      await polls;
      if (end === 'SIGTERM') child.kill('SIGTERM');
      else child.disconnect();
      const { code, errors } = await ended;
      expect({ end, code, errors: code === 0 ? '' : errors }).toEqual({ end, code: 0, errors: '' });
    }
  });

  it('notices that its parent was gone before it could listen', async () => {
    const { child, ended } = start(state().config);
    child.disconnect();
    expect((await ended).code).toBe(0);
  });

  it('refuses a state directory that is in use', async () => {
    const { config } = state();
    const first = start(config);
    await first.polls;
    const second = await start(config).ended;
    expect(second.code).toBe(2);
    expect(lastLine(second.errors)).toMatchObject({ code: 'ERR_STATE_LOCKED' });
    first.child.kill('SIGKILL');
    await first.ended;
    // The lock died with its holder.
    const third = start(config);
    await third.polls;
    third.child.kill('SIGTERM');
    expect((await third.ended).code).toBe(0);
  });

  it.skipIf(postgresqlPrograms === null)(
    'refuses a database on a server that another node has, and waits for a server that is away',
    async () => {
      const server = await startPostgres();
      try {
        const store = { url: await server.createDatabase() };
        const first = start(state(store).config);
        await first.polls;
        const second = await start(state(store).config).ended;
        expect(second.code).toBe(2);
        expect(lastLine(second.errors)).toMatchObject({
          code: 'ERR_STORE_LOCKED',
          message: expect.stringContaining(
            `is held by process ${first.child.pid} on host`,
          ) as string,
        });
        first.child.kill('SIGKILL');
        await first.ended;
        await server.stop();
        const third = start(state(store).config);
        await third.waits;
        await server.start();
        await third.polls;
        third.child.kill('SIGTERM');
        const { code, errors } = await third.ended;
        expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
      } finally {
        await server.remove();
      }
    },
    240_000,
  );

  it('refuses a changed privacy ledger with the position, and a configuration with the key', async () => {
    const { folder, config } = state();
    mkdirSync(join(folder, 'state'));
    appendFileSync(join(folder, 'state', 'privacy-ledger.jsonl'), '{"seq":0}\n');
    const corrupt = await start(config).ended;
    expect(corrupt.code).toBe(2);
    expect(lastLine(corrupt.errors)).toMatchObject({
      code: 'ERR_LEDGER_CORRUPT',
      message: expect.stringContaining('line 1, byte 0') as string,
    });
    writeFileSync(config, '{"nodeId": "H1", "nope": 1}');
    const unknown = await start(config).ended;
    expect(unknown.code).toBe(2);
    expect((lastLine(unknown.errors) as { code: string }).code).toMatch(/^ERR_CONFIG_/);
  });
});
