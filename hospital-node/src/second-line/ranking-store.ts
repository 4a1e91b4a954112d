/**
 * Rankings in `node.sqlite`: what a look reads before and writes after, all or nothing.
 * @module
 */
import { transact, type NodeDatabase } from '../store/index.js';
import type { DayFinding } from './day-finding.js';
import type { DayLogState } from './day-log.js';
import type { RankedCase } from './day-ranking.js';
import { toBytes } from './day-store.js';
import type { SecondLineTables } from './schema.js';

export interface JudgedDay {
  readonly day: number;
  readonly cases: readonly {
    readonly actor: string;
    /** By the days before, in the order of `DAY_MEMBERS`. */
    readonly surprises: Float64Array;
    /** Whether they are stored already. */
    readonly isKnown: boolean;
  }[];
}

export interface RankedDay {
  readonly day: number;
  readonly isOver: boolean;
  readonly cases: number;
  readonly calibrationDays: number;
  readonly calibrationCases: number;
  /** null: too few days to compare with. */
  readonly alpha: number | null;
  readonly kept: number;
  readonly missing: readonly string[];
  readonly ranking: readonly (Omit<RankedCase, 'terms'> & {
    readonly role: string;
    readonly findings: readonly DayFinding[];
  })[];
}

export interface Reading {
  readonly throughMs: number;
  readonly rankedThroughMs: number;
  readonly firstDay: number | null;
  /** Days whose ranking is final. */
  readonly rankedOver: ReadonlySet<number>;
  readonly devicesSeen: boolean;
}

export async function readingOf(database: NodeDatabase): Promise<Reading | null> {
  const tables = database.withTables<SecondLineTables>();
  const row = await tables.selectFrom('day_reading').selectAll().executeTakeFirst();
  if (row === undefined) return null;
  if (row.through_ms <= row.ranked_through_ms) {
    const nothing = { firstDay: null, rankedOver: new Set<number>(), devicesSeen: false };
    return { throughMs: row.through_ms, rankedThroughMs: row.ranked_through_ms, ...nothing };
  }
  const first = await tables
    .selectFrom('actor_day')
    .select((builder) => builder.fn.min('day').as('day'))
    .executeTakeFirst();
  const over = await tables
    .selectFrom('day_ranking')
    .select('day')
    .where('is_over', '=', 1)
    .execute();
  const state = JSON.parse(row.state) as DayLogState;
  return {
    throughMs: row.through_ms,
    rankedThroughMs: row.ranked_through_ms,
    firstDay: first?.day ?? null,
    rankedOver: new Set(over.map(({ day }) => day)),
    devicesSeen: state.counter.devices.length > 0,
  };
}

export async function storeLook(
  database: NodeDatabase,
  o: Readonly<{
    throughMs: number;
    judged: readonly JudgedDay[];
    ranked: readonly RankedDay[];
    forgetBefore: number;
  }>,
): Promise<void> {
  await transact(database, async (transaction) => {
    const tables = transaction.withTables<SecondLineTables>();
    for (const { day, cases } of o.judged) {
      for (const { actor, surprises, isKnown } of cases) {
        if (isKnown) continue;
        await tables
          .updateTable('actor_day')
          .set({ surprises: toBytes(surprises) })
          .where('day', '=', day)
          .where('actor', '=', actor)
          .execute();
      }
    }
    for (const ranked of o.ranked) await storeDay(transaction, ranked, o.throughMs);
    await tables.deleteFrom('actor_day').where('day', '<', o.forgetBefore).execute();
    await tables.deleteFrom('ledger_day').where('day', '<', o.forgetBefore).execute();
    await tables.updateTable('day_reading').set({ ranked_through_ms: o.throughMs }).execute();
  });
}

/** Replaces a day's ranking. A row that people have decided on stays, kept or not. */
async function storeDay(
  transaction: NodeDatabase,
  ranked: RankedDay,
  throughMs: number,
): Promise<void> {
  const tables = transaction.withTables<SecondLineTables>();
  const { day } = ranked;
  const figures = {
    through_ms: throughMs,
    is_over: ranked.isOver ? 1 : 0,
    cases: ranked.cases,
    calibration_days: ranked.calibrationDays,
    calibration_cases: ranked.calibrationCases,
    alpha_ppm: ranked.alpha === null ? null : Math.round(ranked.alpha * 1e6),
    kept: ranked.kept,
    missing: JSON.stringify(ranked.missing),
  };
  await tables
    .insertInto('day_ranking')
    .values({ day, ...figures })
    .onConflict((conflict) => conflict.column('day').doUpdateSet(figures))
    .execute();
  await tables.updateTable('ranked_day').set({ kept: 0 }).where('day', '=', day).execute();
  for (const one of ranked.ranking) {
    const row = {
      role: one.role,
      place: one.place,
      evidence: Math.round(one.evidence * 1e6),
      as_strange: one.asStrange,
      kept: 1,
      reasons: JSON.stringify(one.findings),
    };
    await tables
      .insertInto('ranked_day')
      .values({ day, actor: one.actor, ...row })
      .onConflict((conflict) => conflict.columns(['day', 'actor']).doUpdateSet(row))
      .execute();
  }
  await tables
    .deleteFrom('ranked_day')
    .where('day', '=', day)
    .where('kept', '=', 0)
    .where('id', 'not in', (builder) => builder.selectFrom('day_disposition').select('ranked_day'))
    .execute();
}
