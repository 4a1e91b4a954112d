/**
 * Sessions of the analyst page: opaque 256-bit ids, of which the database holds the hash only. The unlocked private key
 * lives in memory beside it; after a restart of the node a session still reads, and asks for the password before it
 * signs anything.
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import type { FabricIdentity } from '../fabric/identity.js';
import type { SessionEntry } from '../http/answers.js';
import { rowOf, rowsOf, run, transact, type NodeDatabase } from '../store/index.js';
import { personNamed, type Person, type PersonRole } from './people.js';

/** How somebody signed in: a local account, or the hospital's identity provider. */
export type SignInMethod = 'password' | 'oidc';

const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 3_600_000;
/** `seen_at_ms` is written at most this often, so that reading a page is not a write. */
const TOUCH_MS = 60_000;

export interface Session {
  readonly person: Person;
  readonly csrf: string;
  readonly expiresAtMs: number;
  readonly method: SignInMethod;
  /** When she last proved to be herself, by a password or at the identity provider; null after a restart of the node. */
  readonly provenAtMs: number | null;
  /** Null until it is unlocked, and after a restart of the node: reading goes on, signing needs the key's password. */
  readonly identity: FabricIdentity | null;
}

/** Who has proven to be somebody. */
export interface Newcomer {
  readonly name: string;
  readonly role: PersonRole;
  readonly method: SignInMethod;
  readonly identity: FabricIdentity | null;
  /** When she was asked for a proof; null where the identity provider does not say. */
  readonly provenAtMs: number | null;
  /** Of the identity provider. */
  readonly idToken?: string;
}

export interface Sessions {
  open(newcomer: Newcomer, nowMs: number): Promise<Session & { readonly id: string }>;
  find(id: string, nowMs: number): Promise<Session | null>;
  /** Whether it still holds; asking does not prolong it. */
  lives(id: string, nowMs: number): Promise<boolean>;
  /** Keeps the key for as long as the session; whoever unlocks it has just proven to be herself. */
  unlock(id: string, identity: FabricIdentity, nowMs: number): void;
  /** Open ones, used last first; of one person, or null: of everybody. */
  list(o: SessionsAsked): Promise<readonly SessionEntry[]>;
  /** Ends what `o` lists and `which` picks; the one that asks stays. @returns how many */
  revoke(o: SessionsAsked, which: (entry: SessionEntry) => boolean): Promise<number>;
  /** What the identity provider gave; null for local accounts, and after a restart of the node. */
  idTokenOf(id: string): string | null;
  end(id: string): Promise<void>;
  /** Forgets what is over, with its keys: time ends a session without anybody asking. */
  sweep(nowMs: number): Promise<void>;
}

export interface SessionsAsked {
  readonly of: string | null;
  /** What the browser of whoever asks holds. */
  readonly id: string;
  readonly nowMs: number;
}

interface SessionRow {
  id_hash: string;
  name: string;
  role: PersonRole;
  method: SignInMethod;
  csrf: string;
  created_at_ms: number;
  seen_at_ms: number;
}

