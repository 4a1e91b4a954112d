/**
 * Sessions of the analyst page: opaque 256-bit ids, of which the database holds the hash only. The unlocked private key
 * lives in memory beside it; after a restart of the node a session still reads, and asks for the password before it
 * signs anything.
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { FabricIdentity } from '../fabric/identity.js';
import { transact } from '../fabric/transact.js';
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
  /** Null until it is unlocked, and after a restart of the node: reading goes on, signing needs the key's password. */
  readonly identity: FabricIdentity | null;
}

/** Who has proven to be somebody. */
export interface Newcomer {
  readonly name: string;
  readonly role: PersonRole;
  readonly method: SignInMethod;
  readonly identity: FabricIdentity | null;
  /** Of the identity provider. */
  readonly idToken?: string;
}

export interface Sessions {
  open(newcomer: Newcomer, nowMs: number): Promise<Session & { readonly id: string }>;
  find(id: string, nowMs: number): Promise<Session | null>;
  /** Whether it still holds; asking does not prolong it. */
  lives(id: string, nowMs: number): boolean;
  /** Keeps the key for as long as the session. */
  unlock(id: string, identity: FabricIdentity): void;
  /** What the identity provider gave; null for local accounts, and after a restart of the node. */
  idTokenOf(id: string): string | null;
  end(id: string): Promise<void>;
}

interface SessionRow {
  name: string;
  role: PersonRole;
  method: SignInMethod;
  csrf: string;
  created_at_ms: number;
  seen_at_ms: number;
}

export function createSessions(database: DatabaseSyncInstance): Sessions {
  const unlocked = new Map<string, FabricIdentity>();
  const idTokens = new Map<string, string>();
  const remove = async (hash: string): Promise<void> => {
    unlocked.delete(hash);
    idTokens.delete(hash);
    await transact(database, () =>
      database.prepare('DELETE FROM person_session WHERE id_hash = ?').run(hash),
    );
  };
  /** A key must not outlive its session, whoever ended that: time, a new password, another process. */
  const lockOrphans = (): void => {
    const live = database.prepare('SELECT 1 FROM person_session WHERE id_hash = ?');
    for (const kept of [unlocked, idTokens]) {
      for (const hash of kept.keys()) if (live.get(hash) === undefined) kept.delete(hash);
    }
  };
  /** Null: the account is gone. A person of the identity provider needs none; with one she also has a key. */
  const personOf = ({
    name,
    role,
    method,
  }: Pick<SessionRow, 'name' | 'role' | 'method'>): Person | null => {
    const account = personNamed(database, name);
    if (account !== null) return { ...account, role };
    return method === 'oidc' ? { name, role, actor: '', mspId: '' } : null;
  };
  return {
    async open({ name, role, method, identity, idToken }, nowMs) {
      const id = randomBytes(32).toString('base64url');
      const csrf = randomBytes(32).toString('base64url');
      const hash = hashOf(id);
      await transact(database, () => {
        database
          .prepare('DELETE FROM person_session WHERE seen_at_ms < ? OR created_at_ms < ?')
          .run(nowMs - IDLE_MS, nowMs - ABSOLUTE_MS);
        database
          .prepare(
            `INSERT INTO person_session (id_hash, name, role, method, csrf, created_at_ms, seen_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
          )
          .run(hash, name, role, method, csrf, nowMs, nowMs);
      });
      lockOrphans();
      if (identity !== null) unlocked.set(hash, identity);
      if (idToken !== undefined) idTokens.set(hash, idToken);
      const person = personOf({ name, role, method }) ?? { name, role, actor: '', mspId: '' };
      return { id, csrf, person, method, identity, expiresAtMs: nowMs + IDLE_MS };
    },
    async find(id, nowMs) {
      const hash = hashOf(id);
      const row = database.prepare('SELECT * FROM person_session WHERE id_hash = ?').get(hash) as
        SessionRow | undefined;
      if (row === undefined) return null;
      const person = personOf(row);
      if (person === null || isOver(row, nowMs)) {
        await remove(hash);
        return null;
      }
      if (nowMs - row.seen_at_ms > TOUCH_MS) {
        await transact(database, () =>
          database
            .prepare('UPDATE person_session SET seen_at_ms = ? WHERE id_hash = ?')
            .run(nowMs, hash),
        );
      }
      return {
        person,
        csrf: row.csrf,
        method: row.method,
        expiresAtMs: Math.min(nowMs + IDLE_MS, row.created_at_ms + ABSOLUTE_MS),
        identity: unlocked.get(hash) ?? null,
      };
    },
    lives(id, nowMs) {
      const row = database
        .prepare('SELECT created_at_ms, seen_at_ms FROM person_session WHERE id_hash = ?')
        .get(hashOf(id)) as Pick<SessionRow, 'created_at_ms' | 'seen_at_ms'> | undefined;
      return row !== undefined && !isOver(row, nowMs);
    },
    unlock(id, identity) {
      unlocked.set(hashOf(id), identity);
    },
    idTokenOf: (id) => idTokens.get(hashOf(id)) ?? null,
    async end(id) {
      await remove(hashOf(id));
    },
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
