/**
 * Rounds, their events, submissions and outstanding effects. Every transition of a round is one transaction: event,
 * state, effects and whatever came with it, or nothing. Design: federation §2.4.
 * @module
 */
import { canonicalJson, type JsonValue } from '@bhschain/dp';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { compareNodeIds } from '../protocol/identifiers.js';
import { FINAL_PHASES, type Effect, type Round, type RoundEvent } from '../round/round.js';
import { isConflict } from './conflict.js';
import { insertManifest, recordSealed, type StoredManifest } from './lineage-store.js';
import type { RoundKey } from './round-key.js';
import type { Tables } from './schema.js';

/** A round with the version that the next transition must name. */
export interface StoredRound {
  readonly round: Round;
  readonly version: number;
}

export interface Submission {
  readonly nodeId: string;
  readonly update: string;
  readonly envelopeDigest: string;
  readonly envelope: Uint8Array;
  readonly signature: Uint8Array;
  /** DER of the node certificate. */
  readonly certificate: Uint8Array;
  readonly receipt: Uint8Array;
  readonly receiptSignature: Uint8Array;
  readonly receiptSigner: string;
  readonly atMs: number;
}

/** An effect that is still to be done. */
export interface OpenEffect {
  readonly effectKey: string;
  readonly key: RoundKey;
  readonly kind: Effect['kind'];
  readonly tries: number;
}

/** A stored step of a round and everything that belongs to it. */
export interface StoredTransition {
  /** Null for the first state of a round. */
  readonly expectedVersion: number | null;
  readonly round: Round;
  readonly event: RoundEvent | Readonly<{ kind: 'slot-due'; atMs: number }>;
  readonly effects: readonly Effect[];
  /** The effect whose result this event is. */
  readonly completes?: string;
  readonly submission?: Submission;
  readonly manifest?: StoredManifest;
}

