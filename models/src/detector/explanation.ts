/**
 * Why a window is strange, in numbers that add up.
 *
 * A whitened member's squared distance is a sum over summary entries: with w = Σ⁻¹(u − μ), d² = Σ (u − μ)ᵢ wᵢ. A column's
 * part is that of its entries, spread over the steps by the size of their errors; one is negative where a column speaks for
 * the window's being normal. A counting member's part is that of the cells it counts. Members weigh by their evidence beyond
 * that of a p-value of 1; a nonconformity past every calibration window counts for as many times more as it lies beyond
 * them, since evidence alone ends there. So the shares of all steps and columns sum to 1, and follow who saw most.
 * @module
 */
import { EVIDENCE_UNIT } from '../ensemble/evidence.js';
import { huber, whiteningOf } from '../ensemble/autoencoder-member.js';
import { featureSummaries } from '../ensemble/features-member.js';
import { INTEGER_COLUMNS } from '../ensemble/integer-members.js';
import type { Score } from '../ensemble/joined-score.js';
import { stratumIndexOf } from '../ensemble/member.js';
import type { ReadyMember } from '../ensemble/members-of.js';
import { LAYOUT } from '../features/index.js';
import type { Kernel } from '../kernel/index.js';
import type {
  AutoencoderMember,
  CalibrationTable,
  Detector,
  FeaturesMember,
  IntegerMember,
  ScoredWindow,
  StratumKey,
  SummaryLaw,
} from './detector.js';
import { standardise } from './normaliser.js';
import { presentColumns, projectMask } from './strata.js';
import { valueText } from './value-text.js';

/** A column's part in a window's strangeness. */
export interface ColumnReason {
  readonly name: string;
  readonly index: number;
  /** Part of the strangeness. */
  readonly share: number;
  /** Largest absolute error in this window ÷ its mean over normal windows. */
  readonly meanErrorRatio: number;
  /** The step with the largest part, from 0. */
  readonly step: number;
  /** Value in that step, in the column's unit. */
  readonly value: number;
  /** What is usual for peers: the public median. */
  readonly usual: number;
  /** What is usual for this actor in this session: the median of its other calls; null if there is none. */
  readonly ownUsual: number | null;
  readonly unit: string;
  /** The score if this column had the peers' usual value in every step. */
  readonly scoreWithoutMillionths: number;
}

/** A call's part in a window's strangeness. */
export interface StepReason {
  readonly step: number;
  readonly share: number;
  /** The score if this call were not in the window; null if it is the only one. */
  readonly scoreWithoutMillionths: number | null;
}

export interface WindowReasons {
  readonly length: number;
  /** The threat family whose network is the strangest about the window; null without networks. */
  readonly family: string | null;
  /** Huber error per step and column, mean over the networks that see the column, `[length, features]`; else 0. */
  readonly errors: Float32Array;
  /** Sum per step, `[length]`. */
  readonly stepErrors: Float32Array;
  /** Parts of the strangeness, `[length, features]`; they sum to 1. */
  readonly shares: Float64Array;
  /** Strongest first, at most five. */
  readonly columns: readonly ColumnReason[];
  /** Strongest first, at most three. */
  readonly steps: readonly StepReason[];
  /** The same in words, with numbers. */
  readonly sentences: readonly string[];
}

export interface ExplanationContext {
  readonly detector: Detector;
  readonly members: readonly ReadyMember[];
  readonly table: CalibrationTable;
  readonly judged: Score;
  /** Score of a changed window. */
  readonly score: (window: ScoredWindow) => Score;
}

const COLUMNS_MAX = 5;
const STEPS_MAX = 3;
/** A column with less gets no sentence, unless it is the strongest. */
const SENTENCE_SHARE = 0.05;

