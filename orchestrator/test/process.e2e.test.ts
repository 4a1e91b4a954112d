/**
 * The real process: started, killed with −9 in the middle of a round, started again, asked by its command line. The
 * channel is away all the time, and the rounds go on.
 */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { openAuthority } from '../src/enrolment/authority.js';
import {
  createFederationClient,
  encodeParameters,
  type FederationClient,
  type WorkUnit,
} from '../src/protocol.js';
import { honestUpdate, temporaryFolder } from './consortium.js';

const room = join(dirname(fileURLToPath(import.meta.url)), '..');
const nowMs = (): number => Date.now();
const close: (() => void)[] = [];
afterEach(() => {
  for (const each of close.splice(0).reverse()) each();
});

interface Ready {
  readonly port: number;
  readonly httpPort: number;
}

function start(config: string): Promise<{ child: ChildProcess; ready: Ready }> {
  return new Promise((resolve, reject) => {
    const child = fork(join(room, 'dist/main.js'), ['--config', config], { silent: true });
    close.push(() => child.kill('SIGKILL'));
    let talk = '';
    child.stderr?.on('data', (data: Buffer) => (talk += data.toString()));
    child.on('message', (message: { type: string } & Ready) => {
      if (message.type === 'ready') resolve({ child, ready: message });
    });
    child.once('exit', (code) => {
      reject(new Error(`exit ${String(code)}: ${talk.slice(-2_000)}`));
    });
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

function cli(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [join(room, 'bin/bhs-orchestrator.js'), ...args]);
  return { code: run.status, out: run.stdout.toString(), err: run.stderr.toString() };
}

async function writeState(folder: string, port: number): Promise<string> {
  const authority = await openAuthority({
    folder: join(folder, 'ops'),
    federationId: 'OpsMSP',
    nowMs: nowMs(),
  });
  const identity = await authority.issueNode('orchestrator', nowMs());
  mkdirSync(join(folder, 'identity'), { recursive: true });
  writeFileSync(join(folder, 'identity/cert.pem'), identity.certificate);
  writeFileSync(join(folder, 'identity/key.pem'), identity.privateKey, { mode: 0o600 });
  const file = join(folder, 'orchestrator.yaml');
  writeFileSync(
    file,
    `federationId: process-test
stateDir: .
listen: { host: 127.0.0.1, port: ${port} }
http: { host: 127.0.0.1, port: 0 }
hospitals:
  - { nodeId: H1, mspId: H1MSP }
  - { nodeId: H2, mspId: H2MSP }
planPreset: demo
policy:
  slotLengthMs: 12000
  openDelayMs: 50
  gatherMaxMs: 2000
  collectMaxMs: 9000
  graceMs: 500
  sealMaxMs: 400
  roundsMax: 1
gateway:
  endpoints: ['127.0.0.1:1']
  tlsRoot: ops/ca.pem
  channel: consortium
  chaincode: bhschain
  mspId: OpsMSP
  certFile: identity/cert.pem
  keyFile: identity/key.pem
`,
  );
  return file;
}

async function takeWork(client: FederationClient): Promise<WorkUnit> {
  const giveUpMs = nowMs() + 40_000;
  while (nowMs() < giveUpMs) {
    await sleep(50);
    const work = await client.getWork({ state: 'ready' }).catch(() => null);
    if (work?.kind === 'train') return work.unit;
  }
  throw new Error('no work came');
}

const count = DETECTOR_ZERO.detector.parameters.length;

/** Noise of about the plan's deviation, so that the screening takes it. */
function updateOf(nodeId: string): Uint8Array {
  const seed = Number(nodeId.slice(1));
  return encodeParameters(honestUpdate(seed, count).map((entry) => Math.round(entry * 1.7)));
}

function submit(client: FederationClient, nodeId: string, unit: WorkUnit): Promise<unknown> {
  const update = updateOf(nodeId);
  return client.submitUpdate({
    update,
    envelope: {
      schema: 1,
      roundId: unit.roundId,
      nodeId,
      planHash: unit.planHash,
      layoutHash: unit.layoutHash,
      baseModel: unit.baseModel,
      releases: [
        { name: 'update', encoding: 'int32le-2^-20', length: count, digest: sha256Hex(update) },
      ],
      ledgerHead: { seq: 1, hash: sha256Hex(nodeId) },
      dataCommitment: '',
      software: 'test',
      kernelHash: sha256Hex('kernel'),
    },
  });
}

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
    const giveUpMs = nowMs() + 10_000;
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
  }, 90_000);

  it('dies with one coded line when its configuration is wrong', () => {
    const run = spawnSync(process.execPath, [join(room, 'dist/main.js'), '--config', '/nowhere']);
    expect(run.status).toBe(2);
    expect(JSON.parse(run.stderr.toString())).toMatchObject({ code: 'ERR_CONFIG_FILE' });
  });
});
