/**
 * Running statements: rows of a query, and transactions of which one writes at a time.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import { engineOf } from './engine.js';
import type { NodeDatabase } from './database.js';

/** Any number, the same for all writers of a node's database. */
const WRITERS = 0x62_68_73;

export async function rowsOf<R>(
  database: NodeDatabase,
  statement: RawBuilder<R>,
): Promise<readonly R[]> {
  return (await statement.execute(database)).rows;
}

/** The first row. */
export async function rowOf<R>(
  database: NodeDatabase,
  statement: RawBuilder<R>,
): Promise<R | undefined> {
  return (await statement.execute(database)).rows[0];
}

/** The row of a statement that always has one: a count, an insert that returns. */
export async function oneRow<R>(database: NodeDatabase, statement: RawBuilder<R>): Promise<R> {
  return (await statement.execute(database)).rows[0]!;
}

export async function run(database: NodeDatabase, statement: RawBuilder<unknown>): Promise<void> {
  await statement.execute(database);
}

/**
 * All of `work`, or nothing of it. Whoever writes waits for the writer before, so that what `work` has read is still true
 * when it writes: SQLite has one writer by nature, on PostgreSQL a lock that ends with the transaction says so.
 * @param work - uses the transaction it is given, never the database itself, which waits for the transaction's end
 */
export function transact<T>(
  database: NodeDatabase,
  work: (transaction: NodeDatabase) => Promise<T>,
): Promise<T> {
  return database.transaction().execute(async (transaction) => {
    if (engineOf(transaction) === 'postgresql') {
      await run(transaction, sql`SELECT pg_advisory_xact_lock(${WRITERS})`);
    }
    return work(transaction);
  });
}
