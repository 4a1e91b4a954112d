/**
 * What the orchestrator remembers. One implementation over Kysely serves the embedded SQLite and PostgreSQL; queries
 * use what both understand. Every transition of a round is one transaction: event, state, effects and whatever came
 * with it, or nothing. Design: federation §2.4.
 * @module
 */
import { canonicalJson, sha256Hex, type JsonValue } from '@bhschain/dp';
import { Kysely, type Dialect, type Selectable, type Transaction } from 'kysely';
import { StoreError } from '../errors.js';
import { FINAL_PHASES, type Effect, type Round, type RoundEvent } from '../round/round.js';
import { assertNotNewer, migrate, type Engine } from './migrations.js';
import type { Tables } from './schema.js';

/** A slot and the attempt within it; the store holds one federation. */
export interface RoundKey {
  readonly slotIndex: number;
  readonly attempt: number;
}

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

export interface StoredManifest {
  readonly key: RoundKey;
  readonly digest: string;
  readonly previous: string;
  readonly resultModel: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly signer: string;
}

/** An effect that is still to be done. */
export interface OpenEffect {
  readonly effectKey: string;
  readonly key: RoundKey;
  readonly kind: Effect['kind'];
  readonly tries: number;
}

export type ModelState = 'genesis' | 'sealed' | 'discarded';

export interface ModelRow {
  readonly digest: string;
  readonly sequence: number;
  readonly parent: string;
  readonly manifest: string;
  readonly state: ModelState;
}

export type PublicationState =
  'queued' | 'built' | 'discarded' | 'proposed' | 'active' | 'superseded' | 'refused';

export interface Publication {
  /** 0 is detector 0 at genesis. */
  readonly sequence: number;
  readonly key: RoundKey | null;
  readonly model: string;
  readonly manifest: string;
  readonly state: PublicationState;
  readonly version: number | null;
  /** Digests of the detector's and the table's bytes; empty until built. */
  readonly detector: string;
  readonly calibration: string;
  readonly reason: string;
  readonly tries: number;
  readonly dueAtMs: number;
  readonly proposedAtMs: number | null;
}

export interface NodeRow {
  readonly nodeId: string;
  readonly mspId: string;
  readonly state: string;
  readonly lastSeenMs: number;
  readonly clockOffsetMs: number;
  readonly ledgerHead: Readonly<{ seq: number; hash: string }> | null;
  readonly software: string;
  readonly kernelHash: string;
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

const ROUND_ZERO: RoundKey = { slotIndex: 0, attempt: 0 };

export async function openStore(
  o: Readonly<{ dialect: Dialect; engine: Engine; nowMs: number; readOnly?: boolean }>,
): Promise<FederationStore> {
  const database = new Kysely<Tables>({ dialect: o.dialect });
  try {
    if (o.readOnly === true) await assertNotNewer(database);
    else await migrate(database, o.engine, o.nowMs);
  } catch (cause) {
    await database.destroy();
    throw cause;
  }
  return new FederationStore(database);
}

export class FederationStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** Fails if the database does not answer. */
  async ping(): Promise<void> {
    await this.#db.selectFrom('federation').select('key').limit(1).execute();
  }

  async fact(key: string): Promise<string | null> {
    const row = await this.#db
      .selectFrom('federation')
      .select('value')
      .where('key', '=', key)
      .executeTakeFirst();
    return row?.value ?? null;
  }

  async setFact(key: string, value: string): Promise<void> {
    await this.#db
      .insertInto('federation')
      .values({ key, value })
      .onConflict((c) => c.column('key').doUpdateSet({ value }))
      .execute();
  }

  // Rounds

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
      if (cause instanceof LostRace || isUniqueViolation(cause)) return false;
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

  async round(key: RoundKey): Promise<StoredRound | null> {
    const row = await this.#db
      .selectFrom('round')
      .select(['state', 'version'])
      .where('slot', '=', key.slotIndex)
      .where('attempt', '=', key.attempt)
      .executeTakeFirst();
    return row === undefined ? null : storedRound(row);
  }

