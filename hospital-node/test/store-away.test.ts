/**
 * A PostgreSQL that is stopped in the middle of a review and started again: pages say so and come back, nothing is lost and
 * nothing is half done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNodeDatabase, untilAnswered, type NodeDatabase } from '../src/store/index.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';
import { signedIn, type Call } from './signed-in.js';

describe.skipIf(postgresqlPrograms === null)('a database server that is away', () => {
  let postgres: PostgresServer;
  let url: string;
  let database: NodeDatabase;
  let server: SeededServer;
  let ana: Call;

  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.createDatabase();
    database = await openNodeDatabase({ url, password: null });
    server = await startSeededServer({ database });
    ana = await signedIn(server, 'ana');
  }, 120_000);

  afterAll(async () => {
    await server.close();
    await database.destroy();
    await postgres.remove();
  });

  it('gives 503 with a time to come back, and then everything as it was', async () => {
    const before = (await ana('GET', '/holds')).body;
    const txId = (before['items'] as { txId: string }[])[0]!.txId;
    await postgres.stop();
    const reading = await ana('GET', '/holds');
    expect(reading.status).toBe(503);
    expect(reading.body).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(reading.headers.get('retry-after')).toBe('5');
    const saved = await ana('POST', '/views', { name: 'mine', query: 'state=open' });
    expect(saved.status).toBe(503);
    const claimed = await ana('POST', `/holds/${txId}/claims`, { expectedVersion: 1 });
    expect(claimed.status).toBe(503);
    await postgres.start();
    expect((await ana('GET', '/holds')).body).toEqual(before);
    expect((await ana('GET', '/views')).body).toEqual({ items: [] });
    expect((await ana('POST', `/holds/${txId}/claims`, { expectedVersion: 1 })).status).toBe(201);
  }, 120_000);

  it('is not opened, with a code of its own', async () => {
    await postgres.stop();
    const closed = { url, password: null };
    await expect(openNodeDatabase(closed)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await postgres.start();
    const missing = { url: url.replace(/[^/]+$/, 'nowhere'), password: null };
    await expect(openNodeDatabase(missing)).rejects.toMatchObject({ code: 'ERR_STORE_OPEN' });
  }, 120_000);

  it('holds up what must not be lost until it answers again', async () => {
    await postgres.stop();
    const stop = new AbortController();
    const counted = untilAnswered(
      () => database.selectFrom('setting').selectAll().execute(),
      stop.signal,
    );
    await sleep(500);
    await postgres.start();
    expect(await counted).toEqual([]);
  }, 120_000);

  it('does not hold up a node that stops', async () => {
    await postgres.stop();
    const stop = new AbortController();
    const counted = untilAnswered(
      () => database.selectFrom('setting').selectAll().execute(),
      stop.signal,
    );
    stop.abort();
    await expect(counted).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await postgres.start();
  }, 120_000);
});
