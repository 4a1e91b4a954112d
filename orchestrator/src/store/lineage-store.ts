/**
 * Signed manifests and the models that they made, from genesis on.
 * @module
 */
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { Round } from '../round/round.js';
import { NEW_PUBLICATION } from './publication-store.js';
import type { RoundKey } from './round-key.js';
import type { Tables } from './schema.js';

export interface StoredManifest {
  readonly key: RoundKey;
  readonly digest: string;
  readonly previous: string;
  readonly resultModel: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly signer: string;
}

/** Discarded is for good; rolled back is until hospitals vote for the detector again. */
export type ModelState = 'genesis' | 'sealed' | 'rolled-back' | 'discarded';

export interface ModelRow {
  readonly digest: string;
  readonly sequence: number;
  readonly parent: string;
  readonly manifest: string;
  readonly state: ModelState;
  /** What the server optimiser goes on from, if the next round starts here; empty for nothing. */
  readonly optimiserState: string;
}

const ROUND_ZERO: RoundKey = { slotIndex: 0, attempt: 0 };

export class LineageStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  async manifest(key: RoundKey): Promise<StoredManifest | null> {
    const row = await this.#db
      .selectFrom('manifest')
      .selectAll()
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .executeTakeFirst();
    return row === undefined ? null : manifestOf(row);
  }

  /** Sealed rounds after a slot, oldest first. */
  async manifestsAfter(slotIndex: number, limit: number): Promise<readonly StoredManifest[]> {
    const rows = await this.#db
      .selectFrom('manifest')
      .selectAll()
      .where('slot', '>', slotIndex)
      .orderBy('slot')
      .limit(limit)
      .execute();
    return rows.map(manifestOf);
  }

  async newestManifest(): Promise<StoredManifest | null> {
    const row = await this.#db
      .selectFrom('manifest')
      .selectAll()
      .orderBy('slot', 'desc')
      .orderBy('attempt', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : manifestOf(row);
  }

  /** Puts the model that everything starts from on record, once. */
  async recordGenesis(digest: string): Promise<void> {
    await this.#db
      .insertInto('model')
      .values({
        digest,
        sequence: 0,
        parent: '',
        slot: ROUND_ZERO.slotIndex,
        attempt: ROUND_ZERO.attempt,
        manifest: '',
        state: 'genesis',
        reason: '',
        optimiser_state: '',
      })
      .onConflict((c) => c.column('sequence').doNothing())
      .execute();
    await this.#db
      .insertInto('publication')
      .values({ ...NEW_PUBLICATION, sequence: 0, slot: 0, attempt: 0, model: digest, manifest: '' })
      .onConflict((c) => c.column('sequence').doNothing())
      .execute();
  }

  /** All models, oldest first. */
  async models(): Promise<readonly ModelRow[]> {
    const rows = await this.#db.selectFrom('model').selectAll().orderBy('sequence').execute();
    return rows.map((row) => ({
      digest: row.digest,
      sequence: row.sequence,
      parent: row.parent,
      manifest: row.manifest,
      state: row.state as ModelState,
      optimiserState: row.optimiser_state,
    }));
  }

  async discardModel(manifest: string, reason: string): Promise<void> {
    await this.#db
      .updateTable('model')
      .set({ state: 'discarded', reason })
      .where('manifest', '=', manifest)
      .where('state', 'in', ['sealed', 'rolled-back'])
      .execute();
  }

  /** After a roll-back: models to be avoided and models that are good again, by their manifests. Repeating it is harmless. */
  async rollBack(
    o: Readonly<{ avoided: readonly string[]; restored: readonly string[] }>,
  ): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      for (const [manifests, from, state] of [
        [o.avoided, 'sealed', 'rolled-back'],
        [o.restored, 'rolled-back', 'sealed'],
      ] as const) {
        if (manifests.length === 0) continue;
        await tx
          .updateTable('model')
          .set({ state })
          .where('manifest', 'in', [...manifests])
          .where('state', '=', from)
          .execute();
      }
    });
  }

  /** Whether members of the federation may read this object: a model or what its optimiser goes on from, a
   * manifest, or an update that counted. */
  async isPublicObject(digest: string): Promise<boolean> {
    const model = await this.#db
      .selectFrom('model')
      .select('digest')
      .where((e) => e.or([e('digest', '=', digest), e('optimiser_state', '=', digest)]))
      .limit(1)
      .executeTakeFirst();
    if (model !== undefined) return true;
    const manifest = await this.#db
      .selectFrom('manifest')
      .select('digest')
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (manifest !== undefined) return true;
    if (await this.#isPlanOfSealedRound(digest)) return true;
    const rows = await this.#db
      .selectFrom('submission')
      .innerJoin('round', (join) =>
        join
          .onRef('round.slot', '=', 'submission.slot')
          .onRef('round.attempt', '=', 'submission.attempt'),
      )
      .select(['submission.node_id as node', 'round.state as state'])
      .where('submission.update_digest', '=', digest)
      .where('round.phase', '=', 'sealed')
      .execute();
    return rows.some((row) => {
      const round = JSON.parse(row.state) as Round;
      return round.members[row.node]?.state === 'accepted';
    });
  }

  /** A round can be checked with its own plan, also when the federation has another one by now. */
  async #isPlanOfSealedRound(digest: string): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(digest)) return false;
    const row = await this.#db
      .selectFrom('round')
      .select('slot')
      .where('phase', '=', 'sealed')
      .where('state', 'like', `%"planHash":"${digest}"%`)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}

export async function insertManifest(
  tx: Transaction<Tables>,
  manifest: StoredManifest,
): Promise<void> {
  await tx
    .insertInto('manifest')
    .values({
      slot: manifest.key.slotIndex,
      attempt: manifest.key.attempt,
      digest: manifest.digest,
      previous: manifest.previous,
      result_model: manifest.resultModel,
      bytes: manifest.bytes,
      signature: manifest.signature,
      signer: manifest.signer,
    })
    .execute();
}

/** Sealed: the model joins the lineage and waits for publication, in the transaction that seals. */
export async function recordSealed(
  tx: Transaction<Tables>,
  round: Round,
  atMs: number,
): Promise<void> {
  const last = await tx
    .selectFrom('model')
    .select((e) => e.fn.max<number | null>('sequence').as('sequence'))
    .executeTakeFirst();
  const sequence = (last?.sequence ?? 0) + 1;
  const key = { slot: round.id.slotIndex, attempt: round.id.attempt };
  await tx
    .insertInto('model')
    .values({
      digest: round.resultModel,
      sequence,
      parent: round.baseModel,
      ...key,
      manifest: round.manifest,
      state: 'sealed',
      reason: '',
      optimiser_state: round.resultOptimiserState,
    })
    .execute();
  await tx
    .insertInto('publication')
    .values({
      ...NEW_PUBLICATION,
      sequence,
      ...key,
      model: round.resultModel,
      manifest: round.manifest,
      due_at_ms: atMs,
    })
    .execute();
}

function manifestOf(row: Selectable<Tables['manifest']>): StoredManifest {
  return {
    key: { slotIndex: row.slot, attempt: row.attempt },
    digest: row.digest,
    previous: row.previous,
    resultModel: row.result_model,
    bytes: new Uint8Array(row.bytes),
    signature: new Uint8Array(row.signature),
    signer: row.signer,
  };
}
