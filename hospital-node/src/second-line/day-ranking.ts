/**
 * One day's accounts ranked against the days before. Pure: the same days give the same ranking, here and in a study.
 *
 * Each account's day is joined evidence of its members (`joinCases`); its p-value is split-conformal among the accounts' days
 * of the calibration, all earlier. The alert budget says how many days a day people can look at; what it keeps follows from it.
 * Source: detection.md §3, §5 (node tier); experiments' arms `node-tier` and `hook-and-node`.
 * @module
 */
import { joinCases } from '@bhschain/models/detector';

export interface DayCase {
  readonly actor: string;
  /** One value a member, higher is stranger. */
  readonly values: ArrayLike<number>;
}

export interface RankedCase {
  readonly actor: string;
  /** 1 is the strangest; equals in the order of their handles. */
  readonly place: number;
  /** Sum of 1 / p over the members. */
  readonly evidence: number;
  /** Each member's part of it. */
  readonly terms: Float64Array;
  /** Calibration cases of at least this evidence: p = (1 + asStrange) / (n + 1). */
  readonly asStrange: number;
  readonly kept: boolean;
}

export interface DayRanking {
  /** Share of days that the budget keeps. */
  readonly alpha: number;
  /** Strangest first. */
  readonly cases: readonly RankedCase[];
}

/**
 * The share that keeps about `daysPerDay` of a usual day's accounts.
 * @param cases - accounts' days of the calibration, on `days` days
 */
export function alphaOf(
  daysPerDay: number,
  { cases, days }: Readonly<{ cases: number; days: number }>,
): number {
  return Math.min(1, (daysPerDay * days) / cases);
}

/**
 * @param o.calibration - at least two cases, of days before
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for fewer
 */
export function rankDay(
  o: Readonly<{
    today: readonly DayCase[];
    calibration: readonly DayCase[];
    calibrationDays: number;
    members: number;
    daysPerDay: number;
  }>,
): DayRanking {
  const { calibration, members } = o;
  const join = joinCases(
    Array.from({ length: members }, (_, m) =>
      Float64Array.from(calibration, ({ values }) => values[m]!),
    ),
  );
  const n = calibration.length;
  const alpha = alphaOf(o.daysPerDay, { cases: n, days: o.calibrationDays });
  const cases = o.today
    .map(({ actor, values }) => {
      const evidence = join.evidence(values);
      const p = join.p(evidence);
      const asStrange = Math.round(p * (n + 1)) - 1;
      return { actor, evidence, terms: join.terms(values), asStrange, kept: p <= alpha };
    })
    .sort((a, b) => b.evidence - a.evidence || (a.actor < b.actor ? -1 : 1))
    .map((one, i): RankedCase => ({ ...one, place: i + 1 }));
  return { alpha, cases };
}
