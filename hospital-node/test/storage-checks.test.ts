/** What the doctor says about a database, on a real server that is wrong in each of the ways that happen. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeConfig } from '../src/config.js';
import { examine, type Finding } from '../src/doctor/check.js';
import { storageChecks } from '../src/doctor/storage-checks.js';
import { lockServer, lockState, openNodeDatabase, type Holder } from '../src/store/index.js';
import { MIGRATIONS } from '../src/store/migrations.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';
import { temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SELF: Holder = { host: 'here', pid: 7, sinceMs: Date.UTC(2026, 0, 1) };

/** The checks look at nothing else of a configuration. */
function configOf(store: NodeConfig['store']): NodeConfig {
  const part: Pick<NodeConfig, 'stateDir' | 'store' | 'backup'> = {
    stateDir: temporaryFolder(),
    store,
    backup: { stampFile: null },
  };
  return part as NodeConfig;
}

async function found(config: NodeConfig): Promise<(code: string) => Omit<Finding, 'code'>> {
  const findings = await examine(storageChecks(config, Date.UTC(2026, 0, 3)));
  return (wanted) => {
    const { code, ...finding } = findings.find((each) => each.code === wanted)!;
    expect(code).toBe(wanted);
    return finding;
  };
}

const BEYOND_OPENING = ['STO-007', 'STO-008', 'STO-009'];

describe('the doctor on a database in a file', () => {
  it('finds none before the first start, and nothing to look at on a server', async () => {
    const at = await found(configOf({ url: null, passwordFile: null }));
    expect(at('STO-001').state).toBe('SKIP');
    expect(at('STO-004').state).toBe('SKIP');
    for (const code of BEYOND_OPENING) expect(at(code).state, code).toBe('SKIP');
  });

  it('says that a file is no database, once', async () => {
    const config = configOf({ url: null, passwordFile: null });
    const file = join(config.stateDir, 'node.sqlite');
    writeFileSync(file, 'this is a letter to my mother, not a database'.repeat(100));
    const at = await found(config);
    expect(at('STO-001')).toMatchObject({
      state: 'FAIL',
      sentence: expect.stringContaining(file) as string,
    });
    expect(at('STO-004')).toMatchObject({ state: 'SKIP', fix: 'See STO-001 and STO-008.' });
  });

  it('names the process that holds the state directory', async () => {
    const config = configOf({ url: null, passwordFile: null });
    const lock = lockState(config.stateDir, SELF);
    const at = await found(config);
    lock.release();
    expect(at('STO-005').sentence).toBe(
      'The state directory is held by the running node: process 7 on host here since 2026-01-01T00:00:00.000Z.',
    );
    expect((await found(config))('STO-005').sentence).toContain('is free');
  });
});

