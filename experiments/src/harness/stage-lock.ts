/**
 * One maker a stage: whoever makes it holds its lock, and the others wait until the lock is given back or its holder has died.
 *
 * The lock is a folder with one empty file, which names its holder: process id, and when that process started, for ids return. A
 * folder moved onto another is refused by the kernel unless the other is empty, so two never get in; and a dead holder is
 * removed by its name, so nobody removes one who has come since.
 *
 * Processes of one machine only: of a holder elsewhere nobody here knows whether it lives.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
/** Stages of one process may meet as well. */
let taken = 0;

/** Resolves with what gives the lock back. `whileWaiting` is called before each wait; what it throws ends the wait. */
export async function lockStage(
  lock: string,
  whileWaiting: () => Promise<void> | void,
): Promise<() => void> {
  const own = `${process.pid}-${startOf(process.pid)!}-${taken++}`;
  const draft = `${lock}.${own}`;
  mkdirSync(draft, { recursive: true });
  writeFileSync(join(draft, own), '');
  try {
    while (!moved(draft, lock)) {
      if (removeDead(lock)) continue;
      await whileWaiting();
      await sleep(POLL_MS);
    }
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  return () => {
    rmSync(join(lock, own), { force: true });
    unless(['ENOTEMPTY', 'EEXIST', 'ENOENT'], () => rmdirSync(lock));
  };
}

function moved(draft: string, lock: string): boolean {
  return unless(['ENOTEMPTY', 'EEXIST'], () => renameSync(draft, lock));
}

/** Whether somebody who is gone was in the way. */
function removeDead(lock: string): boolean {
  let holders: string[] = [];
  unless(['ENOENT'], () => (holders = readdirSync(lock)));
  const dead = holders.filter((holder) => {
    const [pid, start] = holder.split('-');
    return startOf(Number(pid)) !== start;
  });
  for (const holder of dead) rmSync(join(lock, holder), { force: true });
  return dead.length > 0;
}

/**
 * When a process started, in ticks since boot; null if it is gone, or waits for nothing but to be reaped. Where there is no
 * /proc an id alone has to do.
 */
function startOf(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) {
    return unless(['ESRCH'], () => process.kill(pid, 0)) ? 'unknown' : null;
  }
  let stat = '';
  const there = unless(
    ['ENOENT', 'ESRCH'],
    () => (stat = readFileSync(`/proc/${pid}/stat`, 'utf8')),
  );
  if (!there) return null;
  // After the command in parentheses, which may hold anything: field 3 is the state, field 22 the start (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ['Z', 'X'].includes(fields[0]!) ? null : fields[19]!;
}

/** Whether it could be done; what else goes wrong than `codes` is thrown. */
function unless(codes: readonly string[], act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
