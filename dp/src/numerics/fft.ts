/**
 * Convolution powers of real sequences, by a complex FFT of half their length.
 *
 * R[x]/(x^N + 1) is isomorphic to C[x]/(x^{N/2} − i): element j + N/2 becomes the imaginary part of element j. So the
 * convolution is negacyclic, what wraps around comes back with its sign turned, and no real-to-complex post-processing
 * is needed. The forward transform leaves its output in bit-reversed order and the inverse takes it from there; between
 * them we only multiply point by point. Each block of a level has one constant twiddle factor, e^{iπ·vdc(block)}.
 * @module
 */

/** Unit round-off of a double. */
const UNIT_ROUND_OFF = 2 ** -53;

/** A sequence of N real numbers modulo x^N + 1, as N/2 complex points. */
export interface Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * @param values - index j is coefficient j + `first` of a Laurent polynomial; longer than N wraps with its sign
 * @param size - N, a power of two >= 4
 */
export function transform(values: Float64Array, size: number): Spectrum {
  const half = size / 2;
  const re = new Float64Array(half);
  const im = new Float64Array(half);
  for (let j = 0; j < values.length; j++) {
    const position = j % size;
    const value = Math.floor(j / size) % 2 === 0 ? values[j]! : -values[j]!;
    if (position < half) re[position] = re[position]! + value;
    else im[position - half] = im[position - half]! + value;
  }
  weight(re, im, 1);
  forward(re, im);
  return { re, im };
}

/** Overwrites the spectrum. @returns the N real coefficients */
export function inverseTransform(spectrum: Spectrum): Float64Array {
  const { re, im } = spectrum;
  const half = re.length;
  backward(re, im);
  weight(re, im, -1);
  const values = new Float64Array(2 * half);
  for (let j = 0; j < half; j++) {
    values[j] = re[j]! / half;
    values[j + half] = im[j]! / half;
  }
  return values;
}

/** Raises every point to a power >= 1, in place, by repeated squaring. */
export function raise(spectrum: Spectrum, power: number): void {
  if (power === 1) return;
  const { re, im } = spectrum;
  const bits: boolean[] = [];
  for (let rest = power; rest > 1; rest = Math.floor(rest / 2)) bits.push(rest % 2 === 1);
  bits.reverse();
  // |z|^power < 1e−140 cannot reach the result; most points of a long composition are there.
  const negligible = Math.exp((-2 * 322) / power);
  for (let k = 0; k < re.length; k++) {
    const a = re[k]!;
    const b = im[k]!;
    if (a * a + b * b < negligible) {
      re[k] = 0;
      im[k] = 0;
      continue;
    }
    let x = a;
    let y = b;
    for (const odd of bits) {
      const square = x * x - y * y;
      y = 2 * x * y;
      x = square;
      if (odd) {
        const product = x * a - y * b;
        y = x * b + y * a;
        x = product;
      }
      if (Math.abs(x) + Math.abs(y) < 1e-140) {
        x = 0;
        y = 0;
        break;
      }
    }
    re[k] = x;
    im[k] = y;
  }
}

/** Multiplies `target` by `factor`, point by point, in place. */
export function multiply(target: Spectrum, factor: Spectrum): void {
  for (let k = 0; k < target.re.length; k++) {
    const x = target.re[k]! * factor.re[k]! - target.im[k]! * factor.im[k]!;
    target.im[k] = target.re[k]! * factor.im[k]! + target.im[k]! * factor.re[k]!;
    target.re[k] = x;
  }
}

/** Euclidean norm of the points. */
export function spectrumNorm(spectrum: Spectrum): number {
  let sum = 0;
  for (let k = 0; k < spectrum.re.length; k++) sum += spectrum.re[k]! ** 2 + spectrum.im[k]! ** 2;
  return Math.sqrt(sum);
}

/**
 * Bound on ‖computed − exact‖₂ / ‖exact‖₂ of one transform of N real numbers, in either direction.
 *
 * Higham 2002, "Accuracy and Stability of Numerical Algorithms", Theorem 24.2: log2(M)·η / (1 − log2(M)·η) with
 * η = μ + γ₄(√2 + μ), for M complex points and twiddle factors of error μ. We take μ = 2u (sine and cosine within one
 * unit in the last place) and count the weighting as one level more.
 */