describe.skipIf(postgresqlPrograms === null)('the doctor on a database on a server', () => {
  let server: PostgresServer;
  let url: string;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    url = await server.createDatabase();
  });

  const as = (user: string): string => url.replace('//bhs@', `//${user}@`);

  async function asOwner(...statements: readonly string[]): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      let last: pg.QueryResult | undefined;
      for (const statement of statements) last = await client.query(statement);
      return last!;
    } finally {
      await client.end();
    }
  }

  const filled = async (migrations = MIGRATIONS): Promise<void> =>
    (await openNodeDatabase({ url, password: null, migrations })).destroy();

  it('finds everything in order', async () => {
    await filled();
    const at = await found(configOf({ url, passwordFile: null }));
    for (const code of ['STO-001', 'STO-004', 'STO-008', 'STO-009']) {
      expect(at(code), code).toMatchObject({ state: 'PASS' });
    }
    expect(at('STO-007').sentence).toMatch(/^PostgreSQL \d+.* answers in [\d.]+ ms\.$/);
    expect(at('STO-008').sentence).toBe('bhs may write, and make tables.');
    expect(at('STO-009').sentence).toBe('No node holds the database.');
  });

  it('takes an empty database for one before its first start', async () => {
    const at = await found(configOf({ url, passwordFile: null }));
    expect(at('STO-001').state).toBe('PASS');
    expect(at('STO-004')).toEqual({
      state: 'SKIP',
      sentence: 'The database has no tables yet.',
      fix: 'The first start makes them.',
    });
    for (const code of BEYOND_OPENING) expect(at(code).state, code).not.toBe('FAIL');
  });

  it('tells an older database from a newer one', async () => {
    await filled(MIGRATIONS.slice(0, 2));
    const older = await found(configOf({ url, passwordFile: null }));
    expect(older('STO-001').state).toBe('PASS');
    expect(older('STO-004')).toMatchObject({
      state: 'WARN',
      sentence: 'The database is older than this program.',
    });
    expect(older('STO-008').state).toBe('PASS');
    await filled();
    await filled([...MIGRATIONS, { name: 'of-tomorrow', sql: 'CREATE TABLE tomorrow (x TEXT);' }]);
    const newer = await found(configOf({ url, passwordFile: null }));
    expect(newer('STO-001').state).toBe('PASS');
    expect(newer('STO-004')).toMatchObject({
      state: 'FAIL',
      sentence: 'A newer program wrote the database.',
    });
  });

  it('says once that the server is away, or that there is no such database', async () => {
    const missing = await found(
      configOf({ url: url.replace(/[^/]+$/, 'nowhere'), passwordFile: null }),
    );
    expect(missing('STO-001')).toMatchObject({
      state: 'FAIL',
      sentence: expect.stringContaining('database "nowhere" does not exist') as string,
      fix: 'Correct the name in store.url, or make the database (`createdb`).',
    });
    await server.stop();
    const away = await found(configOf({ url, passwordFile: null }));
    await server.start();
    expect(away('STO-001')).toMatchObject({
      state: 'FAIL',
      sentence: `${url} does not answer now: ECONNREFUSED (ERR_STORE_UNAVAILABLE).`,
      fix: 'Start the server, or correct host and port in store.url; a node waits for it.',
    });
    for (const at of [missing, away]) {
      for (const code of ['STO-004', ...BEYOND_OPENING]) {
        expect(at(code), code).toMatchObject({
          state: 'SKIP',
          fix: expect.stringContaining('See STO-001') as string,
        });
      }
    }
  });

  it('tells a wrong password from a missing one, and from none at all in the file', async () => {
    const { rows } = await asOwner(
      "CREATE ROLE sealed LOGIN PASSWORD 'r%69ght:@/ é'",
      'SHOW hba_file',
    );
    const hba = (rows as { hba_file: string }[])[0]!.hba_file;
    writeFileSync(
      hba,
      `host all sealed 127.0.0.1/32 scram-sha-256\nhost all unwelcome 127.0.0.1/32 reject\n${readFileSync(hba, 'utf8')}`,
    );
    await asOwner('CREATE ROLE unwelcome LOGIN', 'SELECT pg_reload_conf()');
    const opens = async (password: string | null): Promise<Omit<Finding, 'code'>> => {
      const config = configOf({ url: as('sealed'), passwordFile: null });
      const file = join(config.stateDir, 'password');
      if (password !== null) writeFileSync(file, password);
      const store = { url: as('sealed'), passwordFile: password === null ? null : file };
      return (await found({ ...config, store }))('STO-001');
    };
    const fix = 'Put the password of that user into the file store.passwordFile.';
    await vi.waitFor(
      async () =>
        expect(await opens('wrong')).toMatchObject({
          state: 'FAIL',
          sentence: expect.stringContaining(
            'password authentication failed for user "sealed"',
          ) as string,
          fix,
        }),
      // The server reads the file again in its own time.
      20_000,
    );
    expect(await opens(null)).toMatchObject({ state: 'FAIL', fix });
    expect(await opens('\n')).toMatchObject({ state: 'FAIL', fix });
    expect(await opens('r%69ght:@/ é\n')).toMatchObject({ state: 'PASS' });
    const unwelcome = await found(configOf({ url: as('unwelcome'), passwordFile: null }));
    expect(unwelcome('STO-001')).toMatchObject({
      state: 'FAIL',
      fix: 'Let that user in from this host: pg_hba.conf of the server.',
    });
  });

  it('finds a user who may read only, some tables only, and one who may make no tables', async () => {
    await filled();
    await asOwner(
      'CREATE ROLE reader LOGIN',
      'GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader',
    );
    const look = async (): Promise<Omit<Finding, 'code'>> =>
      (await found(configOf({ url: as('reader'), passwordFile: null })))('STO-008');
    expect(await look()).toMatchObject({
      state: 'FAIL',
      sentence: expect.stringMatching(/^reader may not write .*hold.*\.$/) as string,
    });
    await asOwner(
      'GRANT ALL ON ALL TABLES IN SCHEMA public TO reader',
      'REVOKE DELETE ON setting FROM reader',
    );
    expect(await look()).toEqual({
      state: 'FAIL',
      sentence: 'reader may not write setting.',
      fix: 'Let reader own the tables, or GRANT ALL ON ALL TABLES IN SCHEMA public TO reader.',
    });
    await asOwner(
      'GRANT DELETE ON setting TO reader',
      'REVOKE CREATE ON SCHEMA public FROM public',
    );
    expect(await look()).toMatchObject({
      state: 'WARN',
      sentence: expect.stringContaining('reader may not make tables') as string,
      fix: 'GRANT CREATE ON SCHEMA public TO reader.',
    });
    await asOwner('ALTER ROLE reader SET default_transaction_read_only = on');
    expect(await look()).toMatchObject({ state: 'FAIL', sentence: 'reader may only read here.' });
  });

  it('says who holds the database, and whether it is the node of this state directory', async () => {
    await filled();
    const place = { url, password: null };
    const lock = await lockServer(place, SELF, new AbortController().signal);
    const config = configOf({ url, passwordFile: null });
    const elsewhere = (await found(config))('STO-009');
    const here = lockState(config.stateDir, SELF);
    const ours = (await found(config))('STO-009');
    await lock.release();
    const lost = await vi.waitFor(async () => {
      const finding = (await found(config))('STO-009');
      expect(finding.state).toBe('WARN');
      return finding;
    }, 20_000);
    here.release();
    const who = 'process 7 on host here since 2026-01-01T00:00:00.000Z';
    expect(elsewhere).toMatchObject({
      state: 'FAIL',
      sentence: `Another node holds the database: ${who}.`,
    });
    expect(ours).toEqual({
      state: 'PASS',
      sentence: `The node here holds the database: ${who}.`,
      fix: '',
    });
    expect(lost.sentence).toBe('The node here runs and does not hold its database.');
  });
});
