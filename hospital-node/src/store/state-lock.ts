/**
 * One process per state directory. The lock is an open SQLite transaction on a file of its own, so the kernel lets go
 * of it whatever way the process dies, and a recycled process id deceives nobody. The holder stands in the file for the
 * sentence that the second process prints.
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { StoreError } from '../errors.js';
import { holderWords, type Holder, type LockState } from './holder.js';
import type { SqliteConnection } from './sqlite-adapter.js';

export interface StateLock {
  release(): void;
}

/** A connection that nobody refers to is closed by the garbage collector, and the lock with it; these are referred to. */
const held = new Set<SqliteConnection>();

/** Somebody who only looks lets go again at once. */
const LOOKERS_MS = 1_000;

/**
 * @throws {StoreError} `ERR_STATE_LOCKED` with the holder, `ERR_STORE_OPEN` if the lock's file cannot be written
 */
export function lockState(stateDir: string, self: Holder): StateLock {
  mkdirSync(stateDir, { recursive: true });
  const file = join(stateDir, 'lock');
  const lock = new DatabaseSync(file, { timeout: LOOKERS_MS });
  try {
    lock.exec('BEGIN IMMEDIATE');
    lock.exec(`DROP TABLE IF EXISTS holder;
      CREATE TABLE holder (host TEXT NOT NULL, pid INTEGER NOT NULL, since_ms INTEGER NOT NULL) STRICT;`);
    lock
      .prepare('INSERT INTO holder (host, pid, since_ms) VALUES (?, ?, ?)')
      .run(self.host, self.pid, self.sinceMs);
    lock.exec('COMMIT');
    lock.exec('BEGIN IMMEDIATE');
  } catch (cause) {
    const holder = holderIn(lock);
    lock.close();
    throw isBusy(cause)
      ? new StoreError(
          'ERR_STATE_LOCKED',
          `${stateDir} is in use by ${holderWords(holder)}; stop it first`,
          { stateDir, host: holder?.host ?? null, pid: holder?.pid ?? null },
          cause,
        )
      : new StoreError(
          'ERR_STORE_OPEN',
          `${file} cannot be written: ${(cause as Error).message}`,
          { file },
          cause,
        );
  }
  held.add(lock);
  return {
    release: () => {
      held.delete(lock);
      if (lock.isTransaction) lock.exec('ROLLBACK');
      lock.close();
    },
  };
}

/** Looks without taking it: nothing is made, nothing is written. */
export function stateLockOf(stateDir: string): LockState {
  const file = join(stateDir, 'lock');
  if (!existsSync(file)) return { held: false, holder: null };
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('BEGIN IMMEDIATE');
    lock.exec('ROLLBACK');
    return { held: false, holder: null };
  } catch (error) {
    if (!isBusy(error)) throw error;
    return { held: true, holder: holderIn(lock) };
  } finally {
    lock.close();
  }
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function holderIn(lock: SqliteConnection): Holder | null {
  try {
    const row = lock.prepare('SELECT host, pid, since_ms FROM holder').get() as
      { host: string; pid: number; since_ms: number } | undefined;
    return row === undefined ? null : { host: row.host, pid: row.pid, sinceMs: row.since_ms };
  } catch {
    return null; // It is being written, or was written by an older program.
  }
}
