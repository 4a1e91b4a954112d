/**
 * People who may act on the dashboard, and their sessions.
 * @module
 */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.js';

export interface Operator {
  readonly name: string;
  /** scrypt in its stored form. */
  readonly password: string;
}

export interface OperatorSession {
  /** SHA-256 of what the browser holds. */
  readonly idHash: string;
  readonly name: string;
  readonly csrf: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
}

export class OperatorStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** A new password ends the sessions of the old one. */
  async put(operator: Operator, nowMs: number): Promise<void> {
    const { name, password } = operator;
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .insertInto('operator')
        .values({ name, password, created_at_ms: nowMs })
        .onConflict((c) => c.column('name').doUpdateSet({ password }))
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
      .select(['name', 'password'])
      .where('name', '=', name)
      .executeTakeFirst();
    return row ?? null;
  }

  /** Opens a session, and forgets those that were not seen since `deadBeforeMs`. */
  async open(session: OperatorSession, deadBeforeMs: number): Promise<void> {
    await this.#db.deleteFrom('operator_session').where('seen_at_ms', '<', deadBeforeMs).execute();
    await this.#db
      .insertInto('operator_session')
      .values({
        id_hash: session.idHash,
        name: session.name,
        csrf: session.csrf,
        created_at_ms: session.createdAtMs,
        seen_at_ms: session.seenAtMs,
      })
      .execute();
  }

  async session(idHash: string): Promise<OperatorSession | null> {
    const row = await this.#db
      .selectFrom('operator_session')
      .selectAll()
      .where('id_hash', '=', idHash)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      idHash: row.id_hash,
      name: row.name,
      csrf: row.csrf,
      createdAtMs: row.created_at_ms,
      seenAtMs: row.seen_at_ms,
    };
  }

  async touch(idHash: string, nowMs: number): Promise<void> {
    await this.#db
      .updateTable('operator_session')
      .set({ seen_at_ms: nowMs })
      .where('id_hash', '=', idHash)
      .execute();
  }

  async close(idHash: string): Promise<void> {
    await this.#db.deleteFrom('operator_session').where('id_hash', '=', idHash).execute();
  }
}
