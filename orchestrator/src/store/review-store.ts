/**
 * What people said about quarantined updates and about rounds, signed.
 * @module
 */
import type { Kysely } from 'kysely';
import type { RoundKey } from './round-key.js';
import type { Tables } from './schema.js';

export interface Review {
  readonly key: RoundKey;
  /** Whose update; '' for the round itself. */
  readonly nodeId: string;
  readonly person: string;
  readonly mspId: string;
  readonly disposition: 'release' | 'discard' | 'abort';
  readonly reason: string;
  /** Canonical JSON that the person signed, the signature, and the person's certificate in PEM. */
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificate: string;
  readonly atMs: number;
}

export class ReviewStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** One review per person and update; a second one replaces the first. */
  async put(review: Review): Promise<void> {
    const said = {
      msp_id: review.mspId,
      disposition: review.disposition,
      reason: review.reason,
      statement: review.statement,
      signature: review.signature,
      certificate: review.certificate,
      at_ms: review.atMs,
    };
    await this.#db
      .insertInto('review')
      .values({
        slot: review.key.slotIndex,
        attempt: review.key.attempt,
        node_id: review.nodeId,
        person: review.person,
        ...said,
      })
      .onConflict((c) => c.columns(['slot', 'attempt', 'node_id', 'person']).doUpdateSet(said))
      .execute();
  }

  /** Oldest first. */
  async list(key: RoundKey, nodeId: string): Promise<readonly Review[]> {
    const rows = await this.#db
      .selectFrom('review')
      .selectAll()
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .where('node_id', '=', nodeId)
      .orderBy('at_ms')
      .orderBy('person')
      .execute();
    return rows.map((row) => ({
      key,
      nodeId: row.node_id,
      person: row.person,
      mspId: row.msp_id,
      disposition: row.disposition as Review['disposition'],
      reason: row.reason,
      statement: new Uint8Array(row.statement),
      signature: new Uint8Array(row.signature),
      certificate: row.certificate,
      atMs: row.at_ms,
    }));
  }
}
