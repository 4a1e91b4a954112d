/**
 * Cases: holds that belong together – one person's, one patient's, one person's on one day – since somebody who looks at
 * single calls dismisses each link of a chain. A case groups work; what happens to a hold is still decided hold by hold on
 * the ledger. Every change names the version that was seen, and stays in the case's own history.
 * @module
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { transact } from '../fabric/transact.js';
import type { Case, CaseDetail, CaseList } from '../http/answers.js';
import { ReviewError } from './errors.js';
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
const UNDECIDED = `('open', 'claimed', 'proposed', 'escalated')`;
const DAY_MS = 86_400_000;

export function listCases(
  database: DatabaseSyncInstance,
  o: Readonly<{ closed: boolean }>,
): readonly ReviewCase[] {
  const rows = database
    .prepare(
      `${CASE_SQL} WHERE c.status ${o.closed ? '=' : '<>'} 'closed' GROUP BY c.id
       ORDER BY due IS NULL, due, c.id DESC LIMIT 200`,
    )
    .all() as unknown as CaseRow[];
  return rows.map(caseOf);
}

export function suggestCases(
  database: DatabaseSyncInstance,
  mspId: string,
): readonly CaseSuggestion[] {
  const rows = database
    .prepare(
      `SELECT actor, min(tx_id) AS txId, count(*) AS holds FROM hold
       WHERE msp_id = ? AND state IN ${UNDECIDED}
         AND NOT EXISTS (SELECT 1 FROM review_case_hold ch WHERE ch.hold = tx_id)
       GROUP BY actor HAVING count(*) > 1 ORDER BY holds DESC, actor LIMIT ?`,
    )
    .all(mspId, SUGGESTED_MAX) as unknown as CaseSuggestion[];
  return rows.map((row) => ({ ...row, actor: pseudonymOf(row.actor) }));
}

/** @throws {ReviewError} `ERR_NOT_FOUND` */
export function caseDetail(
  database: DatabaseSyncInstance,
  id: number,
): { readonly found: ReviewCase; readonly holds: readonly string[]; readonly steps: CaseStep[] } {
  const found = caseNamed(database, id);
  const holds = database
    .prepare(
      `SELECT hold FROM review_case_hold JOIN hold ON tx_id = hold WHERE case_id = ? ORDER BY number`,
    )
    .all(id) as { hold: string }[];
  const steps = database
    .prepare(
      `SELECT version, at_ms AS atMs, by_name AS "by", what, text FROM review_case_step
       WHERE case_id = ? ORDER BY version`,
    )
    .all(id) as unknown as CaseStep[];
  return { found, holds: holds.map(({ hold }) => hold), steps };
}

/** What a stale change is told: the case as it is, and the steps since. */
export function caseDifference(
  database: DatabaseSyncInstance,
  id: number,
  seenVersion: number,
): object {
  const { found, steps } = caseDetail(database, id);
  return {
    current: { version: found.version, status: found.status, assignee: found.assignee },
    changed: steps
      .filter(({ version }) => version > seenVersion)
      .map(({ by, what, text, atMs }) => ({ by, what, text, at: new Date(atMs).toISOString() })),
  };
}

/** The case that a hold belongs to. */
export function caseWith(database: DatabaseSyncInstance, txId: string): ReviewCase | null {
  const row = database
    .prepare('SELECT case_id AS id FROM review_case_hold WHERE hold = ?')
    .get(txId) as { id: number } | undefined;
  return row === undefined ? null : caseNamed(database, row.id);
}

/**
 * Opens a case with all undecided holds that are alike with the given one.
 * @throws {ReviewError} `ERR_HOLD_UNKNOWN`, `ERR_CASE_STATE` if the hold belongs to a case already
 */
