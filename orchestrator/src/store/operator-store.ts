/**
 * People who may act on the dashboard, and their sessions.
 * @module
 */
import type { Kysely, Selectable } from 'kysely';
import type { OperatorRole } from '../sign-in/roles.js';
import type { Tables } from './schema.js';

/** By a local account, or at an identity provider. */
export type SignInMethod = 'password' | 'oidc';

export interface Operator {
  readonly name: string;
  /** scrypt in its stored form. */
  readonly password: string;
  readonly role: OperatorRole;
}

export interface OperatorSession {
  /** SHA-256 of what the browser holds; names the session among those of its person. */
  readonly idHash: string;
  readonly name: string;
  readonly role: OperatorRole;
  readonly method: SignInMethod;
  readonly csrf: string;
  /** What the browser calls itself. */
  readonly agent: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  /** When the person proved last who she is. */
  readonly freshAtMs: number;
}

export class OperatorStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** A new password or role ends the sessions of the old one. */
  async put({ name, password, role }: Operator, nowMs: number): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .insertInto('operator')
        .values({ name, password, role, created_at_ms: nowMs })
        .onConflict((c) => c.column('name').doUpdateSet({ password, role }))
        .execute();
      await tx.deleteFrom('operator_session').where('name', '=', name).execute();
    });
  }

  /** False if there was none. */
  async remove(name: string): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      await tx.deleteFrom('operator_session').where('name', '=', name).execute();
      const { numDeletedRows } = await tx
        .deleteFrom('operator')
        .where('name', '=', name)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    });
  }

  async find(name: string): Promise<Operator | null> {
    const row = await this.#db
      .selectFrom('operator')
      .select(['name', 'password', 'role'])
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? null : { ...row, role: row.role as OperatorRole };
  }

  /** Opens a session, and forgets those that were not seen since `deadBeforeMs`. */
  async open(session: OperatorSession, deadBeforeMs: number): Promise<void> {
    await this.#db.deleteFrom('operator_session').where('seen_at_ms', '<', deadBeforeMs).execute();
    await this.#db
      .insertInto('operator_session')
      .values({
        id_hash: session.idHash,
        name: session.name,
        role: session.role,
        method: session.method,
        csrf: session.csrf,
        agent: session.agent,
        created_at_ms: session.createdAtMs,
        seen_at_ms: session.seenAtMs,
        fresh_at_ms: session.freshAtMs,
      })
      .execute();
  }

  async session(idHash: string): Promise<OperatorSession | null> {
    const row = await this.#db
      .selectFrom('operator_session')
      .selectAll()
      .where('id_hash', '=', idHash)
      .executeTakeFirst();
    return row === undefined ? null : sessionOf(row);
  }

  /** Newest first, those that are over included. */
  async sessionsOf(name: string, method: SignInMethod): Promise<readonly OperatorSession[]> {
    const rows = await this.#db
      .selectFrom('operator_session')
      .selectAll()
      .where('name', '=', name)
      .where('method', '=', method)
      .orderBy('created_at_ms', 'desc')
      .execute();
    return rows.map(sessionOf);
  }

  async touch(idHash: string, nowMs: number): Promise<void> {
    await this.#db
      .updateTable('operator_session')
      .set({ seen_at_ms: nowMs })
      .where('id_hash', '=', idHash)
      .execute();
  }

  async refresh(idHash: string, nowMs: number): Promise<void> {
    await this.#db
      .updateTable('operator_session')
      .set({ fresh_at_ms: nowMs })
      .where('id_hash', '=', idHash)
      .execute();
  }

  async close(idHash: string): Promise<void> {
    await this.#db.deleteFrom('operator_session').where('id_hash', '=', idHash).execute();
  }
}

function sessionOf(row: Selectable<Tables['operator_session']>): OperatorSession {
  return {
    idHash: row.id_hash,
    name: row.name,
    role: row.role as OperatorRole,
    method: row.method as SignInMethod,
    csrf: row.csrf,
    agent: row.agent,
    createdAtMs: row.created_at_ms,
    seenAtMs: row.seen_at_ms,
    freshAtMs: row.fresh_at_ms,
  };
}
