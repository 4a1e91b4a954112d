/**
 * The review as this hospital sees it: filled by committed blocks only, read by the analyst page and by the window store.
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  decodeQuarantineRecord,
  type Finding,
  type QuarantineRecord,
  type ReviewState,
} from '@bhschain/chaincode-hooks/events';
import { sql } from 'kysely';
import type { WindowLabels, WindowState } from '../access-log/window-labels.js';
import { PLACES_IN_BLOCK, type BlockConsumer } from '../fabric/block-checkpoint.js';
import type { Evidence } from '../http/answers.js';
import { engineOf, oneRow, rowOf, rowsOf, run, type NodeDatabase } from '../store/index.js';
import { blockIntake } from './block-intake.js';
import { ReviewError } from './errors.js';
import { createJudges, explainHold } from './evidence.js';
import { countStatement, pageStatement, type HoldFilter, type HoldQuery } from './hold-query.js';
import { peopleByActor } from './people.js';
import { precedentsOf, type Precedents } from './precedent.js';

/** One held (or flagged) call, as a row of the queue. */
export interface HoldSummary {
  /** Short and stable in this hospital: `H-12`, in the order of the ledger. */
  readonly id: string;
  readonly txId: string;
  readonly kind: 'quarantine' | 'review';
  readonly mspId: string;
  /** Stable pseudonym of the actor. */
  readonly actor: string;
  readonly actorId: string;
  readonly role: string;
  readonly ward: string;
  /** Without the contract's name. */
  readonly function: string;
  readonly cause: QuarantineRecord['cause'];
  /** Millionths; null if no detector judged. */
  readonly scoreMillionths: number | null;
  readonly topReason: string | null;
  readonly state: ReviewState;
  readonly version: number;
  readonly deadlineMs: number;
  readonly atMs: number;
  readonly filedMs: number;
  readonly holder: Reviewer | null;
  readonly proposer: Reviewer | null;
  readonly action: 'release' | 'reject' | null;
  readonly finding: Finding | null;
  /** The actor used her one appeal. */
  readonly appealed: boolean;
  /** In which it was filed. */
  readonly block: string;
  /** Of the detector and the table that judged; null if none did. */
  readonly detectorHash: string | null;
  readonly tableHash: string | null;
}

/** A person of this hospital by name, anybody else by a short form of her ledger id. */
export interface Reviewer {
  readonly actorId: string;
  readonly name: string;
}

export interface HoldStep {
  readonly version: number;
  readonly step: string;
  readonly by: Reviewer;
  readonly mspId: string;
  readonly atMs: number;
  readonly to: string;
  readonly txId: string;
  readonly block: string;
  /** If it was written in this hospital. */
  readonly reason: string | null;
}

export interface HoldDetail extends HoldSummary {
  readonly arguments: readonly string[];
  readonly reason: string | null;
  readonly reasonDigest: string | null;
  readonly grantable: boolean;
  readonly grant: Readonly<{ expiresMs: number; usedBy: string | null }> | null;
  readonly history: readonly HoldStep[];
  /** The actor's other holds, the latest first; single calls dismissed one by one can hide a chain. */
  readonly sameActor: readonly RelatedHold[];
  readonly precedents: Precedents;
  readonly evidence: Evidence | null;
  /** Why there is none. */
  readonly evidenceMissing: string | null;
  readonly proof: Readonly<{
    txId: string;
    block: string;
    blockHash: string;
    position: number;
    endorsers: readonly string[];
    modelVersion: number | null;
    modelHash: string | null;
    tableHash: string | null;
    ringDigest: string;
    /** The ring in the block hashes to the digest in the record. */
    ringAgrees: boolean | null;
    codeHash: string;
    callDigest: string;
  }>;
}

export interface RelatedHold {
  readonly id: string;
  readonly txId: string;
  readonly function: string;
  readonly scoreMillionths: number | null;
  readonly state: ReviewState;
  readonly atMs: number;
}

/** A step that was taken on a hold, as live pages hear of it. */
export interface HoldChange {
  readonly txId: string;
  readonly version: number;
  readonly state: ReviewState;
}

export interface ReviewCounts {
  readonly byState: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<'pending' | 'released' | 'confirmed', number>>;
  readonly grantsUsed: number;
}

