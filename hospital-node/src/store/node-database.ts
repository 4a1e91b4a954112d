/**
 * The node's database, `node.sqlite` or a database on a PostgreSQL server: opened once per process, brought forward, never
 * back.
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import type pg from 'pg';
import type { AccessLogTables } from '../access-log/schema.js';
import { StoreError } from '../errors.js';
import type { NodeDatabase } from './database.js';
import { migrate, type MigrationTarget } from './migrate.js';
import type { Migration } from './migration.js';
import { MIGRATIONS } from './migrations.js';
import {
  adaptPool,
  openingFault,
  openPool,
  type PoolOptions,
  type ServerPlace,
} from './postgresql-adapter.js';
import { adaptSqlite, openSqlite, type SqliteConnection } from './sqlite-adapter.js';

/** Where it lies: a file, or a server. */
export type StorePlace = { readonly file: string } | ServerPlace;

export type NodeDatabaseOptions = StorePlace & {
  readonly readOnly?: boolean;
  /** For tests; the shipped list by default. */
  readonly migrations?: readonly Migration[];
  /** Of a server: what lets each connection in, as `ServerLock` does. */
  readonly admit?: PoolOptions['admit'];
};

/**
 * Opens the database and applies what is missing, each step in a transaction. Of a file, a copy is first laid beside it
 * (`node.sqlite.before-<step>`); copies of a server's database are its administrator's.
 *
 * @throws {StoreError} `ERR_STORE_NEWER` if a newer program wrote it, `ERR_STORE_OPEN` if it cannot be opened,
 *   `ERR_STORE_UNAVAILABLE` if the server does not answer now, `ERR_STORE_MIGRATION` if a step fails (all is as before)
 */
export async function openNodeDatabase(options: NodeDatabaseOptions): Promise<NodeDatabase> {
  const { readOnly = false, migrations = MIGRATIONS } = options;
  return open(options, readOnly, (target) => migrate(target, migrations, readOnly));
}

/**
 * Opens what is there, of whatever version; nothing is brought forward.
 * @throws {StoreError} `ERR_STORE_OPEN`, `ERR_STORE_UNAVAILABLE`
 */
export async function connectNodeDatabase(
  place: StorePlace,
  { readOnly }: { readonly readOnly: boolean },
): Promise<NodeDatabase> {
  return open(place, readOnly, async (target) => {
    await target.rows(target.hasRecords);
  });
}

type Preparation = (target: MigrationTarget) => Promise<void>;

function open(
  options: NodeDatabaseOptions,
  readOnly: boolean,
  prepare: Preparation,
): Promise<NodeDatabase> {
  return 'file' in options
    ? openFile(options.file, readOnly, prepare)
    : openServer({ ...options, readOnly }, prepare);
}

async function openFile(
  file: string,
  readOnly: boolean,
  prepare: Preparation,
): Promise<NodeDatabase> {
  if (!readOnly) mkdirSync(dirname(file), { recursive: true });
  const database = connectFile(file, readOnly);
  try {
    await prepare(fileTarget(database, file));
  } catch (error) {
    database.close();
    throw error instanceof StoreError ? error : unopened(file, error);
  }
  return new Kysely<AccessLogTables>({
    dialect: new SqliteDialect({ database: adaptSqlite(database) }),
  });
}

function connectFile(file: string, readOnly: boolean): SqliteConnection {
  try {
    return openSqlite(file, { readOnly });
  } catch (cause) {
    throw unopened(file, cause);
  }
}

function unopened(file: string, cause: unknown): StoreError {
  return new StoreError(
    'ERR_STORE_OPEN',
    `${file} cannot be opened as a database: ${(cause as Error).message}`,
    { file },
    cause,
  );
}

function fileTarget(database: SqliteConnection, file: string): MigrationTarget {
  return {
    engine: 'sqlite',
    name: file,
    begin: 'BEGIN IMMEDIATE',
    hasRecords: "SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'",
    exec: (script) => Promise.resolve().then(() => database.exec(script)),
    rows: (query) => Promise.resolve(database.prepare(query).all() as Record<string, unknown>[]),
    copyAside: (step) => {
      const copy = `${file}.before-${step}`;
      if (!existsSync(copy)) database.prepare('VACUUM INTO ?').run(copy);
    },
  };
}

async function openServer(options: PoolOptions, prepare: Preparation): Promise<NodeDatabase> {
  const pool = openPool(options);
  try {
    const client = await pool.connect();
    try {
      await prepare(serverTarget(client, options.url));
    } finally {
      client.release();
    }
  } catch (cause) {
    await pool.end();
    throw openingFault(cause, options.url);
  }
  return new Kysely<AccessLogTables>({
    dialect: new PostgresDialect({ pool: adaptPool(pool) }),
  });
}

function serverTarget(client: pg.PoolClient, url: string): MigrationTarget {
  return {
    engine: 'postgresql',
    name: url,
    // Two processes that start at once bring the schema forward one after the other; building an index may take its time.
    begin: 'BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(1)',
    hasRecords: "SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL",
    exec: async (script) => {
      await client.query(script);
    },
    rows: async (query) => (await client.query<Record<string, unknown>>(query)).rows,
    copyAside: () => undefined,
  };
}
