/**
 * Why a window is strange, in numbers that add up.
 *
 * The squared distance is a sum over summary entries: with w = Σ⁻¹(u − μ), d² = Σ (u − μ)ᵢ wᵢ. A column's share is the
 * part of its three entries; shares sum to 1, and one is negative where a column speaks for the window's being normal.
 * @module
 */
import { LAYOUT } from '../features/index.js';
import type { Kernel, WindowBatch } from '../kernel/index.js';
import type { Normaliser, ScoredWindow, Stratum } from './detector.js';
import { standardise } from './normaliser.js';
import { presentColumns } from './strata.js';
import { valueText } from './value-text.js';

/** A column's part in a window's distance. */
export interface ColumnReason {
  readonly name: string;
  readonly index: number;
  /** Part of d². */
  readonly share: number;
  /** Largest absolute error in this window ÷ its mean over normal windows. */
  readonly meanErrorRatio: number;
  /** The step with that error, from 0. */
  readonly step: number;
  /** Value in that step, and the usual one, in the column's unit. */
  readonly value: number;
  readonly usual: number;
  readonly unit: string;
  /** The score if this column had its usual value in every step. */
  readonly scoreWithoutMillionths: number;
}

export interface WindowReasons {
  readonly length: number;
  readonly errors: Float32Array;
  readonly stepErrors: Float32Array;
  readonly columns: readonly ColumnReason[];
  readonly sentences: readonly string[];
}

export interface ExplanationContext {
  readonly stratum: Stratum;
  readonly kernel: Kernel;
  readonly normaliser: Normaliser;
  readonly theta: number;
  /** Score in millionths of a changed window in the same stratum. */
  readonly score: (window: ScoredWindow) => number;
}

const REASONS_MAX = 5;
/** A column with less of the distance gets no sentence, unless it is the strongest. */
const SENTENCE_SHARE = 0.05;

export function explainWindow(window: ScoredWindow, context: ExplanationContext): WindowReasons {
  const { kernel, normaliser, stratum, score, theta } = context;
  const { features, steps } = kernel.architecture;
  const batch: WindowBatch = {
    ...standardise([window], normaliser, steps),
    columnMask: stratum.columnMask,
  };
  const length = window.rows.length;
  const residuals = kernel.reconstruct(batch).subarray(0, length * features);
  const errors = residuals.map(huber);
  const stepErrors = new Float32Array(length);
  for (let cell = 0; cell < errors.length; cell++) {
    stepErrors[Math.floor(cell / features)]! += errors[cell]!;
  }
  const shares = columnShares(kernel.summary(batch), stratum, features);
  const present = presentColumns(stratum.columnMask, features);
  const strongest = present
    .map((column, place) => ({ column, place, share: shares[place]! }))
    .sort((a, b) => b.share - a.share || a.column - b.column)
    .slice(0, REASONS_MAX);
  const columns = strongest.map(({ column, place, share }): ColumnReason => {
    const { name, unit, k } = LAYOUT.columns[column]!;
    const usual = normaliser.center[column]!;
    const step = worstStep(residuals, column, features);
    const largest = Math.abs(residuals[step * features + column]!);
    return {
      name,
      index: column,
      share,
      meanErrorRatio: largest / Math.max(stratum.mean[present.length + place]!, 1e-6),
      step,
      value: window.rows[step]![column]! / 2 ** k,
      usual,
      unit,
      scoreWithoutMillionths: score(withUsualValue(window, column, Math.round(usual * 2 ** k))),
    };
  });
  const sentences = columns
    .filter(({ share }, i) => i === 0 || share >= SENTENCE_SHARE)
    .map((c) => sentenceOf(c, length, theta));
  return { length, errors, stepErrors, columns, sentences };
}

function huber(residual: number): number {
  const size = Math.abs(residual);
  return size <= 1 ? 0.5 * size * size : size - 0.5;
}

/** Shares of d² by present column. */
function columnShares(summary: Float32Array, stratum: Stratum, features: number): Float64Array {
  const { mean, whitening } = stratum;
  const present = presentColumns(stratum.columnMask, features);
  const width = mean.length;
  const deviation = Float64Array.from(mean, (expected, i) => {
    const part = Math.floor(i / present.length);
    return summary[part * features + present[i % present.length]!]! - expected;
  });
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
  const shares = new Float64Array(present.length);
  if (total === 0) return shares;
  for (let i = 0; i < width; i++) {
    shares[i % present.length]! += (deviation[i]! * weights[i]!) / total;
  }
  return shares;
}

function worstStep(residuals: Float32Array, column: number, features: number): number {
  let worst = 0;
  for (let step = 1; step * features < residuals.length; step++) {
    const error = Math.abs(residuals[step * features + column]!);
    if (error > Math.abs(residuals[worst * features + column]!)) worst = step;
  }
  return worst;
}

function withUsualValue(window: ScoredWindow, column: number, usual: number): ScoredWindow {
  return { ...window, rows: window.rows.map((row) => row.with(column, usual)) };
}

function sentenceOf(reason: ColumnReason, length: number, theta: number): string {
  const { name, value, usual, unit, step, share, scoreWithoutMillionths: without } = reason;
  const side = without < theta ? 'below' : 'still not below';
  return (
    `${name}: ${valueText(value, unit)} at call ${step + 1} of ${length}, usually ${valueText(usual, unit)}; ` +
    `error ${reason.meanErrorRatio.toFixed(1)} times the normal one, ${Math.round(100 * share)} % of the distance; ` +
    `with its usual value the score would be ${scoreText(without)}, ${side} ${scoreText(theta)}`
  );
}

/** Cut, not rounded, so that a score below θ never reads like θ. */
function scoreText(millionths: number): string {
  return (Math.floor(millionths / 1000) / 1000).toFixed(3);
}