export interface ReviewStore {
  /** Give it to the block follower. */
  readonly consumer: BlockConsumer;
  readonly database: NodeDatabase;
  list(query: HoldQuery): Promise<readonly (HoldSummary & { readonly number: number })[]>;
  /** How many the filter has, counted no further than `upTo`. */
  countUpTo(filter: HoldFilter & { readonly mspId: string }, upTo: number): Promise<number>;
  /** The newest block in which a hold was filed or moved on; -1 before the first. */
  newestBlock(): Promise<number>;
  /** Holds that moved on in a block after `block`, each as it is now. */
  changesSince(mspId: string, block: number, limit: number): Promise<readonly HoldChange[]>;
  /** @throws {ReviewError} `ERR_HOLD_UNKNOWN` */
  summary(txId: string): Promise<HoldSummary>;
  /** @throws {ReviewError} `ERR_HOLD_UNKNOWN` */
  detail(txId: string): Promise<HoldDetail>;
  /** In which a hold was filed. @throws {ReviewError} `ERR_HOLD_UNKNOWN` */
  blockOf(txId: string): Promise<string>;
  /** Of the held call among `guarded_call`; a report comes in a later block. @throws {ReviewError} `ERR_HOLD_UNKNOWN` */
  placeOfCall(txId: string): Promise<number>;
  /** Detector or table by the hash of its bytes, as the channel published it. */
  detectorBlob(hash: string): Promise<Uint8Array | null>;
  /** Keeps a reason in the hospital and gives the digest that goes on the ledger. */
  keepReason(text: string): Promise<string>;
  /** Keeps the reason of a step that carries none on the ledger, under the id of the step's transaction. */
  keepStepReason(stepTxId: string, text: string): Promise<void>;
  counts(mspId: string): Promise<ReviewCounts>;
  /** Strictest label of an actor's stretch of log, `[fromMs, toMs)`. */
  windowStateOf(ledgerActor: string, fromMs: number, toMs: number): Promise<WindowState>;
  /** For the window store, whose actors have names of their own; an actor without a ledger identity is `clear`. */
  windowLabels(names: { ledgerActorOf(handle: string): string | null }): WindowLabels;
}

interface HoldRow {
  tx_id: string;
  kind: 'quarantine' | 'review';
  number: number;
  msp_id: string;
  actor: string;
  role: string;
  ward: string;
  function: string;
  arguments: string;
  score: number | null;
  at_ms: number;
  record: string;
  block: number;
  position: number;
  block_hash: string;
  endorsers: string;
  model_hash: string | null;
  table_hash: string | null;
  ring: Uint8Array | null;
}

const GRANTABLE: readonly string[] = ['score', 'detector-unusable', 'grant-invalid'];

/** Shown beside a hold; a longer chain is a case for the whole queue. */
const RELATED_MAX = 12;

interface StepRow {
  version: number;
  tx_id: string;
  block: number;
  step: string;
  by_actor: string;
  msp_id: string;
  at_ms: number;
  to_state: string;
  /** Of the ledger's digest, or kept under the step's own transaction. */
  text: string | null;
}

export function openReviewStore(database: NodeDatabase): ReviewStore {
  return new Store(database);
}

class Store implements ReviewStore {
  readonly consumer: BlockConsumer = blockIntake;
  readonly database: NodeDatabase;
  readonly #judges = createJudges();

  constructor(database: NodeDatabase) {
    this.database = database;
  }

  async list(query: HoldQuery): Promise<readonly (HoldSummary & { readonly number: number })[]> {
    const rows = await rowsOf(
      this.database,
      pageStatement<HoldRow>(query, engineOf(this.database)),
    );
    const people = await peopleByActor(this.database);
    return rows.map((row) => ({ ...summaryOf(row, people), number: row.number }));
  }

  async countUpTo(filter: HoldFilter & { readonly mspId: string }, upTo: number): Promise<number> {
    const statement = countStatement(filter, upTo, engineOf(this.database));
    return (await oneRow(this.database, statement)).n;
  }

  async newestBlock(): Promise<number> {
    const row = await oneRow(
      this.database,
      sql<{ block: number | null }>`SELECT max(block) AS block FROM hold_step`,
    );
    return row.block ?? -1;
  }

  changesSince(mspId: string, block: number, limit: number): Promise<readonly HoldChange[]> {
    return rowsOf(
      this.database,
      sql<HoldChange>`SELECT tx_id AS "txId", version, state FROM hold WHERE msp_id = ${mspId}
        AND tx_id IN (SELECT hold FROM hold_step WHERE block > ${block} ORDER BY block LIMIT ${limit})`,
    );
  }

