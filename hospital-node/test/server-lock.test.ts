/**
 * One node per database on a PostgreSQL server: refused beside another, let in after it, and never writing beside one that
 * took over.
 */
import { fork } from 'node:child_process';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  lockServer,
  openNodeDatabase,
  run,
  serverLockOf,
  setPaused,
  untilAnswered,
  type Holder,
  type NodeDatabase,
  type ServerLock,
} from '../src/store/index.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const A: Holder = { host: 'ward-a', pid: 11, sinceMs: Date.UTC(2026, 0, 1) };
const B: Holder = { host: 'ward-b', pid: 22, sinceMs: Date.UTC(2026, 0, 2) };

describe.skipIf(postgresqlPrograms === null)('the lock of a database on a server', () => {
  let server: PostgresServer;
  let url: string;
  let end: AbortController;
  const opened: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    url = await server.createDatabase();
    end = new AbortController();
  });
  afterEach(async () => {
    end.abort();
    for (const close of opened.splice(0).reverse()) await close();
  });

  async function node(self: Holder): Promise<{ lock: ServerLock; database: NodeDatabase }> {
    const place = { url, password: null };
    const lock = await lockServer(place, self, end.signal);
    opened.push(() => lock.release());
    const database = await openNodeDatabase({ ...place, admit: lock.admit });
    opened.push(() => database.destroy());
    return { lock, database };
  }

  const write = (database: NodeDatabase): Promise<void> => setPaused(database, true);

  it('refuses the second and says who has it; is free once the first has let go', async () => {
    const first = await node(A);
    await expect(node(B)).rejects.toMatchObject({
      code: 'ERR_STORE_LOCKED',
      message: expect.stringContaining(
        'is held by process 11 on host ward-a since 2026-01-01T00:00:00.000Z; stop that node first',
      ) as string,
      facts: { url, host: 'ward-a', pid: 11 },
    });
    expect(await serverLockOf(first.database)).toEqual({ held: true, holder: A });
    await write(first.database);
    await first.database.destroy();
    await first.lock.release();
    const second = await node(B);
    expect(await serverLockOf(second.database)).toEqual({ held: true, holder: B });
  });

  it('lets exactly one of two in that start at once', async () => {
    const both = await Promise.allSettled([node(A), node(B)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'ERR_STORE_LOCKED' },
    });
  });

  it('is free after kill -9, when the last statement of the killed has ended', async () => {
    const dist = new URL('../dist/store/index.js', import.meta.url).href;
    const source = `
      import { sql } from 'kysely';
      import { lockServer, openNodeDatabase, run } from '${dist}';
      const place = { url: '${url}', password: null };
      const lock = await lockServer(place, ${JSON.stringify(A)}, new AbortController().signal);
      const database = await openNodeDatabase({ ...place, admit: lock.admit });
      void run(database, sql\`SELECT pg_sleep(5)\`).catch(() => undefined);
      setInterval(() => {}, 1000);`;
    const child = fork('', [], {
      execArgv: ['--input-type=module', '-e', source],
      cwd: new URL('..', import.meta.url),
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    opened.push(() => admin.end());
    const sleeping = async (): Promise<number> => {
      const { rows } = await admin.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()",
      );
      return rows.length;
    };
    await vi.waitFor(async () => expect(await sleeping()).toBe(1), { timeout: 90_000 });
    child.kill('SIGKILL');
    await gone;
    await node(B);
    expect(await sleeping()).toBe(0);
  });

  it('is taken again after the server was started again, and still refuses a second', async () => {
    const first = await node(A);
    const kept = first.lock.keep(end.signal);
    await server.stop();
    await vi.waitFor(() => expect(first.lock.health()).toBe('ERR_STORE_UNAVAILABLE'), 30_000);
    await server.start();
    await untilAnswered(() => write(first.database), end.signal);
    await vi.waitFor(() => expect(first.lock.health()).toBe('ok'), 30_000);
    await expect(node(B)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' });
    end.abort();
    await kept;
  });

  it('ends a node that another took over from while it was cut off, before it writes anything more', async () => {
    const first = await node(A);
    await server.stop();
    await server.start();
    const second = await node(B);
    await expect(untilAnswered(() => write(first.database), end.signal)).rejects.toMatchObject({
      code: 'ERR_STORE_TAKEN',
      facts: { host: 'ward-b', pid: 22 },
    });
    await expect(first.lock.keep(end.signal)).rejects.toMatchObject({
      code: 'ERR_STORE_TAKEN',
      message: expect.stringContaining('was taken over by process 22 on host ward-b') as string,
    });
    await write(second.database);
  });

  it('stays with a node whose own session was cut, as long as it is there', async () => {
    const first = await node(A);
    const kept = first.lock.keep(end.signal);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    opened.push(() => admin.end());
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    const impatient = new AbortController();
    const second = lockServer({ url, password: null }, B, impatient.signal);
    const refused = expect(second).rejects.toBeDefined();
    await write(first.database);
    await vi.waitFor(() => expect(first.lock.health()).toBe('ERR_STORE_UNAVAILABLE'), 30_000);
    impatient.abort();
    await refused;
    await vi.waitFor(() => expect(first.lock.health()).toBe('ok'), 30_000);
    await write(first.database);
    end.abort();
    await kept;
  });

  it('is nothing to who only looks or gives an order beside the node', async () => {
    await node(A);
    const beside = await openNodeDatabase({ url, password: null });
    await write(beside);
    await run(beside, sql`SELECT 1`);
    await beside.destroy();
  });
});
