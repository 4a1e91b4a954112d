/**
 * Joining as two operators type it, one at each end, each with the own command line: by files while no connection exists,
 * and again by the network for a node that was revoked.
 */
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../test/free-port.js';
import { consortium, identityOf } from './identity-fixture.js';
import { temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 240_000 });

const run = promisify(execFile);
const orchestratorRoom = fileURLToPath(new URL('../../orchestrator/', import.meta.url));
const BIN = {
  node: fileURLToPath(new URL('../bin/bhs-node.js', import.meta.url)),
  orchestrator: join(orchestratorRoom, 'bin', 'bhs-orchestrator.js'),
};
const processes: ChildProcess[] = [];

afterEach(() => {
  for (const each of processes.splice(0)) each.kill('SIGKILL');
});

interface Typed {
  readonly code: number;
  readonly out: string;
  readonly talk: string;
}

/** Never throws: an exit status is an answer. */
async function type(program: keyof typeof BIN, ...args: string[]): Promise<Typed> {
  try {
    const { stdout, stderr } = await run(process.execPath, [BIN[program], ...args]);
    return { code: 0, out: stdout, talk: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, talk: stderr };
  }
}

/** The one JSON document of a command that must end with this status. */
async function answer<T>(code: number, program: keyof typeof BIN, ...args: string[]): Promise<T> {
  const typed = await type(program, ...args, '--json');
  expect(typed.code, `${args[0]}: ${typed.talk}${typed.out}`).toBe(code);
  return JSON.parse(typed.out) as T;
}

/** Two ends of a federation: the orchestrator's configuration, and the own half of hospital 1's. */
async function twoEnds(): Promise<{ ops: string; node: string; folder: string }> {
  const folder = temporaryFolder();
  const world = consortium();
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const identity = (mspId: string, role: string): { cert: string; key: string } => {
    const issued = identityOf(world, { mspId, name: role, attributes: { role } });
    return {
      cert: write(`${mspId}/cert.pem`, issued.certificatePem),
      key: write(`${mspId}/key.pem`, issued.privateKeyPem),
    };
  };
  const rootOf = (mspId: string): string => join(world.dir, 'msp', mspId, 'ca.pem');
  const operator = identity('OpsMSP', 'orchestrator');
  const enrolmentPort = await freePort();
  const ops = write(
    'orchestrator.json',
    JSON.stringify({
      federationId: 'joining',
      stateDir: 'orchestrator',
      listen: { host: '127.0.0.1', port: await freePort() },
      enrolment: { host: '127.0.0.1', port: enrolmentPort },
      http: { host: '127.0.0.1', port: 0 },
      hospitals: [1, 2].map((n) => ({
        nodeId: `H${n}`,
        mspId: `H${n}MSP`,
        mspRoot: rootOf(`H${n}MSP`),
      })),
      planPreset: 'demo',
      gateway: {
        endpoints: ['127.0.0.1:1'],
        tlsRoot: world.tlsRootFile,
        channel: 'consortium',
        chaincode: 'bhschain',
        mspId: 'OpsMSP',
        certFile: operator.cert,
        keyFile: operator.key,
      },
    }),
  );
  const own = identity('H1MSP', 'hospital-node');
  const node = write(
    'node.yaml',
    `# Hospital 1, its own half
mspId: H1MSP
stateDir: state
log: { file: access.jsonl }
federation: { signerCa: ${rootOf('OpsMSP')} }
fabric:
  endpoints: ['127.0.0.1:1']
  tlsRoot: ${world.tlsRootFile}
  channel: consortium
  chaincode: bhschain
  cert: ${own.cert}
  key: ${own.key}
actorsFile: actors.jsonl
peopleDir: people
`,
  );
  write('access.jsonl', '');
  write('actors.jsonl', '');
  mkdirSync(join(folder, 'people'));
  return { ops, node, folder };
}

async function start(config: string): Promise<void> {
  const child = fork(join(orchestratorRoom, 'dist', 'main.js'), ['--config', config], {
    silent: true,
  });
  processes.push(child);
  let talk = '';
  child.stderr?.on('data', (data: Buffer) => (talk += data.toString()));
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message: { type: string }) => {
      if (message.type === 'ready') resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`exit ${String(code)}: ${talk.slice(-2_000)}`));
    });
  });
}

