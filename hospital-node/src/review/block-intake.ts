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
import { sql } from 'kysely';
import {
  PLACES_IN_BLOCK,
  storable,
  type BlockConsumer,
  type FollowedBlock,
} from '../fabric/block-checkpoint.js';
import { oneRow, rowOf, run, type NodeDatabase } from '../store/index.js';
import { keepWords } from './hold-search.js';

export const blockIntake: BlockConsumer = {
  async apply(block, database) {
    for (const transaction of block.transactions) {
      if (transaction.code !== 0) continue;
      for (const write of transaction.writes) await take(database, { block, transaction, write });
    }
  },
};

interface Place {
  readonly block: FollowedBlock;
  readonly transaction: DecodedTransaction;
  readonly write: LedgerWrite;
}

async function take(database: NodeDatabase, place: Place): Promise<void> {
  const [kind, second = '', third = ''] = place.write.key;
  if (kind === 'q' || kind === 'rev') await takeRecord(database, place, kind);
  else if (kind === 'grant') await takeGrant(database, place, { actor: second, hold: third });
  else if (kind === 'det' && second === 'blob') await takeBlob(database, place.write, third);
  else if (kind === 'det' && second === 'active') await takePointer(database, place);
}

/** Steps whose last argument is the digest of a reason. */
const REASONED: ReadonlySet<string> = new Set(['propose', 'return', 'report']);

async function takeRecord(database: NodeDatabase, place: Place, kind: 'q' | 'rev'): Promise<void> {
  const record = decodeQuarantineRecord(place.write.value);
  const { txId } = record;
  const known = await rowOf(database, sql`SELECT 1 FROM hold WHERE tx_id = ${txId}`);
  if (known === undefined) {
    await file(database, place, record, kind === 'q' ? 'quarantine' : 'review');
  } else {
    await run(
      database,
      sql`UPDATE hold SET state = ${record.state}, version = ${record.version},
          deadline_ms = ${record.deadlineMs}, holder = ${record.holder},
          proposer = ${record.proposal?.by ?? null}, record = ${text(place.write.value)}
        WHERE tx_id = ${txId}`,
    );
  }
  const step = record.history.at(-1);
  if (step !== undefined) {
    const reason = REASONED.has(step.step) ? (place.transaction.args.at(-1) ?? null) : null;
    await run(
      database,
      sql`INSERT INTO hold_step (hold, version, tx_id, block, step, by_actor, msp_id, at_ms, to_state, reason)
        VALUES (${txId}, ${record.version}, ${place.transaction.txId}, ${place.block.number},
          ${step.step}, ${step.by}, ${step.mspId}, ${step.atMs}, ${step.to}, ${reason})`,
    );
  }
  await label(database, record);
}

async function file(
  database: NodeDatabase,
  place: Place,
  record: QuarantineRecord,
  kind: 'quarantine' | 'review',
): Promise<void> {
  const { block, transaction } = place;
  const { role, ward, args, atMs } = await callerOf(database, place, record);
  const called = storable(record.function);
  const ring = transaction.writes.find(
    ({ key }) => key[0] === 'ctx' && key[1] === record.actor && key[2] === record.session,
  );
  const pointer = await rowOf(
    database,
    sql<{ table_hash: string }>`
      SELECT table_hash FROM detector_pointer WHERE model_hash = ${record.modelHash}`,
  );
  const filed = await oneRow(
    database,
    sql<{ number: number }>`
      INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, score, state,
        version, deadline_ms, at_ms, filed_ms, holder, proposer, model_version, model_hash, table_hash, record,
        block, position, block_hash, endorsers, ring, top_reason, operation, subject)
      VALUES (${record.txId}, ${kind}, (SELECT coalesce(max(number), 0) + 1 FROM hold), ${record.mspId},
        ${record.actor}, ${role}, ${ward}, ${called}, ${JSON.stringify(args)}, ${record.cause},
        ${record.score}, ${record.state}, ${record.version}, ${record.deadlineMs}, ${atMs},
        ${record.filedMs}, ${record.holder}, ${record.proposal?.by ?? null}, ${record.modelVersion},
        ${record.modelHash}, ${pointer?.table_hash ?? null}, ${text(place.write.value)}, ${block.number},
        ${transaction.index}, ${block.hash}, ${JSON.stringify([...new Set(transaction.endorsers)].sort())},
        ${ring?.value ?? null}, ${record.reasons[0]?.column ?? null},
        ${called.slice(called.indexOf(':') + 1)}, ${storable(args[1] ?? '')})
      RETURNING number`,
  );
  const { number } = filed;
  await keepWords(database, { number, actor: record.actor, role, ward, called, txId: record.txId });
}

