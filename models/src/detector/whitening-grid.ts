/**
 * Whitening factors as they travel: 16 bits an entry, one binary exponent a row, half of what float32 takes. The worst
 * entry of a row is off by 2^-15 of the row's largest, far below what a finite sample says about a covariance; what is
 * scored is the rounded factor, in training as on the ledger.
 * @module
 */
import type { BinaryReader, BinaryWriter } from './binary.js';

const LARGEST = 32_767;
/** A row is scaled up as far as its largest entry allows, so that equal factors are equal bytes. */
const SMALLEST_LARGEST = 16_384;

/** Entries of the lower triangle of a `width` × `width` matrix, row by row. */
export function triangleSize(width: number): number {
  return (width * (width + 1)) / 2;
}

/** The nearest factor on the grid, `[triangleSize(width)]`. */
export function toWhiteningGrid(factor: Float32Array, width: number): Float32Array {
  const rounded = new Float32Array(factor.length);
  for (const [start, end] of rowsOf(width)) {
    const scale = 2 ** exponentOf(factor.subarray(start, end));
    for (let i = start; i < end; i++) {
      // Adding 0 turns −0 into 0, which the bytes cannot tell apart.
      rounded[i] = (Math.round(factor[i]! * scale) + 0) / scale;
    }
  }
  return rounded;
}

/** Whether every entry is on the grid. */
export function isOnWhiteningGrid(factor: Float32Array, width: number): boolean {
  const rounded = toWhiteningGrid(factor, width);
  return factor.every((entry, i) => Object.is(entry, rounded[i]));
}

export function writeWhitening(writer: BinaryWriter, factor: Float32Array, width: number): void {
  for (const [start, end] of rowsOf(width)) {
    const row = factor.subarray(start, end);
    const exponent = exponentOf(row);
    writer.i8(exponent).i16s(Int16Array.from(row, (entry) => Math.round(entry * 2 ** exponent)));
  }
}

export function readWhitening(reader: BinaryReader, width: number): Float32Array {
  const factor = new Float32Array(triangleSize(width));
  for (const [start, end] of rowsOf(width)) {
    const exponent = reader.i8();
    const units = reader.i16s(end - start);
    let largest = 0;
    for (const unit of units) largest = Math.max(largest, Math.abs(unit));
    const canonical =
      largest === 0 ? exponent === 0 : largest >= SMALLEST_LARGEST && largest <= LARGEST;
    if (!canonical) {
      reader.fail('whitening row', `a largest entry of ${SMALLEST_LARGEST} … ${LARGEST}`, largest);
    }
    for (const [i, unit] of units.entries()) factor[start + i] = unit / 2 ** exponent;
  }
  return factor;
}

/** First and past-the-last index of each row of the triangle. */
function* rowsOf(width: number): Iterable<[start: number, end: number]> {
  for (let row = 0; row < width; row++) yield [triangleSize(row), triangleSize(row + 1)];
}

/** The largest exponent e with every `round(entry · 2^e)` in 16 bits; 0 for a row of zeros. */
function exponentOf(row: Float32Array): number {
  let largest = 0;
  for (const entry of row) largest = Math.max(largest, Math.abs(entry));
  if (largest === 0) return 0;
  let exponent = 0;
  while (Math.round(largest * 2 ** exponent) > LARGEST) exponent--;
  while (Math.round(largest * 2 ** (exponent + 1)) <= LARGEST && exponent < 127) exponent++;
  return exponent;
}
