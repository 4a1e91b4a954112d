/**
 * Every detector on one labelled log: fitted on training sessions, threshold fixed on calibration sessions, judged on
 * the test. Pure: no files, no clock.
 * @module
 */
import {
  detectorsFor,
  ENSEMBLE_MEMBERS,
  joinMembers,
  type SequenceDetector,
  type Session,
  type Standing,
} from '../detectors/index.js';
import { ExperimentError } from '../errors.js';
import { ALPHA, conformal } from '../evaluation/conformal.js';
import { bootstrap, rateByChance, wilson, type Interval } from '../evaluation/intervals.js';
import {
  aucOfRanks,
  aucWithinGroups,
  densely,
  rank,
  shareOf,
  type OperatingPoint,
} from '../evaluation/ranking.js';
import { closest } from '../harness/closest.js';
import { fitHere, fitInThreads, type FitData, type Fits, type SeedScores } from './fits.js';

/** Share of the training sessions, the latest, that fixes the threshold if no calibration file is given. */
export const CALIBRATION_SHARE = 0.2;
/** One untrained network says nothing: its AUC scatters from .5 to .7 (detection.md §10). */
export const CONTROL_SEEDS = 10;
const TEN = Array.from({ length: CONTROL_SEEDS }, (_, i) => 1_000 + i);
/** Half of them make members comparable, and either half has to reach α. */
const CALIBRATION_MIN = 2 * Math.ceil(1 / ALPHA);
const TRAIN_MIN = Math.ceil(CALIBRATION_MIN / CALIBRATION_SHARE);

export interface EvaluationInput {
  readonly train: readonly Session[];
  /** Normal sessions for the threshold; without them the last fifth of `train`. */
  readonly calibrate?: readonly Session[];
  /** Where those come from, in words; default `a file`. */
  readonly calibrateFrom?: string;
  readonly test: readonly Session[];
  /** Names; default all that fit the data. */
  readonly detectors?: readonly string[];
  readonly seeds: readonly number[];
  /** Of controls that draw; default ten. */
  readonly controlSeeds?: readonly number[];
  /** What a reader has to know of where the sessions come from. */
  readonly notes?: readonly string[];
  readonly onFitted?: (name: string) => void;
}

export interface ClassResult {
  readonly label: string;
  readonly sessions: number;
  readonly auc: number;
  /** At θ, threshold from calibration. */
  readonly recall: number;
  readonly recallInterval: Interval;
}

