/**
 * What the scores of one detector come to: how they rank, what the threshold costs and finds, by class, each with its interval.
 * @module
 */
import type { SequenceDetector, Session, Standing } from '../detectors/index.js';
import { ALPHA, conformal } from '../evaluation/conformal.js';
import { rateByChance, type Interval } from '../evaluation/intervals.js';
import {
  aucWithinGroups,
  densely,
  rank,
  shareOf,
  type OperatingPoint,
} from '../evaluation/ranking.js';
import { draw, type Draws, type Judged } from './draws.js';
import type { SeedScores } from './fits.js';

export interface ClassResult {
  readonly label: string;
  readonly sessions: number;
  readonly auc: number;
  readonly aucInterval: Interval;
  /** At θ, threshold from calibration. */
  readonly recall: number;
  readonly recallInterval: Interval;
}

export interface RecallAt extends OperatingPoint {
  readonly interval: Interval;
}

/** Every interval is of the draws that `Evaluation.intervals` describes. */
export interface DetectorResult {
  readonly name: string;
  readonly standing: Standing;
  readonly about: string;
  readonly seeds: number;
  /** Mean over seeds, the range over seeds, and the interval. */
  readonly auc: { readonly mean: number; readonly range: Interval; readonly interval: Interval };
  readonly averagePrecision: number;
  /**
   * Of pairs under one name only, normal and abnormal; null without groups or without such a pair. Near .5 beside a high AUC: the
   * names differ, not the events.
   */
  readonly aucWithinGroups: number | null;
  readonly aucWithinGroupsInterval: Interval | null;
  /** Threshold on the test's own normals: ranking quality only. */
  readonly recallAt: readonly RecallAt[];
  /** At θ = 0.87 (α = 0.032), the threshold fixed on calibration sessions. */
  readonly atTheta: {
    readonly falsePositiveRate: number;
    readonly falsePositiveInterval: Interval;
    /** Where the rate may lie by chance, so few calibration sessions there are; above, test and calibration differ. */
    readonly byChance: Interval;
    readonly recall: number;
    readonly recallInterval: Interval;
  };
  readonly classes: readonly ClassResult[];
}

export function judge(
  { name, standing, about }: Pick<SequenceDetector, 'name' | 'standing' | 'about'>,
  seeds: readonly SeedScores[],
  test: readonly Session[],
): DetectorResult {
  const each = seeds.map((scores) => outcomeOf(scores, test));
  const draws = draw(
    each.map(({ judged }) => judged),
    name,
  );
  const mean = (of: (outcome: Outcome) => number): number => meanOf(each, of);
  const first = each[0]!;
  const aucs = each.map((outcome) => outcome.ranking.auc);
  const within = mean(withinGroups);
  return {
    name,
    standing,
    about,
    seeds: seeds.length,
    auc: {
      mean: mean((o) => o.ranking.auc),
      range: { low: Math.min(...aucs), high: Math.max(...aucs) },
      interval: draws.interval((drawn) => drawn.auc),
    },
    aucWithinGroups: Number.isFinite(within) ? within : null,
    aucWithinGroupsInterval: Number.isFinite(within)
      ? draws.interval((drawn) => drawn.aucWithinGroups)
      : null,
    averagePrecision: mean((o) => o.ranking.averagePrecision),
    recallAt: first.ranking.recallAt.map(({ falsePositiveRate }, i) => ({
      falsePositiveRate,
      recall: mean((o) => o.ranking.recallAt[i]!.recall),
      interval: draws.shareInterval((drawn) => drawn.recallAt[i]!, null),
    })),
    atTheta: {
      falsePositiveRate: mean((o) => shareOf(o.normal, alarms)),
      falsePositiveInterval: draws.shareInterval((drawn) => drawn.falsePositiveRate, 'normal'),
      byChance: rateByChance({
        calibration: seeds[0]!.calibration.length,
        test: first.normal.length,
        alpha: ALPHA,
      }),
      recall: mean((o) => shareOf(o.abnormal, alarms)),
      recallInterval: draws.shareInterval((drawn) => drawn.recall, null),
    },
    classes: classesOf(each, draws),
  };
}

interface Outcome {
  readonly judged: readonly Judged[];
  readonly normal: readonly Judged[];
  readonly abnormal: readonly Judged[];
  readonly ranking: ReturnType<typeof rank>;
}

function outcomeOf(scores: SeedScores, test: readonly Session[]): Outcome {
  const pValue = conformal(scores.calibration);
  const ranks = densely(scores.test);
  const judged = test.map((session, i): Judged => {
    const score = scores.test[i]!;
    const alarm = pValue(score) <= ALPHA;
    return { session, normal: session.normal, score, rank: ranks[i]!, alarm };
  });
  const normal = judged.filter((one) => one.normal);
  const abnormal = judged.filter((one) => !one.normal);
  return { judged, normal, abnormal, ranking: rank(numbers(normal), numbers(abnormal)) };
}

const alarms = ({ alarm }: Judged): boolean => alarm;
const numbers = (judged: readonly Judged[]): number[] => judged.map(({ score }) => score);

function meanOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}

/** NaN where no group has both kinds. */
function withinGroups({ judged }: Outcome): number {
  const named = judged.filter(({ session }) => session.group !== null);
  return aucWithinGroups(named, ({ session }) => session.group!);
}

function classesOf(each: readonly Outcome[], draws: Draws): ClassResult[] {
  const labels = [...new Set(each[0]!.abnormal.map(({ session }) => session.label))].sort();
  return labels.map((label) => {
    const parts = each.map((outcome) => ({
      normal: outcome.normal,
      own: outcome.abnormal.filter(({ session }) => session.label === label),
    }));
    const drawn = (figure: 'auc' | 'recall'): Parameters<Draws['interval']>[0] => {
      return ({ classes }) => classes.get(label)?.[figure] ?? Number.NaN;
    };
    return {
      label,
      sessions: parts[0]!.own.length,
      auc: meanOf(parts, ({ normal, own }) => rank(numbers(normal), numbers(own)).auc),
      aucInterval: draws.interval(drawn('auc')),
      recall: meanOf(parts, ({ own }) => shareOf(own, alarms)),
      recallInterval: draws.shareInterval(drawn('recall'), label),
    };
  });
}
