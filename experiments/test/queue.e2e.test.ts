/** Seeds over two workers on a real PostgreSQL, one of them killed at work. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROOT } from '../src/docs/repository.js';
import { CONFIGS, experiment, startedAt, TINY } from './experiment-process.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';

const dir = mkdtempSync(join(tmpdir(), 'bhs-queue-'));
let server: PostgresServer | null = null;
beforeAll(async () => {
  if (postgresqlPrograms !== null) server = await startPostgres();
}, 60_000);
afterAll(async () => {
  await server?.remove();
  rmSync(dir, { recursive: true, force: true });
});

interface SeedRow {
  readonly state: string;
  readonly retry_count: number;
}

async function seedsOf(url: string): Promise<SeedRow[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<SeedRow>('select state, retry_count from pgboss.job')).rows;
  } finally {
    await client.end();
  }
}

/** Resolves when so many seeds wait or are at work. */
async function queued(url: string, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await seedsOf(url)).toHaveLength(count), {
    timeout: 60_000,
    interval: 100,
  });
}

/** The command in a checkout whose code of one study is another. */
function otherCode(): string {
  const root = join(dir, 'other code');
  const room = join(root, 'experiments');
  mkdirSync(room, { recursive: true });
  symlinkSync(join(ROOT, 'experiments', 'node_modules'), join(room, 'node_modules'));
  for (const name of ['node_modules', 'models', 'datasets', 'dp', 'chaincode-hooks']) {
    symlinkSync(join(ROOT, name), join(root, name));
  }
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(ROOT, 'experiments', name), join(room, name), { recursive: true });
  }
  appendFileSync(join(room, 'dist', 'studies', 'latency', 'study.js'), '// another version\n');
  return join(room, 'bin', 'bhs-experiment.js');
}

describe.skipIf(postgresqlPrograms === null)('a sweep over several machines', () => {
  it(
    'a killed worker’s seed is done by the other, and all results land where they were asked for',
    async () => {
      const url = await server!.createDatabase();
      const runs = join(dir, 'asked');
      const asked = experiment(
        'run',
        join(CONFIGS, 'quick.yaml'),
        ...TINY,
        '--seeds',
        '3',
        '--queue',
        url,
        '--runs',
        runs,
        '--json',
        '--progress',
        'plain',
      );
      // Whoever comes first makes the tables; the workers come when they are there.
      await queued(url, 3);
      const doomed = experiment('worker', '--queue', url, '--runs', join(dir, 'one'));
      await doomed.seen(/featurise H1: ran/);
      const other = experiment(
        'worker',
        '--queue',
        url,
        '--runs',
        join(dir, 'two'),
        '--idle-seconds',
        '60',
      );
      doomed.child.kill('SIGKILL');
      const { status, stdout, stderr } = await asked.exited;
      expect(status, stderr).toBe(0);
      const { id, ok } = JSON.parse(stdout) as { id: string; ok: boolean };
      expect(ok).toBe(true);
      for (const seed of ['seed-001', 'seed-002', 'seed-003']) {
        const text = readFileSync(join(runs, id, seed, 'summary.json'), 'utf8');
        expect(text).toBe(readFileSync(join(dir, 'two', id, seed, 'summary.json'), 'utf8'));
        expect(existsSync(join(runs, id, seed, 'model', 'federated-private.detector'))).toBe(true);
      }
      other.child.kill('SIGTERM');
      expect((await other.exited).status).toBe(0);
    },
    6 * 60_000,
  );

  it('a worker of other code leaves a seed as it is, for one of the right code', async () => {
    const url = await server!.createDatabase();
    const file = join(CONFIGS, 'inline-latency.yaml');
    const runs = join(dir, 'asked of two codes');
    const asked = experiment('run', file, '--queue', url, '--runs', runs, '--json');
    await queued(url, 1);
    const outdated = startedAt(otherCode(), 'worker', '--queue', url, '--runs', join(dir, 'old'));
    await outdated.seen(/left to others; this worker would make inline-latency-[0-9a-f]{8}: other/);
    const right = experiment('worker', '--queue', url, '--runs', join(dir, 'right'));
    const { status, stdout, stderr } = await asked.exited;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(await seedsOf(url)).toMatchObject([{ state: 'completed', retry_count: 0 }]);
    for (const { child, exited } of [outdated, right]) {
      child.kill('SIGTERM');
      expect((await exited).status).toBe(0);
    }
    expect(existsSync(join(dir, 'old'))).toBe(false);
  }, 120_000);

  it('a database that is not there is named, without its password', async () => {
    const { status, stderr } = await experiment(
      'run',
      join(CONFIGS, 'quick.yaml'),
      ...TINY,
      '--queue',
      'postgres://bhs:secret@127.0.0.1:9/none',
      '--runs',
      join(dir, 'x'),
    ).exited;
    expect(status).toBe(2);
    expect(stderr).toContain('ERR_RUN_QUEUE');
    expect(stderr).not.toContain('secret');
  }, 60_000);
});
