/**
 * Suppressions: "alerts like this may wait". A rule with a reason, an owner and an end. It moves matching holds to the back
 * of the queue and does nothing else: nothing on the ledger knows it, the hold keeps its deadline, and an hour before that
 * the hold is back among the others. One person proposes it, another one approves it, however narrow it is: whoever wants one
 * colleague's calls looked at late shall not be able to arrange it alone.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import type { BlockConsumer } from '../fabric/block-checkpoint.js';
import type {
  SuppressionPreview,
  SuppressionRule,
  Suppression as SuppressionAnswer,
} from '../http/answers.js';
import { oneRow, rowOf, rowsOf, run, transact, type NodeDatabase } from '../store/index.js';
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
const CONFIRMED_SHOWN = 20;
const DAY_MS = 86_400_000;

/** What `hold_suppression` must say for a hold to wait at the back. */
export function isDeferred(nowMs: number): RawBuilder<unknown> {
  return sql`(state = 'open' AND deadline_ms > ${nowMs + BACK_BEFORE_DUE_MS} AND EXISTS (
    SELECT 1 FROM hold_suppression hs JOIN suppression s ON s.id = hs.suppression
    WHERE hs.hold = tx_id AND s.state = 'active' AND s.expires_ms > ${nowMs}))`;
}

type Condition = (value: string | number) => RawBuilder<unknown>;
const CONDITIONS: Readonly<Record<keyof SuppressionRule, Condition>> = {
  actor: (value) => sql`actor = ${value}`,
  role: (value) => sql`role = ${value}`,
  ward: (value) => sql`ward = ${value}`,
  function: (value) => sql`operation = ${value}`,
  cause: (value) => sql`cause = ${value}`,
  topReason: (value) => sql`top_reason = ${value}`,
  scoreBelow: (value) => sql`(score IS NULL OR score < ${value})`,
};

function fits(rule: SuppressionRule): RawBuilder<unknown> {
  const named = Object.entries(rule) as [keyof SuppressionRule, string | number][];
  return sql.join(
    named.map(([name, value]) => CONDITIONS[name](value)),
    sql` AND `,
  );
}

export async function previewSuppression(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; rule: SuppressionRule; nowMs: number }>,
): Promise<SuppressionPreview> {
  const { rule } = o;
  if (Object.keys(rule).filter((name) => name !== 'scoreBelow').length === 0) {
    throw new ReviewError(
      'ERR_REQUEST',
      'rule: expected at least one of person, role, ward, operation, cause and main reason',
    );
  }
  const rows = await rowsOf(
    database,
    sql<{ number: number; state: string; label: string | null; finding: string | null }>`
      SELECT h.number, h.state, l.state AS label, l.finding FROM hold h LEFT JOIN label l ON l.hold = h.tx_id
      WHERE h.number IN (SELECT number FROM hold
        WHERE msp_id = ${o.mspId} AND filed_ms >= ${o.nowMs - 30 * DAY_MS} AND ${fits(rule)})
      ORDER BY h.number DESC`,
  );
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
  };
}

/** @returns the new suppression, which does nothing until somebody else approves it */
export async function proposeSuppression(
  database: NodeDatabase,
  o: Readonly<{
    mspId: string;
    rule: SuppressionRule;
    reason: string;
    days: number;
    owner: string;
    nowMs: number;
  }>,
): Promise<Suppression> {
  const preview = await previewSuppression(database, o);
  const { id } = await oneRow(
    database,
    sql<{ id: number }>`
      INSERT INTO suppression (state, rule, preview, reason, owner, created_ms, expires_ms)
      VALUES ('proposed', ${JSON.stringify(o.rule)}, ${JSON.stringify(preview)}, ${o.reason}, ${o.owner},
        ${o.nowMs}, ${o.nowMs + o.days * DAY_MS})
      RETURNING id`,
  );
  return suppressionOf(database, id, o.nowMs);
}

/** @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_HOLD_SECOND_PERSON`, `ERR_SUPPRESSION_STATE` */
export async function approveSuppression(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; id: number; by: string; reason: string; nowMs: number }>,
): Promise<Suppression> {
  await transact(database, async (transaction) => {
    const known = await suppressionOf(transaction, o.id, o.nowMs);
    requireState(known, ['proposed']);
    if (known.owner === o.by) {
      throw new ReviewError(
        'ERR_HOLD_SECOND_PERSON',
        'You proposed this suppression; somebody else approves it.',
      );
    }
    await run(
      transaction,
      sql`UPDATE suppression SET state = 'active', approver = ${o.by}, approval_reason = ${o.reason}
        WHERE id = ${o.id}`,
    );
    await matchOpen(transaction, { id: o.id, mspId: o.mspId, rule: known.rule });
  });
  return suppressionOf(database, o.id, o.nowMs);
}

/** Ends it before its time, or turns a proposal down. @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_SUPPRESSION_STATE` */
export async function endSuppression(
  database: NodeDatabase,
  o: Readonly<{ id: number; by: string; reason: string; nowMs: number }>,
): Promise<Suppression> {
  await transact(database, async (transaction) => {
    requireState(await suppressionOf(transaction, o.id, o.nowMs), ['proposed', 'active']);
    await run(
      transaction,
      sql`UPDATE suppression SET state = 'ended', ended_by = ${o.by}, ended_reason = ${o.reason},
        ended_ms = ${o.nowMs} WHERE id = ${o.id}`,
    );
    // What it did to a hold stays readable in its preview and in the audit log; the queue is as before at once.
    await run(transaction, sql`DELETE FROM hold_suppression WHERE suppression = ${o.id}`);
  });
  return suppressionOf(database, o.id, o.nowMs);
}

