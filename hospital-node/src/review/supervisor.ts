/**
 * How the review itself is doing: who carries what, how old it is, whether deadlines are kept, and how decisions come about.
 * Figures about work, from the steps on the ledger; none of them says how good a person is.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import type { EmergencyAccess, PersonLoad, ReviewHealth } from '../http/answers.js';
import { oneRow, rowsOf, type NodeDatabase } from '../store/index.js';
import { peopleByActor } from './people.js';
import { pseudonymOf } from './review-store.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AGE_HOURS = [1, 4, 12, 24];
const UNDECIDED_STATES: readonly string[] = ['open', 'claimed', 'proposed', 'escalated'];
const UNDECIDED: RawBuilder<unknown> = sql`(${sql.join(UNDECIDED_STATES)})`;

interface DecisionRow {
  readonly filed_ms: number;
  readonly approved_ms: number;
  readonly proposed_ms: number;
  readonly proposer: string;
  readonly approver: string;
  readonly model_version: number | null;
  readonly action: string;
  readonly finding: string;
  readonly due_ms: number;
}

export async function reviewHealth(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; nowMs: number }>,
): Promise<Omit<ReviewHealth, 'reIdentifications'>> {
  const { mspId, nowMs } = o;
  const people = await peopleByActor(database);
  const nameOf = (actor: string): string => people.get(actor) ?? pseudonymOf(actor);
  const open = await rowsOf(
    database,
    sql<OpenRow>`SELECT state, holder, filed_ms, deadline_ms FROM hold
      WHERE msp_id = ${mspId} AND state IN ${UNDECIDED}`,
  );
  const decisions = await decisionsSince(database, mspId, nowMs - 30 * DAY_MS);
  const waits = decisions.map((row) => row.approved_ms - row.filed_ms).sort((a, b) => a - b);
  return {
    load: await loadOf(database, { open, people, nowMs }),
    ages: agesOf(open, nowMs),
    unclaimed: open.filter(({ state }) => state === 'open' || state === 'escalated').length,
    overdue: open.filter((row) => row.deadline_ms < nowMs).length,
    decided: decisions.length,
    decidedInTime: decisions.filter((row) => row.approved_ms <= row.due_ms).length,
    medianMs: quantile(waits, 0.5),
    p90Ms: quantile(waits, 0.9),
    escalations: await countSteps(database, {
      mspId,
      step: 'escalate',
      sinceMs: nowMs - 30 * DAY_MS,
    }),
    outcomes: tally(decisions, ({ action, finding }) => `${action}\u001f${finding}`).map(
      ([key, rows]) => {
        const [action = '', finding = ''] = key.split('\u001f');
        return { action, finding, holds: rows.length };
      },
    ),
    pairs: tally(decisions, (row) => `${row.proposer}\u001f${row.approver}`).map(([, rows]) => ({
      proposer: nameOf(rows[0]!.proposer),
      approver: nameOf(rows[0]!.approver),
      holds: rows.length,
      medianSeconds: Math.round(
        quantile(
          rows.map((row) => row.approved_ms - row.proposed_ms).sort((a, b) => a - b),
          0.5,
        )! / 1_000,
      ),
    })),
    detectors: tally(decisions, (row) => String(row.model_version)).map(([, rows]) => ({
      version: rows[0]!.model_version,
      decided: rows.length,
      confirmed: rows.filter(({ finding }) => finding === 'attack' || finding === 'policy-breach')
        .length,
    })),
    days: await filedByDay(database, mspId, nowMs - 30 * DAY_MS),
    breakGlass: await emergencyAccess(database, o),
  };
}

async function filedByDay(
  database: NodeDatabase,
  mspId: string,
  sinceMs: number,
): Promise<ReviewHealth['days']> {
  const rows = await rowsOf(
    database,
    sql<{
      day: number;
      holds: number;
    }>`SELECT filed_ms / 86400000 AS day, count(*) AS holds FROM hold
      WHERE msp_id = ${mspId} AND filed_ms >= ${sinceMs} GROUP BY filed_ms / 86400000 ORDER BY 1`,
  );
  return rows.map(({ day, holds }) => ({
    day: new Date(day * DAY_MS).toISOString().slice(0, 10),
    holds,
  }));
}

const FREQUENT_MAX = 5;

interface EmergencyRow {
  readonly actor: string;
  readonly role: string;
  readonly ward: string;
  readonly state: string;
  readonly deadline_ms: number;
  readonly finding: string;
}

/** Calls of the last thirty days that ran at once because somebody said that it was an emergency. */
async function emergencyAccess(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; nowMs: number }>,
): Promise<EmergencyAccess> {
  const rows = await rowsOf(
    database,
    sql<EmergencyRow>`
      SELECT h.actor, h.role, h.ward, h.state, h.deadline_ms, coalesce(l.finding, 'undetermined') AS finding
      FROM hold h LEFT JOIN label l ON l.hold = h.tx_id
      WHERE h.msp_id = ${o.mspId} AND h.cause = 'break-glass' AND h.filed_ms >= ${o.nowMs - 30 * DAY_MS}
      ORDER BY h.number`,
  );
  const waiting = rows.filter(({ state }) => UNDECIDED_STATES.includes(state));
  const decided = rows.filter(({ state }) => !UNDECIDED_STATES.includes(state));
  return {
    filed: rows.length,
    waiting: waiting.length,
    overdue: waiting.filter((row) => row.deadline_ms < o.nowMs).length,
    actors: tally(rows, ({ actor }) => actor)
      .slice(0, FREQUENT_MAX)
      .map(([actor, own]) => ({
        ...{ actor: pseudonymOf(actor), role: own[0]!.role, ward: own[0]!.ward },
        holds: own.length,
      })),
    findings: Object.fromEntries(
      tally(decided, ({ finding }) => finding).map(([finding, alike]) => [finding, alike.length]),
    ),
  };
}

