/**
 * Cases: holds that belong together – one person's, one patient's, one person's on one day – since somebody who looks at
 * single calls dismisses each link of a chain. A case groups work; what happens to a hold is still decided hold by hold on
 * the ledger. Every change names the version that was seen, and stays in the case's own history.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import type { Case, CaseDetail, CaseList } from '../http/answers.js';
import { oneRow, rowOf, rowsOf, run, transact, type NodeDatabase } from '../store/index.js';
import { ReviewError } from './errors.js';
import { personNamed } from './people.js';
import { pseudonymOf } from './review-store.js';

export interface ReviewCase extends Omit<Case, 'openedAt' | 'dueAt'> {
  readonly openedMs: number;
  readonly dueMs: number | null;
}

export interface CaseStep extends Omit<CaseDetail['history'][number], 'at'> {
  readonly atMs: number;
}

export type CaseSuggestion = CaseList['suggestions'][number];

export const CASE_STATUSES = ['open', 'in-progress', 'waiting', 'closed'] as const;
export type CaseStatus = (typeof CASE_STATUSES)[number];
export const CASE_KINDS = ['actor', 'record', 'day'] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

const HOLDS_MAX = 200;
const SUGGESTED_MAX = 10;
const UNDECIDED: RawBuilder<unknown> = sql`('open', 'claimed', 'proposed', 'escalated')`;
const DAY_MS = 86_400_000;

export async function listCases(
  database: NodeDatabase,
  o: Readonly<{ closed: boolean }>,
): Promise<readonly ReviewCase[]> {
  const of = o.closed ? sql`c.status = 'closed'` : sql`c.status <> 'closed'`;
  const rows = await rowsOf(
    database,
    sql<CaseRow>`${CASES} WHERE ${of} GROUP BY c.id ORDER BY due NULLS LAST, c.id DESC LIMIT 200`,
  );
  return rows.map(caseOf);
}

export async function suggestCases(
  database: NodeDatabase,
  mspId: string,
): Promise<readonly CaseSuggestion[]> {
  const rows = await rowsOf(
    database,
    sql<CaseSuggestion>`SELECT actor, min(tx_id) AS "txId", count(*) AS holds FROM hold
      WHERE msp_id = ${mspId} AND state IN ${UNDECIDED}
        AND NOT EXISTS (SELECT 1 FROM review_case_hold ch WHERE ch.hold = tx_id)
      GROUP BY actor HAVING count(*) > 1 ORDER BY holds DESC, actor LIMIT ${SUGGESTED_MAX}`,
  );
  return rows.map((row) => ({ ...row, actor: pseudonymOf(row.actor) }));
}

/** @throws {ReviewError} `ERR_NOT_FOUND` */
export async function caseDetail(
  database: NodeDatabase,
  id: number,
): Promise<{
  readonly found: ReviewCase;
  readonly holds: readonly string[];
  readonly steps: readonly CaseStep[];
}> {
  const found = await caseNamed(database, id);
  const holds = await rowsOf(
    database,
    sql<{ hold: string }>`SELECT ch.hold FROM review_case_hold ch JOIN hold h ON h.tx_id = ch.hold
      WHERE ch.case_id = ${id} ORDER BY h.number`,
  );
  const steps = await rowsOf(
    database,
    sql<CaseStep>`SELECT version, at_ms AS "atMs", by_name AS "by", what, text FROM review_case_step
      WHERE case_id = ${id} ORDER BY version`,
  );
  return { found, holds: holds.map(({ hold }) => hold), steps };
}

/** What a stale change is told: the case as it is, and the steps since. */
export async function caseDifference(
  database: NodeDatabase,
  id: number,
  seenVersion: number,
): Promise<object> {
  const { found, steps } = await caseDetail(database, id);
  return {
    current: { version: found.version, status: found.status, assignee: found.assignee },
    changed: steps
      .filter(({ version }) => version > seenVersion)
      .map(({ by, what, text, atMs }) => ({ by, what, text, at: new Date(atMs).toISOString() })),
  };
}

/** The case that a hold belongs to. */
export async function caseWith(database: NodeDatabase, txId: string): Promise<ReviewCase | null> {
  const row = await rowOf(
    database,
    sql<{ id: number }>`SELECT case_id AS id FROM review_case_hold WHERE hold = ${txId}`,
  );
  return row === undefined ? null : caseNamed(database, row.id);
}

