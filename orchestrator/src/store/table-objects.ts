/**
 * Objects as rows of the database, in chunks, for several orchestrators on one PostgreSQL.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { Kysely, Selectable, Transaction } from 'kysely';
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

  /** Whole bytes are what their digest says; whatever somebody announced and sent under that name is not, and goes. */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = sha256Hex(bytes);
    if (await this.has(digest)) return digest;
    const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
      bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    );
    const said = {
      object_bytes: bytes.length,
      chunk_digests: JSON.stringify(chunks.map((chunk) => sha256Hex(chunk))),
      complete: 1,
    };
    await this.#db.transaction().execute(async (tx) => {
      // From here on the row is ours: a chunk that comes at this moment waits, and then finds the object whole.
      await tx
        .insertInto('object')
        .values({ digest, ...said })
        .onConflict((c) => c.column('digest').doUpdateSet(said))
        .execute();
      await tx.deleteFrom('object_chunk').where('digest', '=', digest).execute();
      for (const [position, chunk] of chunks.entries()) {
        await tx
          .insertInto('object_chunk')
          .values({ digest, position, bytes: Uint8Array.from(chunk) })
          .execute();
      }
    });
    return digest;
  }

  async get(digest: string): Promise<Uint8Array | null> {
    if (!(await this.has(digest))) return null;
    return joined(this.#db, digest);
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
    const row = await this.#db
      .selectFrom('object')
      .select(ROW)
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (row === undefined) throw notAnnounced();
    if (row.complete === 1) return [];
    if (row.chunk_digests !== said || row.object_bytes !== objectBytes) {
      throw new FederationError(
        'ERR_OBJECT_LIMIT',
        `object ${digest}: announced differently before`,
      );
    }
    return missing(this.#db, digest, chunkDigests.length);
  }

  async putChunk(digest: string, index: number, bytes: Uint8Array): Promise<number> {
    const missingCount = await this.#db.transaction().execute(async (tx) => {
      const row = await hold(tx, digest);
      if (row.complete === 1) return 0;
      const chunkDigests = JSON.parse(row.chunk_digests) as string[];
      assertChunk({ digest, objectBytes: row.object_bytes, chunkDigests }, index, bytes);
      await tx
        .insertInto('object_chunk')
        .values({ digest, position: index, bytes })
        .onConflict((c) => c.columns(['digest', 'position']).doNothing())
        .execute();
      const { length } = await missing(tx, digest, chunkDigests.length);
      return length > 0 || (await complete(tx, digest)) ? length : null;
    });
    if (missingCount !== null) return missingCount;
    throw new FederationError('ERR_CHUNK_DIGEST', `object ${digest}: its chunks make another one`);
  }
}

const ROW = ['object_bytes', 'chunk_digests', 'complete'] as const;

/**
 * The object's row, held until the transaction ends: one writer at a time decides what the object is. An update that changes
 * nothing locks the row in both databases, which `for update` does not.
 */
async function hold(
  tx: Transaction<Tables>,
  digest: string,
): Promise<Pick<Selectable<Tables['object']>, (typeof ROW)[number]>> {
  const row = await tx
    .updateTable('object')
    .set((e) => ({ complete: e.ref('complete') }))
    .where('digest', '=', digest)
    .returning(ROW)
    .executeTakeFirst();
  if (row === undefined) throw notAnnounced();
  return row;
}

/** All chunks are there: the object is what it is called, or it goes. */
async function complete(tx: Transaction<Tables>, digest: string): Promise<boolean> {
  if (sha256Hex(await joined(tx, digest)) === digest) {
    await tx.updateTable('object').set({ complete: 1 }).where('digest', '=', digest).execute();
    return true;
  }
  await tx.deleteFrom('object_chunk').where('digest', '=', digest).execute();
  await tx.deleteFrom('object').where('digest', '=', digest).execute();
  return false;
}

async function joined(db: Kysely<Tables>, digest: string): Promise<Uint8Array> {
  const rows = await db
    .selectFrom('object_chunk')
    .select('bytes')
    .where('digest', '=', digest)
    .orderBy('position')
    .execute();
  return new Uint8Array(Buffer.concat(rows.map((row) => row.bytes)));
}

async function missing(db: Kysely<Tables>, digest: string, count: number): Promise<number[]> {
  const rows = await db
    .selectFrom('object_chunk')
    .select('position')
    .where('digest', '=', digest)
    .execute();
  const present = new Set(rows.map((row) => row.position));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !present.has(index));
}

function notAnnounced(): FederationError {
  return new FederationError('ERR_OBJECT_UNKNOWN', 'object: it was not announced');
}