  /** The round that is not over, if there is one. */
  async openRound(): Promise<StoredRound | null> {
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
  async rounds(o: Readonly<{ limit: number }>): Promise<readonly StoredRound[]> {
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

  async countRounds(phase: Round['phase']): Promise<number> {
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
    return rows
      .map(submissionOf)
      .sort((a, b) => Buffer.compare(Buffer.from(a.nodeId), Buffer.from(b.nodeId)));
  }

  // Outbox

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

  // Manifests and models

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
    }));
  }

  async discardModel(manifest: string, reason: string): Promise<void> {
    await this.#db
      .updateTable('model')
      .set({ state: 'discarded', reason })
      .where('manifest', '=', manifest)
      .where('state', '=', 'sealed')
      .execute();
  }

  /** Whether members of the federation may read this object: a model, a manifest, or an update that counted. */
  async isPublicObject(digest: string): Promise<boolean> {
    const model = await this.#db
      .selectFrom('model')
      .select('digest')
      .where('digest', '=', digest)
      .limit(1)
      .executeTakeFirst();
    if (model !== undefined) return true;
    const manifest = await this.#db
      .selectFrom('manifest')
      .select('digest')
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (manifest !== undefined) return true;
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

  // Publications

  /** Oldest first. */
  async publications(
    o: Readonly<{ states?: readonly PublicationState[] }> = {},
  ): Promise<readonly Publication[]> {
    let query = this.#db.selectFrom('publication').selectAll().orderBy('sequence');
    if (o.states !== undefined) query = query.where('state', 'in', [...o.states]);
    return (await query.execute()).map(publicationOf);
  }

  async updatePublication(
    sequence: number,
    change: Readonly<
      Partial<
        Pick<
          Publication,
          | 'state'
          | 'version'
          | 'detector'
          | 'calibration'
          | 'reason'
          | 'tries'
          | 'dueAtMs'
          | 'proposedAtMs'
        >
      >
    >,
  ): Promise<void> {
    const { dueAtMs, proposedAtMs, ...same } = change;
    await this.#db
      .updateTable('publication')
      .set({
        ...same,
        ...(dueAtMs === undefined ? {} : { due_at_ms: dueAtMs }),
        ...(proposedAtMs === undefined ? {} : { proposed_at_ms: proposedAtMs }),
      })
      .where('sequence', '=', sequence)
      .execute();
  }

  /** The newest one is active; what was active before is not any more. */
  async activatePublication(sequence: number): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .updateTable('publication')
        .set({ state: 'superseded' })
        .where('state', '=', 'active')
        .execute();
      await tx
        .updateTable('publication')
        .set({ state: 'active', reason: '' })
        .where('sequence', '=', sequence)
        .execute();
    });
  }

  // Nodes

  /** The roster of the configuration; rows of nodes that left stay for the record. */
  async ensureNode(nodeId: string, mspId: string): Promise<void> {
    await this.#db
      .insertInto('node')
      .values({
        node_id: nodeId,
        msp_id: mspId,
        state: 'active',
        last_seen_ms: 0,
        clock_offset_ms: 0,
        ledger_seq: -1,
        ledger_hash: '',
        software: '',
        kernel_hash: '',
      })
      .onConflict((c) => c.column('node_id').doUpdateSet({ msp_id: mspId }))
      .execute();
  }

  async nodes(): Promise<readonly NodeRow[]> {
    const rows = await this.#db.selectFrom('node').selectAll().orderBy('node_id').execute();
    return rows.map(nodeOf);
  }

  async node(nodeId: string): Promise<NodeRow | null> {
    const row = await this.#db
      .selectFrom('node')
      .selectAll()
      .where('node_id', '=', nodeId)
      .executeTakeFirst();
    return row === undefined ? null : nodeOf(row);
  }

  async setNodeState(nodeId: string, state: 'active' | 'paused' | 'revoked'): Promise<void> {
    await this.#db.updateTable('node').set({ state }).where('node_id', '=', nodeId).execute();
  }

  async greetNode(
    nodeId: string,
    o: Readonly<{ atMs: number; clockOffsetMs: number; software: string; kernelHash: string }>,
  ): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({
        last_seen_ms: o.atMs,
        clock_offset_ms: Math.round(o.clockOffsetMs),
        software: o.software,
        kernel_hash: o.kernelHash,
      })
      .where('node_id', '=', nodeId)
      .execute();
  }

  async touchNode(nodeId: string, atMs: number): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({ last_seen_ms: atMs })
      .where('node_id', '=', nodeId)
      .execute();
  }

  /** Remembers the highest privacy-ledger head that a node has shown. */
  async raiseLedgerHead(
    nodeId: string,
    head: Readonly<{ seq: number; hash: string }>,
  ): Promise<void> {
    await this.#db
      .updateTable('node')
      .set({ ledger_seq: head.seq, ledger_hash: head.hash })
      .where('node_id', '=', nodeId)
      .where('ledger_seq', '<', head.seq)
      .execute();
  }

  // Revocation

  async revoke(
    o: Readonly<{ serial: string; nodeId: string; atMs: number; reason: string }>,
  ): Promise<number> {
    return this.#db.transaction().execute(async (tx) => {
      const found = await tx
        .selectFrom('revocation')
        .select('epoch')
        .where('serial', '=', o.serial)
        .executeTakeFirst();
      if (found !== undefined) return found.epoch;
      const last = await tx
        .selectFrom('revocation')
        .select((e) => e.fn.max<number | null>('epoch').as('epoch'))
        .executeTakeFirst();
      const epoch = (last?.epoch ?? 0) + 1;
      await tx
        .insertInto('revocation')
        .values({ epoch, serial: o.serial, node_id: o.nodeId, at_ms: o.atMs, reason: o.reason })
        .execute();
      return epoch;
    });
  }

  /** In order of their epochs. */
  async revocations(): Promise<
    readonly Readonly<{
      epoch: number;
      serial: string;
      nodeId: string;
      atMs: number;
      reason: string;
    }>[]
  > {
    const rows = await this.#db.selectFrom('revocation').selectAll().orderBy('epoch').execute();
    return rows.map((row) => ({
      epoch: row.epoch,
      serial: row.serial,
      nodeId: row.node_id,
      atMs: row.at_ms,
      reason: row.reason,
    }));
  }

  // Audit

  /** Appends to the hash chain: each record names the one before. */
  async audit(
    kind: string,
    atMs: number,
    facts: Readonly<Record<string, JsonValue>>,
  ): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
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
    });
  }

  /**
   * Walks the audit chain.
   * @throws {StoreError} `ERR_AUDIT_CHAIN` with the first record that does not follow
   */
  async verifyAudit(): Promise<number> {
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

  /** For object rows, which share the database. */
  get database(): Kysely<Tables> {
    return this.#db;
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }
}

