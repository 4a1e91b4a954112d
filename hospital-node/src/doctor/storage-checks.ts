/** STO: the state directory. @module */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { lockState } from '../store/index.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { withDatabase } from './node-state.js';

const MIB = 1024 * 1024;
/** Windows, profiles and review of a large hospital for five weeks. */
const DISK_NEED_BYTES = 512 * MIB;
const FSYNC_SLOW_MS = 50;
const DAY_MS = 86_400_000;
const BACKUP_WARN_DAYS = 2;

export function storageChecks(config: NodeConfig, nowMs: number): Check[] {
  const checks = [...databaseChecks(config, nowMs), ...diskChecks(config)];
  return checks.sort((a, b) => a.code.localeCompare(b.code));
}

/** These need no database, so they are looked at before joining too. */
export function diskChecks({ stateDir }: NodeConfig): Check[] {
  return [
    {
      code: 'STO-002',
      look: () => {
        mkdirSync(stateDir, { recursive: true, mode: 0o700 });
        const { bavail, bsize } = statfsSync(stateDir);
        const free = Math.floor((bavail * bsize) / MIB);
        const need = (2 * DISK_NEED_BYTES) / MIB;
        return free >= need
          ? pass(`${free} MiB free.`)
          : warn(`Only ${free} MiB free; ${need} are twice what the state may need.`, 'Make room.');
      },
    },
    { code: 'STO-003', look: () => syncedWrite(stateDir) },
  ];
}

function databaseChecks(config: NodeConfig, nowMs: number): Check[] {
  const file = join(config.stateDir, 'node.sqlite');
  const none = skip('No database yet.', 'The first start makes it.');
  return [
    {
      code: 'STO-001',
      look: async () =>
        (await withDatabase(config, (database) =>
          database
            .selectFrom('setting')
            .select('name')
            .execute()
            .then(() => pass('The database opens.')),
        )) ?? none,
    },
    {
      code: 'STO-004',
      look: async () => {
        if (!existsSync(file)) return none;
        try {
          await withDatabase(config, () => Promise.resolve());
          return pass('The database is of this version.');
        } catch (error) {
          return codeOf(error) === 'ERR_STORE_NEWER'
            ? fail(
                'A newer program wrote the database.',
                'Install that version again; the database never goes back.',
              )
            : warn(
                'The database is older than this program.',
                'The next start brings it forward, after a copy.',
              );
        }
      },
    },
    {
      code: 'STO-005',
      look: () => {
        if (!existsSync(config.stateDir)) return none;
        try {
          lockState(config.stateDir, process.pid).release();
          return pass('The state directory is free; the node is not running.');
        } catch (error) {
          if (codeOf(error) !== 'ERR_STATE_LOCKED') throw error;
          return pass('The state directory is held by the running node.');
        }
      },
    },
    { code: 'STO-006', look: () => backupAge(config, nowMs) },
  ];
}

function syncedWrite(stateDir: string): Look {
  const file = join(stateDir, '.doctor');
  const handle = openSync(file, 'w');
  try {
    const startMs = performance.now();
    writeSync(handle, 'fsync');
    fsyncSync(handle);
    const tookMs = performance.now() - startMs;
    return tookMs < FSYNC_SLOW_MS
      ? pass(`A synced write takes ${tookMs.toFixed(1)} ms.`)
      : warn(
          `A synced write takes ${tookMs.toFixed(0)} ms.`,
          'Use a faster disk for the state: each record of the ledger waits for it.',
        );
  } finally {
    closeSync(handle);
    rmSync(file);
  }
}

/** The privacy ledger is the one file that cannot be made again. */
function backupAge({ backup }: NodeConfig, nowMs: number): Look {
  if (backup.stampFile === null)
    return skip(
      'Nobody tells this node about backups.',
      'Name a file that your backup touches in backup.stampFile; the privacy ledger cannot be made again.',
    );
  const stamp = statSync(backup.stampFile, { throwIfNoEntry: false });
  if (stamp === undefined)
    return warn(`${backup.stampFile} is not there: no backup yet.`, 'Back the state directory up.');
  const days = (nowMs - stamp.mtimeMs) / DAY_MS;
  return days <= BACKUP_WARN_DAYS
    ? pass(`The last backup is ${days.toFixed(1)} days old.`)
    : warn(`The last backup is ${days.toFixed(1)} days old.`, 'Back the state directory up.');
}
