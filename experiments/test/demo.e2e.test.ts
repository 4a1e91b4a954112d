/**
 * The main job as its user starts it: all processes, real chaincode streams, mutual TLS, two scripted people; then the
 * reader over what is left on disk, and over what somebody has tampered with.
 */
import { createServer } from 'node:net';
import {
  appendFileSync,
  cpSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { statePaths } from '../src/demo/state-directory.js';
import { verifyState } from '../src/verify/index.js';
import { isAlive, pidsOf, startDemo, temporaryState } from './demo-process.js';

const MINUTES = 60_000;
// Everything here waits for a condition; these bounds are for a machine with other work.
vi.setConfig({ testTimeout: 6 * MINUTES, hookTimeout: 20 * MINUTES });
const SMALL = ['--days', '2', '--rounds', '2', '--seed', '7'];
const state = temporaryState();
const copy = temporaryState();

interface Summary {
  readonly ok: boolean;
  readonly hops: Readonly<Record<string, boolean>>;
  readonly rounds: number;
  readonly participants: number;
  readonly epsilonPerRound: number;
  readonly detector: { readonly version: number };
  readonly transactions: { readonly scored: number; readonly quarantined: number };
  readonly incidents: { readonly planted: number; readonly found: number };
  readonly stateDir: string;
}

afterAll(() => {
  state.remove();
  copy.remove();
});

describe('the main job', () => {
  let summary: Summary;
  let killedNode = 0;
  let pids: Record<string, number> = {};

  beforeAll(async () => {
    const demo = startDemo(['--exit', '--json', '--state', state.dir, ...SMALL]);
    // kill −9 of a hospital in mid-round: after its debit, while the update is being made or sent.
    await demo.said('H2 debited its privacy ledger', 8 * MINUTES);
    pids = pidsOf(state.dir);
    killedNode = pids['H2']!;
    process.kill(killedNode, 'SIGKILL');
    const { status, stdout, stderr } = await demo.exited;
    expect(status, stderr).toBe(0);
    summary = JSON.parse(stdout) as Summary;
  });

  it('holds at every hop, by the word of a reader that looks only at the disk', () => {
    expect(summary.hops).toEqual({
      logs: true,
      training: true,
      federation: true,
      ledger: true,
      detector: true,
      scoring: true,
      review: true,
      labels: true,
    });
    expect(summary.ok).toBe(true);
  });

  it('sealed the rounds that were asked for, at ε = 0.5, and activated their detectors', () => {
    expect(summary.rounds).toBe(2);
    expect(summary.participants).toBe(3);
    expect(summary.epsilonPerRound).toBeGreaterThan(0.49);
    expect(summary.epsilonPerRound).toBeLessThanOrEqual(0.5);
    expect(summary.detector.version).toBeGreaterThanOrEqual(1);
  });

  it('scored the live calls and held some of them', () => {
    expect(summary.transactions.scored).toBeGreaterThan(500);
    expect(summary.transactions.quarantined).toBeGreaterThan(0);
    expect(summary.incidents.found).toBeGreaterThan(0);
    expect(summary.incidents.found).toBeLessThanOrEqual(summary.incidents.planted);
  });

  it('let the killed hospital take part again without spending twice', () => {
    expect(pidsOf(state.dir)).toEqual({});
    const debits = readFileSync(join(state.dir, 'hospitals', 'H2', 'privacy-ledger.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"kind":"debited"'))
      .map((line) => /"interval":\{"fromMs":(\d+)/.exec(line)?.[1]);
    expect(debits.length).toBeGreaterThan(0);
    expect(new Set(debits).size).toBe(debits.length);
  });

  it('left no process behind', () => {
    expect(Object.values(pids).length).toBeGreaterThanOrEqual(8);
    expect(Object.values(pids).filter(isAlive)).toEqual([]);
  });

  it('is verified again from its folder alone', async () => {
    const demo = startDemo(['--verify', state.dir, '--json']);
    const { status, stdout } = await demo.exited;
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as Summary).hops).toEqual(summary.hops);
  });

  it('keeps raw identifiers out of the blocks and of every process log', () => {
    const names = readFileSync(join(state.dir, 'hospitals', 'H1', 'actors.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { actor: string }).actor);
    expect(names.length).toBeGreaterThan(10);
    const haystacks = [
      ...filesOf(join(state.dir, 'ledger', 'blocks')),
      ...filesOf(join(state.dir, 'processes')),
      ...filesOf(join(state.dir, 'orchestrator', 'objects')),
    ].map((file) => readFileSync(file, 'latin1'));
    const leaked = names.filter((name) => haystacks.some((text) => text.includes(name)));
    expect(leaked).toEqual([]);
  });

  describe('whoever tampers is named', () => {
    beforeAll(() => {
      cpSync(state.dir, copy.dir, { recursive: true });
    });

    it('a flipped byte in a block: file, offset and block', async () => {
      const blocks = join(copy.dir, 'ledger', 'blocks');
      const file = join(
        blocks,
        readdirSync(blocks).find((name) => name.endsWith('.seg'))!,
      );
      flipByte(file, Math.floor(statSync(file).size / 2));
      const report = await verifyState(statePaths(copy.dir));
      expect(report.ok).toBe(false);
      expect(report.hops.ledger).toBe(false);
      const detail = report.claims.find((claim) => !claim.ok && claim.hop === 'ledger')!.detail;
      expect(detail).toMatch(/offset \d+/);
      // A ledger process refuses to start on it, too.
      const demo = startDemo(['--exit', '--json', '--state', copy.dir, ...SMALL]);
      const { status, stderr } = await demo.exited;
      expect(status).toBe(2);
      expect(stderr).toContain('ERR_BLOCK_CORRUPT');
    });

    it('a changed privacy ledger: line and reason, and the node refuses to run', async () => {
      cpSync(join(state.dir, 'ledger'), join(copy.dir, 'ledger'), { recursive: true });
      const file = join(copy.dir, 'hospitals', 'H1', 'privacy-ledger.jsonl');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace('"kind":"debited"', '"kind":"settled"'));
      const report = await verifyState(statePaths(copy.dir));
      expect(report.hops.training).toBe(false);
      const demo = startDemo(['--exit', '--json', '--state', copy.dir, ...SMALL]);
      const { status, stderr } = await demo.exited;
      expect(status).toBe(2);
      expect(stderr).toMatch(/ERR_LEDGER_CORRUPT|ERR_DP_LEDGER_CORRUPT/);
    });
  });
});

describe('an update that the screening sets aside', () => {
  it(
    'is discarded by two other hospitals, and the round goes on without it',
    async () => {
      const folder = temporaryState();
      const args = ['--state', folder.dir, '--days', '2', '--seed', '7', '--rounds', '1'];
      const demo = startDemo(['--exit', '--json', '--strange-update', 'H2', ...args]);
      const { status, stdout, stderr } = await demo.exited;
      folder.remove();
      expect(status, stderr).toBe(0);
      expect(stderr).toContain('Simulated defect: H2');
      expect(stderr).toContain('set the update of H2 aside');
      expect(stderr).toContain('hana of H3 signed: discard H2');
      expect(stderr).toContain('sealed, 2 updates averaged');
      const summary = JSON.parse(stdout) as Summary & { notes: readonly string[] };
      expect(Object.values(summary.hops)).toEqual(Array.from({ length: 8 }, () => true));
      expect(summary.participants).toBe(2);
      expect(summary.notes.join(' ')).toContain('Simulated defect: H2');
    },
    20 * MINUTES,
  );
});

describe('bad input', () => {
  it.each([
    [['--hospitals', '12'], 64, 'ERR_DEMO_FLAG'],
    [['--log', '/no/such/file.csv.gz'], 2, 'ERR_EVENT_LOG_MISSING'],
    [['--verify', '/no/such/folder'], 2, 'ERR_VERIFY_STATE'],
  ])('%j: status %i and %s, in one line', async (args, status, code) => {
    const folder = temporaryState();
    const demo = startDemo(args[0] === '--verify' ? args : [...args, '--state', folder.dir]);
    const result = await demo.exited;
    folder.remove();
    expect(result.status).toBe(status);
    expect(result.stderr.trim().split('\n').at(-1)).toContain(code);
    expect(result.stdout).not.toContain('at file:');
  });

  it('a gzip cut short is refused by name', async () => {
    const folder = temporaryState();
    const file = join(folder.dir, 'cut.csv.gz');
    // A valid gzip header, and then nothing.
    writeFileSync(file, Buffer.from('1f8b0800000000000003', 'hex'));
    const demo = startDemo(['--log', file, '--state', join(folder.dir, 'state')]);
    const { status, stderr } = await demo.exited;
    folder.remove();
    expect(status).toBe(2);
    expect(stderr).toContain('ERR_EVENT_LOG_GZIP');
  });

  it('a port that is taken is named', async () => {
    const folder = temporaryState();
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen({ host: '127.0.0.1', port: 0 }, () =>
        resolve((server.address() as { port: number }).port),
      );
    });
    const demo = startDemo(['--days', '1', '--port', String(port), '--state', folder.dir]);
    const { status, stderr } = await demo.exited;
    server.close();
    folder.remove();
    expect(status).toBe(2);
    expect(stderr).toContain(`ERR_DEMO_PORT: port ${port} on 127.0.0.1 is in use`);
  });
});