class LostRace extends Error {
  override readonly name = 'LostRace';
}

const NEW_PUBLICATION = {
  state: 'queued',
  version: null,
  detector: '',
  calibration: '',
  reason: '',
  tries: 0,
  due_at_ms: 0,
  proposed_at_ms: null,
} as const;

/** SQLite says it in words, PostgreSQL by SQLSTATE 23505. */
function isUniqueViolation(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as Error & { code?: unknown };
  return code === '23505' || cause.message.includes('UNIQUE constraint failed');
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

async function insertManifest(tx: Transaction<Tables>, manifest: StoredManifest): Promise<void> {
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
async function recordSealed(tx: Transaction<Tables>, round: Round, atMs: number): Promise<void> {
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

function publicationOf(row: Selectable<Tables['publication']>): Publication {
  return {
    sequence: row.sequence,
    key: row.attempt === 0 ? null : { slotIndex: row.slot, attempt: row.attempt },
    model: row.model,
    manifest: row.manifest,
    state: row.state as PublicationState,
    version: row.version,
    detector: row.detector,
    calibration: row.calibration,
    reason: row.reason,
    tries: row.tries,
    dueAtMs: row.due_at_ms,
    proposedAtMs: row.proposed_at_ms,
  };
}

function nodeOf(row: Selectable<Tables['node']>): NodeRow {
  return {
    nodeId: row.node_id,
    mspId: row.msp_id,
    state: row.state,
    lastSeenMs: row.last_seen_ms,
    clockOffsetMs: row.clock_offset_ms,
    ledgerHead: row.ledger_seq < 0 ? null : { seq: row.ledger_seq, hash: row.ledger_hash },
    software: row.software,
    kernelHash: row.kernel_hash,
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