/** Proposals first, then what is active by its end, then the past; at most 200. */
export async function listSuppressions(
  database: NodeDatabase,
  nowMs: number,
): Promise<readonly Suppression[]> {
  const rows = await rowsOf(
    database,
    sql<Row>`${rowsWithHolding(nowMs)} ORDER BY
      CASE WHEN s.state = 'proposed' THEN 0 WHEN s.state = 'active' AND s.expires_ms > ${nowMs} THEN 1 ELSE 2 END,
      s.expires_ms, s.id DESC LIMIT 200`,
  );
  return rows.map((row) => viewOf(row, nowMs));
}

/** Those that keep this hold at the back now. */
export async function suppressionsOf(
  database: NodeDatabase,
  txId: string,
  nowMs: number,
): Promise<readonly Suppression[]> {
  const rows = await rowsOf(
    database,
    sql<Row>`${rowsWithHolding(nowMs)} WHERE s.state = 'active' AND s.expires_ms > ${nowMs} AND s.id IN (
      SELECT hs.suppression FROM hold_suppression hs JOIN hold h ON h.tx_id = hs.hold
      WHERE hs.hold = ${txId} AND h.state = 'open' AND h.deadline_ms > ${nowMs + BACK_BEFORE_DUE_MS})`,
  );
  return rows.map((row) => viewOf(row, nowMs));
}

export async function countDeferred(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; nowMs: number }>,
): Promise<number> {
  const row = await oneRow(
    database,
    // In this order: SQLite would begin with all open holds.
    sql<{ n: number }>`SELECT count(DISTINCT hs.hold) AS n
      FROM suppression s CROSS JOIN hold_suppression hs CROSS JOIN hold h
      WHERE hs.suppression = s.id AND h.tx_id = hs.hold
        AND s.state = 'active' AND s.expires_ms > ${o.nowMs} AND h.msp_id = ${o.mspId} AND h.state = 'open'
        AND h.deadline_ms > ${o.nowMs + BACK_BEFORE_DUE_MS}`,
  );
  return row.n;
}

/** New holds meet the rules in force as their block arrives. Behind the review's own consumer. */
export function createSuppressionIntake(o: { readonly mspId: string }): BlockConsumer {
  return {
    async apply(block, transaction) {
      const filed = block.transactions
        .filter(({ code }) => code === 0)
        .flatMap(({ txId, writes }) =>
          writes.some(({ key }) => (key[0] === 'q' || key[0] === 'rev') && key[1] === txId)
            ? [txId]
            : [],
        );
      if (filed.length === 0) return;
      const active = await rowsOf(
        transaction,
        sql<{ id: number; rule: string; expires_ms: number }>`
          SELECT id, rule, expires_ms FROM suppression WHERE state = 'active'`,
      );
      for (const { id, rule, expires_ms: expiresMs } of active) {
        await match(transaction, id, [
          sql`tx_id IN (${sql.join(filed)})`,
          sql`msp_id = ${o.mspId}`,
          sql`filed_ms < ${expiresMs}`,
          fits(JSON.parse(rule) as SuppressionRule),
        ]);
      }
    },
  };
}

function matchOpen(
  transaction: NodeDatabase,
  o: Readonly<{ id: number; mspId: string; rule: SuppressionRule }>,
): Promise<void> {
  return match(transaction, o.id, [sql`msp_id = ${o.mspId}`, sql`state = 'open'`, fits(o.rule)]);
}

function match(
  transaction: NodeDatabase,
  id: number,
  conditions: readonly RawBuilder<unknown>[],
): Promise<void> {
  return run(
    transaction,
    sql`INSERT INTO hold_suppression (hold, suppression)
      SELECT tx_id, CAST(${id} AS BIGINT) FROM hold WHERE ${sql.join([...conditions], sql` AND `)}
      ON CONFLICT DO NOTHING`,
  );
}

interface Row {
  readonly id: number;
  readonly state: 'proposed' | 'active' | 'ended';
  readonly rule: string;
  readonly preview: string;
  readonly reason: string;
  readonly owner: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly approver: string | null;
  readonly approval_reason: string | null;
  readonly ended_by: string | null;
  readonly ended_reason: string | null;
  readonly ended_ms: number | null;
  readonly holding: number;
}

/** Suppressions with the open holds that each keeps at the back; to be followed by `WHERE` or `ORDER BY`. */
function rowsWithHolding(nowMs: number): RawBuilder<Row> {
  return sql`SELECT s.*, (SELECT count(*) FROM hold_suppression hs JOIN hold h ON h.tx_id = hs.hold
      WHERE hs.suppression = s.id AND h.state = 'open'
        AND h.deadline_ms > ${nowMs + BACK_BEFORE_DUE_MS}) AS holding
    FROM suppression s`;
}

async function suppressionOf(
  database: NodeDatabase,
  id: number,
  nowMs: number,
): Promise<Suppression> {
  const row = await rowOf(database, sql<Row>`${rowsWithHolding(nowMs)} WHERE s.id = ${id}`);
  if (row === undefined) {
    throw new ReviewError('ERR_NOT_FOUND', 'There is no suppression of this number.');
  }
  return viewOf(row, nowMs);
}

function viewOf(row: Row, nowMs: number): Suppression {
  const over = row.state !== 'ended' && row.expires_ms <= nowMs;
  return {
    id: row.id,
    state: over ? 'expired' : row.state,
    rule: JSON.parse(row.rule) as SuppressionRule,
    preview: JSON.parse(row.preview) as SuppressionPreview,
    reason: row.reason,
    owner: row.owner,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    approver: row.approver,
    approvalReason: row.approval_reason,
    endedBy: row.ended_by,
    endedReason: row.ended_reason,
    endedMs: row.ended_ms,
    holding: row.state === 'active' && !over ? row.holding : 0,
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
