/** Of STO: a database that lies on a server. @module */
import { performance } from 'node:perf_hooks';
import { sql } from 'kysely';
import type { NodeConfig } from '../config.js';
import {
  holderWords,
  oneRow,
  serverLockOf,
  stateLockOf,
  type LockState,
  type NodeDatabase,
} from '../store/index.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { lookAtDatabase } from './node-state.js';

export function serverChecks(config: NodeConfig): Check[] {
  const look = (
    readOnly: boolean,
    judge: (database: NodeDatabase) => Promise<Look>,
  ): Promise<Look> | Look =>
    config.store.url === null
      ? skip(
          'The database is a file of this node.',
          'Nothing to look at; STO-005 says who holds it.',
        )
      : lookAtDatabase(config, { readOnly }, judge);
  return [
    { code: 'STO-007', look: () => look(true, serverLook) },
    // Not for reading only: whether the server lets this user write is the question.
    { code: 'STO-008', look: () => look(false, permissionsLook) },
    {
      code: 'STO-009',
      look: () =>
        look(true, async (database) =>
          holderLook(await serverLockOf(database), stateLockOf(config.stateDir)),
        ),
    },
  ];
}

/** What PostgreSQL still gets corrections for. */
const SERVER_VERSION_MIN = 14;
const ANSWER_SLOW_MS = 20;

/** The server answers, speaks UTF-8 and is not too old. */
async function serverLook(database: NodeDatabase): Promise<Look> {
  const startMs = performance.now();
  const { version, encoding } = await oneRow(
    database,
    sql<{ version: string; encoding: string }>`
      SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding`,
  );
  const tookMs = performance.now() - startMs;
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

interface Permissions {
  readonly who: string;
  readonly schema: string;
  readonly closed: boolean;
  readonly may_make: boolean;
  /** Tables that this user may not write, by name; null: none. */
  readonly sealed: string | null;
}

/** The user may write every table, and may make tables for a step of the schema. */
async function permissionsLook(database: NodeDatabase): Promise<Look> {
  const found = await oneRow(
    database,
    sql<Permissions>`
      SELECT current_user AS who, coalesce(current_schema(), 'public') AS schema,
        current_setting('transaction_read_only')::boolean AS closed,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make,
        (SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
          WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema())
            AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
              AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))) AS sealed`,
  );
  const { who, schema, sealed } = found;
  if (found.closed) {
    return fail(
      `${who} may only read here.`,
      'Give the address of the primary, or take default_transaction_read_only from this user.',
    );
  }
  if (sealed !== null) {
    return fail(
      `${who} may not write ${sealed}.`,
      `Let ${who} own the tables, or GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${who}.`,
    );
  }
  return found.may_make
    ? pass(`${who} may write, and make tables.`)
    : warn(
        `${who} may not make tables: a first start, and the next version of this program, would fail.`,
        `GRANT CREATE ON SCHEMA ${schema} TO ${who}.`,
      );
}

/** One node has the database, and it is the one of this state directory. */
function holderLook(server: LockState, here: LockState): Look {
  if (!server.held) {
    return here.held
      ? warn(
          'The node here runs and does not hold its database.',
          'It may be starting, or the server was away: look again in a moment, then into its log.',
        )
      : pass('No node holds the database.');
  }
  const who = holderWords(server.holder);
  return holderWords(here.holder) === who
    ? pass(`The node here holds the database: ${who}.`)
    : fail(
        `Another node holds the database: ${who}.`,
        'A node is refused here: stop that one first, or give this one a database of its own in store.url.',
      );
}
