/**
 * A write transaction on a database that has other writers in this very process.
 *
 * SQLite's own busy wait blocks the thread, and the thread is what the other writer needs in order to finish. So the
 * connection is opened without a busy timeout and the wait is ours, between ticks.
 * @module
 */
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { sleep } from './backoff.js';

/** Opens `node.sqlite` for a second writer. The schema must be there already. */
export function openShared(file: string): DatabaseSyncInstance {
  const database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true });
  database.exec('PRAGMA synchronous = FULL');
  return database;
}

/** Runs `work` (synchronous, all or nothing) as soon as the write lock is free. */
export async function transact<T>(
  database: DatabaseSyncInstance,
  work: () => T,
  patience: Readonly<{ turns: number; waitMs: number }> = { turns: 2_000, waitMs: 5 },
): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      database.exec('BEGIN IMMEDIATE');
      break;
    } catch (error) {
      if (!isBusy(error) || turn >= patience.turns) throw error;
      await sleep(patience.waitMs);
    }
  }
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is (?:locked|busy)|SQLITE_BUSY/i.test(error.message);
}
