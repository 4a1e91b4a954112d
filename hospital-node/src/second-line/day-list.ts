/**
 * The listed days as people read them: newest day first, the strangest of a day first, with what became of each.
 * @module
 */
import { sql, type RawBuilder } from 'kysely';
import type { TimelineCall } from '../http/answers.js';
import { PLACES_IN_BLOCK } from '../fabric/block-checkpoint.js';
import { oneRow, rowOf, rowsOf, type NodeDatabase } from '../store/index.js';
import type { DayFinding } from './day-finding.js';
import { DAY_MS } from './day-log.js';
import type { DayDisposition, NewDayDisposition, SecondLineTables } from './schema.js';

export interface ListedDay {
  readonly id: number;
  readonly day: number;
  /** Handle of the log. */
  readonly actor: string;
  readonly role: string;
  readonly place: number;
  /** Of how many accounts that day. */
  readonly cases: number;
  readonly evidence: number;
  readonly asStrange: number;
  readonly calibrationCases: number;
  readonly calibrationDays: number;
  /** Nothing is added to the day any more. */
  readonly isOver: boolean;
  /** False: later hours put others before it, and it stays because somebody decided on it. */
  readonly isKept: boolean;
  readonly findings: readonly DayFinding[];
  readonly dispositions: readonly DayDisposition[];
}

export interface DayListQuery {
  /** Only days that nobody has looked at, or only those that somebody has. */
  readonly waiting: boolean;
  readonly after: Readonly<{ day: number; place: number }> | null;
  readonly limit: number;
}

export async function listDays(
  database: NodeDatabase,
  o: DayListQuery,
): Promise<readonly ListedDay[]> {
  const tables = database.withTables<SecondLineTables>();
  let query = listed(database).where('ranked_day.kept', '=', 1);
  const decided = tables.selectFrom('day_disposition').select('ranked_day');
  query = o.waiting
    ? query.where('ranked_day.id', 'not in', decided)
    : listed(database).where('ranked_day.id', 'in', decided);
  const { after } = o;
  if (after !== null) {
    query = query.where((e) =>
      e.or([
        e('ranked_day.day', '<', after.day),
        e.and([e('ranked_day.day', '=', after.day), e('place', '>', after.place)]),
      ]),
    );
  }
  const rows = await query
    .orderBy('ranked_day.day', 'desc')
    .orderBy('place')
    .limit(o.limit)
    .execute();
  return withDispositions(database, rows);
}

export async function dayById(database: NodeDatabase, id: number): Promise<ListedDay | null> {
  const rows = await listed(database).where('ranked_day.id', '=', id).execute();
  return (await withDispositions(database, rows))[0] ?? null;
}

type Row = Awaited<ReturnType<ReturnType<typeof listed>['execute']>>[number];

function listed(database: NodeDatabase) {
  return database
    .withTables<SecondLineTables>()
    .selectFrom('ranked_day')
    .innerJoin('day_ranking', 'day_ranking.day', 'ranked_day.day')
    .selectAll('ranked_day')
    .select(['is_over', 'cases', 'calibration_days', 'calibration_cases']);
}

async function withDispositions(
  database: NodeDatabase,
  rows: readonly Row[],
): Promise<readonly ListedDay[]> {
  const ids = rows.map(({ id }) => id);
  const dispositions =
    ids.length === 0
      ? []
      : await database
          .withTables<SecondLineTables>()
          .selectFrom('day_disposition')
          .selectAll()
          .where('ranked_day', 'in', ids)
          .orderBy('id')
          .execute();
  return rows.map((row): ListedDay => ({
    id: row.id,
    day: row.day,
    actor: row.actor,
    role: row.role,
    place: row.place,
    cases: row.cases,
    evidence: row.evidence / 1e6,
    asStrange: row.as_strange,
    calibrationCases: row.calibration_cases,
    calibrationDays: row.calibration_days,
    isOver: row.is_over === 1,
    isKept: row.kept === 1,
    findings: JSON.parse(row.reasons) as DayFinding[],
    dispositions: dispositions.filter(({ ranked_day: of }) => of === row.id),
  }));
}

export interface SecondLineFacts {
  /** The newest ranked day and its figures; null before the first. */
  readonly newest: {
    readonly day: number;
    readonly throughMs: number;
    readonly cases: number;
    readonly kept: number;
    readonly alphaPpm: number | null;
    readonly calibrationDays: number;
    readonly missing: readonly string[];
  } | null;
  /** Listed, and nobody has looked at them. */
  readonly waiting: number;
}

