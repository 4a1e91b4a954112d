/**
 * One node per database on a server, whatever machine it runs on. Three things together say so:
 *
 * - a lock of the server on a connection of its own, as long as the node lives: who starts beside it is refused at once;
 * - a shared lock on every connection of the node: who takes over after it begins when the last statement of the one
 *   before has ended;
 * - a row with a number that each taker raises: a connection that the one before makes later is not let in.
 *
 * So a node may lose its lock, because its connection was cut or the server was started again, and go on if nobody was
 * there in between; and it never writes beside another. The locks are of the session: a pooler that hands connections out
 * by transaction must not stand between.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type pg from 'pg';
import { codeOf, StoreError } from '../errors.js';
import { holderWords, type Holder, type LockState } from './holder.js';
import type { NodeDatabase } from './database.js';
import { openClient, openingFault, storeFault, type ServerPlace } from './postgresql-adapter.js';
import { oneRow } from './statements.js';

export interface ServerLock {
  /** Lets a connection of this node in, before its first statement. @throws {StoreError} `ERR_STORE_TAKEN` */
  readonly admit: (client: pg.ClientBase) => Promise<void>;
  /**
   * Looks after the lock until the signal, and takes it again after the server was away.
   * @throws {StoreError} `ERR_STORE_TAKEN` once another node has the database
   */
  keep(signal: AbortSignal): Promise<void>;
  /** 'ok', or the code of what the last look found. */
  readonly health: () => string;
  release(): Promise<void>;
}

/** Any number, the same for all nodes; both locks are of this class. */
const LOCKS = 0x62_68_73;
const NODE = 1;
const CONNECTIONS = 2;

const TRY_EVERY_MS = 250;
/** A server needs a moment to notice that a process was killed. */
const NODE_WAIT_MS = 3_000;
/** What a killed node was in the middle of ends by the statements' own limit; a machine that is gone is noticed before. */
const CONNECTIONS_WAIT_MS = 40_000;
const LOOK_EVERY_MS = 2_000;

/** A machine that is gone without a word is noticed after 25 s, not after the two hours of the operating system. */
const KEEPALIVE =
  'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;';

interface Row extends Holder {
  readonly epoch: number;
}

/**
 * @throws {StoreError} `ERR_STORE_LOCKED` with the holder, `ERR_STORE_OPEN`, `ERR_STORE_UNAVAILABLE`
 */
export async function lockServer(
  place: ServerPlace,
  self: Holder,
  signal: AbortSignal,
): Promise<ServerLock> {
  const { url } = place;
  let session: pg.Client | null = await openClient(place).catch((cause: unknown) => {
    throw openingFault(cause, url);
  });
  let epoch = 0;
  let isLocked = true;
  let health = 'ok';

  const requireOurs = (row: Row | null): void => {
    if (row?.epoch === epoch) return;
    throw new StoreError(
      'ERR_STORE_TAKEN',
      `${url} was taken over by ${holderWords(row)} while this node had lost it; two must not write, so this one ends`,
      { url, host: row?.host ?? null, pid: row?.pid ?? null },
    );
  };
  const admit = async (client: pg.ClientBase): Promise<void> => {
    await client.query(KEEPALIVE);
    const { rows } = await client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock_shared($1, $2) AS locked',
      [LOCKS, CONNECTIONS],
    );
    // A statement of its own: what it sees must be younger than the lock.
    requireOurs(await rowIn(client));
    if (!rows[0]!.locked) {
      throw new StoreError(
        'ERR_STORE_UNAVAILABLE',
        'Another node tries to take the database over.',
      );
    }
  };
  const drop = async (): Promise<void> => {
    const lost = session;
    session = null;
    isLocked = false;
    await lost?.end();
  };
  /** The server may not have noticed yet that our session of before is gone; then the lock comes with a later look. */
  const look = async (): Promise<void> => {
    if (session === null) {
      session = await openClient(place);
      await admit(session);
    }
    requireOurs(await rowIn(session));
    isLocked ||= await tryLock(session, NODE);
  };

  try {
    epoch = await take(session, { url, self, signal });
    await admit(session);
  } catch (error) {
    await drop();
    throw openingFault(error, url);
  }
  return {
    admit,
    keep: async (end) => {
      for (;;) {
        await sleep(LOOK_EVERY_MS, undefined, { signal: end }).catch(() => undefined);
        if (end.aborted) return;
        try {
          await look();
          health = isLocked ? 'ok' : 'ERR_STORE_UNAVAILABLE';
        } catch (cause) {
          void drop().catch(() => undefined);
          const fault = storeFault(cause);
          health = codeOf(fault);
          if (health !== 'ERR_STORE_UNAVAILABLE') throw fault;
        }
      }
    },
    health: () => health,
    release: drop,
  };
}