/**
 * Who called, with what, and when by the log. The transaction that reports a call is the hospital node's own, not the call
 * itself: what of that is older than thirty days is taken from the account's newest.
 */
async function callerOf(
  database: NodeDatabase,
  { transaction }: Place,
  { actor, cause, txId, atMs }: QuarantineRecord,
): Promise<{ role: string; ward: string; args: readonly string[]; atMs: number }> {
  if (cause !== 'second-line') {
    const { role = 'unknown', ward = '' } = attributesOf(transaction);
    return { role, ward, args: transaction.args, atMs };
  }
  const call = await rowOf(
    database,
    sql<{ role: string | null; ward: string | null; at_ms: number }>`
      SELECT c.role, c.ward, coalesce(c.at_ms, t.timestamp_ms) AS at_ms FROM ledger_transaction t
      LEFT JOIN guarded_call c ON c.place = t.block * ${PLACES_IN_BLOCK} + t.position
      WHERE t.tx_id = ${txId} AND t.code = 0`,
  );
  const alike =
    call !== undefined && call.role !== null
      ? call
      : await rowOf(
          database,
          sql<{ role: string; ward: string }>`
            SELECT role, ward FROM guarded_call WHERE actor = ${actor} ORDER BY place DESC LIMIT 1`,
        );
  return {
    ...{ role: alike?.role ?? 'unknown', ward: alike?.ward ?? '', args: [] },
    atMs: call?.at_ms ?? atMs,
  };
}

/**
 * What the decision says about the stretch of log around the access. `undetermined` stays `pending`, released or not: two
 * people said that they do not know, and only what is known to be normal trains.
 */
async function label(database: NodeDatabase, record: QuarantineRecord): Promise<void> {
  const finding = record.proposal?.finding ?? 'undetermined';
  const decided = ['released', 'rejected', 'closed'].includes(record.state);
  const harmful = finding === 'attack' || finding === 'policy-breach';
  const open = !decided || finding === 'undetermined';
  const state = open ? 'pending' : harmful ? 'confirmed' : 'released';
  await run(
    database,
    sql`INSERT INTO label (hold, msp_id, actor, at_ms, state, finding)
      VALUES (${record.txId}, ${record.mspId}, ${record.actor},
        (SELECT at_ms FROM hold WHERE tx_id = ${record.txId}), ${state},
        ${open ? 'undetermined' : finding})
      ON CONFLICT (hold) DO UPDATE SET state = excluded.state, finding = excluded.finding`,
  );
}

async function takeGrant(
  database: NodeDatabase,
  place: Place,
  grant: Readonly<{ actor: string; hold: string }>,
): Promise<void> {
  if (place.write.isDelete) {
    await run(
      database,
      sql`UPDATE hold_grant SET used_by = ${place.transaction.txId}
        WHERE hold = ${grant.hold} AND used_by IS NULL`,
    );
    return;
  }
  const value = JSON.parse(text(place.write.value)) as { digest: string; expires: number };
  await run(
    database,
    sql`INSERT INTO hold_grant (hold, actor, digest, expires_ms)
      VALUES (${grant.hold}, ${grant.actor}, ${value.digest}, ${value.expires})
      ON CONFLICT (hold) DO UPDATE SET expires_ms = excluded.expires_ms, used_by = NULL`,
  );
}

async function takeBlob(database: NodeDatabase, write: LedgerWrite, hash: string): Promise<void> {
  if (createHash('sha256').update(write.value).digest('hex') !== hash) return;
  await run(
    database,
    sql`INSERT INTO detector_blob (hash, bytes) VALUES (${hash}, ${write.value}) ON CONFLICT DO NOTHING`,
  );
}

async function takePointer(database: NodeDatabase, place: Place): Promise<void> {
  const pointer = JSON.parse(text(place.write.value)) as {
    version: number;
    modelHash: string;
    tableHash: string;
  };
  await run(
    database,
    sql`INSERT INTO detector_pointer (model_hash, version, table_hash, block)
      VALUES (${pointer.modelHash}, ${pointer.version}, ${pointer.tableHash}, ${place.block.number})
      ON CONFLICT (model_hash) DO UPDATE SET version = excluded.version,
        table_hash = excluded.table_hash, block = excluded.block`,
  );
}

/** What the certificate says of its holder; nothing if it cannot be read. */
export function attributesOf(transaction: DecodedTransaction): Readonly<Record<string, string>> {
  try {
    const { attributes } = certificateFacts(transaction.creator.certificatePem);
    return Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, storable(value)]),
    );
  } catch {
    return {};
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