export function createSessions(database: NodeDatabase): Sessions {
  const unlocked = new Map<string, FabricIdentity>();
  const idTokens = new Map<string, string>();
  const proven = new Map<string, number>();
  const remove = async (hash: string): Promise<void> => {
    unlocked.delete(hash);
    idTokens.delete(hash);
    proven.delete(hash);
    await run(database, sql`DELETE FROM person_session WHERE id_hash = ${hash}`);
  };
  /** A key must not outlive its session, whoever ended that: a new password, another process. */
  const lockOrphans = async (): Promise<void> => {
    const kept = [unlocked, idTokens, proven];
    // Taken before the rows are read: whoever signs in meanwhile is no orphan.
    const hashes = kept.flatMap((each) => [...each.keys()]);
    const rows = await rowsOf(
      database,
      sql<{ id_hash: string }>`SELECT id_hash FROM person_session`,
    );
    const live = new Set(rows.map(({ id_hash: hash }) => hash));
    for (const hash of hashes.filter((each) => !live.has(each))) {
      for (const each of kept) each.delete(hash);
    }
  };
  const forgetOver = (transaction: NodeDatabase, nowMs: number): Promise<void> =>
    run(
      transaction,
      sql`DELETE FROM person_session
        WHERE seen_at_ms < ${nowMs - IDLE_MS} OR created_at_ms < ${nowMs - ABSOLUTE_MS}`,
    );
  /** Null: the account is gone. A person of the identity provider needs none; with one she also has a key. */
  const personOf = async ({
    name,
    role,
    method,
  }: Pick<SessionRow, 'name' | 'role' | 'method'>): Promise<Person | null> => {
    const account = await personNamed(database, name);
    if (account !== null) return { ...account, role };
    return method === 'oidc' ? { name, role, actor: '', mspId: '' } : null;
  };
  const openRows = async ({ of, nowMs }: SessionsAsked): Promise<readonly SessionRow[]> => {
    const whose = of === null ? sql`` : sql`WHERE name = ${of}`;
    const rows = await rowsOf(
      database,
      sql<SessionRow>`SELECT * FROM person_session ${whose} ORDER BY seen_at_ms DESC`,
    );
    return rows.filter((row) => !isOver(row, nowMs));
  };
  return {
    async open({ name, role, method, identity, provenAtMs, idToken }, nowMs) {
      const id = randomBytes(32).toString('base64url');
      const csrf = randomBytes(32).toString('base64url');
      const hash = hashOf(id);
      await transact(database, async (transaction) => {
        await forgetOver(transaction, nowMs);
        await run(
          transaction,
          sql`INSERT INTO person_session (id_hash, name, role, method, csrf, created_at_ms, seen_at_ms)
            VALUES (${hash}, ${name}, ${role}, ${method}, ${csrf}, ${nowMs}, ${nowMs})`,
        );
      });
      await lockOrphans();
      if (identity !== null) unlocked.set(hash, identity);
      if (idToken !== undefined) idTokens.set(hash, idToken);
      if (provenAtMs !== null) proven.set(hash, provenAtMs);
      const person = (await personOf({ name, role, method })) ?? {
        ...{ name, role, actor: '', mspId: '' },
      };
      return { id, csrf, person, method, identity, provenAtMs, expiresAtMs: nowMs + IDLE_MS };
    },
    async find(id, nowMs) {
      const hash = hashOf(id);
      const row = await rowOf(
        database,
        sql<SessionRow>`SELECT * FROM person_session WHERE id_hash = ${hash}`,
      );
      if (row === undefined) return null;
      const person = await personOf(row);
      if (person === null || isOver(row, nowMs)) {
        await remove(hash);
        return null;
      }
      if (nowMs - row.seen_at_ms > TOUCH_MS) {
        await run(
          database,
          sql`UPDATE person_session SET seen_at_ms = ${nowMs} WHERE id_hash = ${hash}`,
        );
      }
      return {
        person,
        csrf: row.csrf,
        method: row.method,
        expiresAtMs: Math.min(nowMs + IDLE_MS, row.created_at_ms + ABSOLUTE_MS),
        identity: unlocked.get(hash) ?? null,
        provenAtMs: proven.get(hash) ?? null,
      };
    },
    async lives(id, nowMs) {
      const row = await rowOf(
        database,
        sql<Pick<SessionRow, 'created_at_ms' | 'seen_at_ms'>>`
          SELECT created_at_ms, seen_at_ms FROM person_session WHERE id_hash = ${hashOf(id)}`,
      );
      return row !== undefined && !isOver(row, nowMs);
    },
    unlock(id, identity, nowMs) {
      unlocked.set(hashOf(id), identity);
      proven.set(hashOf(id), nowMs);
    },
    list: async (o) => (await openRows(o)).map((row) => entryOf(row, o)),
    async revoke(o, which) {
      const chosen = (await openRows(o)).filter((row) => {
        const entry = entryOf(row, o);
        return !entry.current && which(entry);
      });
      for (const row of chosen) await remove(row.id_hash);
      return chosen.length;
    },
    idTokenOf: (id) => idTokens.get(hashOf(id)) ?? null,
    async end(id) {
      await remove(hashOf(id));
    },
    async sweep(nowMs) {
      await forgetOver(database, nowMs);
      await lockOrphans();
    },
  };
}

/** The beginning of a hash of a secret: it tells sessions apart and opens none. */
const ENTRY_LENGTH = 16;

function entryOf(row: SessionRow, { id }: SessionsAsked): SessionEntry {
  return {
    id: row.id_hash.slice(0, ENTRY_LENGTH),
    name: row.name,
    method: row.method,
    openedAt: new Date(row.created_at_ms).toISOString(),
    seenAt: new Date(row.seen_at_ms).toISOString(),
    current: row.id_hash === hashOf(id),
  };
}

function isOver(row: Pick<SessionRow, 'created_at_ms' | 'seen_at_ms'>, nowMs: number): boolean {
  return nowMs - row.seen_at_ms > IDLE_MS || nowMs - row.created_at_ms > ABSOLUTE_MS;
}

/** Compares in constant time; of different length is simply different. */
export function sameToken(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
