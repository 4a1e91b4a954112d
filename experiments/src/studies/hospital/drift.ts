/**
 * Weeks after the calibration: does θ still hold its rate when staff, season and software change? Three policies on the same
 * calls, day by day: the table as it was, a threshold recalibrated on what did not alert (a known mistake: it tightens itself),
 * and bounded adaptive α as the node has it (detection.md §5). Unit: the guarded call.
 * @module
 */
import { createAdaptiveAlpha, fitTable, joinedScores, PAST_LEAST } from '@bhschain/models/detector';
import { ExperimentError } from '../../errors.js';
import { thresholdAt } from '../../evaluation/matched-rate.js';
import { seedStream } from '../../harness/seed-streams.js';
import { GUILTY } from './featurise.js';
import type { HospitalData } from './hospital-data.js';
import { PUBLIC_DETECTOR, readyMembers } from './networks.js';
import type { PlacedWindow } from './row-store.js';

export const POLICIES = ['static', 'naive', 'adaptive'] as const;
export type Policy = (typeof POLICIES)[number];

export interface WeekRow {
  readonly policy: Policy;
  readonly hospital: string;
  /** From 1, after the calibration. */
  readonly week: number;
  /** Calls of actor-days without an incident, and those of them held. */
  readonly calls: number;
  readonly held: number;
  /** Judgements after which α wanted to leave [α/2, 2α]: people have to decide. */
  readonly governance: number;
}

export interface DriftResult {
  readonly weeks: readonly WeekRow[];
  /** Incidents with a held guilty call. */
  readonly found: Readonly<Record<Policy, ReadonlySet<string>>>;
}

/** Scores that a threshold remembers, the newest; enough for ± 0.3 points at 3.2 %. */
const REMEMBERED = 4_000;

interface Call {
  readonly stratum: number;
  readonly nonconformity: number;
  readonly heldByTable: boolean;
  readonly day: number;
  readonly guilty: boolean;
  readonly incidents: readonly string[];
}

/** Judges one call, and learns from it. */
type Judge = (call: Call) => { readonly alert: boolean; readonly governance: boolean };

/** @throws {ExperimentError} `ERR_STUDY_DATA` if a hospital has fewer calibration calls than adaptive α needs */
export function driftOf(
  hospitals: readonly HospitalData[],
  options: Readonly<{ seed: number; alpha: number }>,
): DriftResult {
  const weeks: WeekRow[] = [];
  const found = { static: new Set(), naive: new Set(), adaptive: new Set() } as Record<
    Policy,
    Set<string>
  >;
  for (const data of hospitals) {
    const { calls, past } = scored(data, options);
    const firstDay = calls[0]?.day ?? 0;
    for (const policy of POLICIES) {
      const judge = judgeOf(policy, past, { ...options, nodeId: data.nodeId });
      const rows = new Map<number, { calls: number; held: number; governance: number }>();
      for (const call of calls) {
        const { alert, governance } = judge(call);
        const week = Math.floor((call.day - firstDay) / 7) + 1;
        const row = rows.get(week) ?? { calls: 0, held: 0, governance: 0 };
        rows.set(week, row);
        if (governance) row.governance++;
        if (call.guilty && alert) for (const id of call.incidents) found[policy].add(id);
        if (call.incidents.length > 0) continue;
        row.calls++;
        if (alert) row.held++;
      }
      for (const [week, row] of rows) weeks.push({ policy, hospital: data.nodeId, week, ...row });
    }
  }
  return { weeks, found };
}