/**
 * Opens a case with all undecided holds that are alike with the given one.
 * @throws {ReviewError} `ERR_HOLD_UNKNOWN`, `ERR_CASE_STATE` if the hold belongs to a case already
 */
export async function openCase(
  database: NodeDatabase,
  o: Readonly<{
    mspId: string;
    txId: string;
    by: CaseKind;
    reason: string;
    person: string;
    nowMs: number;
  }>,
): Promise<ReviewCase> {
  const id = await transact(database, async (transaction) => {
    const { title, holds } = await alike(transaction, o);
    if (!holds.includes(o.txId)) {
      throw new ReviewError('ERR_CASE_STATE', 'This hold belongs to a case already.');
    }
    const created = await oneRow(
      transaction,
      sql<{ id: number }>`
        INSERT INTO review_case (title, status, assignee, version, opened_by, opened_ms)
        VALUES (${title}, 'open', NULL, 0, ${o.person}, ${o.nowMs}) RETURNING id`,
    );
    await addHolds(transaction, created.id, holds);
    await addStep(transaction, created.id, {
      ...{ by: o.person, atMs: o.nowMs, what: 'opened' },
      text: `${holds.length} ${holds.length === 1 ? 'hold' : 'holds'}. ${o.reason}`,
    });
    return created.id;
  });
  return caseNamed(database, id);
}

export type CaseChange =
  | { readonly what: 'assigned'; readonly to: string | null }
  | { readonly what: 'status'; readonly status: CaseStatus; readonly reason: string }
  | { readonly what: 'noted'; readonly text: string }
  | { readonly what: 'added'; readonly txIds: readonly string[]; readonly reason: string };

/** @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_CASE_STALE` with what changed, `ERR_CASE_STATE`, `ERR_HOLD_UNKNOWN` */
export async function changeCase(
  database: NodeDatabase,
  o: Readonly<{
    mspId: string;
    id: number;
    expectedVersion: number;
    change: CaseChange;
    person: string;
    nowMs: number;
  }>,
): Promise<ReviewCase> {
  const { change, id } = o;
  await transact(database, async (transaction) => {
    const found = await caseNamed(transaction, id);
    if (found.version !== o.expectedVersion) {
      throw new ReviewError(
        'ERR_CASE_STALE',
        `You saw version ${o.expectedVersion} of this case, it is now at ${found.version}. Look at what changed, then do it again.`,
        { case: id, expected: o.expectedVersion, current: found.version },
      );
    }
    if (found.status === 'closed' && change.what !== 'status' && change.what !== 'noted') {
      throw new ReviewError('ERR_CASE_STATE', 'This case is closed; open it again first.');
    }
    await addStep(transaction, id, {
      ...{ by: o.person, atMs: o.nowMs, what: change.what },
      text: await applied(transaction, o.mspId, id, change),
    });
  });
  return caseNamed(database, id);
}

/** Makes the change and says it in the words of the history. */
async function applied(
  transaction: NodeDatabase,
  mspId: string,
  id: number,
  change: CaseChange,
): Promise<string> {
  switch (change.what) {
    case 'assigned': {
      if (change.to !== null && (await personNamed(transaction, change.to)) === null) {
        throw new ReviewError('ERR_NOT_FOUND', 'There is nobody of this name here.');
      }
      await run(transaction, sql`UPDATE review_case SET assignee = ${change.to} WHERE id = ${id}`);
      return change.to === null ? 'to nobody' : `to ${change.to}`;
    }
    case 'status':
      await run(
        transaction,
        sql`UPDATE review_case SET status = ${change.status} WHERE id = ${id}`,
      );
      return `${change.status}: ${change.reason}`;
    case 'added': {
      for (const txId of change.txIds) await holdRow(transaction, mspId, txId);
      const added = await addHolds(transaction, id, change.txIds);
      return `${added} of ${change.txIds.length}. ${change.reason}`;
    }
    case 'noted':
      return change.text;
  }
}

interface HoldRow {
  readonly actor: string;
  readonly at_ms: number;
  readonly subject: string;
}

async function holdRow(database: NodeDatabase, mspId: string, txId: string): Promise<HoldRow> {
  const row = await rowOf(
    database,
    sql<HoldRow>`SELECT actor, at_ms, subject FROM hold WHERE tx_id = ${txId} AND msp_id = ${mspId}`,
  );
  if (row === undefined) {
    throw new ReviewError('ERR_HOLD_UNKNOWN', 'There is no hold with this transaction id.', {
      txId,
    });
  }
  return row;
}