export async function secondLineFacts(database: NodeDatabase): Promise<SecondLineFacts> {
  const tables = database.withTables<SecondLineTables>();
  const newest = await tables
    .selectFrom('day_ranking')
    .selectAll()
    .orderBy('day', 'desc')
    .executeTakeFirst();
  const { waiting } = await tables
    .selectFrom('ranked_day')
    .select((builder) => builder.fn.countAll<number>().as('waiting'))
    .where('kept', '=', 1)
    .where('id', 'not in', tables.selectFrom('day_disposition').select('ranked_day'))
    .executeTakeFirstOrThrow();
  return {
    newest:
      newest === undefined
        ? null
        : {
            day: newest.day,
            throughMs: newest.through_ms,
            cases: newest.cases,
            kept: newest.kept,
            alphaPpm: newest.alpha_ppm,
            calibrationDays: newest.calibration_days,
            missing: JSON.parse(newest.missing) as string[],
          },
    waiting,
  };
}

/** One sentence for `status`. */
export function secondLineSentence({ newest, waiting }: SecondLineFacts): string {
  if (newest === null) return 'Second line: no day has been ranked yet.';
  const day = dateOf(newest.day);
  return newest.alphaPpm === null
    ? `Second line: ${day} has too few days before it to be compared with (${newest.calibrationDays}).`
    : `Second line: ${newest.kept} of ${newest.cases} accounts’ days listed for ${day}; ${waiting} in all wait to be looked at.`;
}

/** ISO date of a day since 1970. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** A call on the ledger; `hold` is the one that it became, or that a report made of it. */
export type DayCall = Omit<TimelineCall, 'at'> & { readonly txId: string; readonly atMs: number };

const CALLS_MAX = 200;

interface ActorDay {
  readonly ledgerActor: string;
  readonly day: number;
}

export interface DayCalls {
  /** In the order of log time; the latest two hundred. */
  readonly calls: readonly DayCall[];
  readonly inAll: number;
}

/** The calls as the block stream left them. */
export async function callsOfDay(database: NodeDatabase, of: ActorDay): Promise<DayCalls> {
  const calls = await callsWhere(database, inDay(of));
  const { inAll } = await oneRow(
    database,
    sql<{ inAll: number }>`SELECT count(*) AS "inAll" FROM guarded_call c WHERE ${inDay(of)}`,
  );
  return { calls, inAll };
}

/** Null: none of this account on this day. */
export async function callOfDay(
  database: NodeDatabase,
  o: ActorDay & { readonly txId: string },
): Promise<DayCall | null> {
  return (await callsWhere(database, sql`${inDay(o)} AND t.tx_id = ${o.txId}`))[0] ?? null;
}

function inDay({ ledgerActor, day }: ActorDay): RawBuilder<boolean> {
  return sql`c.actor = ${ledgerActor} AND c.at_ms >= ${day * DAY_MS} AND c.at_ms < ${(day + 1) * DAY_MS}`;
}

async function callsWhere(
  database: NodeDatabase,
  condition: RawBuilder<unknown>,
): Promise<DayCall[]> {
  const rows = await rowsOf(
    database,
    sql<{
      tx_id: string;
      at_ms: number;
      function: string;
      held: number;
      score: number | null;
      number: number | null;
      state: TimelineCall['state'];
      finding: string | null;
    }>`
    SELECT t.tx_id, c.at_ms, c.function, c.held, c.score, h.number, h.state, l.finding
    FROM guarded_call c
    JOIN ledger_transaction t ON t.block = c.place / ${PLACES_IN_BLOCK} AND t.position = c.place % ${PLACES_IN_BLOCK}
    LEFT JOIN hold h ON h.tx_id = t.tx_id
    LEFT JOIN label l ON l.hold = h.tx_id
    WHERE ${condition}
    ORDER BY c.at_ms DESC, c.place DESC LIMIT ${CALLS_MAX}`,
  );
  return [...rows].reverse().map((row) => ({
    txId: row.tx_id,
    atMs: row.at_ms,
    function: row.function,
    held: row.held === 1,
    scoreMillionths: row.score,
    hold: row.number === null ? null : `H-${row.number}`,
    state: row.state,
    finding: row.finding,
  }));
}

/** The transaction by which a call was reported; null if its review has another cause. */
export async function reportOfCall(database: NodeDatabase, txId: string): Promise<string | null> {
  const row = await rowOf(
    database,
    sql<{ tx_id: string }>`SELECT tx_id FROM hold_step WHERE hold = ${txId} AND step = 'report'`,
  );
  return row?.tx_id ?? null;
}

export async function addDisposition(database: NodeDatabase, o: NewDayDisposition): Promise<void> {
  await database.withTables<SecondLineTables>().insertInto('day_disposition').values(o).execute();
}