describe('Ctrl-C', () => {
  it(
    'leaves no process behind and a state that a second start resumes',
    async () => {
      const folder = temporaryState();
      const args = ['--state', folder.dir, ...SMALL];
      const first = startDemo(args);
      await first.said('analyst page', 8 * MINUTES);
      const pids = Object.values(pidsOf(folder.dir));
      // While it runs, a second one is refused.
      const second = await startDemo(args).exited;
      expect(second.status).toBe(2);
      expect(second.stderr).toContain('ERR_DEMO_STATE_LOCKED');
      first.child.kill('SIGINT');
      expect((await first.exited).status).toBe(0);
      expect(pids.filter(isAlive)).toEqual([]);
      const resumed = startDemo(args);
      // The last that a start says: its own helpers have ended, and write no more into the folder.
      await resumed.said('dashboard http', 8 * MINUTES);
      // kill −9 of the parent: the children notice and go.
      const orphans = Object.values(pidsOf(folder.dir));
      resumed.child.kill('SIGKILL');
      await resumed.exited;
      await expect
        .poll(() => orphans.filter(isAlive), { timeout: 2 * MINUTES, interval: 250 })
        .toEqual([]);
      folder.remove();
    },
    20 * MINUTES,
  );
});

function flipByte(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset] = bytes[offset]! ^ 0xff;
  rmSync(file);
  appendFileSync(file, bytes);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
