/**
 * Suppressions: "alerts like this may wait". A rule with a reason, an owner and an end. It moves matching holds to the back
 * of the queue and does nothing else: nothing on the ledger knows it, the hold keeps its deadline, and an hour before that
 * the hold is back among the others. Broad rules, and rules that would have hidden a confirmed incident, need a second
 * person.
 * @module
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { BlockConsumer } from '../fabric/block-checkpoint.js';
import { transact } from '../fabric/transact.js';
import type {
  SuppressionPreview,
  SuppressionRule,
  Suppression as SuppressionAnswer,
} from '../http/answers.js';
import { ReviewError } from './errors.js';

export interface Suppression extends Omit<
  SuppressionAnswer,
  'createdAt' | 'expiresAt' | 'endedAt'
> {
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly endedMs: number | null;
}

export const SUPPRESSION_DAYS_MAX = 30;
/** A hold that is due within this time waits no longer. */
export const BACK_BEFORE_DUE_MS = 3_600_000;
/** More than this in thirty days is broad, whatever it names. */
const MATCHED_MAX = 20;
const CONFIRMED_SHOWN = 20;
const DAY_MS = 86_400_000;

/** What `hold_suppression` must say for a hold to wait at the back; `now` twice. */
export const DEFERRED_SQL: string = `(state = 'open' AND deadline_ms > ? + ${BACK_BEFORE_DUE_MS} AND EXISTS (
  SELECT 1 FROM hold_suppression hs JOIN suppression s ON s.id = hs.suppression
  WHERE hs.hold = tx_id AND s.state = 'active' AND s.expires_ms > ?))`;

const CONDITIONS: Readonly<Record<keyof SuppressionRule, string>> = {
  actor: 'actor = ?',
  role: 'role = ?',
  ward: 'ward = ?',
  function: `substr(function, instr(function, ':') + 1) = ?`,
  cause: 'cause = ?',
  topReason: `json_extract(record, '$.reasons[0].column') = ?`,
  scoreBelow: '(score IS NULL OR score < ?)',
};

function conditionOf(rule: SuppressionRule): { sql: string; values: (string | number)[] } {
  const named = Object.entries(rule) as [keyof SuppressionRule, string | number][];
  return {
    sql: named.map(([name]) => ` AND ${CONDITIONS[name]}`).join(''),
    values: named.map(([, value]) => value),
  };
}

export function previewSuppression(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; rule: SuppressionRule; nowMs: number }>,
): SuppressionPreview {
  const { rule } = o;
  if (Object.keys(rule).filter((name) => name !== 'scoreBelow').length === 0) {
    throw new ReviewError(
      'ERR_REQUEST',
      'rule: expected at least one of person, role, ward, operation, cause and main reason',
    );
  }
  const { sql, values } = conditionOf(rule);
  const rows = database
    .prepare(
      `SELECT number, state, tx_id, (SELECT l.state FROM label l WHERE l.hold = tx_id) AS label,
         (SELECT l.finding FROM label l WHERE l.hold = tx_id) AS finding
       FROM hold WHERE msp_id = ? AND filed_ms >= ?${sql} ORDER BY number DESC`,
    )
    .all(o.mspId, o.nowMs - 30 * DAY_MS, ...values) as unknown as {
    number: number;
    state: string;
    label: string | null;
    finding: string | null;
  }[];
  const findings: Record<string, number> = {};
  for (const { finding } of rows) {
    findings[finding ?? 'undetermined'] = (findings[finding ?? 'undetermined'] ?? 0) + 1;
  }
  const confirmed = rows.filter(({ label }) => label === 'confirmed');
  return {
    matched: rows.length,
    findings,
    confirmed: confirmed.slice(0, CONFIRMED_SHOWN).map(({ number }) => `H-${number}`),
    confirmedCount: confirmed.length,
    openNow: rows.filter(({ state }) => state === 'open').length,
    secondPersonBecause: [
      ...(rule.actor === undefined ? ['it names no person'] : []),
      ...(rows.length > MATCHED_MAX
        ? [`it fits more than ${MATCHED_MAX} holds of thirty days`]
        : []),
      ...(confirmed.length > 0
        ? ['it would have moved back what was confirmed as attack or policy breach']
        : []),
    ],
  };
}

