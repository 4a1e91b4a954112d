/**
 * Intervals of all figures of one detector from one set of draws. Sessions of one group are not independent, so a group is drawn
 * as a whole, its normal sessions and each class of its abnormal ones apart; a session without a group is drawn by itself.
 * Source: Efron & Tibshirani 1993, ch. 13 (percentile bootstrap). A draw counts how often each unit came, so that its figures
 * take one pass over the sessions, however many they are.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import type { Session } from '../detectors/index.js';
import { wilson, type Interval } from '../evaluation/intervals.js';
import { aucOfRanks, OPERATING_RATES, type Ranked } from '../evaluation/ranking.js';

export const DRAWS = 200;

export interface Judged extends Ranked {
  readonly session: Session;
  readonly score: number;
  /** At θ. */
  readonly alarm: boolean;
}

/** What one draw gives; NaN where a side of it came out empty. */
interface Figures {
  readonly auc: number;
  readonly aucWithinGroups: number;
  /** By the operating rates. */
  readonly recallAt: readonly number[];
  readonly falsePositiveRate: number;
  readonly recall: number;
  /** By label. */
  readonly classes: ReadonlyMap<string, { readonly auc: number; readonly recall: number }>;
}

export interface Draws {
  interval(of: (figures: Figures) => number): Interval;
  /**
   * Of a share of sessions of `label`; null: of all abnormal ones. If it is none or all of them in every draw, the draws say nothing
   * of how far it is from that, and it is Wilson's interval with each unit counted once.
   */
  shareInterval(of: (figures: Figures) => number, label: string | null): Interval;
}

interface Unit {
  readonly normal: boolean;
  readonly label: string;
  readonly ranks: Uint32Array;
  readonly alarms: number;
  /** Of an abnormal unit the normal one of its group, and how many pairs of the two are ranked right; else null. */
  readonly within: {
    readonly normal: number;
    readonly pairs: number;
    readonly wins: number;
  } | null;
}

/** @param seeds - `[seeds][sessions]`; draws take the seeds in turn, so an interval holds what another training would change as well */
export function draw(seeds: readonly (readonly Judged[])[], name: string): Draws {
  const units = seeds.map(unitsOf);
  const random = randomStream(name, 'bootstrap');
  const drawn = Array.from({ length: DRAWS }, (_, at): Figures => {
    const own = units[at % units.length]!;
    const times = new Uint32Array(own.length);
    for (let i = 0; i < own.length; i++) times[random.below(own.length)]!++;
    return figuresOf(own, times);
  });
  const interval = (of: (figures: Figures) => number): Interval => percentiles(drawn.map(of));
  return {
    interval,
    shareInterval(of, label) {
      const { low, high } = interval(of);
      if (low !== high || (low !== 0 && low !== 1)) return { low, high };
      const count = units[0]!.filter((unit) =>
        label === null ? !unit.normal : unit.label === label,
      ).length;
      return wilson(low * count, count);
    },
  };
}

/** Of how many units the test consists. */
export function unitCount(test: readonly Session[]): number {
  return new Set(test.map(unitOf)).size;
}

function unitOf({ group, label }: Session, at: number): string {
  return group === null ? `#${at}` : `${group}/${label}`;
}

function unitsOf(judged: readonly Judged[]): Unit[] {
  const parts = new Map<string, Judged[]>();
  judged.forEach((one, i) => {
    const key = unitOf(one.session, i);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [one]);
    else part.push(one);
  });
  const normals = new Map<string, number>();
  const all = [...parts.values()];
  all.forEach(([first], i) => {
    const { group, normal } = first!.session;
    if (normal && group !== null) normals.set(group, i);
  });
  return all.map((part): Unit => {
    const { group, label, normal } = part[0]!.session;
    const partner = normal || group === null ? undefined : normals.get(group);
    return {
      normal,
      label,
      ranks: Uint32Array.from(part, ({ rank }) => rank),
      alarms: part.filter(({ alarm }) => alarm).length,
      within: partner === undefined ? null : withinOf(partner, all[partner]!, part),
    };
  });
}

function withinOf(at: number, normal: readonly Judged[], own: readonly Judged[]): Unit['within'] {
  const pairs = normal.length * own.length;
  return { normal: at, pairs, wins: pairs * aucOfRanks([...normal, ...own]) };
}

/** @param times - how often each unit was drawn */
function figuresOf(units: readonly Unit[], times: Uint32Array): Figures {
  const { below, thresholds, count, alarms } = normalsOf(units, times);
  const all = { count: 0, alarms: 0, wins: 0 };
  const classes = new Map<string, { count: number; alarms: number; wins: number }>();
  const found = thresholds.map(() => 0);
  const within = { pairs: 0, wins: 0 };
  units.forEach((unit, i) => {
    const often = times[i]!;
    if (unit.normal || often === 0) return;
    let wins = 0;
    for (const rank of unit.ranks) {
      wins += below[Math.min(rank, below.length - 1)]!;
      thresholds.forEach((threshold, at) => {
        if (rank > threshold) found[at]! += often;
      });
    }
    const own = classes.get(unit.label) ?? { count: 0, alarms: 0, wins: 0 };
    classes.set(unit.label, own);
    for (const sum of [all, own]) {
      sum.count += often * unit.ranks.length;
      sum.alarms += often * unit.alarms;
      sum.wins += often * wins;
    }
    if (unit.within !== null) {
      const pairs = often * times[unit.within.normal]!;
      within.pairs += pairs * unit.within.pairs;
      within.wins += pairs * unit.within.wins;
    }
  });
  return {
    auc: all.wins / (count * all.count),
    aucWithinGroups: within.wins / within.pairs,
    recallAt: found.map((hits) => (count === 0 ? Number.NaN : hits / all.count)),
    falsePositiveRate: alarms / count,
    recall: all.alarms / all.count,
    classes: new Map(
      [...classes].map(([label, own]) => [
        label,
        { auc: own.wins / (count * own.count), recall: own.alarms / own.count },
      ]),
    ),
  };
}

/** What the drawn normal sessions say of every score. */
function normalsOf(
  units: readonly Unit[],
  times: Uint32Array,
): Readonly<{
  /** Normal sessions below each rank, ties half; behind the last rank all. */
  below: Float64Array;
  /** Of each operating rate the rank above which at most that share is. */
  thresholds: readonly number[];
  count: number;
  alarms: number;
}> {
  let most = 0;
  let count = 0;
  let alarms = 0;
  units.forEach(({ normal, ranks, alarms: own }, i) => {
    if (!normal || times[i] === 0) return;
    for (const rank of ranks) if (rank > most) most = rank;
    count += times[i]! * ranks.length;
    alarms += times[i]! * own;
  });
  const at = new Uint32Array(most + 1);
  units.forEach(({ normal, ranks }, i) => {
    if (normal && times[i]! > 0) for (const rank of ranks) at[rank]! += times[i]!;
  });
  const below = new Float64Array(most + 2);
  let sum = 0;
  for (let rank = 0; rank <= most; rank++) {
    below[rank] = sum + at[rank]! / 2;
    sum += at[rank]!;
  }
  below[most + 1] = sum;
  const thresholds = OPERATING_RATES.map((rate) => {
    let rank = most;
    for (let above = at[rank]!; above <= Math.floor(rate * count) && rank > 0; above += at[rank]!) {
      rank--;
    }
    return rank;
  });
  return { below, thresholds, count, alarms };
}

function percentiles(drawn: readonly number[]): Interval {
  const values = drawn.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
  return { low: at(0.025), high: at(0.975) };
}
