/**
 * Which windows are judged alike. A window belongs to the stratum of its length that leaves out the fewest columns while
 * leaving out all that the window lacks.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import type { StratumKey } from './detector.js';

/** Entries of the summary of the columns outside `columnMask`: mean, largest and deviation of each. */
export function summaryWidth(columnMask: number, features: number): number {
  return 3 * presentColumns(columnMask, features).length;
}

/** Indexes of the columns outside `columnMask`, ascending. */
export function presentColumns(columnMask: number, features: number): number[] {
  const present: number[] = [];
  for (let i = 0; i < features; i++) {
    if (i >= 32 || ((columnMask >>> i) & 1) === 0) present.push(i);
  }
  return present;
}

/** The mask of a selection of columns: bit i is that of the i-th chosen column. */
export function projectMask(mask: number, columns: readonly number[]): number {
  if (mask === 0) return 0;
  let projected = 0;
  for (const [i, column] of columns.entries()) {
    if (((mask >>> column) & 1) === 1) projected |= 1 << i;
  }
  return projected >>> 0;
}

/** The first fault in words, or null. */
export function checkStrata(
  strata: readonly StratumKey[],
  architecture: Pick<Architecture, 'steps' | 'features'>,
): string | null {
  if (strata.length < 1 || strata.length > 255) return `${strata.length} strata`;
  for (const [i, s] of strata.entries()) {
    const { columnMask, lengthMin, lengthMax } = s;
    const where = `strata[${i}]`;
    if (!isUint32(columnMask)) return `${where} mask ${columnMask}`;
    if (architecture.features < 32 && columnMask >>> architecture.features !== 0) {
      return `${where} mask beyond column ${architecture.features - 1}`;
    }
    if (presentColumns(columnMask, architecture.features).length === 0) return `${where} no column`;
    if (!Number.isInteger(lengthMin) || !Number.isInteger(lengthMax)) return `${where} lengths`;
    if (lengthMin < 1 || lengthMax < lengthMin || lengthMax > architecture.steps) {
      return `${where} lengths ${lengthMin} … ${lengthMax}`;
    }
    const before = strata[i - 1];
    if (before === undefined || before.columnMask < columnMask) continue;
    if (before.columnMask > columnMask || before.lengthMax >= lengthMin) return `${where} order`;
  }
  return null;
}

/** The stratum of a window, or undefined if no stratum leaves out all that the window lacks. */
export function stratumFor<S extends StratumKey>(
  strata: readonly S[],
  window: { readonly mask: number; readonly length: number },
): S | undefined {
  let best: S | undefined;
  for (const stratum of strata) {
    const { columnMask, lengthMin, lengthMax } = stratum;
    if (window.length < lengthMin || window.length > lengthMax) continue;
    if ((window.mask & ~columnMask) !== 0) continue;
    if (best === undefined || bitCount(columnMask) < bitCount(best.columnMask)) best = stratum;
  }
  return best;
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
