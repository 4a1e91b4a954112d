/**
 * A fourth hospital joins the running demo from another directory, with the commands that its operator types: invitation,
 * join, digits compared, approval, doctor, run; it takes part in a round, attests, and leaves. Real processes throughout.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, it, vi } from 'vitest';
import { statePaths } from '../src/demo/state-directory.js';
import { verifyState } from '../src/verify/index.js';
import { startDemo, temporaryState, type DemoProcess } from './demo-process.js';

vi.setConfig({ testTimeout: 1_500_000, hookTimeout: 120_000 });

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const BIN = {
  node: join(root, 'hospital-node', 'bin', 'bhs-node.js'),
  orchestrator: join(root, 'orchestrator', 'bin', 'bhs-orchestrator.js'),
  spare: join(root, 'experiments', 'dist', 'demo', 'spare.js'),
};

interface Said {
  readonly status: number;
  readonly out: string;
}

async function type(program: keyof typeof BIN, ...args: string[]): Promise<Said> {
  try {
    const { stdout } = await run(process.execPath, [BIN[program], ...args]);
    return { status: 0, out: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, out: stdout === '' ? stderr : stdout };
  }
}
/** A command that must work: what it said is the message if it does not. */
async function works(program: keyof typeof BIN, ...args: string[]): Promise<string> {
  const { status, out } = await type(program, ...args);
  expect(status, out).toBe(0);
  return out;
}
const json = async <T>(program: keyof typeof BIN, ...args: string[]): Promise<T> =>
  JSON.parse((await type(program, ...args, '--json')).out) as T;

async function until<T>(
  what: string,
  look: () => Promise<T | null>,
  timeoutMs: number,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((wake) => setTimeout(wake, 1_000));
  }
}

let demo: DemoProcess | null = null;
let hospital: ChildProcess | null = null;
const state = temporaryState();
const elsewhere = mkdtempSync(join(tmpdir(), 'bhs-h4-'));

afterEach(async () => {
  // Gone, not going: what still writes into a folder keeps it from being removed.
  if (hospital !== null && hospital.exitCode === null && hospital.signalCode === null) {
    hospital.kill('SIGKILL');
    await once(hospital, 'exit');
  }
  demo?.child.kill('SIGTERM');
  await demo?.exited;
  state.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

interface Request {
  readonly requestId: string;
  readonly nodeId: string;
  readonly state: string;
  readonly fingerprint: string;
}
interface Round {
  readonly accepted: readonly { readonly nodeId: string }[] | readonly string[];
}

it('a fourth hospital joins while everything runs', async () => {
  demo = startDemo(['--rounds', '100', '--state', state.dir]);
  await demo.said('analyst page', 480_000);
  const orchestrator = ['--config', join(state.dir, 'orchestrator', 'config.json')];
  const config = ['--config', join(elsewhere, 'node.yaml')];
  await works('spare', '--state', state.dir, '--out', elsewhere);

  const root4 = join(state.dir, 'ledger', 'msp', 'H4MSP', 'ca.pem');
  const invite = ['invite', 'H4', '--msp', 'H4MSP', '--msp-root', root4, '--by', 'ana'];
  const line = (await type('orchestrator', ...invite, ...orchestrator)).out.trim();

  // Impatient at first: the request stays, and the same command goes on without the line.
  const before = readFileSync(join(elsewhere, 'node.yaml'), 'utf8');
  const pending = await json<{ state: string; fingerprint: string }>(
    'node',
    'join',
    line,
    '--wait-minutes',
    '0',
    ...config,
  );
  expect(pending.state).toBe('pending');
  expect(readFileSync(join(elsewhere, 'node.yaml'), 'utf8')).toBe(before);
  const joining = json<{ state: string; nextSlotAt: string | null }>('node', 'join', ...config);
  const [request] = await json<readonly Request[]>('orchestrator', 'requests', ...orchestrator);
  expect(request).toMatchObject({
    nodeId: 'H4',
    state: 'pending',
    fingerprint: pending.fingerprint,
  });
  const approve = [
    'approve',
    request!.requestId,
    '--fingerprint',
    pending.fingerprint,
    '--by',
    'ben',
  ];
  await works('orchestrator', ...approve, ...orchestrator);
  const joined = await joining;
  expect(joined.state).toBe('joined');
  expect(joined.nextSlotAt).not.toBeNull();

  hospital = spawn(process.execPath, [BIN.node, 'run', ...config], { stdio: 'ignore' });
  const round = await until(
    'a round with an update of H4',
    async () => {
      const rounds = await json<readonly Round[]>('orchestrator', 'rounds', ...orchestrator);
      return rounds.find((each) => JSON.stringify(each.accepted).includes('"H4"')) ?? null;
    },
    540_000,
  );
  expect(JSON.stringify(round.accepted)).toContain('"H4"');

  // It is a member on the channel too, once the orchestrator has got it admitted: a detector has its attestation, and then
  // the doctor fails nowhere.
  await until(
    'an attestation of H4',
    async () => {
      const { records } = await json<{ records: readonly { kind: string }[] }>(
        'node',
        'audit',
        'show',
        ...config,
      );
      return records.some(({ kind }) => kind === 'detector-attested') ? true : null;
    },
    300_000,
  );
  const doctor = await json<{
    findings: readonly { code: string; state: string; sentence: string }[];
  }>('node', 'doctor', ...config);
  expect(doctor.findings.filter(({ state: found }) => found === 'FAIL')).toEqual([]);
  expect(doctor.findings.find(({ code }) => code === 'IDN-006')).toMatchObject({ state: 'PASS' });
  await works('node', 'verify-round', 'last', ...config);

  // A new key under a running node, then the end.
  const certificate = join(elsewhere, 'state', 'tls', 'cert.pem');
  const old = readFileSync(certificate, 'utf8');
  await works('node', 'rotate', ...config);
  expect(readFileSync(certificate, 'utf8')).not.toBe(old);
  expect(
    await type('node', 'leave', '--reason', 'end of the test', '--yes', ...config),
  ).toMatchObject({ status: 0 });
  const after = await type('node', 'doctor', '--only', 'NET-007', ...config);
  expect(after.status).toBe(2);
  expect(after.out).toContain('revoked');
  await works('node', 'audit', 'verify', ...config);
  expect(existsSync(join(elsewhere, 'state', 'privacy-ledger.jsonl')), 'it stays').toBe(true);

  // Who reads the demo's folder afterwards learns what of H4 is not in it, and of nobody else.
  demo.child.kill('SIGTERM');
  await demo.exited;
  const { claims } = await verifyState(statePaths(state.dir));
  const training = claims.filter(({ hop }) => hop === 'training');
  expect(training.filter(({ ok }) => !ok)).toEqual([]);
  expect(training.map(({ detail }) => detail).join(' ')).toMatch(/not checked: \d+ of H4, whose/);
  expect(claims.filter(({ hop, ok }) => hop === 'ledger' && !ok)).toEqual([]);
});
