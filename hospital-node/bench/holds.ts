/**
 * A review full of holds: half a thousand from a block, as the channel would bring them, and copies of those by the database
 * itself, with ids, deadlines and numbers of their own.
 * @module
 */
import { sql } from 'kysely';
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import { openReviewStore } from '../src/review/review-store.js';
import { engineOf, run, type NodeDatabase } from '../src/store/index.js';
import {
  detectorTransaction,
  heldTransaction,
  heldWindows,
  scorerOfDetectorZero,
} from '../test/evidence-fixture.js';
import { chainOf, hashOf, NOW } from '../test/review-fixture.js';

const ORIGINALS = 500;
const STATES = ['open', 'rejected', 'claimed', 'open', 'released', 'proposed'] as const;
const FUNCTIONS = ['export', 'requestAccess', 'amend', 'erase'] as const;

type Transaction = ReturnType<typeof heldTransaction>;

export async function fillReview(database: NodeDatabase, count: number): Promise<void> {
  const scorer = scorerOfDetectorZero();
  const samples = heldWindows(scorer)
    .slice(-20)
    .map(({ window }) => heldTransaction({ name: 'sample', window, scorer }));
  await append(database, [detectorTransaction()]);
  await append(
    database,
    Array.from({ length: ORIGINALS }, (_, i) => holdOf(samples[i % samples.length]!, i)),
  );
  await copyOriginals(database, Math.ceil(count / ORIGINALS) - 1);
}

/** Each original so many times more. */
async function copyOriginals(database: NodeDatabase, times: number): Promise<void> {
  const copies = sql`WITH RECURSIVE copy(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copy WHERE i < ${sql.lit(times)}),
    made AS (SELECT h.*, copy.i,
        substr(h.tx_id, 1, 56) || CAST(10000000 + copy.i AS TEXT) AS new_id,
        h.number + copy.i * ${sql.lit(ORIGINALS)} AS new_number,
        h.deadline_ms + copy.i * 7919 AS new_due
      FROM hold h, copy WHERE h.number <= ${sql.lit(ORIGINALS)})`;
  await run(
    database,
    sql`INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, score, state,
        version, deadline_ms, at_ms, filed_ms, holder, proposer, model_version, model_hash, table_hash, record,
        block, position, block_hash, endorsers, ring, top_reason, operation, subject)
      ${copies} SELECT new_id, kind, new_number, msp_id, actor, role, ward, function, arguments, cause, score, state,
        version, new_due, at_ms, filed_ms, holder, proposer, model_version, model_hash, table_hash,
        replace(replace(record, tx_id, new_id), CAST(deadline_ms AS TEXT), CAST(new_due AS TEXT)),
        block, position, block_hash, endorsers, ring, top_reason, operation, subject FROM made`,
  );
  await run(
    database,
    sql`INSERT INTO hold_step (hold, version, tx_id, block, step, by_actor, msp_id, at_ms, to_state, reason)
      ${copies} SELECT made.new_id, s.version, made.new_id, s.block, s.step, s.by_actor, s.msp_id, s.at_ms,
        s.to_state, s.reason FROM made JOIN hold_step s ON s.hold = made.tx_id`,
  );
  await run(
    database,
    sql`INSERT INTO label (hold, msp_id, actor, at_ms, state, finding)
      ${copies} SELECT made.new_id, l.msp_id, l.actor, l.at_ms, l.state, l.finding
      FROM made JOIN label l ON l.hold = made.tx_id`,
  );
  // The words of a seeded hold are folded already.
  const words = sql`'h-' || number || ' p-' || actor || ' ' || role || ' ' || lower(operation) || ' ' || tx_id`;
  await run(
    database,
    engineOf(database) === 'sqlite'
      ? sql`INSERT INTO hold_search (rowid, words) SELECT number, ${words} FROM hold WHERE number > ${ORIGINALS}`
      : sql`INSERT INTO hold_search (number, words)
          SELECT number, array_to_tsvector(string_to_array(${words}, ' ')) FROM hold WHERE number > ${ORIGINALS}`,
  );
}

async function append(database: NodeDatabase, transactions: readonly Transaction[]): Promise<void> {
  const [block] = chainOf([transactions]);
  const { nextBlock, previousHash } = await readCheckpoint(database, 'c');
  await applyBlock(database, {
    channel: 'c',
    block: { ...block!, number: nextBlock, hash: hashOf(`block ${nextBlock}`), previousHash },
    consumers: [openReviewStore(database).consumer],
    atMs: 0,
  });
}

function holdOf(sample: Transaction, i: number): Transaction {
  const txId = hashOf(`hold ${i}`);
  const [record, ring] = sample.writes;
  const value = JSON.parse(Buffer.from(record!.value).toString()) as Record<string, unknown>;
  const changed = {
    ...value,
    txId,
    function: `RecordAccessContract:${FUNCTIONS[i % FUNCTIONS.length]!}`,
    actor: hashOf(`actor ${i % 97}`).slice(0, 32),
    deadlineMs: NOW + ((i * 104_729) % 86_400_000),
    state: STATES[i % STATES.length]!,
  };
  return {
    ...sample,
    txId,
    writes: [
      { ...record!, key: ['q', txId], value: Buffer.from(JSON.stringify(changed)) },
      { ...ring!, key: ['ctx', changed.actor, String(value['session'])] },
    ],
  };
}
