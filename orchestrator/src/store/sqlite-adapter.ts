/**
 * The embedded SQLite in the shape that Kysely's dialect expects.
 * @module
 */
import { DatabaseSync } from '@photostructure/sqlite';
import { SqliteDialect, type Dialect } from 'kysely';
import { guardValues } from './value-guard.js';

/** Opens a file (or `:memory:`) durably: write-ahead log, every commit synced, foreign keys on. */
export function sqliteDialect(
  o: Readonly<{ file: string; readOnly?: boolean; busyTimeoutMs?: number }>,
): Dialect {
  return new SqliteDialect({
    // Opened at the first query, so that a failure is a rejected promise like any other.
    database: () => Promise.resolve(open(o)),
  });
}

function open(o: Readonly<{ file: string; readOnly?: boolean; busyTimeoutMs?: number }>): {
  prepare(sql: string): {
    readonly reader: boolean;
    all(parameters: readonly unknown[]): unknown[];
    run(parameters: readonly unknown[]): {
      changes: number | bigint;
      lastInsertRowid: number | bigint;
    };
    iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
  };
  close(): void;
} {
  const database = new DatabaseSync(o.file, {
    readOnly: o.readOnly ?? false,
    timeout: o.busyTimeoutMs ?? 5_000,
    enableForeignKeyConstraints: true,
  });
  if (o.readOnly !== true) {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
  }
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
        iterate: (parameters) =>
          statement.iterate(...guardValues(parameters)) as IterableIterator<unknown>,
      };
    },
  };
}