/** Who holds the database, for somebody who only looks. */
export async function serverLockOf(database: NodeDatabase): Promise<LockState> {
  const { held, written } = await oneRow(
    database,
    sql<{ held: boolean; written: boolean }>`
      SELECT to_regclass('holder') IS NOT NULL AS written, EXISTS (
        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
          AND classid = ${LOCKS} AND objid = ${NODE} AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held`,
  );
  if (!held || !written) return { held, holder: null };
  const row = await oneRow(
    database,
    sql<{ host: string; pid: number; since_ms: number }>`SELECT host, pid, since_ms FROM holder`,
  );
  return { held, holder: { host: row.host, pid: row.pid, sinceMs: row.since_ms } };
}

/** @returns the number under which this node has the database */
async function take(
  session: pg.Client,
  o: { readonly url: string; readonly self: Holder; readonly signal: AbortSignal },
): Promise<number> {
  const got =
    (await tryFor(NODE_WAIT_MS, o.signal, () => tryLock(session, NODE))) &&
    (await tryFor(CONNECTIONS_WAIT_MS, o.signal, () => tryLock(session, CONNECTIONS)));
  if (!got) {
    const row = await rowIn(session);
    throw new StoreError(
      'ERR_STORE_LOCKED',
      `${o.url} is held by ${holderWords(row)}; stop that node first (a machine that is gone is let go of within half a minute), or give this one a database of its own (store.url)`,
      { url: o.url, host: row?.host ?? null, pid: row?.pid ?? null },
    );
  }
  const epoch = await enter(session, o.self);
  await session.query('SELECT pg_advisory_unlock($1, $2)', [LOCKS, CONNECTIONS]);
  return epoch;
}

async function tryFor(
  waitMs: number,
  signal: AbortSignal,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  for (let waitedMs = 0; ; waitedMs += TRY_EVERY_MS) {
    if (await attempt()) return true;
    if (waitedMs >= waitMs) return false;
    await sleep(TRY_EVERY_MS, undefined, { signal });
  }
}

async function tryLock(session: pg.ClientBase, lock: number): Promise<boolean> {
  const { rows } = await session.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1, $2) AS locked',
    [LOCKS, lock],
  );
  return rows[0]!.locked;
}

/** The row stands outside of the schema's steps: it is written before they are looked at. */
const TABLE = `CREATE TABLE holder (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), epoch BIGINT NOT NULL,
  host TEXT NOT NULL, pid BIGINT NOT NULL, since_ms BIGINT NOT NULL)`;

async function enter(session: pg.Client, { host, pid, sinceMs }: Holder): Promise<number> {
  if (!(await hasTable(session))) await session.query(TABLE);
  const { rows } = await session.query<{ epoch: number }>(
    `INSERT INTO holder (one, epoch, host, pid, since_ms) VALUES (1, 1, $1, $2, $3)
      ON CONFLICT (one) DO UPDATE SET epoch = holder.epoch + 1,
        host = excluded.host, pid = excluded.pid, since_ms = excluded.since_ms
      RETURNING epoch`,
    [host, pid, sinceMs],
  );
  return rows[0]!.epoch;
}

async function rowIn(session: pg.ClientBase): Promise<Row | null> {
  if (!(await hasTable(session))) return null;
  const { rows } = await session.query<Row>(
    'SELECT epoch, host, pid, since_ms AS "sinceMs" FROM holder',
  );
  return rows[0] ?? null;
}

async function hasTable(session: pg.ClientBase): Promise<boolean> {
  const { rows } = await session.query<{ there: boolean }>(
    "SELECT to_regclass('holder') IS NOT NULL AS there",
  );
  return rows[0]!.there;
}
