/** Seeds over two workers on a real PostgreSQL, one of them killed at work. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONFIGS, experiment, TINY } from './experiment-process.js';
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

/** Resolves when so many seeds wait or are at work. */
async function queued(url: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await vi.waitFor(
      async () => {
        const { rows } = await client.query('select id from pgboss.job');
        expect(rows.length).toBe(count);
      },
      { timeout: 60_000, interval: 100 },
    );
  } finally {
    await client.end();
  }
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