/** @returns the new suppression: `active` at once, or `proposed` until somebody else approves */
export async function proposeSuppression(
  database: DatabaseSyncInstance,
  o: Readonly<{
    mspId: string;
    rule: SuppressionRule;
    reason: string;
    days: number;
    owner: string;
    nowMs: number;
  }>,
): Promise<Suppression> {
  const preview = previewSuppression(database, o);
  const needsSecond = preview.secondPersonBecause.length > 0;
  const id = await transact(database, () => {
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO suppression (state, rule, preview, needs_second, reason, owner, created_ms, expires_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        needsSecond ? 'proposed' : 'active',
        JSON.stringify(o.rule),
        JSON.stringify(preview),
        needsSecond ? 1 : 0,
        o.reason,
        o.owner,
        o.nowMs,
        o.nowMs + o.days * DAY_MS,
      );
    const created = Number(lastInsertRowid);
    if (!needsSecond) matchOpen(database, { ...o, id: created });
    return created;
  });
  return suppressionOf(database, id, o.nowMs);
}

/** @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_HOLD_SECOND_PERSON`, `ERR_SUPPRESSION_STATE` */
export async function approveSuppression(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; id: number; by: string; nowMs: number }>,
): Promise<Suppression> {
  await transact(database, () => {
    const known = suppressionOf(database, o.id, o.nowMs);
    requireState(known, ['proposed']);
    if (known.owner === o.by) {
      throw new ReviewError(
        'ERR_HOLD_SECOND_PERSON',
        'You proposed this suppression; somebody else approves it.',
      );
    }
    database
      .prepare(`UPDATE suppression SET state = 'active', approver = ? WHERE id = ?`)
      .run(o.by, o.id);
    matchOpen(database, { id: o.id, mspId: o.mspId, rule: known.rule });
  });
  return suppressionOf(database, o.id, o.nowMs);
}

/** Ends it before its time, or turns a proposal down. @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_SUPPRESSION_STATE` */
export async function endSuppression(
  database: DatabaseSyncInstance,
  o: Readonly<{ id: number; by: string; reason: string; nowMs: number }>,
): Promise<Suppression> {
  await transact(database, () => {
    requireState(suppressionOf(database, o.id, o.nowMs), ['proposed', 'active']);
    database
      .prepare(
        `UPDATE suppression SET state = 'ended', ended_by = ?, ended_reason = ?, ended_ms = ? WHERE id = ?`,
      )
      .run(o.by, o.reason, o.nowMs, o.id);
    // What it did to a hold stays readable in its preview and in the audit log; the queue is as before at once.
    database.prepare('DELETE FROM hold_suppression WHERE suppression = ?').run(o.id);
  });
  return suppressionOf(database, o.id, o.nowMs);
}

/** Proposals first, then what is active by its end, then the past; at most 200. */
export function listSuppressions(
  database: DatabaseSyncInstance,
  nowMs: number,
): readonly Suppression[] {
  const rows = database
    .prepare(
      `SELECT * FROM suppression ORDER BY
         CASE WHEN state = 'proposed' THEN 0 WHEN state = 'active' AND expires_ms > ? THEN 1 ELSE 2 END,
         expires_ms, id DESC LIMIT 200`,
    )
    .all(nowMs) as unknown as Row[];
  return rows.map((row) => viewOf(database, row, nowMs));
}

/** Those that keep this hold at the back now. */
export function suppressionsOf(
  database: DatabaseSyncInstance,
  txId: string,
  nowMs: number,
): readonly Suppression[] {
  const rows = database
    .prepare(
      `SELECT s.* FROM suppression s JOIN hold_suppression hs ON hs.suppression = s.id
       JOIN hold h ON h.tx_id = hs.hold
       WHERE hs.hold = ? AND s.state = 'active' AND s.expires_ms > ?
         AND h.state = 'open' AND h.deadline_ms > ? + ${BACK_BEFORE_DUE_MS}`,
    )
    .all(txId, nowMs, nowMs) as unknown as Row[];
  return rows.map((row) => viewOf(database, row, nowMs));
}