export function explainWindow(window: ScoredWindow, context: ExplanationContext): WindowReasons {
  const { detector, judged } = context;
  const { theta } = context.table;
  const width = LAYOUT.columns.length;
  const length = window.rows.length;
  const views = viewsOf(window, context);
  const strangeness = strangenessOf(window, context);
  const weights = weightsOf(strangeness);
  const shares = new Float64Array(length * width);
  views.forEach(({ parts }, m) => {
    parts.forEach((part, cell) => (shares[cell]! += weights[m]! * part));
  });
  const { errors, stepErrors } = networkErrors(views, length);
  const columns = strongest(sumsOver(shares, length, 'columns'), COLUMNS_MAX).map(
    ({ index, share }) => columnReason(window, { index, share, shares, views, weights, context }),
  );
  const steps = strongest(sumsOver(shares, length, 'steps'), STEPS_MAX).map(
    ({ index: step, share }): StepReason => ({
      step,
      share,
      scoreWithoutMillionths:
        length === 1
          ? null
          : context.score({ ...window, rows: window.rows.toSpliced(step, 1) }).scoreMillionths,
    }),
  );
  const family = familyOf(strangeness, detector);
  const sentences = [
    ...columns
      .filter(({ share }, i) => i === 0 || share >= SENTENCE_SHARE)
      .map((reason) => columnSentence(reason, length, theta)),
    ...steps.slice(0, 1).map((reason) => stepSentence(reason, length, theta)),
    leaderSentence(judged, detector, family),
  ];
  return { length, family, errors, stepErrors, shares, columns, steps, sentences };
}

/** What one member makes of a window, by the cells of the full layout. */
interface MemberView {
  /** `[length, features]`, sums to 1. */
  readonly parts: Float64Array;
  /** Size of each cell's error (a residual, or a standardised feature), and whether a network made it. */
  readonly errors: Float64Array;
  readonly ofNetwork: boolean;
  /** Mean of a column's largest error over normal windows; undefined where the member does not see it. */
  readonly usualLargest: ReadonlyMap<number, number>;
}

function viewsOf(window: ScoredWindow, { detector, members }: ExplanationContext): MemberView[] {
  const stratum = stratumIndexOf(detector.strata, window);
  const key = detector.strata[stratum]!;
  return detector.members.map((member, m) => {
    if (member.kind === 'autoencoder') {
      const { kernel } = members[m]!;
      return networkView(window, {
        member,
        kernel: kernel!,
        key,
        law: member.laws[stratum]!,
        detector,
      });
    }
    if (member.kind === 'features') {
      return featuresView(window, { member, key, law: member.laws[stratum]!, detector });
    }
    return integerView(window, member, key);
  });
}

function networkView(
  window: ScoredWindow,
  o: Readonly<{
    member: AutoencoderMember;
    kernel: Kernel;
    key: StratumKey;
    law: SummaryLaw;
    detector: Detector;
  }>,
): MemberView {
  const { columns } = o.member;
  const { windows, lengths } = standardise([window], o.detector.normaliser, columns);
  const { columnMask } = whiteningOf(o.law, o.key, columns);
  const batch = { windows, lengths, columnMask };
  const errors = spread(o.kernel.reconstruct(batch), columns, window.rows.length);
  const summary = o.kernel.summary(batch);
  const present = presentColumns(columnMask, columns.length);
  const entries = [0, 1, 2].flatMap((part) =>
    present.map((i) => summary[part * columns.length + i]!),
  );
  return whitenedView(entries, {
    law: o.law,
    columns: present.map((i) => columns[i]!),
    errors,
    ofNetwork: true,
  });
}

function featuresView(
  window: ScoredWindow,
  o: Readonly<{ member: FeaturesMember; key: StratumKey; law: SummaryLaw; detector: Detector }>,
): MemberView {
  const { columns } = o.member;
  const { normaliser } = o.detector;
  const { columnMask } = o.key;
  const summary = featureSummaries([window], { columns, normaliser, columnMask });
  const present = presentColumns(projectMask(columnMask, columns), columns.length);
  const { windows } = standardise([window], normaliser, columns);
  return whitenedView([...summary], {
    law: o.law,
    columns: present.map((i) => columns[i]!),
    errors: spread(windows, columns, window.rows.length),
    ofNetwork: false,
  });
}

/** Absolute errors of a member's cells at their places in the full layout. */
function spread(cells: Float32Array, columns: readonly number[], length: number): Float64Array {
  const width = LAYOUT.columns.length;
  const errors = new Float64Array(length * width);
  for (let step = 0; step < length; step++) {
    columns.forEach((column, i) => {
      errors[step * width + column] = Math.abs(cells[step * columns.length + i]!);
    });
  }
  return errors;
}

