/** The real process for tests: its configuration, its start, its command line, and nodes that speak the published client. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256Hex } from '@bhschain/dp';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { openAuthority } from '../src/enrolment/authority.js';
import { encodeParameters, type FederationClient, type WorkUnit } from '../src/protocol.js';
import { honestUpdate } from './consortium.js';

export const room = join(dirname(fileURLToPath(import.meta.url)), '..');
export const nowMs = (): number => Date.now();
/** What a test has opened; give `closeAll` to `afterEach`. */
export const close: (() => void)[] = [];
export function closeAll(): void {
  for (const each of close.splice(0).reverse()) each();
}

export interface Ready {
  readonly port: number;
  readonly httpPort: number;
}

export function start(
  config: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ child: ChildProcess; ready: Ready }> {
  return new Promise((resolve, reject) => {
    const child = fork(join(room, 'dist/main.js'), ['--config', config], {
      silent: true,
      env: { ...process.env, ...environment },
    });
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

export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

export function cli(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [join(room, 'bin/bhs-orchestrator.js'), ...args]);
  return { code: run.status, out: run.stdout.toString(), err: run.stderr.toString() };
}

export async function writeState(
  folder: string,
  port: number,
  name = 'orchestrator',
): Promise<string> {
  const authority = await openAuthority({
    folder: join(folder, 'ops'),
    federationId: 'OpsMSP',
    nowMs: nowMs(),
  });
  if (!existsSync(join(folder, 'identity/cert.pem'))) {
    const identity = await authority.issueNode('orchestrator', nowMs());
    mkdirSync(join(folder, 'identity'), { recursive: true });
    writeFileSync(join(folder, 'identity/cert.pem'), identity.certificate);
    writeFileSync(join(folder, 'identity/key.pem'), identity.privateKey, { mode: 0o600 });
  }
  const file = join(folder, `${name}.yaml`);
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
  slotLengthMs: 40000
  openDelayMs: 50
  gatherMaxMs: 4000
  collectMaxMs: 34000
  graceMs: 500
  sealMaxMs: 1000
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

export async function takeWork(client: FederationClient): Promise<WorkUnit> {
  // Two slots and more: the first may begin before everybody is there.
  const giveUpMs = nowMs() + 100_000;
  while (nowMs() < giveUpMs) {
    await sleep(50);
    const work = await client.getWork({ state: 'ready' }).catch(() => null);
    if (work?.kind === 'train') return work.unit;
  }
  throw new Error('no work came');
}

const count = DETECTOR_ZERO.detector.parameters.length;

/** Noise of about the plan's deviation, so that the screening takes it. */
export function updateOf(nodeId: string): Uint8Array {
  const seed = Number(nodeId.slice(1));
  return encodeParameters(honestUpdate(seed, count).map((entry) => Math.round(entry * 1.7)));
}

export function submit(client: FederationClient, nodeId: string, unit: WorkUnit): Promise<unknown> {
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