interface Filed {
  readonly requestId: string;
  readonly nodeId: string;
  readonly fingerprint: string;
}

describe('two operators at two ends', () => {
  it('join by files while nothing listens; revoked, the node comes back over the network', async () => {
    const { ops, node, folder } = await twoEnds();
    const there = ['--config', ops];
    const here = ['--config', node];
    const invite = async (): Promise<string> =>
      (
        await answer<{ invitation: string }>(
          0,
          'orchestrator',
          'invite',
          'H1',
          '--by',
          'ana',
          ...there,
        )
      ).invitation;

    // No process of the federation runs: whatever the node sent over a network would fail.
    const request = join(folder, 'request.json');
    const written = await answer<{ state: string; fingerprint: string }>(
      1,
      'node',
      ...['join', await invite(), '--offline', '--out', request, ...here],
    );
    expect(written).toMatchObject({ state: 'request-written', file: request });

    const filed = await answer<Filed>(0, 'orchestrator', 'import-request', request, ...there);
    expect(filed, 'the digits that are read out').toMatchObject({
      nodeId: 'H1',
      fingerprint: written.fingerprint,
    });
    const response = join(folder, 'response.json');
    const exported = ['export-response', filed.requestId, '--out', response, ...there];
    expect((await type('orchestrator', ...exported)).talk).toContain('ERR_REQUEST_DECIDED');
    const wrong = ['approve', filed.requestId, '--fingerprint', '00000', '--by', 'ben', ...there];
    expect((await type('orchestrator', ...wrong)).talk).toContain('ERR_FINGERPRINT');
    const approve = ({ requestId, fingerprint }: Filed): Promise<unknown> =>
      answer(
        0,
        'orchestrator',
        ...['approve', requestId, '--fingerprint', fingerprint, '--by', 'ben', ...there],
      );
    await approve(filed);
    await answer(0, 'orchestrator', ...exported);

    await start(ops);
    const finish = ['join', '--offline', '--response', response, ...here];
    const joined = await answer<{ state: string; nextSlotAt: string }>(0, 'node', ...finish);
    expect(joined).toMatchObject({ state: 'joined', nodeId: 'H1', federationId: 'joining' });
    expect(Date.parse(joined.nextSlotAt) % 21_600_000).toBe(0);
    expect(readFileSync(node, 'utf8')).toContain('# Hospital 1, its own half');
    expect((await type('node', ...finish)).talk).toContain('ERR_JOIN_ALREADY');
    const twice = await answer<Filed>(0, 'orchestrator', 'import-request', request, ...there);
    expect(twice.requestId, 'one request, however often its file comes').toBe(filed.requestId);

    const certificate = join(folder, 'state', 'tls', 'cert.pem');
    const first = readFileSync(certificate, 'utf8');
    const revoke = ['revoke', 'H1', '--reason', 'key lost', '--by', 'ana', '--yes', ...there];
    await answer(0, 'orchestrator', ...revoke);
    const examined = await type('node', 'doctor', '--only', 'NET-007', ...here);
    expect(examined).toMatchObject({ code: 2, out: expect.stringContaining('revoked') as string });

    // The operator of the federation approves while the node waits.
    const coming = answer<{ state: string }>(0, 'node', 'rejoin', await invite(), ...here);
    const again = await pendingRequest(there);
    await approve(again);
    expect(await coming).toMatchObject({ state: 'joined' });
    expect(readFileSync(certificate, 'utf8')).not.toBe(first);
    expect((await type('node', 'doctor', '--only', 'NET-007', ...here)).code).toBe(0);
    const { records } = await answer<{ records: { kind: string }[] }>(
      0,
      'node',
      ...['audit', 'show', ...here],
    );
    expect(records.map(({ kind }) => kind)).toEqual(['joined', 'rejoined']);
    expect(existsSync(join(folder, 'state', 'enrolment'))).toBe(false);
    const audit = await type('orchestrator', 'audit', ...there);
    expect(audit.code).toBe(0);
  });
});

async function pendingRequest(there: readonly string[]): Promise<Filed> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const requests = await answer<(Filed & { state: string })[]>(
      0,
      'orchestrator',
      ...['requests', ...there],
    );
    const pending = requests.find(({ state }) => state === 'pending');
    if (pending !== undefined) return pending;
  }
  throw new Error('no request came');
}