function whitenedView(
  summary: readonly number[],
  o: Readonly<{
    law: SummaryLaw;
    columns: readonly number[];
    errors: Float64Array;
    ofNetwork: boolean;
  }>,
): MemberView {
  const width = LAYOUT.columns.length;
  const shares = columnShares(summary, o.law, o.columns.length);
  const parts = new Float64Array(o.errors.length);
  o.columns.forEach((column, place) => {
    distribute(parts, column, shares[place]!, (cell) => o.errors[cell]!);
  });
  // The largest errors are the second group of entries, after the means.
  const usualLargest = new Map(
    o.columns.map((column, place) => [column, o.law.mean[o.columns.length + place]!]),
  );
  return { parts, errors: o.errors, ofNetwork: o.ofNetwork, usualLargest };

  function distribute(
    into: Float64Array,
    column: number,
    share: number,
    sizeOf: (cell: number) => number,
  ): void {
    let total = 0;
    for (let cell = column; cell < into.length; cell += width) total += sizeOf(cell);
    const steps = into.length / width;
    for (let cell = column; cell < into.length; cell += width) {
      into[cell] = total > 0 ? (share * sizeOf(cell)) / total : share / steps;
    }
  }
}

function integerView(window: ScoredWindow, member: IntegerMember, key: StratumKey): MemberView {
  const width = LAYOUT.columns.length;
  const parts = new Float64Array(window.rows.length * width);
  const columns = INTEGER_COLUMNS[member.kind].filter(
    (column) => ((key.columnMask >>> column) & 1) === 0,
  );
  let total = 0;
  window.rows.forEach((row, step) => {
    for (const column of columns) {
      const size = Math.max(0, row[column]!);
      parts[step * width + column] = size;
      total += size;
    }
  });
  // Nothing counted: the member has no evidence either, and the call itself stands for it.
  if (total === 0) {
    parts[(window.rows.length - 1) * width + INTEGER_COLUMNS[member.kind][0]!] = 1;
    total = 1;
  }
  return {
    parts: parts.map((part) => part / total),
    errors: new Float64Array(parts.length),
    ofNetwork: false,
    usualLargest: new Map(),
  };
}

/** Shares of d² by present column; the summary has one group of entries after the other. */
function columnShares(
  summary: readonly number[],
  { mean, whitening }: SummaryLaw,
  present: number,
): Float64Array {
  const width = mean.length;
  const deviation = Float64Array.from(mean, (expected, i) => summary[i]! - expected);
  const weights = new Float64Array(width);
  let total = 0;
  let at = 0;
  for (let i = 0; i < width; i++) {
    let y = 0;
    for (let j = 0; j <= i; j++) y += whitening[at + j]! * deviation[j]!;
    for (let j = 0; j <= i; j++) weights[j]! += whitening[at + j]! * y;
    total += y * y;
    at += i + 1;
  }
  const shares = new Float64Array(present);
  if (total === 0) return shares.fill(1 / present);
  for (let i = 0; i < width; i++) shares[i % present]! += (deviation[i]! * weights[i]!) / total;
  return shares;
}

/** Evidence beyond that of a p-value of 1, continued past the last calibration window in proportion. */
function strangenessOf(
  window: ScoredWindow,
  { detector, members, table, judged }: ExplanationContext,
): number[] {
  const stratum = stratumIndexOf(detector.strata, window);
  return members.map((member, m) => {
    const last = table.evidence[m]!.steps[stratum]!.thresholds.at(-1)!;
    const nonconformity = member.nonconformities([window])[0]!;
    const beyond = Math.max(0, judged.evidence[m]! - EVIDENCE_UNIT);
    return beyond * (last > 0 ? Math.max(1, nonconformity / last) : 1);
  });
}

/** As shares; where nobody has any, all weigh alike. */
function weightsOf(strangeness: readonly number[]): number[] {
  const total = strangeness.reduce((sum, each) => sum + each, 0);
  return strangeness.map((each) => (total === 0 ? 1 / strangeness.length : each / total));
}

function familyOf(strangeness: readonly number[], { members }: Detector): string | null {
  const networks = members
    .map(({ kind, name }, m) => ({ kind, name, strangeness: strangeness[m]! }))
    .filter(({ kind }) => kind === 'autoencoder')
    .sort((a, b) => b.strangeness - a.strangeness);
  return networks[0]?.name ?? null;
}

function networkErrors(
  views: readonly MemberView[],
  length: number,
): Pick<WindowReasons, 'errors' | 'stepErrors'> {
  const width = LAYOUT.columns.length;
  const errors = new Float32Array(length * width);
  const stepErrors = new Float32Array(length);
  const networks = views.filter(({ ofNetwork }) => ofNetwork);
  for (let cell = 0; cell < errors.length; cell++) {
    const seeing = networks.filter(({ usualLargest }) => usualLargest.has(cell % width));
    if (seeing.length === 0) continue;
    const sum = seeing.reduce((all, view) => all + huber(view.errors[cell]!), 0);
    errors[cell] = sum / seeing.length;
    stepErrors[Math.floor(cell / width)]! += errors[cell]!;
  }
  return { errors, stepErrors };
}