export function countDeferred(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; nowMs: number }>,
): number {
  const row = database
    .prepare(
      `SELECT count(DISTINCT hs.hold) AS n FROM suppression s
       JOIN hold_suppression hs ON hs.suppression = s.id
       JOIN hold h ON h.tx_id = hs.hold
       WHERE s.state = 'active' AND s.expires_ms > ? AND h.msp_id = ? AND h.state = 'open'
         AND h.deadline_ms > ? + ${BACK_BEFORE_DUE_MS}`,
    )
    .get(o.nowMs, o.mspId, o.nowMs) as { n: number };
  return row.n;
}

/** New holds meet the rules in force as their block arrives. Behind the review's own consumer. */
export function createSuppressionIntake(o: { readonly mspId: string }): BlockConsumer {
  return {
    apply(block, database) {
      const filed = block.transactions
        .filter(({ code }) => code === 0)
        .flatMap(({ txId, writes }) =>
          writes.some(({ key }) => (key[0] === 'q' || key[0] === 'rev') && key[1] === txId)
            ? [txId]
            : [],
        );
      if (filed.length === 0) return;
      const active = database
        .prepare(`SELECT id, rule, expires_ms FROM suppression WHERE state = 'active'`)
        .all() as { id: number; rule: string; expires_ms: number }[];
      for (const { id, rule, expires_ms: expiresMs } of active) {
        const { sql, values } = conditionOf(JSON.parse(rule) as SuppressionRule);
        const match = database.prepare(
          `INSERT OR IGNORE INTO hold_suppression (hold, suppression)
           SELECT tx_id, ? FROM hold WHERE tx_id = ? AND msp_id = ? AND filed_ms < ?${sql}`,
        );
        for (const txId of filed) match.run(id, txId, o.mspId, expiresMs, ...values);
      }
    },
  };
}

function matchOpen(
  database: DatabaseSyncInstance,
  o: Readonly<{ id: number; mspId: string; rule: SuppressionRule }>,
): void {
  const { sql, values } = conditionOf(o.rule);
  database
    .prepare(
      `INSERT OR IGNORE INTO hold_suppression (hold, suppression)
       SELECT tx_id, ? FROM hold WHERE msp_id = ? AND state = 'open'${sql}`,
    )
    .run(o.id, o.mspId, ...values);
}

interface Row {
  readonly id: number;
  readonly state: 'proposed' | 'active' | 'ended';
  readonly rule: string;
  readonly preview: string;
  readonly needs_second: number;
  readonly reason: string;
  readonly owner: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly approver: string | null;
  readonly ended_by: string | null;
  readonly ended_reason: string | null;
  readonly ended_ms: number | null;
}

function suppressionOf(database: DatabaseSyncInstance, id: number, nowMs: number): Suppression {
  const row = database.prepare('SELECT * FROM suppression WHERE id = ?').get(id) as Row | undefined;
  if (row === undefined) {
    throw new ReviewError('ERR_NOT_FOUND', 'There is no suppression of this number.');
  }
  return viewOf(database, row, nowMs);
}

function viewOf(database: DatabaseSyncInstance, row: Row, nowMs: number): Suppression {
  const holding = database
    .prepare(
      `SELECT count(*) AS n FROM hold_suppression hs JOIN hold h ON h.tx_id = hs.hold
       WHERE hs.suppression = ? AND h.state = 'open' AND h.deadline_ms > ? + ${BACK_BEFORE_DUE_MS}`,
    )
    .get(row.id, nowMs) as { n: number };
  const over = row.state !== 'ended' && row.expires_ms <= nowMs;
  return {
    id: row.id,
    state: over ? 'expired' : row.state,
    rule: JSON.parse(row.rule) as SuppressionRule,
    preview: JSON.parse(row.preview) as SuppressionPreview,
    needsSecond: row.needs_second === 1,
    reason: row.reason,
    owner: row.owner,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    approver: row.approver,
    endedBy: row.ended_by,
    endedReason: row.ended_reason,
    endedMs: row.ended_ms,
    holding: row.state === 'active' && !over ? holding.n : 0,
  };
}

function requireState(known: Suppression, states: readonly Suppression['state'][]): void {
  if (states.includes(known.state)) return;
  throw new ReviewError(
    'ERR_SUPPRESSION_STATE',
    `This needs a suppression that is ${states.join(' or ')}; S-${known.id} is ${known.state}.`,
    { id: known.id, state: known.state },
  );
}