/** Live calls day by day, and for each stratum the calibration scores that nothing was fitted on. */
function scored(
  data: HospitalData,
  { seed, alpha }: Readonly<{ seed: number; alpha: number }>,
): { calls: Call[]; past: ReadonlyMap<number, readonly number[]> } {
  const calibration = data.calibration().windows();
  const halves = new Map<string, boolean>();
  const inHalfA = ({ group }: PlacedWindow): boolean => {
    const { actor } = data.calibrationCases[group]!;
    const known =
      halves.get(actor) ?? seedStream(seed, 'partition', 'calibration half', actor).chance(0.5);
    halves.set(actor, known);
    return known;
  };
  const members = readyMembers(PUBLIC_DETECTOR);
  const halfB = calibration.filter((window) => !inHalfA(window));
  const table = fitTable({
    members,
    strata: PUBLIC_DETECTOR.strata,
    halfA: calibration.filter(inHalfA),
    halfB,
    alphaPpm: Math.round(alpha * 1e6),
  });
  const stratumOf = ({ rows }: PlacedWindow): number =>
    table.strata.findIndex(
      ({ lengthMin, lengthMax }) => rows.length >= lengthMin && rows.length <= lengthMax,
    );
  const past = new Map<number, number[]>();
  joinedScores(members, table, halfB).forEach(({ nonconformity }, i) => {
    const stratum = stratumOf(halfB[i]!);
    const own = past.get(stratum);
    if (own === undefined) past.set(stratum, [nonconformity]);
    else own.push(nonconformity);
  });
  const live = data
    .live()
    .windows()
    .sort((a, b) => data.liveCases[a.group]!.day - data.liveCases[b.group]!.day);
  const calls = joinedScores(members, table, live).map(
    ({ nonconformity, scoreMillionths }, i): Call => {
      const { group, flag } = live[i]!;
      const { day, incidents } = data.liveCases[group]!;
      return {
        stratum: stratumOf(live[i]!),
        nonconformity,
        heldByTable: scoreMillionths >= table.theta,
        day,
        guilty: (flag & GUILTY) !== 0,
        incidents,
      };
    },
  );
  return { calls, past };
}

function judgeOf(
  policy: Policy,
  past: ReadonlyMap<number, readonly number[]>,
  { alpha, nodeId }: Readonly<{ alpha: number; nodeId: string }>,
): Judge {
  if (policy === 'static') return ({ heldByTable }) => ({ alert: heldByTable, governance: false });
  for (const [stratum, scores] of past) {
    if (scores.length >= PAST_LEAST) continue;
    throw new ExperimentError(
      'ERR_STUDY_DATA',
      `${nodeId}, stratum ${stratum}: expected at least ${PAST_LEAST} calibration calls, got ${scores.length}; more staff or timeline.calibrationDays`,
      { nodeId, stratum },
    );
  }
  return policy === 'naive' ? naive(past, alpha) : adaptive(past, alpha);
}

/** Every day a new threshold from the newest calls that did not alert. */
function naive(past: ReadonlyMap<number, readonly number[]>, alpha: number): Judge {
  const strata = new Map(
    [...past].map(([stratum, scores]) => [
      stratum,
      { kept: scores.slice(-REMEMBERED), threshold: thresholdAt(scores, alpha) },
    ]),
  );
  let today = -1;
  return ({ stratum, day, nonconformity }) => {
    if (day !== today) {
      today = day;
      for (const one of strata.values()) {
        one.kept = one.kept.slice(-REMEMBERED);
        one.threshold = thresholdAt(one.kept, alpha);
      }
    }
    const { kept, threshold } = strata.get(stratum)!;
    const alert = nonconformity > threshold;
    if (!alert) kept.push(nonconformity);
    return { alert, governance: false };
  };
}

/** As the node: all scores count, except what an analyst confirmed. */
function adaptive(past: ReadonlyMap<number, readonly number[]>, alpha: number): Judge {
  const strata = new Map(
    [...past].map(([stratum, scores]) => [
      stratum,
      createAdaptiveAlpha({ alpha, past: scores.slice(-REMEMBERED) }),
    ]),
  );
  return ({ stratum, nonconformity, guilty }) => {
    const judge = strata.get(stratum)!;
    const { alert, governance } = judge.judge(nonconformity);
    if (alert && guilty) judge.forget(nonconformity);
    return { alert, governance: governance !== null };
  };
}

/** Of all hospitals together: realised rate over all weeks, in the first, in the last and in the worst one. */
export function driftMetrics({ weeks, found }: DriftResult, incidents: number): [string, number][] {
  return POLICIES.flatMap((policy): [string, number][] => {
    const own = weeks.filter((row) => row.policy === policy);
    const rateOf = (rows: readonly WeekRow[]): number =>
      rows.reduce((sum, { held }) => sum + held, 0) /
      Math.max(
        1,
        rows.reduce((sum, { calls }) => sum + calls, 0),
      );
    const numbers = [...new Set(own.map(({ week }) => week))].sort((a, b) => a - b);
    const rates = numbers.map((week) => rateOf(own.filter((row) => row.week === week)));
    return [
      [`${policy}.callRate`, rateOf(own)],
      [`${policy}.callRateFirstWeek`, rates[0]!],
      [`${policy}.callRateLastWeek`, rates.at(-1)!],
      [`${policy}.callRateWorstWeek`, Math.max(...rates)],
      [`${policy}.callRecall`, found[policy].size / Math.max(1, incidents)],
      [`${policy}.governance`, own.reduce((sum, { governance }) => sum + governance, 0)],
    ];
  });
}