export interface DetectorResult {
  readonly name: string;
  readonly standing: Standing;
  readonly about: string;
  readonly seeds: number;
  /** Mean over seeds, the range over seeds, and the 95 % bootstrap interval over sessions (groups) and seeds. */
  readonly auc: { readonly mean: number; readonly range: Interval; readonly interval: Interval };
  readonly averagePrecision: number;
  /**
   * Of pairs under one name only, normal and abnormal; null without groups or without such a pair. Near .5 beside a high AUC: the
   * names differ, not the events.
   */
  readonly aucWithinGroups: number | null;
  /** Threshold on the test's own normals: ranking quality only. */
  readonly recallAt: readonly OperatingPoint[];
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

export interface Evaluation {
  readonly sessions: { readonly train: number; readonly calibrate: number; readonly test: number };
  readonly abnormal: number;
  readonly groups: boolean;
  readonly calibrationFrom: string;
  readonly notes: readonly string[];
  readonly detectors: readonly DetectorResult[];
}

/**
 * @throws {ExperimentError} `ERR_EVALUATE_SESSIONS` if a part is too small, `ERR_EVALUATE_DETECTOR` for an unknown name
 */
export function evaluate(input: EvaluationInput): Evaluation {
  const plan = planOf(input);
  return judged(plan, fitHere(plan.fits, plan.data, onFittedOf(input)));
}

/** The same bits, detectors fitted side by side. Throws as {@link evaluate} does. */
export async function evaluateInThreads(
  input: EvaluationInput,
  threads: number,
): Promise<Evaluation> {
  const plan = planOf(input);
  const onFitted = onFittedOf(input);
  return judged(plan, await fitInThreads(plan.fits, plan.data, { threads, onFitted }));
}

function onFittedOf({ onFitted }: EvaluationInput): (name: string) => void {
  return onFitted ?? (() => undefined);
}

/** What will be fitted, on what, and what a reader has to know of it. */
interface Plan {
  readonly data: FitData;
  readonly fits: readonly Fits[];
  readonly joins: boolean;
  readonly seeds: readonly number[];
  readonly groups: boolean;
  readonly calibrationFrom: string;
  readonly notes: readonly string[];
}

function planOf(input: EvaluationInput): Plan {
  const notes = [...(input.notes ?? [])];
  const normal = input.train.filter((session) => session.normal);
  if (normal.length < input.train.length) {
    notes.push(
      `${input.train.length - normal.length} abnormal sessions of the training file were left out`,
    );
  }
  const { fit, calibrate } = split(normal, input.calibrate, notes);
  const calibrationFrom =
    input.calibrate === undefined ? 'end of training' : (input.calibrateFrom ?? 'a file');
  const groups = [fit, calibrate, input.test].every((part) => part.some((s) => s.group !== null));
  requireSessions('--train', normal.length, input.calibrate === undefined ? TRAIN_MIN : 2);
  requireSessions(`calibration (${calibrationFrom})`, calibrate.length, CALIBRATION_MIN);
  if (input.test.length === 0) throw tooFew('--test: expected sessions, got none', '--test', 1, 0);
  if (!input.test.some((session) => session.normal) || input.test.every((s) => s.normal)) {
    notes.push('the test has one kind of session only: rates are realised, ranking is not defined');
  }
  notes.push(...notesOn(fit, input.test));
  const { seeds, controlSeeds = TEN } = input;
  const { detectors, ensemble } = choose(groups, input.detectors);
  const fits = detectors.map((detector): Fits => {
    const all = detector.standing === 'control' ? controlSeeds : seeds;
    return { detector, seeds: detector.draws ? all : all.slice(0, 1) };
  });
  const data = { fit, calibrate, test: input.test };
  return { data, fits, joins: ensemble, seeds, groups, calibrationFrom, notes };
}

/** @param scores - `[fits][seeds]` */
function judged(plan: Plan, scores: readonly (readonly SeedScores[])[]): Evaluation {
  const { data, fits, groups, calibrationFrom, notes } = plan;
  const runs = fits.map(({ detector }, i): Run => ({ detector, scores: scores[i]! }));
  const members = runs.filter(({ detector }) => ENSEMBLE_MEMBERS.includes(detector.name));
  const results = runs.map((run) => judge(run.detector, run.scores, data.test));
  if (plan.joins && members.length > 1) results.unshift(ensemble(members, plan));
  return {
    sessions: {
      train: data.fit.length,
      calibrate: data.calibrate.length,
      test: data.test.length,
    },
    abnormal: data.test.filter((session) => !session.normal).length,
    groups,
    calibrationFrom,
    notes,
    detectors: results,
  };
}

function split(
  normal: readonly Session[],
  given: readonly Session[] | undefined,
  notes: string[],
): { fit: readonly Session[]; calibrate: readonly Session[] } {
  if (given === undefined) {
    const at = Math.floor((1 - CALIBRATION_SHARE) * normal.length);
    return { fit: normal.slice(0, at), calibrate: normal.slice(at) };
  }
  const calibrate = given.filter((session) => session.normal);
  if (calibrate.length < given.length) {
    notes.push(
      `${given.length - calibrate.length} abnormal sessions of the calibration file were left out`,
    );
  }
  return { fit: normal, calibrate };
}

function requireSessions(option: string, got: number, least: number): void {
  if (got >= least) return;
  const why =
    least === TRAIN_MIN ? `; the last fifth fixes the threshold, or give a --calibrate file` : '';
  throw tooFew(
    `${option}: expected at least ${least} normal sessions, got ${got}${why}`,
    option,
    least,
    got,
  );
}

function tooFew(message: string, option: string, least: number, got: number): ExperimentError {
  return new ExperimentError('ERR_EVALUATE_SESSIONS', message, { option, least, got });
}

/** What a reader of the figures has to know about the data: rows that are not independent, or known already. */
function notesOn(fit: readonly Session[], test: readonly Session[]): string[] {
  const notes: string[] = [];
  const ids = new Set(test.map(({ id }) => id));
  if (ids.size < test.length) {
    notes.push(
      `ids of the test: ${test.length - ids.size} of ${test.length} occur before; each row counts as a session`,
    );
  }
  const key = ({ events, group }: Session): string => [group ?? '', ...events].join(' ');
  const known = new Set(fit.map(key));
  const normal = test.filter((session) => session.normal);
  const copies = shareOf(normal, (session) => known.has(key(session)));
  if (copies > 0) {
    notes.push(
      `${Math.round(100 * copies)} % of the normal test sessions are copies of training sessions`,
    );
  }
  return notes;
}

const ENSEMBLE = 'ensemble';

function choose(
  groups: boolean,
  names: readonly string[] | undefined,
): { detectors: readonly SequenceDetector[]; ensemble: boolean } {
  const all = detectorsFor({ groups });
  if (names === undefined) return { detectors: all, ensemble: true };
  const known = [ENSEMBLE, ...all.map(({ name }) => name)];
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = closest(name, known);
    const hint = detectorsFor({ groups: true }).some((one) => one.name === name)
      ? 'it needs a group in every file, --columns …,group=NAME'
      : meant === null
        ? `expected one of ${known.join(', ')}`
        : `did you mean ${meant}?`;
    throw new ExperimentError(
      'ERR_EVALUATE_DETECTOR',
      `--detector: cannot use ${JSON.stringify(name)}: ${hint}`,
      { got: name },
    );
  }
  const wanted = names.includes(ENSEMBLE) ? [...names, ...ENSEMBLE_MEMBERS] : names;
  return {
    detectors: all.filter(({ name }) => wanted.includes(name)),
    ensemble: names.includes(ENSEMBLE),
  };
}