export function transformErrorBound(size: number): number {
  const mu = 2 * UNIT_ROUND_OFF;
  const gamma4 = (4 * UNIT_ROUND_OFF) / (1 - 4 * UNIT_ROUND_OFF);
  const total = (Math.log2(size / 2) + 1) * (mu + gamma4 * (Math.SQRT2 + mu));
  return total / (1 - total);
}

/** Bound on the relative error that one complex multiplication adds (Brent, Percival, Zimmermann 2007: √5 u). */
export const MULTIPLY_ERROR_BOUND: number = Math.sqrt(5) * UNIT_ROUND_OFF;

/** Element j times e^{±iπj/N}, N = 2·length: turns "modulo x^M − i" into "modulo x^M − 1". */
function weight(re: Float64Array, im: Float64Array, sign: 1 | -1): void {
  const angle = Math.PI / (2 * re.length);
  // Rotations in blocks: 64 exact factors, each block started from an exact one.
  const block = 64;
  const cosines = new Float64Array(block);
  const sines = new Float64Array(block);
  for (let j = 0; j < block; j++) {
    cosines[j] = Math.cos(angle * j);
    sines[j] = sign * Math.sin(angle * j);
  }
  for (let start = 0; start < re.length; start += block) {
    const c0 = Math.cos(angle * start);
    const s0 = sign * Math.sin(angle * start);
    for (let j = 0; j < block && start + j < re.length; j++) {
      const c = c0 * cosines[j]! - s0 * sines[j]!;
      const s = c0 * sines[j]! + s0 * cosines[j]!;
      const k = start + j;
      const x = re[k]! * c - im[k]! * s;
      im[k] = re[k]! * s + im[k]! * c;
      re[k] = x;
    }
  }
}

/** Modulo x^{2m} − w² splits into modulo x^m − w and x^m + w, level by level. */
function forward(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  const { cosines, sines } = twiddles(size / 2);
  for (let m = size / 2; m >= 1; m /= 2) {
    for (let block = 0, start = 0; start < size; block++, start += 2 * m) {
      const c = cosines[block]!;
      const s = sines[block]!;
      for (let j = start, k = start + m; j < start + m; j++, k++) {
        const x = re[k]! * c - im[k]! * s;
        const y = re[k]! * s + im[k]! * c;
        const a = re[j]!;
        const b = im[j]!;
        re[j] = a + x;
        im[j] = b + y;
        re[k] = a - x;
        im[k] = b - y;
      }
    }
  }
}

function backward(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  const { cosines, sines } = twiddles(size / 2);
  for (let m = 1; m < size; m *= 2) {
    for (let block = 0, start = 0; start < size; block++, start += 2 * m) {
      const c = cosines[block]!;
      const s = sines[block]!;
      for (let j = start, k = start + m; j < start + m; j++, k++) {
        const a = re[j]!;
        const b = im[j]!;
        const x = a - re[k]!;
        const y = b - im[k]!;
        re[j] = a + re[k]!;
        im[j] = b + im[k]!;
        re[k] = x * c + y * s;
        im[k] = y * c - x * s;
      }
    }
  }
}

let table = { cosines: new Float64Array(0), sines: new Float64Array(0) };

/** e^{iπ·vdc(k)}, vdc the van der Corput sequence 0, 1/2, 1/4, 3/4, …: one table serves all levels and shorter sizes. */
function twiddles(count: number): { cosines: Float64Array; sines: Float64Array } {
  if (table.cosines.length < count) {
    const cosines = new Float64Array(count);
    const sines = new Float64Array(count);
    const fractions = new Float64Array(count);
    cosines[0] = 1;
    for (let k = 1; k < count; k++) {
      fractions[k] = (k % 2) / 2 + fractions[k >>> 1]! / 2;
      cosines[k] = Math.cos(Math.PI * fractions[k]!);
      sines[k] = Math.sin(Math.PI * fractions[k]!);
    }
    table = { cosines, sines };
  }
  return table;
}
