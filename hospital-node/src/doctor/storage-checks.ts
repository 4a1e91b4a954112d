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
import { sql } from 'kysely';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { lockState, oneRow } from '../store/index.js';
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
      look: async () => {
        try {
          const opened = await withDatabase(config, async (database) => {
            await database.selectFrom('setting').select('name').execute();
            return pass('The database opens.');
          });
          return opened ?? none;
        } catch (error) {
          if (config.store.url === null) throw error;
          return fail(
            `${config.store.url}: ${(error as Error).message}`,
            'Check store.url, store.passwordFile, the server and its pg_hba.conf.',
          );
        }
      },
    },
    {
      code: 'STO-004',
      look: async () => {
        if (config.store.url === null && !existsSync(file)) return none;
        try {
          await withDatabase(config, () => Promise.resolve());
          return pass('The database is of this version.');
        } catch (error) {
          if (codeOf(error) === 'ERR_STORE_NEWER') {
            return fail(
              'A newer program wrote the database.',
              'Install that version again; the database never goes back.',
            );
          }
          if (codeOf(error) !== 'ERR_STORE_MIGRATION') throw error;
          return warn(
            'The database is older than this program.',
            'The next start brings it forward, after a copy; have a copy made first if it lies on a server.',
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
    { code: 'STO-007', look: () => serverLook(config) },
    { code: 'STO-008', look: () => permissionsLook(config) },
  ];
}

const ON_FILE = skip('The database is a file of this node.', 'Nothing to look at.');
/** What PostgreSQL still gets corrections for. */
const SERVER_VERSION_MIN = 14;
const ANSWER_SLOW_MS = 20;

/** STO-007: the server answers, speaks UTF-8 and is not too old. */
async function serverLook(config: NodeConfig): Promise<Look> {
  if (config.store.url === null) return ON_FILE;
  const found = await withDatabase(config, async (database) => {
    const startMs = performance.now();
    const row = await oneRow(
      database,
      sql<{ version: string; encoding: string }>`
        SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding`,
    );
    return { ...row, tookMs: performance.now() - startMs };
  });
  const { version, encoding, tookMs } = found!;
  const said = `PostgreSQL ${version} answers in ${tookMs.toFixed(1)} ms.`;
  if (encoding !== 'UTF8') {
    return fail(
      `The database is encoded as ${encoding}.`,
      "Make it anew: CREATE DATABASE … ENCODING 'UTF8'.",
    );
  }
  if (Number.parseInt(version, 10) < SERVER_VERSION_MIN) {
    return warn(said, `Move to PostgreSQL ${SERVER_VERSION_MIN} or later.`);
  }
  return tookMs < ANSWER_SLOW_MS
    ? pass(said)
    : warn(said, 'Put the server nearer: a page asks about ten times.');
}

/** STO-008: the user may write, and may make tables for a step of the schema. */
async function permissionsLook(config: NodeConfig): Promise<Look> {
  if (config.store.url === null) return ON_FILE;
  const row = await withDatabase(config, (database) =>
    oneRow(
      database,
      sql<{ who: string; may_make: boolean; may_write: boolean }>`
        SELECT current_user AS who, has_schema_privilege(current_schema(), 'CREATE') AS may_make,
          has_table_privilege('hold', 'INSERT, UPDATE, DELETE') AS may_write`,
    ),
  );
  const { who, may_make: mayMake, may_write: mayWrite } = row!;
  if (!mayWrite) {
    return fail(`${who} may not write.`, `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${who};`);
  }
  return mayMake
    ? pass(`${who} may write, and make tables.`)
    : warn(
        `${who} may not make tables: the next version of this program would not start.`,
        `GRANT CREATE ON SCHEMA public TO ${who};`,
      );
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
