/**
 * One ledger process per block directory: a lock file with the owner's process id. A lock whose owner is gone is taken
 * over, so that a crash needs no manual repair.
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerLockedError } from './errors.js';

export interface DirectoryLock {
  release(): void;
}

const heldHere = new Set<string>();

/** @throws {LedgerLockedError} `ERR_LEDGER_LOCKED` while another live process (or this one) holds it */
export function lockDirectory(dir: string): DirectoryLock {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'lock');
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, JSON.stringify({ pid: process.pid }), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw error;
      const pid = ownerOf(file);
      const live = pid === process.pid ? heldHere.has(file) : isRunning(pid);
      if (live) throw new LedgerLockedError({ file, pid });
      rmSync(file, { force: true });
    }
  }
  heldHere.add(file);
  return {
    release() {
      if (heldHere.delete(file)) rmSync(file, { force: true });
    },
  };
}

function ownerOf(file: string): number {
  try {
    const parsed = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown };
    return typeof parsed.pid === 'number' ? parsed.pid : 0;
  } catch {
    return 0;
  }
}

function isRunning(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
