/** STO: the state directory and the database. @module */
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
import { codeOf, StoreError } from '../errors.js';
import { storePlaceOf } from '../parts/store-place.js';
import { connectNodeDatabase, holderWords, stateLockOf } from '../store/index.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { openState } from './node-state.js';
import { serverChecks } from './server-checks.js';

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
  return [
    { code: 'STO-001', look: () => openingLook(config) },
    { code: 'STO-004', look: () => versionLook(config) },
    {
      code: 'STO-005',
      look: () => {
        const { held, holder } = stateLockOf(config.stateDir);
        return held
          ? pass(`The state directory is held by the running node: ${holderWords(holder)}.`)
          : pass('The state directory is free; the node is not running.');
      },
    },
    { code: 'STO-006', look: () => backupAge(config, nowMs) },
    ...serverChecks(config),
  ];
}

const NONE_YET = skip('No database yet.', 'The first start makes it.');

async function openingLook(config: NodeConfig): Promise<Look> {
  try {
    const place = storePlaceOf(config);
    if ('file' in place && !existsSync(place.file)) return NONE_YET;
    await (await connectNodeDatabase(place, { readOnly: true })).destroy();
    return pass('The database opens.');
  } catch (error) {
    return fail(`${(error as Error).message} (${codeOf(error)}).`, openingRemedy(error));
  }
}

/** By what the server or the driver says. */
const OPENING_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/^28P01$|password must be/, 'Put the password of that user into the file store.passwordFile.'],
  [/^28000$/, 'Let that user in from this host: pg_hba.conf of the server.'],
  [/^3D000$/, 'Correct the name in store.url, or make the database (`createdb`).'],
  [/^42501$/, 'GRANT CONNECT ON DATABASE to that user.'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'Correct the host in store.url.'],
  [/^53300$/, 'Raise max_connections of the server: a node takes up to nine.'],
];

function openingRemedy(error: unknown): string {
  const reason = error instanceof StoreError ? String(error.facts['reason']) : '';
  const known = OPENING_REMEDIES.find(([words]) => words.test(reason));
  if (known !== undefined) return known[1];
  return codeOf(error) === 'ERR_STORE_UNAVAILABLE'
    ? 'Start the server, or correct host and port in store.url; a node waits for it.'
    : 'The message names the file or the address.';
}

async function versionLook(config: NodeConfig): Promise<Look> {
  try {
    const database = await openState(config);
    await database?.destroy();
    return database === null ? NONE_YET : pass('The database is of this version.');
  } catch (error) {
    if (codeOf(error) === 'ERR_STORE_NEWER') {
      return fail(
        'A newer program wrote the database.',
        'Install that version again; the database never goes back.',
      );
    }
    if (codeOf(error) !== 'ERR_STORE_MIGRATION') {
      return skip('The database was not read.', 'See STO-001 and STO-008.');
    }
    return error instanceof StoreError && error.facts['steps'] === 0
      ? skip('The database has no tables yet.', 'The first start makes them.')
      : warn(
          'The database is older than this program.',
          'The next start brings it forward, after a copy; have a copy made first if it lies on a server.',
        );
  }
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
