/**
 * The audit log: append-only, each record naming the one before by its hash.
 * @module
 */
import { canonicalJson, sha256Hex, type JsonValue } from '@bhschain/dp';
import type { Kysely, Selectable } from 'kysely';
import { StoreError } from '../errors.js';
import { againOnConflict } from './conflict.js';
import type { Tables } from './schema.js';

export interface AuditRecord {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: string;
  /** Canonical JSON. */
  readonly body: string;
  /** Hash of the record before; empty for the first. */
  readonly previous: string;
  readonly hash: string;
}

export class AuditStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** Appends to the hash chain: each record names the one before. */
  async append(
    kind: string,
    atMs: number,
    facts: Readonly<Record<string, JsonValue>>,
  ): Promise<void> {
    await againOnConflict(() =>
      this.#db.transaction().execute(async (tx) => {
        const last = await tx
          .selectFrom('audit')
          .select(['sequence', 'hash'])
          .orderBy('sequence', 'desc')
          .limit(1)
          .executeTakeFirst();
        const sequence = last === undefined ? 0 : last.sequence + 1;
        const previous = last?.hash ?? '';
        const body = canonicalJson(facts);
        const hash = auditHash({ sequence, atMs, kind, body, previous });
        await tx
          .insertInto('audit')
          .values({ sequence, at_ms: atMs, kind, body, previous, hash })
          .execute();
      }),
    );
  }

  /** Records after a sequence number, oldest first. */
  async list(o: Readonly<{ after: number; limit: number }>): Promise<readonly AuditRecord[]> {
    const rows = await this.#db
      .selectFrom('audit')
      .selectAll()
      .where('sequence', '>', o.after)
      .orderBy('sequence')
      .limit(o.limit)
      .execute();
    return rows.map(recordOf);
  }

  /** The records before a sequence number, newest first. */
  async newest(o: Readonly<{ before: number; limit: number }>): Promise<readonly AuditRecord[]> {
    const rows = await this.#db
      .selectFrom('audit')
      .selectAll()
      .where('sequence', '<', o.before)
      .orderBy('sequence', 'desc')
      .limit(o.limit)
      .execute();
    return rows.map(recordOf);
  }

  /**
   * Walks the audit chain.
   * @throws {StoreError} `ERR_AUDIT_CHAIN` with the first record that does not follow
   */
  async verify(): Promise<number> {
    const rows = await this.#db.selectFrom('audit').selectAll().orderBy('sequence').execute();
    let previous = '';
    rows.forEach((row, index) => {
      const record = {
        sequence: row.sequence,
        atMs: row.at_ms,
        kind: row.kind,
        body: row.body,
        previous,
      };
      if (record.sequence !== index || row.hash !== auditHash(record)) {
        throw new StoreError('ERR_AUDIT_CHAIN', `audit: record ${index} does not follow`, {
          sequence: index,
        });
      }
      previous = row.hash;
    });
    return rows.length;
  }
}

function recordOf(row: Selectable<Tables['audit']>): AuditRecord {
  return {
    sequence: row.sequence,
    atMs: row.at_ms,
    kind: row.kind,
    body: row.body,
    previous: row.previous,
    hash: row.hash,
  };
}

function auditHash(record: {
  sequence: number;
  atMs: number;
  kind: string;
  body: string;
  previous: string;
}): string {
  return sha256Hex(canonicalJson({ ...record }));
}
