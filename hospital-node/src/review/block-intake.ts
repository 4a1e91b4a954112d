/**
 * From committed blocks to the tables of the review, inside the block's own transaction. Only valid transactions count,
 * and everything is taken from their write sets: an event could be dropped, a write cannot.
 *
 * | key written                 | effect                                                                       |
 * |-----------------------------|------------------------------------------------------------------------------|
 * | `q~<txid>`, `rev~<txid>`    | hold filed or moved on; one history step; label of the actor's stretch        |
 * | `grant~…` written, deleted  | the right to resubmit, and by which transaction it was used                   |
 * | `det~blob~<sha256>`         | kept, if it hashes to its name                                                |
 * | `det~active`                | which calibration table belongs to which model                                |
 *
 * @module
 */
import { createHash } from 'node:crypto';
import {
  certificateFacts,
  decodeQuarantineRecord,
  type DecodedTransaction,
  type LedgerWrite,
  type QuarantineRecord,
} from '@bhschain/chaincode-hooks/events';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { BlockConsumer, FollowedBlock } from '../fabric/block-checkpoint.js';

export const blockIntake: BlockConsumer = {
  apply(block, database) {
    for (const transaction of block.transactions) {
      if (transaction.code !== 0) continue;
      for (const write of transaction.writes) take(database, { block, transaction, write });
    }
  },
};

interface Place {
  readonly block: FollowedBlock;
  readonly transaction: DecodedTransaction;
  readonly write: LedgerWrite;
}

function take(database: DatabaseSyncInstance, place: Place): void {
  const [kind, second = '', third = ''] = place.write.key;
  if (kind === 'q' || kind === 'rev') takeRecord(database, place, kind);
  else if (kind === 'grant') takeGrant(database, place, { actor: second, hold: third });
  else if (kind === 'det' && second === 'blob') takeBlob(database, place.write, third);
  else if (kind === 'det' && second === 'active') takePointer(database, place);
}

/** Steps whose last argument is the digest of a reason. */
const REASONED: ReadonlySet<string> = new Set(['propose', 'return']);

function takeRecord(database: DatabaseSyncInstance, place: Place, kind: 'q' | 'rev'): void {
  const record = decodeQuarantineRecord(place.write.value);
  const known: unknown = database.prepare('SELECT 1 FROM hold WHERE tx_id = ?').get(record.txId);
  if (known === undefined) file(database, place, record, kind === 'q' ? 'quarantine' : 'review');
  else {
    database
      .prepare(
        `UPDATE hold SET state = ?, version = ?, deadline_ms = ?, holder = ?, proposer = ?, record = ?
         WHERE tx_id = ?`,
      )
      .run(
        record.state,
        record.version,
        record.deadlineMs,
        record.holder,
        record.proposal?.by ?? null,
        text(place.write.value),
        record.txId,
      );
  }
  const step = record.history.at(-1);
  if (step !== undefined) {
    database
      .prepare(
        `INSERT INTO hold_step (hold, version, tx_id, block, step, by_actor, msp_id, at_ms, to_state, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        record.txId,
        record.version,
        place.transaction.txId,
        place.block.number,
        step.step,
        step.by,
        step.mspId,
        step.atMs,
        step.to,
        REASONED.has(step.step) ? (place.transaction.args.at(-1) ?? null) : null,
      );
  }
  label(database, record);
}

function file(
  database: DatabaseSyncInstance,
  place: Place,
  record: QuarantineRecord,
  kind: 'quarantine' | 'review',
): void {
  const { block, transaction } = place;
  const attributes = attributesOf(transaction);
  const ring = transaction.writes.find(
    ({ key }) => key[0] === 'ctx' && key[1] === record.actor && key[2] === record.session,
  );
  const pointer = database
    .prepare('SELECT table_hash FROM detector_pointer WHERE model_hash = ?')
    .get(record.modelHash) as { table_hash: string } | undefined;
  database
    .prepare(
      `INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, score, state,
         version, deadline_ms, at_ms, filed_ms, holder, proposer, model_version, model_hash, table_hash, record,
         block, position, block_hash, endorsers, ring)
       VALUES (?, ?, (SELECT coalesce(max(number), 0) + 1 FROM hold), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      record.txId,
      kind,
      record.mspId,
      record.actor,
      attributes['role'] ?? 'unknown',
      attributes['ward'] ?? '',
      record.function,
      JSON.stringify(transaction.args),
      record.cause,
      record.score,
      record.state,
      record.version,
      record.deadlineMs,
      record.atMs,
      record.filedMs,
      record.holder,
      record.proposal?.by ?? null,
      record.modelVersion,
      record.modelHash,
      pointer?.table_hash ?? null,
      text(place.write.value),
      block.number,
      transaction.index,
      block.hash,
      JSON.stringify([...new Set(transaction.endorsers)].sort()),
      ring === undefined ? null : ring.value,
    );
}

/**
 * What the decision says about the stretch of log around the access. `undetermined` stays `pending`, released or not: two
 * people said that they do not know, and only what is known to be normal trains.
 */
function label(database: DatabaseSyncInstance, record: QuarantineRecord): void {
  const finding = record.proposal?.finding ?? 'undetermined';
  const decided = ['released', 'rejected', 'closed'].includes(record.state);
  const harmful = finding === 'attack' || finding === 'policy-breach';
  const open = !decided || finding === 'undetermined';
  const state = open ? 'pending' : harmful ? 'confirmed' : 'released';
  database
    .prepare(
      `INSERT INTO label (hold, msp_id, actor, at_ms, state, finding) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (hold) DO UPDATE SET state = excluded.state, finding = excluded.finding`,
    )
    .run(
      record.txId,
      record.mspId,
      record.actor,
      record.atMs,
      state,
      open ? 'undetermined' : finding,
    );
}

function takeGrant(
  database: DatabaseSyncInstance,
  place: Place,
  grant: Readonly<{ actor: string; hold: string }>,
): void {
  if (place.write.isDelete) {
    database
      .prepare('UPDATE hold_grant SET used_by = ? WHERE hold = ? AND used_by IS NULL')
      .run(place.transaction.txId, grant.hold);
    return;
  }
  const value = JSON.parse(text(place.write.value)) as { digest: string; expires: number };
  database
    .prepare(
      `INSERT INTO hold_grant (hold, actor, digest, expires_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (hold) DO UPDATE SET expires_ms = excluded.expires_ms, used_by = NULL`,
    )
    .run(grant.hold, grant.actor, value.digest, value.expires);
}

function takeBlob(database: DatabaseSyncInstance, write: LedgerWrite, hash: string): void {
  if (createHash('sha256').update(write.value).digest('hex') !== hash) return;
  database
    .prepare('INSERT OR IGNORE INTO detector_blob (hash, bytes) VALUES (?, ?)')
    .run(hash, write.value);
}

function takePointer(database: DatabaseSyncInstance, place: Place): void {
  const pointer = JSON.parse(text(place.write.value)) as {
    version: number;
    modelHash: string;
    tableHash: string;
  };
  database
    .prepare(
      `INSERT OR REPLACE INTO detector_pointer (model_hash, version, table_hash, block) VALUES (?, ?, ?, ?)`,
    )
    .run(pointer.modelHash, pointer.version, pointer.tableHash, place.block.number);
}

/** What the certificate says of its holder; nothing if it cannot be read. */
export function attributesOf(transaction: DecodedTransaction): Readonly<Record<string, string>> {
  try {
    return certificateFacts(transaction.creator.certificatePem).attributes;
  } catch {
    return {};
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