  async summary(txId: string): Promise<HoldSummary> {
    return summaryOf(await this.#row(txId), await peopleByActor(this.database));
  }

  async detail(txId: string): Promise<HoldDetail> {
    const row = await this.#row(txId);
    const people = await peopleByActor(this.database);
    const record = recordOf(row);
    const { evidence, missing } = await this.#evidence(row);
    const reasonDigest = record.proposal?.reasonDigest ?? null;
    return {
      ...summaryOf(row, people),
      arguments: JSON.parse(row.arguments) as string[],
      reasonDigest,
      reason: reasonDigest === null ? null : await this.#reason(reasonDigest),
      grantable: row.kind === 'quarantine' && GRANTABLE.includes(record.cause),
      grant: await this.#grant(txId),
      history: await this.#history(txId, people),
      sameActor: await this.#sameActor(row),
      precedents: await precedentsOf(this.database, {
        number: row.number,
        mspId: row.msp_id,
        role: row.role,
        record,
      }),
      evidence,
      evidenceMissing: missing,
      proof: {
        txId,
        block: String(row.block),
        blockHash: row.block_hash,
        position: row.position,
        endorsers: JSON.parse(row.endorsers) as string[],
        modelVersion: record.modelVersion,
        modelHash: row.model_hash,
        tableHash: row.table_hash,
        ringDigest: record.ringDigest,
        ringAgrees: evidence === null ? null : evidence.ringDigest === record.ringDigest,
        codeHash: record.codeHash,
        callDigest: record.digest,
      },
    };
  }

  async blockOf(txId: string): Promise<string> {
    return String((await this.#row(txId)).block);
  }

  async placeOfCall(txId: string): Promise<number> {
    const filed = await this.#row(txId);
    const call = await rowOf(
      this.database,
      sql<{ block: number; position: number }>`
        SELECT block, position FROM ledger_transaction WHERE tx_id = ${txId} AND code = 0`,
    );
    const { block, position } = call ?? filed;
    return block * PLACES_IN_BLOCK + position;
  }

  async detectorBlob(hash: string): Promise<Uint8Array | null> {
    const row = await rowOf(
      this.database,
      sql<{ bytes: Uint8Array }>`SELECT bytes FROM detector_blob WHERE hash = ${hash}`,
    );
    return row?.bytes ?? null;
  }

  async keepReason(text: string): Promise<string> {
    // A short sentence could be guessed from its bare hash, and the ledger is read by every member.
    const nonce = randomBytes(16).toString('hex');
    const digest = createHash('sha256').update(`${nonce}\u001f${text}`).digest('hex');
    await run(
      this.database,
      sql`INSERT INTO hold_reason (digest, nonce, text) VALUES (${digest}, ${nonce}, ${text})`,
    );
    return digest;
  }

  async keepStepReason(stepTxId: string, text: string): Promise<void> {
    await run(
      this.database,
      sql`INSERT INTO step_reason (step_tx, text) VALUES (${stepTxId}, ${text})
        ON CONFLICT (step_tx) DO UPDATE SET text = excluded.text`,
    );
  }

  async counts(mspId: string): Promise<ReviewCounts> {
    const states = await rowsOf(
      this.database,
      sql<{ state: string; n: number }>`
        SELECT state, count(*) AS n FROM hold WHERE msp_id = ${mspId} GROUP BY state`,
    );
    const labels = await rowsOf(
      this.database,
      sql<{ state: string; n: number }>`
        SELECT state, count(*) AS n FROM label WHERE msp_id = ${mspId} GROUP BY state`,
    );
    // From the few grants to their holds: as a join SQLite would begin with all holds.
    const used = await oneRow(
      this.database,
      sql<{ n: number }>`SELECT count(*) AS n FROM hold_grant
        WHERE used_by IS NOT NULL AND (SELECT msp_id FROM hold WHERE tx_id = hold_grant.hold) = ${mspId}`,
    );
    const labelled = Object.fromEntries(labels.map((row) => [row.state, row.n]));
    return {
      byState: Object.fromEntries(states.map((row) => [row.state, row.n])),
      labels: {
        pending: labelled['pending'] ?? 0,
        released: labelled['released'] ?? 0,
        confirmed: labelled['confirmed'] ?? 0,
      },
      grantsUsed: used.n,
    };
  }

  async windowStateOf(ledgerActor: string, fromMs: number, toMs: number): Promise<WindowState> {
    const rows = await rowsOf(
      this.database,
      sql<{ state: WindowState }>`SELECT DISTINCT state FROM label
        WHERE actor = ${ledgerActor} AND at_ms >= ${fromMs} AND at_ms < ${toMs}`,
    );
    const found = rows.map((row) => row.state);
    return (
      (['confirmed', 'pending', 'released'] as const).find((s) => found.includes(s)) ?? 'clear'
    );
  }

  windowLabels(names: { ledgerActorOf(handle: string): string | null }): WindowLabels {
    return {
      windowStateOf: async (actor, binStartMs, binEndMs) => {
        const ledgerActor = names.ledgerActorOf(actor);
        return ledgerActor === null
          ? 'clear'
          : this.windowStateOf(ledgerActor, binStartMs, binEndMs);
      },
    };
  }

  async #row(txId: string): Promise<HoldRow> {
    const row = await rowOf(this.database, sql<HoldRow>`SELECT * FROM hold WHERE tx_id = ${txId}`);
    if (row === undefined) {
      throw new ReviewError('ERR_HOLD_UNKNOWN', 'There is no hold with this transaction id.', {
        txId,
      });
    }
    return row;
  }

  async #evidence(row: HoldRow): Promise<{ evidence: Evidence | null; missing: string | null }> {
    const model = await this.#blob(row.model_hash);
    const table = await this.#blob(row.table_hash);
    try {
      const evidence = explainHold(
        {
          txId: row.tx_id,
          args: JSON.parse(row.arguments) as string[],
          score: row.score,
          ring: row.ring,
          model,
          table,
        },
        this.#judges,
      );
      return { evidence, missing: null };
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      return { evidence: null, missing: error.message };
    }
  }

  async #blob(hash: string | null): Promise<Uint8Array | null> {
    return hash === null ? null : this.detectorBlob(hash);
  }