function sumsOver(shares: Float64Array, length: number, over: 'columns' | 'steps'): Float64Array {
  const width = LAYOUT.columns.length;
  const sums = new Float64Array(over === 'columns' ? width : length);
  shares.forEach((share, cell) => {
    sums[over === 'columns' ? cell % width : Math.floor(cell / width)]! += share;
  });
  return sums;
}

function strongest(sums: Float64Array, most: number): { index: number; share: number }[] {
  return Array.from(sums, (share, index) => ({ index, share }))
    .filter(({ share }) => share !== 0)
    .sort((a, b) => b.share - a.share || a.index - b.index)
    .slice(0, most);
}

function columnReason(
  window: ScoredWindow,
  o: Readonly<{
    index: number;
    share: number;
    shares: Float64Array;
    views: readonly MemberView[];
    weights: readonly number[];
    context: ExplanationContext;
  }>,
): ColumnReason {
  const { index, share, shares, views, weights, context } = o;
  const { name, unit, k } = LAYOUT.columns[index]!;
  const width = LAYOUT.columns.length;
  const length = window.rows.length;
  let step = 0;
  for (let other = 1; other < length; other++) {
    if (shares[other * width + index]! > shares[step * width + index]!) step = other;
  }
  const values = window.rows.map((row) => row[index]! / 2 ** k);
  const usual = context.detector.normaliser.center[index]!;
  const changed = {
    ...window,
    rows: window.rows.map((row) => row.with(index, Math.round(usual * 2 ** k))),
  };
  return {
    name,
    index,
    share,
    meanErrorRatio: errorRatio(index, views, weights),
    step,
    value: values[step]!,
    usual,
    ownUsual: length === 1 ? null : medianOf(values.toSpliced(step, 1)),
    unit,
    scoreWithoutMillionths: context.score(changed).scoreMillionths,
  };
}

/** By the weightiest member that measures the column's error. */
function errorRatio(
  column: number,
  views: readonly MemberView[],
  weights: readonly number[],
): number {
  let best = -1;
  views.forEach(({ usualLargest }, m) => {
    if (usualLargest.has(column) && (best === -1 || weights[m]! > weights[best]!)) best = m;
  });
  const view = views[best];
  if (view === undefined) return 0;
  let largest = 0;
  for (let cell = column; cell < view.errors.length; cell += LAYOUT.columns.length) {
    largest = Math.max(largest, view.errors[cell]!);
  }
  return largest / Math.max(view.usualLargest.get(column)!, 1e-6);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function columnSentence(reason: ColumnReason, length: number, theta: number): string {
  const { name, value, usual, ownUsual, unit, step, share } = reason;
  const own = ownUsual === null ? '' : `, otherwise ${valueText(ownUsual, unit)} in this session`;
  return (
    `${name}: ${valueText(value, unit)} at call ${step + 1} of ${length}, usually ${valueText(usual, unit)} among peers${own}; ` +
    `error ${reason.meanErrorRatio.toFixed(1)} times the normal one, ${Math.round(100 * share)} % of the strangeness; ` +
    `with its usual value the score would be ${besideTheta(reason.scoreWithoutMillionths, theta)}`
  );
}

function stepSentence(
  { step, share, scoreWithoutMillionths: without }: StepReason,
  length: number,
  theta: number,
): string {
  const part = `call ${step + 1} of ${length}: ${Math.round(100 * share)} % of the strangeness`;
  if (without === null) return `${part}; it is the session's only call`;
  return `${part}; without it the score would be ${besideTheta(without, theta)}`;
}

function leaderSentence(
  { leader, evidence }: Score,
  { members }: Detector,
  family: string | null,
): string {
  const place = members.findIndex(({ name }) => name === leader);
  const oneIn = evidence[place]! / EVIDENCE_UNIT;
  const rarity = oneIn < 10 ? oneIn.toFixed(1) : String(Math.floor(oneIn));
  const like = family === null ? '' : `; of the threat families it looks most like ${family}`;
  return `strangest to the member ${leader}: seen in at most 1 of ${rarity} normal windows${like}`;
}

function besideTheta(without: number, theta: number): string {
  return `${scoreText(without)}, ${without < theta ? 'below' : 'still not below'} ${scoreText(theta)}`;
}

/** Cut, not rounded, so that a score below θ never reads like θ. */
function scoreText(millionths: number): string {
  return (Math.floor(millionths / 1000) / 1000).toFixed(3);
}
