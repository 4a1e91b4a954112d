/**
 * The real process: started, killed with −9 in the middle of a round, started again, asked by its command line. The
 * channel is away all the time, and the rounds go on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { createFederationClient, type FederationClient } from '../src/protocol.js';
import { temporaryFolder } from './consortium.js';
import {
  cli,
  close,
  closeAll,
  ended,
  nowMs,
  room,
  start,
  submit,
  takeWork,
  updateOf,
  writeState,
} from './process-world.js';

afterEach(closeAll);

describe.runIf(existsSync(join(room, 'dist/main.js')))('the process', () => {
  it('killed in mid-round and started again seals the round; the command line proves it', async () => {
    const folder = temporaryFolder();
    close.push(folder.remove);
    const config = await writeState(folder.path, 0);
    let { child, ready } = await start(config);

    // Nobody else may use its folder, and nothing is left behind by the refusal.
    await expect(start(config)).rejects.toThrow(/ERR_STORE_LOCKED/);

    const out = join(folder.path, 'nodes');
    for (const node of ['H1', 'H2']) {
      const run = cli('provision', '--config', config, '--node', node, '--out', join(out, node));
      expect(run).toMatchObject({ code: 0 });
    }
    expect(cli('provision', '--config', config, '--node', 'H9', '--out', out)).toMatchObject({
      code: 1,
    });
    const tls = (node: string, name: string): string =>
      readFileSync(join(out, node, 'tls', name), 'utf8');
    const connect = (node: string, port: number): FederationClient => {
      const client = createFederationClient({
        address: `127.0.0.1:${port}`,
        federationId: 'process-test',
        nodeId: node,
        ca: tls(node, 'ca.pem'),
        certificate: tls(node, 'cert.pem'),
        privateKey: tls(node, 'key.pem'),
        trustedSigners: [readFileSync(join(folder.path, 'ops/ca.pem'), 'utf8')],
        nowMs,
      });
      close.push(() => client.close());
      return client;
    };

    const first = connect('H1', ready.port);
    const second = connect('H2', ready.port);
    const [unit] = await Promise.all([takeWork(first), takeWork(second)]);
    await submit(first, 'H1', unit);
    child.kill('SIGKILL');
    await ended(child);

    ({ child, ready } = await start(config));
    const again = connect('H2', ready.port);
    await submit(again, 'H2', await takeWork(again));
    const giveUpMs = nowMs() + 60_000;
    while (nowMs() < giveUpMs) {
      await sleep(100);
      const answer = await fetch(`http://127.0.0.1:${ready.httpPort}/api/v1/status`);
      const status = (await answer.json()) as { rounds: { sealed: number } };
      if (status.rounds.sealed === 1) break;
    }

    const rounds = JSON.parse(cli('rounds', '--config', config, '--json').out) as {
      phase: string;
    }[];
    // A slot that passed while the nodes were being provisioned may be on record as skipped.
    expect(rounds.filter((each) => each.phase === 'sealed')).toMatchObject([
      { accepted: ['H1', 'H2'] },
    ]);
    const status = JSON.parse(cli('status', '--config', config, '--json').out) as object;
    expect(status).toMatchObject({ publication: { activeVersion: null, backlog: 2 } });
    const proof = cli('replay', 'all', '--config', config);
    expect(proof).toMatchObject({ code: 0, err: '' });
    expect(proof.out).toContain('2 updates');
    expect(cli('replay', 'tomorrow', '--config', config)).toMatchObject({ code: 1 });
    expect(cli('frobnicate')).toMatchObject({ code: 64 });

    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(existsSync(join(folder.path, 'lock'))).toBe(false);

    // A flipped bit in a stored update is found.
    const digest = sha256Hex(updateOf('H1'));
    const object = join(folder.path, 'objects', digest.slice(0, 2), digest);
    const bytes = readFileSync(object);
    bytes[7]! ^= 1;
    writeFileSync(object, bytes);
    const failed = cli('replay', 'all', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('ERR_REPLAY');
  }, 300_000);

  it('dies with one coded line when its configuration is wrong', () => {
    const run = spawnSync(process.execPath, [join(room, 'dist/main.js'), '--config', '/nowhere']);
    expect(run.status).toBe(2);
    expect(JSON.parse(run.stderr.toString())).toMatchObject({ code: 'ERR_CONFIG_FILE' });
  });
});