/** Undecided holds outside any case; the given one belongs to them whatever its state. */
async function alike(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; txId: string; by: CaseKind }>,
): Promise<{ readonly title: string; readonly holds: readonly string[] }> {
  const { actor, subject, at_ms: atMs } = await holdRow(database, o.mspId, o.txId);
  const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  const day = new Date(dayMs).toISOString().slice(0, 10);
  const kinds: Readonly<Record<CaseKind, readonly [string, RawBuilder<unknown>]>> = {
    actor: [`All of ${pseudonymOf(actor)}`, sql`actor = ${actor}`],
    record: [
      `Record ${subject.slice(0, 10)}…`,
      subject === '' ? sql`1 = 0` : sql`subject = ${subject}`,
    ],
    day: [
      `${pseudonymOf(actor)} on ${day}`,
      sql`actor = ${actor} AND at_ms >= ${dayMs} AND at_ms < ${dayMs + DAY_MS}`,
    ],
  };
  const [title, condition] = kinds[o.by];
  const found = await rowsOf(
    database,
    sql<{ tx_id: string }>`SELECT tx_id FROM hold
      WHERE msp_id = ${o.mspId} AND (tx_id = ${o.txId} OR (state IN ${UNDECIDED} AND ${condition}))
        AND NOT EXISTS (SELECT 1 FROM review_case_hold ch WHERE ch.hold = tx_id)
      ORDER BY CASE WHEN tx_id = ${o.txId} THEN 0 ELSE 1 END, number LIMIT ${HOLDS_MAX}`,
  );
  return { title, holds: found.map(({ tx_id: txId }) => txId) };
}

/** @returns how many were new to any case */
async function addHolds(
  transaction: NodeDatabase,
  id: number,
  txIds: readonly string[],
): Promise<number> {
  const pairs = txIds.map((txId) => sql`(${id}, ${txId})`);
  const added = await rowsOf(
    transaction,
    sql`INSERT INTO review_case_hold (case_id, hold) VALUES ${sql.join(pairs)}
      ON CONFLICT DO NOTHING RETURNING hold`,
  );
  return added.length;
}

async function addStep(
  transaction: NodeDatabase,
  id: number,
  step: Omit<CaseStep, 'version'>,
): Promise<void> {
  const moved = await oneRow(
    transaction,
    sql<{ version: number }>`
      UPDATE review_case SET version = version + 1 WHERE id = ${id} RETURNING version`,
  );
  await run(
    transaction,
    sql`INSERT INTO review_case_step (case_id, version, at_ms, by_name, what, text)
      VALUES (${id}, ${moved.version}, ${step.atMs}, ${step.by}, ${step.what}, ${step.text})`,
  );
}

interface CaseRow {
  readonly id: number;
  readonly title: string;
  readonly status: CaseStatus;
  readonly assignee: string | null;
  readonly version: number;
  readonly opened_by: string;
  readonly opened_ms: number;
  readonly holds: number;
  readonly undecided: number;
  readonly due: number | null;
}

const CASES: RawBuilder<unknown> = sql`SELECT c.*, count(h.tx_id) AS holds,
    count(*) FILTER (WHERE h.state IN ${UNDECIDED}) AS undecided,
    min(h.deadline_ms) FILTER (WHERE h.state IN ${UNDECIDED}) AS due
  FROM review_case c
  LEFT JOIN review_case_hold ch ON ch.case_id = c.id
  LEFT JOIN hold h ON h.tx_id = ch.hold`;

async function caseNamed(database: NodeDatabase, id: number): Promise<ReviewCase> {
  const row = await rowOf(database, sql<CaseRow>`${CASES} WHERE c.id = ${id} GROUP BY c.id`);
  if (row === undefined) throw new ReviewError('ERR_NOT_FOUND', 'There is no case of this number.');
  return caseOf(row);
}

function caseOf(row: CaseRow): ReviewCase {
  return {
    id: row.id,
    title: row.title,
    status: row.status,
    assignee: row.assignee,
    version: row.version,
    openedBy: row.opened_by,
    openedMs: row.opened_ms,
    holds: row.holds,
    undecided: row.undecided,
    dueMs: row.due,
  };
}
