/**
 * `node.sqlite`: opened once per process, brought forward, never back.
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import type { AccessLogTables } from '../access-log/schema.js';
import { StoreError } from '../errors.js';
import type { Migration } from './migration.js';
import { MIGRATIONS } from './migrations.js';
import { adaptSqlite, openSqlite, type SqliteConnection } from './sqlite-adapter.js';

/**
 * The node's database. A subsystem sees its own tables with `database.withTables<ReviewTables>()`; transactions may
 * span subsystems.
 */
export type NodeDatabase = Kysely<AccessLogTables>;

export interface NodeDatabaseOptions {
  readonly file: string;
  readonly readOnly?: boolean;
  /** For tests; the shipped list by default. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens the database and applies what is missing, each step in a transaction, after a copy of an older file was laid
 * beside it (`node.sqlite.before-<step>`).
 *
 * @throws {StoreError} `ERR_STORE_NEWER` if a newer program wrote the file, `ERR_STORE_OPEN` if it cannot be opened,
 *   `ERR_STORE_MIGRATION` if a step fails (the file is as before)
 */
export function openNodeDatabase(options: NodeDatabaseOptions): NodeDatabase {
  const readOnly = options.readOnly ?? false;
  if (!readOnly) mkdirSync(dirname(options.file), { recursive: true });
  const existed = existsSync(options.file);
  const database = open(options.file, readOnly);
  try {
    migrate(database, options.file, options.migrations ?? MIGRATIONS, { readOnly, existed });
  } catch (error) {
    database.close();
    throw error;
  }
  return new Kysely<AccessLogTables>({
    dialect: new SqliteDialect({ database: adaptSqlite(database) }),
  });
}

function open(file: string, readOnly: boolean): SqliteConnection {
  try {
    return openSqlite(file, { readOnly });
  } catch (cause) {
    throw new StoreError(
      'ERR_STORE_OPEN',
      `${file} cannot be opened as a database`,
      { file },
      cause,
    );
  }
}

function migrate(
  database: SqliteConnection,
  file: string,
  migrations: readonly Migration[],
  mode: { readonly readOnly: boolean; readonly existed: boolean },
): void {
  if (!mode.readOnly) {
    database.exec(
      'CREATE TABLE IF NOT EXISTS schema_migration (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT',
    );
  }
  const applied = database.prepare('SELECT name FROM schema_migration ORDER BY position').all() as {
    name: string;
  }[];
  applied.forEach((row, position) => {
    const known = migrations[position]?.name;
    if (row.name !== known) {
      throw new StoreError(
        'ERR_STORE_NEWER',
        `${file}: step ${position} is '${row.name}', this program knows ${known === undefined ? 'no such step' : `'${known}'`}; run the program that wrote it or a newer one`,
        { file, position, found: row.name },
      );
    }
  });
  const missing = migrations.slice(applied.length);
  if (missing.length === 0) return;
  if (mode.readOnly) {
    throw new StoreError(
      'ERR_STORE_MIGRATION',
      `${file} is older than this program; start the node once`,
      {
        file,
      },
    );
  }
  if (mode.existed && applied.length > 0) {
    const copy = `${file}.before-${missing[0]!.name}`;
    if (!existsSync(copy)) database.prepare('VACUUM INTO ?').run(copy);
  }
  missing.forEach((migration, index) => {
    try {
      database.exec('BEGIN IMMEDIATE');
      database.exec(migration.sql);
      database
        .prepare('INSERT INTO schema_migration (position, name) VALUES (?, ?)')
        .run(applied.length + index, migration.name);
      database.exec('COMMIT');
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw new StoreError(
        'ERR_STORE_MIGRATION',
        `${file}: step '${migration.name}' failed`,
        { file, step: migration.name },
        cause,
      );
    }
  });
}