  async #reason(digest: string): Promise<string | null> {
    const row = await rowOf(
      this.database,
      sql<{ text: string }>`SELECT text FROM hold_reason WHERE digest = ${digest}`,
    );
    return row?.text ?? null;
  }

  async #grant(txId: string): Promise<HoldDetail['grant']> {
    const row = await rowOf(
      this.database,
      sql<{ expires_ms: number; used_by: string | null }>`
        SELECT expires_ms, used_by FROM hold_grant WHERE hold = ${txId}`,
    );
    return row === undefined ? null : { expiresMs: row.expires_ms, usedBy: row.used_by };
  }

  async #sameActor({ actor, tx_id: txId }: HoldRow): Promise<readonly RelatedHold[]> {
    const rows = await rowsOf(
      this.database,
      sql<
        Pick<HoldRow, 'number' | 'tx_id' | 'function' | 'score'> & {
          readonly state: ReviewState;
          readonly at_ms: number;
        }
      >`SELECT number, tx_id, function, score, state, at_ms FROM hold
        WHERE actor = ${actor} AND tx_id <> ${txId} ORDER BY at_ms DESC, number DESC LIMIT ${RELATED_MAX}`,
    );
    return rows.map((row) => ({
      id: `H-${row.number}`,
      txId: row.tx_id,
      function: shortFunction(row.function),
      scoreMillionths: row.score,
      state: row.state,
      atMs: row.at_ms,
    }));
  }

  async #history(txId: string, people: ReadonlyMap<string, string>): Promise<readonly HoldStep[]> {
    const rows = await rowsOf(
      this.database,
      sql<StepRow>`SELECT s.version, s.tx_id, s.block, s.step, s.by_actor, s.msp_id, s.at_ms, s.to_state,
          CASE WHEN s.reason IS NULL THEN own.text ELSE kept.text END AS text
        FROM hold_step s
        LEFT JOIN hold_reason kept ON kept.digest = s.reason
        LEFT JOIN step_reason own ON own.step_tx = s.tx_id
        WHERE s.hold = ${txId} ORDER BY s.version`,
    );
    return rows.map((row) => ({
      version: row.version,
      step: row.step,
      by: reviewerOf(row.by_actor, people),
      mspId: row.msp_id,
      atMs: row.at_ms,
      to: row.to_state,
      txId: row.tx_id,
      block: String(row.block),
      reason: row.text,
    }));
  }
}

function recordOf(row: HoldRow): QuarantineRecord {
  return decodeQuarantineRecord(Buffer.from(row.record));
}

function summaryOf(row: HoldRow, people: ReadonlyMap<string, string>): HoldSummary {
  const record = recordOf(row);
  const { holder, proposal } = record;
  return {
    id: `H-${row.number}`,
    txId: row.tx_id,
    kind: row.kind,
    mspId: row.msp_id,
    actor: pseudonymOf(row.actor),
    actorId: row.actor,
    role: row.role,
    ward: row.ward,
    function: shortFunction(row.function),
    cause: record.cause,
    scoreMillionths: record.score,
    topReason: record.reasons[0]?.column ?? null,
    state: record.state,
    version: record.version,
    deadlineMs: record.deadlineMs,
    atMs: row.at_ms,
    filedMs: record.filedMs,
    holder: holder === null ? null : reviewerOf(holder, people),
    proposer: proposal === null ? null : reviewerOf(proposal.by, people),
    action: proposal?.action ?? null,
    finding: proposal?.finding ?? null,
    appealed: record.appealed,
    block: String(row.block),
    detectorHash: row.model_hash,
    tableHash: row.table_hash,
  };
}

/** The ledger's id of an actor says nothing about the person; its beginning is enough to recognise her on a screen. */
export function pseudonymOf(actor: string): string {
  return `P-${actor.slice(0, 6)}`;
}

/** `RecordAccessContract:export` → `export`. */
function shortFunction(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function reviewerOf(actorId: string, people: ReadonlyMap<string, string>): Reviewer {
  return { actorId, name: people.get(actorId) ?? pseudonymOf(actorId) };
}
