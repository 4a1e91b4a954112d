/**
 * At the end of each six-hour bin of log time: every account's day that is not over is judged by the days before, ranked
 * against them, and what the alert budget keeps is written down with its reasons. All of a look is one transaction and a
 * function of what was counted, so a look that was cut off by a crash is made again and comes to the same.
 *
 * | days                              | are                                                                        |
 * |-----------------------------------|----------------------------------------------------------------------------|
 * | the first `PROFILE_DAYS`          | only learned from: without a past everything is strange                      |
 * | the `calibrationDays` before      | what a day is compared with, at least `CALIBRATION_DAYS_LEAST` of them       |
 * | of the history before the start   | learned from and compared with, never listed                                 |
 *
 * @module
 */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  createDayNormals,
  DAY_MEMBERS,
  surprisesOf,
  type DayNormals,
} from '@bhschain/models/features';
import type { Logger } from 'pino';
import { codeOf } from '../errors.js';
import type { NodeDatabase } from '../store/index.js';
import { findingsOf } from './day-finding.js';
import { DAY_MS, lastDayOver } from './day-log.js';
import { rankDay, type DayCase } from './day-ranking.js';
import { countedDays, type CountedDay } from './day-store.js';
import { readingOf, storeLook, type JudgedDay, type RankedDay } from './ranking-store.js';

export const PROFILE_DAYS = 3;
export const CALIBRATION_DAYS_LEAST = 3;
/** Longer ago says little about today, and is forgotten. */
export const KEPT_DAYS = 90;

export interface DayRankerOptions {
  readonly database: NodeDatabase;
  /** The alert budget. */
  readonly daysPerDay: number;
  readonly calibrationDays: number;
  /** First instant of log time that is not history; null: not known yet. */
  readonly liveFromMs: () => number | null;
  /** Surprises by the calls on the ledger, or why there are none; absent: not looked at. */
  readonly calls?: LedgerCalls;
  /** What the hospital's systems do not show, in words. */
  readonly missing: (devicesSeen: boolean) => readonly string[];
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly onRanked?: (look: RankedLook) => Promise<void>;
}

export interface LedgerCalls {
  /** Members that it adds, the same in every answer. */
  readonly members: readonly string[];
  /**
   * @param fromDay - first day of the calibration
   * @returns by day and actor one value a member, or the reason why calls cannot be compared yet
   */
  surprises(o: Readonly<{ fromDay: number; day: number }>): Promise<CallSurprises | string>;
}

export type CallSurprises = (day: number, actor: string) => ArrayLike<number>;

export interface RankedLook {
  readonly throughMs: number;
  readonly days: readonly Pick<RankedDay, 'day' | 'cases' | 'kept'>[];
}

export interface DayRanker {
  /** Ranks what was counted since the last look; nothing new, nothing done. */
  look(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

export function createDayRanker(o: DayRankerOptions): DayRanker {
  return {
    look: () => look(o),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await look(o);
        } catch (error) {
          o.log.warn({ code: codeOf(error), err: error }, 'days not ranked');
        }
        await o.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      }
    },
  };
}

async function look(o: DayRankerOptions): Promise<void> {
  const liveFromMs = o.liveFromMs();
  const reading = await readingOf(o.database);
  if (liveFromMs === null || reading === null) return;
  const { throughMs, rankedThroughMs, firstDay, rankedOver } = reading;
  if (throughMs <= rankedThroughMs || throughMs <= liveFromMs || firstDay === null) return;
  const liveDay = Math.floor(liveFromMs / DAY_MS);
  const newestDay = Math.floor((throughMs - 1) / DAY_MS);
  const over = lastDayOver(throughMs);
  const missing = o.missing(reading.devicesSeen);
  const normals = createDayNormals();
  const judged: JudgedDay[] = [];
  const ranked: RankedDay[] = [];
  for (let day = Math.max(firstDay, newestDay - KEPT_DAYS); day <= newestDay; day++) {
    const counted = await countedDays(o.database, day);
    judged.push({ day, cases: counted.map((one) => judgedBy(normals, one)) });
    if (day >= liveDay && counted.length > 0 && !rankedOver.has(day)) {
      const at = { day, firstDay, judged, missing, counted, normals };
      ranked.push({ ...(await rankOne(o, at)), isOver: day <= over });
    }
    for (const { counts } of counted) normals.learn(counts);
    await breathe();
  }
  await storeLook(o.database, {
    ...{ throughMs, ranked },
    judged: judged.filter(({ day }) => day <= over),
    forgetBefore: newestDay - KEPT_DAYS,
  });
  await o.onRanked?.({ throughMs, days: ranked });
}

function judgedBy(
  normals: DayNormals,
  { counts, surprises }: CountedDay,
): JudgedDay['cases'][number] {
  return {
    actor: counts.actor,
    surprises: surprises ?? surprisesOf(normals.reasons(counts)),
    isKnown: surprises !== null,
  };
}

async function rankOne(
  o: DayRankerOptions,
  at: Readonly<{
    day: number;
    firstDay: number;
    /** That day's and those before. */
    judged: readonly JudgedDay[];
    missing: readonly string[];
    counted: readonly CountedDay[];
    /** Of the days before. */
    normals: DayNormals;
  }>,
): Promise<Omit<RankedDay, 'isOver'>> {
  const { day } = at;
  const fromDay = Math.max(at.firstDay + PROFILE_DAYS, day - o.calibrationDays);
  const before = at.judged.filter(
    (one) => one.day >= fromDay && one.day < day && one.cases.length > 0,
  );
  const today = at.judged.at(-1)!;
  const cases = before.reduce((sum, one) => sum + one.cases.length, 0);
  const figures = {
    ...{ day, cases: today.cases.length },
    calibrationDays: before.length,
    calibrationCases: cases,
  };
  if (before.length < CALIBRATION_DAYS_LEAST) {
    return { ...figures, alpha: null, missing: at.missing, ranking: [], kept: 0 };
  }
  const calls = (await o.calls?.surprises({ fromDay, day })) ?? null;
  const isJoined = typeof calls === 'function';
  const networks = isJoined ? o.calls!.members : [];
  const caseOf =
    (of: JudgedDay) =>
    ({ actor, surprises }: JudgedDay['cases'][number]): DayCase => ({
      actor,
      values: isJoined ? [...surprises, ...Array.from(calls(of.day, actor))] : surprises,
    });
  const { alpha, cases: rankedCases } = rankDay({
    today: today.cases.map(caseOf(today)),
    calibration: before.flatMap((one) => one.cases.map(caseOf(one))),
    calibrationDays: before.length,
    members: DAY_MEMBERS.length + networks.length,
    daysPerDay: o.daysPerDay,
  });
  const byActor = new Map(at.counted.map(({ counts }) => [counts.actor, counts]));
  const ranking = rankedCases
    .filter(({ kept }) => kept)
    .map(({ terms, ...one }) => {
      const counts = byActor.get(one.actor)!;
      const findings = findingsOf(at.normals.reasons(counts), terms, networks);
      return { ...one, role: counts.role, findings };
    });
  return {
    ...{ ...figures, alpha, ranking, kept: ranking.length },
    missing: typeof calls === 'string' ? [...at.missing, calls] : at.missing,
  };
}