export class RoundStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /**
   * Stores one transition. Returns false if another one came first: reload and step again.
   * An effect key is unique, so an effect is never enqueued twice.
   */
  async commit(transition: StoredTransition): Promise<boolean> {
    const { round, event, expectedVersion } = transition;
    const key = { slot: round.id.slotIndex, attempt: round.id.attempt };
    const version = expectedVersion === null ? 0 : expectedVersion + 1;
    const columns = {
      phase: round.phase,
      version,
      state: canonicalJson(round as unknown as JsonValue),
      manifest: round.manifest,
      result_model: round.resultModel,
    };
    try {
      await this.#db.transaction().execute(async (tx) => {
        if (expectedVersion === null) {
          await tx
            .insertInto('round')
            .values({ ...key, ...columns })
            .execute();
        } else {
          const { numUpdatedRows } = await tx
            .updateTable('round')
            .set(columns)
            .where('slot', '=', key.slot)
            .where('attempt', '=', key.attempt)
            .where('version', '=', expectedVersion)
            .executeTakeFirst();
          if (numUpdatedRows !== 1n) throw new LostRace();
        }
        await tx
          .insertInto('round_event')
          .values({
            ...key,
            version,
            kind: event.kind,
            event: canonicalJson(event as unknown as JsonValue),
            at_ms: event.atMs,
          })
          .execute();
        for (const effect of transition.effects) {
          await this.#enqueue(tx, key, version, effect, event.atMs);
        }
        if (transition.completes !== undefined) {
          await tx
            .updateTable('outbox')
            .set({ done: 1, error: '' })
            .where('effect_key', '=', transition.completes)
            .execute();
        }
        if (transition.submission !== undefined) {
          await insertSubmission(tx, key, transition.submission);
        }
        if (transition.manifest !== undefined) await insertManifest(tx, transition.manifest);
        if (round.phase === 'sealed') await recordSealed(tx, round, event.atMs);
      });
      return true;
    } catch (cause) {
      if (cause instanceof LostRace || isConflict(cause)) return false;
      throw cause;
    }
  }

  async #enqueue(
    tx: Transaction<Tables>,
    key: { slot: number; attempt: number },
    version: number,
    effect: Effect,
    atMs: number,
  ): Promise<void> {
    // Alerts go to the log at once; a publication has its own table, filled in the same transaction.
    if (effect.kind === 'alert' || effect.kind === 'enqueue-publication') return;
    await tx
      .insertInto('outbox')
      .values({
        effect_key: `${key.slot}.${key.attempt}/${version}/${effect.kind}`,
        ...key,
        kind: effect.kind,
        done: 0,
        tries: 0,
        due_at_ms: atMs,
        error: '',
      })
      .execute();
  }

  async find(key: RoundKey): Promise<StoredRound | null> {
    const row = await this.#db
      .selectFrom('round')
      .select(['state', 'version'])
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .executeTakeFirst();
    return row === undefined ? null : storedRound(row);
  }

  /** The round that is not over, if there is one. */
  async findOpen(): Promise<StoredRound | null> {
    const row = await this.#db
      .selectFrom('round')
      .select(['state', 'version'])
      .where('phase', 'not in', [...FINAL_PHASES])
      .orderBy('slot')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : storedRound(row);
  }

  /** Newest first. */
  async newest(o: Readonly<{ limit: number }>): Promise<readonly StoredRound[]> {
    const rows = await this.#db
      .selectFrom('round')
      .select(['state', 'version'])
      .orderBy('slot', 'desc')
      .orderBy('attempt', 'desc')
      .limit(o.limit)
      .execute();
    return rows.map(storedRound);
  }

  async newestSlot(): Promise<number | null> {
    const row = await this.#db
      .selectFrom('round')
      .select((e) => e.fn.max<number | null>('slot').as('slot'))
      .executeTakeFirst();
    return row?.slot ?? null;
  }

  async count(phase: Round['phase']): Promise<number> {
    const row = await this.#db
      .selectFrom('round')
      .select((e) => e.fn.countAll().as('count'))
      .where('phase', '=', phase)
      .executeTakeFirstOrThrow();
    return Number(row.count);
  }

  async events(key: RoundKey): Promise<readonly RoundEvent[]> {
    const rows = await this.#db
      .selectFrom('round_event')
      .select('event')
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .orderBy('version')
      .execute();
    return rows.map((row) => JSON.parse(row.event) as RoundEvent);
  }

  async submission(key: RoundKey, nodeId: string): Promise<Submission | null> {
    const row = await this.#db
      .selectFrom('submission')
      .selectAll()
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .where('node_id', '=', nodeId)
      .executeTakeFirst();
    return row === undefined ? null : submissionOf(row);
  }

  /** In node order. */
  async submissions(key: RoundKey): Promise<readonly Submission[]> {
    const rows = await this.#db
      .selectFrom('submission')
      .selectAll()
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .execute();
    return rows.map(submissionOf).sort((a, b) => compareNodeIds(a.nodeId, b.nodeId));
  }

  /** Effects that are due, oldest round first. */
  async dueEffects(nowMs: number): Promise<readonly OpenEffect[]> {
    const rows = await this.#db
      .selectFrom('outbox')
      .select(['effect_key', 'slot', 'attempt', 'kind', 'tries'])
      .where('done', '=', 0)
      .where('due_at_ms', '<=', nowMs)
      .orderBy('slot')
      .orderBy('effect_key')
      .execute();
    return rows.map((row) => ({
      effectKey: row.effect_key,
      key: { slotIndex: row.slot, attempt: row.attempt },
      kind: row.kind as Effect['kind'],
      tries: row.tries,
    }));
  }

  async nextEffectAtMs(): Promise<number | null> {
    const row = await this.#db
      .selectFrom('outbox')
      .select((e) => e.fn.min<number | null>('due_at_ms').as('at'))
      .where('done', '=', 0)
      .executeTakeFirst();
    return row?.at ?? null;
  }

  async postponeEffect(effectKey: string, dueAtMs: number, error: string): Promise<void> {
    await this.#db
      .updateTable('outbox')
      .set((e) => ({ tries: e('tries', '+', 1), due_at_ms: dueAtMs, error }))
      .where('effect_key', '=', effectKey)
      .execute();
  }

  async completeEffect(effectKey: string): Promise<void> {
    await this.#db
      .updateTable('outbox')
      .set({ done: 1 })
      .where('effect_key', '=', effectKey)
      .execute();
  }
}

class LostRace extends Error {
  override readonly name = 'LostRace';
}

async function insertSubmission(
  tx: Transaction<Tables>,
  key: { slot: number; attempt: number },
  submission: Submission,
): Promise<void> {
  await tx
    .insertInto('submission')
    .values({
      ...key,
      node_id: submission.nodeId,
      update_digest: submission.update,
      envelope_digest: submission.envelopeDigest,
      envelope: submission.envelope,
      signature: submission.signature,
      certificate: submission.certificate,
      receipt: submission.receipt,
      receipt_signature: submission.receiptSignature,
      receipt_signer: submission.receiptSigner,
      at_ms: submission.atMs,
    })
    .execute();
}

function storedRound(row: { state: string; version: number }): StoredRound {
  return { round: JSON.parse(row.state) as Round, version: row.version };
}

function submissionOf(row: Selectable<Tables['submission']>): Submission {
  return {
    nodeId: row.node_id,
    update: row.update_digest,
    envelopeDigest: row.envelope_digest,
    envelope: new Uint8Array(row.envelope),
    signature: new Uint8Array(row.signature),
    certificate: new Uint8Array(row.certificate),
    receipt: new Uint8Array(row.receipt),
    receiptSignature: new Uint8Array(row.receipt_signature),
    receiptSigner: row.receipt_signer,
    atMs: row.at_ms,
  };
}
