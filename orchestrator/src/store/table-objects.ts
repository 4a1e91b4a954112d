/**
 * Objects as rows of the database, in chunks, for several orchestrators on one PostgreSQL.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { Kysely } from 'kysely';
import { FederationError } from '../errors.js';
import { CHUNK_BYTES } from '../protocol/limits.js';
import { assertAnnouncement, assertChunk } from './announcement.js';
import type { ObjectAnnouncement, ObjectStore } from './objects.js';
import type { Tables } from './schema.js';

export function createTableObjects(database: Kysely<Tables>): ObjectStore {
  return new TableObjects(database);
}

class TableObjects implements ObjectStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const digest = sha256Hex(bytes);
    if (await this.has(digest)) return digest;
    const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
      bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    );
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .insertInto('object')
        .values({
          digest,
          object_bytes: bytes.length,
          chunk_digests: JSON.stringify(chunks.map((chunk) => sha256Hex(chunk))),
          complete: 1,
        })
        .onConflict((c) => c.column('digest').doUpdateSet({ complete: 1 }))
        .execute();
      for (const [position, chunk] of chunks.entries()) {
        await tx
          .insertInto('object_chunk')
          .values({ digest, position, bytes: Uint8Array.from(chunk) })
          .onConflict((c) => c.columns(['digest', 'position']).doNothing())
          .execute();
      }
    });
    return digest;
  }

  async get(digest: string): Promise<Uint8Array | null> {
    if (!(await this.has(digest))) return null;
    const rows = await this.#db
      .selectFrom('object_chunk')
      .select('bytes')
      .where('digest', '=', digest)
      .orderBy('position')
      .execute();
    return new Uint8Array(Buffer.concat(rows.map((row) => row.bytes)));
  }

  async has(digest: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('object')
      .select('digest')
      .where('digest', '=', digest)
      .where('complete', '=', 1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async begin(announcement: ObjectAnnouncement): Promise<readonly number[]> {
    assertAnnouncement(announcement);
    const { digest, objectBytes, chunkDigests } = announcement;
    const said = JSON.stringify(chunkDigests);
    await this.#db
      .insertInto('object')
      .values({ digest, object_bytes: objectBytes, chunk_digests: said, complete: 0 })
      .onConflict((c) => c.column('digest').doNothing())
      .execute();
    const row = await this.#row(digest);
    if (row.complete === 1) return [];
    if (row.chunk_digests !== said || row.object_bytes !== objectBytes) {
      throw new FederationError(
        'ERR_OBJECT_LIMIT',
        `object ${digest}: announced differently before`,
      );
    }
    return this.#missing(digest, chunkDigests.length);
  }

  async putChunk(digest: string, index: number, bytes: Uint8Array): Promise<number> {
    const row = await this.#row(digest);
    if (row.complete === 1) return 0;
    const chunkDigests = JSON.parse(row.chunk_digests) as string[];
    assertChunk({ digest, objectBytes: row.object_bytes, chunkDigests }, index, bytes);
    await this.#db
      .insertInto('object_chunk')
      .values({ digest, position: index, bytes })
      .onConflict((c) => c.columns(['digest', 'position']).doNothing())
      .execute();
    const missing = await this.#missing(digest, chunkDigests.length);
    if (missing.length === 0) await this.#complete(digest);
    return missing.length;
  }

  /** All chunks are there: the object is what it is called, or it goes. */
  async #complete(digest: string): Promise<void> {
    const rows = await this.#db
      .selectFrom('object_chunk')
      .select('bytes')
      .where('digest', '=', digest)
      .orderBy('position')
      .execute();
    if (sha256Hex(Buffer.concat(rows.map((row) => row.bytes))) === digest) {
      await this.#db
        .updateTable('object')
        .set({ complete: 1 })
        .where('digest', '=', digest)
        .execute();
      return;
    }
    await this.#db.transaction().execute(async (tx) => {
      await tx.deleteFrom('object_chunk').where('digest', '=', digest).execute();
      await tx.deleteFrom('object').where('digest', '=', digest).execute();
    });
    throw new FederationError('ERR_CHUNK_DIGEST', `object ${digest}: its chunks make another one`);
  }

  async #missing(digest: string, count: number): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('object_chunk')
      .select('position')
      .where('digest', '=', digest)
      .execute();
    const present = new Set(rows.map((row) => row.position));
    return Array.from({ length: count }, (_, index) => index).filter(
      (index) => !present.has(index),
    );
  }

  async #row(
    digest: string,
  ): Promise<{ object_bytes: number; chunk_digests: string; complete: number }> {
    const row = await this.#db
      .selectFrom('object')
      .select(['object_bytes', 'chunk_digests', 'complete'])
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (row === undefined) {
      throw new FederationError('ERR_OBJECT_UNKNOWN', 'object: it was not announced');
    }
    return row;
  }
}
