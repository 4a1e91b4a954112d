/**
 * From integer columns to network inputs: `clip((i / 2^k − centre) · scale)`, each operation rounded to float32 once, so
 * that every machine gets the same bits.
 * @module
 */
import { DetectorError } from '../errors.js';
import { LAYOUT } from '../features/index.js';
import type { Normaliser, ScoredWindow } from './detector.js';
import { projectMask } from './strata.js';

/** Inputs stay within ± this. */
export const INPUT_CLIP = 6;

/** What one unit of a column's integer is worth; powers of two, so products with it are exact. */
const UNITS: Float64Array = Float64Array.from(LAYOUT.columns, ({ k }) => 2 ** -k);

const ALL_COLUMNS: readonly number[] = LAYOUT.columns.map((_, column) => column);

export interface StandardisedWindows {
  /** `[windows, steps, columns]`, 0 after a window's end. */
  readonly windows: Float32Array;
  readonly lengths: Uint8Array;
  /** One entry per window; bit i: the i-th of the chosen columns is absent. */
  readonly columnMask: Uint32Array;
}

/**
 * Median and interquartile range of each column over all rows. A column whose quartiles coincide uses its standard
 * deviation instead, and one that never changes the unit: flags are mostly 0, and the rare 1 must stay visible.
 */
export function fitNormaliser(
  windows: readonly ScoredWindow[],
  clip: number = INPUT_CLIP,
): Normaliser {
  const { columns } = LAYOUT;
  const center = new Float32Array(columns.length);
  const scale = new Float32Array(columns.length);
  columns.forEach((_, column) => {
    const values = columnValues(windows, column);
    const at = (share: number): number => values[Math.floor(share * (values.length - 1))] ?? 0;
    const spread = at(0.75) - at(0.25);
    center[column] = at(0.5);
    scale[column] = 1 / (spread > 0 ? spread : deviation(values) || 1);
  });
  return { center, scale, clip: Math.fround(clip) };
}

/** Ascending. */
function columnValues(windows: readonly ScoredWindow[], column: number): Float64Array {
  const present = windows.filter(({ mask }) => ((mask >>> column) & 1) === 0);
  const values = new Float64Array(present.reduce((sum, { rows }) => sum + rows.length, 0));
  let at = 0;
  for (const { rows } of present) {
    for (const row of rows) values[at++] = row[column]! * UNITS[column]!;
  }
  return values.sort();
}

function deviation(values: Float64Array): number {
  if (values.length === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/**
 * @param columns - which columns of the layout, ascending; all by default
 * @throws {DetectorError} `ERR_SCORE_WINDOW` if a window has no row, more rows than steps, or a row of another width
 */
export function standardise(
  windows: readonly ScoredWindow[],
  { center, scale, clip }: Normaliser,
  columns: readonly number[] = ALL_COLUMNS,
): StandardisedWindows {
  const { steps } = LAYOUT;
  const width = columns.length;
  const inputs = new Float32Array(windows.length * steps * width);
  const lengths = new Uint8Array(windows.length);
  const columnMask = new Uint32Array(windows.length);
  windows.forEach(({ rows, mask }, index) => {
    checkRows(rows, steps, UNITS.length);
    lengths[index] = rows.length;
    columnMask[index] = projectMask(mask, columns);
    rows.forEach((row, step) => {
      const start = (index * steps + step) * width;
      for (let i = 0; i < width; i++) {
        const column = columns[i]!;
        const value = row[column]! * UNITS[column]!;
        const scaled = Math.fround(Math.fround(value - center[column]!) * scale[column]!);
        inputs[start + i] = Math.min(clip, Math.max(-clip, scaled));
      }
    });
  });
  return { windows: inputs, lengths, columnMask };
}

function checkRows(rows: readonly Int16Array[], steps: number, width: number): void {
  if (rows.length < 1 || rows.length > steps) {
    throw new DetectorError('ERR_SCORE_WINDOW', `rows: expected 1 … ${steps}, got ${rows.length}`, {
      got: rows.length,
      most: steps,
    });
  }
  for (const [step, row] of rows.entries()) {
    if (row.length !== width) {
      throw new DetectorError(
        'ERR_SCORE_WINDOW',
        `rows[${step}]: expected ${width} columns, got ${row.length}`,
        { step, got: row.length, expected: width },
      );
    }
  }
}