interface OpenRow {
  readonly state: string;
  readonly holder: string | null;
  readonly filed_ms: number;
  readonly deadline_ms: number;
}

async function loadOf(
  database: NodeDatabase,
  o: Readonly<{ open: readonly OpenRow[]; people: ReadonlyMap<string, string>; nowMs: number }>,
): Promise<readonly PersonLoad[]> {
  const done = await rowsOf(
    database,
    sql<{ actor: string; step: string; n: number }>`
      SELECT by_actor AS actor, step, count(*) AS n FROM hold_step
      WHERE step IN ('propose', 'approve') AND at_ms >= ${o.nowMs - 7 * DAY_MS} GROUP BY by_actor, step`,
  );
  return [...o.people]
    .map(([actor, name]): PersonLoad => {
      const held = o.open.filter(({ holder }) => holder === actor);
      const count = (step: string): number =>
        done.find((row) => row.actor === actor && row.step === step)?.n ?? 0;
      return {
        name,
        claimed: held.filter(({ state }) => state === 'claimed').length,
        waiting: held.filter(({ state }) => state === 'proposed').length,
        oldestFiledAt:
          held.length === 0
            ? null
            : new Date(Math.min(...held.map(({ filed_ms: filed }) => filed))).toISOString(),
        proposals7d: count('propose'),
        approvals7d: count('approve'),
      };
    })
    .sort((a, b) => b.claimed + b.waiting - (a.claimed + a.waiting) || (a.name < b.name ? -1 : 1));
}

function agesOf(open: readonly OpenRow[], nowMs: number): ReviewHealth['ages'] {
  const borders = [0, ...AGE_HOURS, Infinity];
  return borders.slice(1).map((upTo, i) => ({
    upToHours: Number.isFinite(upTo) ? upTo : null,
    holds: open.filter(({ filed_ms: filed }) => {
      const hours = (nowMs - filed) / HOUR_MS;
      return (i === 0 || hours >= borders[i]!) && hours < upTo;
    }).length,
  }));
}

/**
 * Approvals with the proposal before them. The deadline that counted is not kept once a decision set the next one, so it is
 * taken as the ledger gives it: a day after filing, or after the last escalation or appeal.
 */
function decisionsSince(
  database: NodeDatabase,
  mspId: string,
  sinceMs: number,
): Promise<readonly DecisionRow[]> {
  return rowsOf(
    database,
    sql<DecisionRow>`SELECT h.filed_ms, h.model_version, a.at_ms AS approved_ms, a.by_actor AS approver,
        p.at_ms AS proposed_ms, p.by_actor AS proposer,
        CASE a.to_state WHEN 'released' THEN 'release' ELSE 'reject' END AS action,
        coalesce(l.finding, 'undetermined') AS finding,
        coalesce((SELECT max(e.at_ms) FROM hold_step e WHERE e.hold = h.tx_id
          AND e.step IN ('escalate', 'appeal') AND e.version < a.version), h.filed_ms) + 86400000 AS due_ms
      FROM hold_step a
      JOIN hold h ON h.tx_id = a.hold AND h.msp_id = ${mspId}
      JOIN hold_step p ON p.hold = a.hold AND p.version = a.version - 1
      LEFT JOIN label l ON l.hold = a.hold
      WHERE a.step = 'approve' AND a.at_ms >= ${sinceMs} ORDER BY a.at_ms, h.number`,
  );
}

async function countSteps(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; step: string; sinceMs: number }>,
): Promise<number> {
  const row = await oneRow(
    database,
    sql<{ n: number }>`SELECT count(*) AS n FROM hold_step s
      JOIN hold h ON h.tx_id = s.hold AND h.msp_id = ${o.mspId}
      WHERE s.step = ${o.step} AND s.at_ms >= ${o.sinceMs}`,
  );
  return row.n;
}

/** Groups, the largest first. */
function tally<T>(rows: readonly T[], keyOf: (row: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.floor((sorted.length - 1) * share)]!;
}