interface Run {
  readonly detector: SequenceDetector;
  readonly scores: readonly SeedScores[];
}

function ensemble(members: readonly Run[], { data, seeds }: Plan): DetectorResult {
  const scores = seeds.map((_, seed): SeedScores => {
    const own = members.map((member) => member.scores[Math.min(seed, member.scores.length - 1)]!);
    const join = (judged: (scores: SeedScores) => readonly number[]): number[] =>
      joinMembers(
        own.map((one) => ({ half: one.calibration.filter(isEven), judged: judged(one) })),
      );
    return {
      calibration: join((one) => one.calibration.filter((_, i) => !isEven(_, i))),
      test: join((one) => one.test),
    };
  });
  const names = members.map(({ detector }) => detector.name).join(', ');
  return judge(
    { name: ENSEMBLE, standing: 'ours', about: `conformal p-values joined: ${names}` },
    scores,
    data.test,
  );
}

function isEven(_value: unknown, index: number): boolean {
  return index % 2 === 0;
}

function judge(
  { name, standing, about }: Pick<SequenceDetector, 'name' | 'standing' | 'about'>,
  seeds: readonly SeedScores[],
  test: readonly Session[],
): DetectorResult {
  const each = seeds.map((scores) => outcomeOf(scores, test));
  const mean = (of: (outcome: Outcome) => number): number =>
    each.reduce((sum, outcome) => sum + of(outcome), 0) / each.length;
  const first = each[0]!;
  const aucs = each.map((outcome) => outcome.ranking.auc);
  const negatives = first.normal.length;
  const positives = first.abnormal.length;
  const falsePositiveRate = mean((o) => shareOf(o.normal, alarms));
  const recall = mean((o) => shareOf(o.abnormal, alarms));
  return {
    name,
    standing,
    about,
    seeds: seeds.length,
    auc: {
      mean: mean((o) => o.ranking.auc),
      range: { low: Math.min(...aucs), high: Math.max(...aucs) },
      interval: bootstrap({
        groupsOfSeeds: each.map(({ judged }) => grouped(judged)),
        seed: name,
        statistic: aucOfRanks,
        draws: 200,
      }),
    },
    aucWithinGroups: withinGroups(each),
    averagePrecision: mean((o) => o.ranking.averagePrecision),
    recallAt: first.ranking.recallAt.map(({ falsePositiveRate: rate }, i) => ({
      falsePositiveRate: rate,
      recall: mean((o) => o.ranking.recallAt[i]!.recall),
    })),
    atTheta: {
      falsePositiveRate,
      falsePositiveInterval: wilson(falsePositiveRate * negatives, negatives),
      byChance: rateByChance({
        calibration: seeds[0]!.calibration.length,
        test: negatives,
        alpha: ALPHA,
      }),
      recall,
      recallInterval: wilson(recall * positives, positives),
    },
    classes: classesOf(each),
  };
}

interface Judged {
  readonly session: Session;
  readonly normal: boolean;
  readonly score: number;
  /** Place of the score among the different scores of the test. */
  readonly rank: number;
  /** Conformal p-value against the calibration sessions. */
  readonly p: number;
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
    return { session, normal: session.normal, score, rank: ranks[i]!, p: pValue(score) };
  });
  const normal = judged.filter((one) => one.normal);
  const abnormal = judged.filter((one) => !one.normal);
  return { judged, normal, abnormal, ranking: rank(numbers(normal), numbers(abnormal)) };
}

const alarms = ({ p }: Judged): boolean => p <= ALPHA;
const numbers = (judged: readonly Judged[]): number[] => judged.map(({ score }) => score);

function withinGroups(each: readonly Outcome[]): number | null {
  const values = each.map(({ judged }) => {
    const named = judged.filter(({ session }) => session.group !== null);
    return aucWithinGroups(named, ({ session }) => session.group!);
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Number.isFinite(mean) ? mean : null;
}

/** Sessions of one group are not independent, so a group is drawn as a whole. */
function grouped(judged: readonly Judged[]): Judged[][] {
  const groups = new Map<string, Judged[]>();
  judged.forEach((one, i) => {
    const key = one.session.group === null ? `#${i}` : `${one.session.group}/${one.session.label}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  });
  return [...groups.values()];
}

function classesOf(each: readonly Outcome[]): ClassResult[] {
  const labels = [...new Set(each[0]!.abnormal.map(({ session }) => session.label))].sort();
  return labels.map((label) => {
    const parts = each.map((outcome) => ({
      normal: outcome.normal,
      own: outcome.abnormal.filter(({ session }) => session.label === label),
    }));
    const mean = (of: (part: (typeof parts)[number]) => number): number =>
      parts.reduce((sum, part) => sum + of(part), 0) / parts.length;
    const sessions = parts[0]!.own.length;
    const recall = mean(({ own }) => shareOf(own, alarms));
    return {
      label,
      sessions,
      auc: mean(({ normal, own }) => rank(numbers(normal), numbers(own)).auc),
      recall,
      recallInterval: wilson(recall * sessions, sessions),
    };
  });
}
