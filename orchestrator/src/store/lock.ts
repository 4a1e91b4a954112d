/**
 * One process per state folder: a file that names the process which holds it.
 * @module
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { StoreError } from '../errors.js';

export interface Lock {
  release(): void;
}

/**
 * Takes the lock, also from a process that died without releasing it.
 * @throws {StoreError} `ERR_STORE_LOCKED` with the process id of a live holder
 */
export function takeLock(file: string, pid: number): Lock {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o600);
      writeSync(handle, JSON.stringify({ pid }));
      closeSync(handle);
      return {
        release: () => {
          rmSync(file, { force: true });
        },
      };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const holder = holderOf(file);
      if (holder !== null && holder !== pid && isAlive(holder)) {
        throw new StoreError(
          'ERR_STORE_LOCKED',
          `state folder: process ${holder} holds ${file}; stop it first`,
          { pid: holder },
          cause,
        );
      }
      rmSync(file, { force: true });
    }
  }
  throw new StoreError('ERR_STORE_LOCKED', `state folder: ${file} is taken again and again`);
}

function holderOf(file: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    // A holder that died while writing leaves an empty file.
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
