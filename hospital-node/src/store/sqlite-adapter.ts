/**
 * The few methods Kysely's own SQLite dialect asks of a driver, over `@photostructure/sqlite` (the API of
 * `node:sqlite`, prebuilt for Node 20).
 * @module
 */
import { DatabaseSync } from '@photostructure/sqlite';
import type { SqliteDatabase } from 'kysely';
import { guardValues } from './value-guard.js';

/** How long a statement waits for another process's lock. */
const BUSY_TIMEOUT_MS = 5_000;

/** One open database, as the driver gives it. */
export type SqliteConnection = InstanceType<typeof DatabaseSync>;

/** Opens the file with write-ahead log, full synchronisation and foreign keys. */
export function openSqlite(
  file: string,
  options: { readonly readOnly: boolean },
): SqliteConnection {
  const database = new DatabaseSync(file, {
    readOnly: options.readOnly,
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  if (!options.readOnly) {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
  }
  return database;
}

export function adaptSqlite(database: SqliteConnection): SqliteDatabase {
  return {
    close: () => {
      database.close();
    },
    prepare: (sql) => {
      // A transaction takes the write lock at once: one that only reads first would lose it to another process.
      const statement = database.prepare(sql === 'begin' ? 'begin immediate' : sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...guardValues(parameters)) as unknown[],
        run: (parameters) => statement.run(...guardValues(parameters)),
        iterate: (parameters) => statement.iterate(...guardValues(parameters)) as never,
      };
    },
  };
}