export async function openCase(
  database: DatabaseSyncInstance,
  o: Readonly<{
    mspId: string;
    txId: string;
    by: CaseKind;
    reason: string;
    person: string;
    nowMs: number;
  }>,
): Promise<ReviewCase> {
  const id = await transact(database, () => {
    const { title, holds } = alike(database, o);
    if (!holds.includes(o.txId)) {
      throw new ReviewError('ERR_CASE_STATE', 'This hold belongs to a case already.');
    }
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO review_case (title, status, assignee, version, opened_by, opened_ms)
         VALUES (?, 'open', NULL, 0, ?, ?)`,
      )
      .run(title, o.person, o.nowMs);
    const created = Number(lastInsertRowid);
    addHolds(database, created, holds);
    addStep(database, created, {
      ...{ by: o.person, atMs: o.nowMs, what: 'opened' },
      text: `${holds.length} ${holds.length === 1 ? 'hold' : 'holds'}. ${o.reason}`,
    });
    return created;
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
  database: DatabaseSyncInstance,
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
  await transact(database, () => {
    const found = caseNamed(database, id);
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
    addStep(database, id, {
      ...{ by: o.person, atMs: o.nowMs, what: change.what },
      text: applied(database, o.mspId, id, change),
    });
  });
  return caseNamed(database, id);
}

/** Makes the change and says it in the words of the history. */
function applied(
  database: DatabaseSyncInstance,
  mspId: string,
  id: number,
  change: CaseChange,
): string {
  switch (change.what) {
    case 'assigned': {
      const known: unknown = database
        .prepare('SELECT 1 FROM person WHERE name = ?')
        .get(change.to ?? '');
      if (change.to !== null && known === undefined) {
        throw new ReviewError('ERR_NOT_FOUND', 'There is nobody of this name here.');
      }
      database.prepare('UPDATE review_case SET assignee = ? WHERE id = ?').run(change.to, id);
      return change.to === null ? 'to nobody' : `to ${change.to}`;
    }
    case 'status':
      database.prepare('UPDATE review_case SET status = ? WHERE id = ?').run(change.status, id);
      return `${change.status}: ${change.reason}`;
    case 'added': {
      for (const txId of change.txIds) holdRow(database, mspId, txId);
      return `${addHolds(database, id, change.txIds)} of ${change.txIds.length}. ${change.reason}`;
    }
    case 'noted':
      return change.text;
  }
}

interface HoldRow {
  readonly actor: string;
  readonly at_ms: number;
  readonly arguments: string;
}

function holdRow(database: DatabaseSyncInstance, mspId: string, txId: string): HoldRow {
  const row = database
    .prepare('SELECT actor, at_ms, arguments FROM hold WHERE tx_id = ? AND msp_id = ?')
    .get(txId, mspId) as HoldRow | undefined;
  if (row === undefined) {
    throw new ReviewError('ERR_HOLD_UNKNOWN', 'There is no hold with this transaction id.', {
      txId,
    });
  }
  return row;
}

/** Undecided holds outside any case; the given one belongs to them whatever its state. */
function alike(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; txId: string; by: CaseKind }>,
): { readonly title: string; readonly holds: readonly string[] } {
  const row = holdRow(database, o.mspId, o.txId);
  const record = (JSON.parse(row.arguments) as string[])[1] ?? '';
  const dayMs = Math.floor(row.at_ms / DAY_MS) * DAY_MS;
  const day = new Date(dayMs).toISOString().slice(0, 10);
  const [title, sql, values]: [string, string, (string | number)[]] = {
    actor: [`All of ${pseudonymOf(row.actor)}`, 'actor = ?', [row.actor]],
    record: [
      `Record ${record.slice(0, 10)}…`,
      `json_extract(arguments, '$[1]') = ? AND ? <> ''`,
      [record, record],
    ],
    day: [
      `${pseudonymOf(row.actor)} on ${day}`,
      'actor = ? AND at_ms >= ? AND at_ms < ?',
      [row.actor, dayMs, dayMs + DAY_MS],
    ],
  }[o.by] as [string, string, (string | number)[]];
  const found = database
    .prepare(
      `SELECT tx_id FROM hold WHERE msp_id = ? AND (tx_id = ? OR (state IN ${UNDECIDED} AND ${sql}))
         AND NOT EXISTS (SELECT 1 FROM review_case_hold ch WHERE ch.hold = tx_id)
       ORDER BY tx_id = ? DESC, number LIMIT ?`,
    )
    .all(o.mspId, o.txId, ...values, o.txId, HOLDS_MAX) as { tx_id: string }[];
  return { title, holds: found.map(({ tx_id: txId }) => txId) };
}

/** @returns how many were new to any case */
function addHolds(database: DatabaseSyncInstance, id: number, txIds: readonly string[]): number {
  const add = database.prepare(
    'INSERT OR IGNORE INTO review_case_hold (case_id, hold) VALUES (?, ?)',
  );
  return txIds.reduce((sum, txId) => sum + add.run(id, txId).changes, 0);
}

function addStep(
  database: DatabaseSyncInstance,
  id: number,
  step: Omit<CaseStep, 'version'>,
): void {
  database.prepare('UPDATE review_case SET version = version + 1 WHERE id = ?').run(id);
  database
    .prepare(
      `INSERT INTO review_case_step (case_id, version, at_ms, by_name, what, text)
       SELECT id, version, ?, ?, ?, ? FROM review_case WHERE id = ?`,
    )
    .run(step.atMs, step.by, step.what, step.text, id);
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

const CASE_SQL = `SELECT c.*, count(h.tx_id) AS holds,
    coalesce(sum(h.state IN ${UNDECIDED}), 0) AS undecided,
    min(CASE WHEN h.state IN ${UNDECIDED} THEN h.deadline_ms END) AS due
  FROM review_case c
  LEFT JOIN review_case_hold ch ON ch.case_id = c.id
  LEFT JOIN hold h ON h.tx_id = ch.hold`;

function caseNamed(database: DatabaseSyncInstance, id: number): ReviewCase {
  const row = database.prepare(`${CASE_SQL} WHERE c.id = ? GROUP BY c.id`).get(id) as
    CaseRow | undefined;
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
