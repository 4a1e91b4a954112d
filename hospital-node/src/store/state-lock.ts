/**
 * One process per state directory. The lock is an open SQLite transaction on a file of its own, so the kernel lets go
 * of it whatever way the process dies, and a recycled process id deceives nobody. The holder's id stands in the file
 * for the sentence that the second process prints.
 * @module
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { StoreError } from '../errors.js';
import type { SqliteConnection } from './sqlite-adapter.js';

export interface StateLock {
  release(): void;
}

/** A connection that nobody refers to is closed by the garbage collector, and the lock with it; these are referred to. */
const held = new Set<InstanceType<typeof DatabaseSync>>();

/** @throws {StoreError} `ERR_STATE_LOCKED` with the holder's process id */
export function lockState(stateDir: string, pid: number): StateLock {
  mkdirSync(stateDir, { recursive: true });
  const database = new DatabaseSync(join(stateDir, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL) STRICT');
    database.exec('DELETE FROM holder');
    database.prepare('INSERT INTO holder (pid) VALUES (?)').run(pid);
    database.exec('COMMIT');
    database.exec('BEGIN IMMEDIATE');
  } catch (cause) {
    const holder = holderOf(database);
    database.close();
    throw new StoreError(
      'ERR_STATE_LOCKED',
      `${stateDir} is in use by process ${holder ?? 'unknown'}; stop it first`,
      { stateDir, holder },
      cause,
    );
  }
  held.add(database);
  return {
    release: () => {
      held.delete(database);
      if (database.isTransaction) database.exec('ROLLBACK');
      database.close();
    },
  };
}

function holderOf(database: SqliteConnection): number | null {
  try {
    const row = database.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined;
    return row?.pid ?? null;
  } catch {
    return null;
  }
}
