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
} from '../detectors/index.js';
import { ExperimentError } from '../errors.js';
import { ALPHA } from '../evaluation/conformal.js';
import { shareOf } from '../evaluation/ranking.js';
import { closest } from '../harness/closest.js';
import { DRAWS, unitCount } from './draws.js';
import { fitHere, fitInThreads, type FitData, type Fits, type SeedScores } from './fits.js';
import { judge, type DetectorResult } from './judge.js';

export type { ClassResult, DetectorResult } from './judge.js';

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

export interface Evaluation {
  readonly sessions: { readonly train: number; readonly calibrate: number; readonly test: number };
  readonly abnormal: number;
  readonly groups: boolean;
  readonly calibrationFrom: string;
  readonly notes: readonly string[];
  /** Percentiles of draws with replacement; `over` what is drawn as a whole, `units` how many of those the test has. */
  readonly intervals: {
    readonly level: 0.95;
    readonly over: 'groups' | 'sessions';
    readonly units: number;
    readonly draws: number;
  };
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
    intervals: {
      level: 0.95,
      over: data.test.some(({ group }) => group !== null) ? 'groups' : 'sessions',
      units: unitCount(data.test),
      draws: DRAWS,
    },
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
