/**
 * The exact discrete Gaussian on the integers, of scale σ = 2^m: P[y] ∝ exp(−y² / 2^(2m+1)).
 *
 * No floating point decides anything: a proposal is accepted by comparing random bits with integers, and where the
 * bits drawn so far leave it open, more bits and a sharper integer bracket of the exponential are taken. So the law
 * is the stated one exactly, given uniform words.
 *
 * Method: |y| is proposed from a histogram over the integers (strips of σ/512, integer weights that lie above the
 * curve) and accepted with probability curve / histogram; 99.8 % of the proposals are accepted at once because they
 * lie below the next strip's height. Beyond 8σ a geometric tail takes over. A sign is attached and −0 is refused.
 * Target law: Canonne, Kamath, Steinke 2020 (arXiv:2004.00010). Running time depends on what is drawn, never on data;
 * draw noise before data is read (`NoisePool`).
 * @module
 */
import { requireInteger } from './argument-checks.js';
import { expNegativeBracket } from './numerics/integer-exp.js';
import type { RandomSource } from './random-source.js';

export const SCALE_EXPONENT_MAX = 20;

/** Strips reach to 8σ; e^−32 of the curve is left for the tail. */
const STRIPS_END_SIGMAS = 8;
/** Total weight of all strips and the tail stays below 2^40. */
const CHOICE_BITS = 40;
const CHOICE_SPAN = 2 ** CHOICE_BITS;
const GUIDE_BITS = 12;
const GUIDE_SHIFT = 2 ** (CHOICE_BITS - GUIDE_BITS);

interface StripTable {
  /** log2 of the number of strips in one σ. */
  readonly stripBits: number;
  /** S: the height of the curve at 0, in weight units. */
  readonly peak: bigint;
  readonly weights: Float64Array;
  /** Running sums of the weights, `[strips + 2]`; the last entry is the whole, the tail included. */
  readonly cumulative: Float64Array;
  /** First strip that can hold a choice with these 12 leading bits. */
  readonly guide: Uint16Array;
  /** A 32-bit word below this accepts at once, `[strips]`. */
  readonly squeeze: Float64Array;
}

/**
 * Fills `out` with independent draws.
 *
 * | scaleExponent m | note                                                              |
 * |-----------------|-------------------------------------------------------------------|
 * | 0 … 11          | exact, but too coarse for a plan (privacy plans ask for m >= 12)   |
 * | 12 … 20         | indistinguishable from the continuous law (ε moves by < 2e-9)      |
 * | empty `out`     | nothing is drawn                                                  |
 *
 * @param out - integers; `|y|` beyond 2^31 has probability below e^−2,000,000
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` if m is not an integer in [0, 20]
 */
export function sampleDiscreteGaussian(
  out: Int32Array | Float64Array,
  options: Readonly<{ scaleExponent: number; random: RandomSource }>,
): void {
  const { scaleExponent: m, random } = options;
  requireInteger('scaleExponent', m, { min: 0, max: SCALE_EXPONENT_MAX });
  const table = stripTable(Math.min(9, m));
  const { cumulative, guide, squeeze, stripBits } = table;
  const stripCount = squeeze.length;
  const offsetBits = m - stripBits;
  const stripWidth = 2 ** offsetBits;
  const offsetMask = stripWidth - 1;
  const total = cumulative[stripCount + 1]!;
  const words = new WordStream(random, Math.min(4096, 8 + 4 * out.length));
  for (let i = 0; i < out.length;) {
    const high = words.next();
    const low = words.next();
    // 40 bits choose the strip; the 24 that are left give the sign and the place inside of the strip.
    const choice = high * 256 + (low >>> 24);
    if (choice >= total) continue;
    let strip = guide[Math.floor(choice / GUIDE_SHIFT)]!;
    while (cumulative[strip + 1]! <= choice) strip++;
    const negative = (low & 1) === 1;
    let magnitude: number;
    if (strip < stripCount) {
      magnitude = strip * stripWidth + ((low >>> 1) & offsetMask);
      const word = words.next();
      if (word >= squeeze[strip]! && !acceptInStrip(word, magnitude, strip, m, table, words)) {
        continue;
      }
    } else {
      magnitude = proposeInTail(m, words);
      if (!acceptInTail(magnitude, m, table, words)) continue;
    }
    if (negative && magnitude === 0) continue;
    out[i++] = negative ? -magnitude : magnitude;
  }
  words.clear();
}

/** Accepts with probability S · exp(−y²/2^(2m+1)) / W, given that the first 32 bits of the uniform are `word`. */
function acceptInStrip(
  word: number,
  magnitude: number,
  strip: number,
  m: number,
  table: StripTable,
  words: WordStream,
): boolean {
  return uniformBelowCurve({
    word,
    numerator: table.peak,
    denominator: BigInt(table.weights[strip]!),
    magnitude: BigInt(magnitude),
    m,
    words,
  });
}

/**
 * Tail proposal: y = 8σ + U + V·t with t = σ/8, U uniform on [0, t), V geometric with ratio 1/2. For m < 3, t = 1 and
 * V has ratio 1/2 all the same.
 */
function proposeInTail(m: number, words: WordStream): number {
  const t = tailStep(m);
  let jumps = 0;
  while ((words.next() & 1) === 1) jumps++;
  return STRIPS_END_SIGMAS * 2 ** m + jumps * t + (words.next() & (t - 1));
}

function tailStep(m: number): number {
  return 2 ** Math.max(0, m - 3);
}

/**
 * A tail value with V jumps is proposed with weight 1 · 2^−(V+1) / t, an integer of strip j with weight W_j / width;
 * so it is accepted with probability S · f(y) · (t / width) · 2^(V+1), which is < 1 because f falls by e^−1 a jump.
 *
 * @param peak - S; any S that keeps the probability below 1 gives the same law of the tail itself
 */
function acceptInTail(
  magnitude: number,
  m: number,
  o: Readonly<{ peak: bigint; stripBits: number }>,
  words: WordStream,
): boolean {
  const t = tailStep(m);
  const jumps = Math.floor((magnitude - STRIPS_END_SIGMAS * 2 ** m) / t);
  const ratio = BigInt(t / 2 ** (m - o.stripBits));
  return uniformBelowCurve({
    word: words.next(),
    numerator: o.peak * ratio * 2n ** BigInt(jumps + 1),
    denominator: 1n,
    magnitude: BigInt(magnitude),
    m,
    words,
  });
}

/**
 * Draws |y| given |y| >= 8σ: the branch that real sampling takes once in 10^15 draws, so that a test can reach it.
 * @internal
 */
export function sampleTailMagnitudes(
  out: Float64Array,
  options: Readonly<{ scaleExponent: number; random: RandomSource }>,
): void {
  const { scaleExponent: m, random } = options;
  const words = new WordStream(random, 4096);
  const stripBits = Math.min(9, m);
  // e^−32 · 2 (one jump's factor) · t/width · S just below 1.
  const ratio = tailStep(m) / 2 ** (m - stripBits);
  const peak = BigInt(Math.floor((0.99 * Math.exp(32)) / (2 * ratio)));
  for (let i = 0; i < out.length;) {
    const magnitude = proposeInTail(m, words);
    if (acceptInTail(magnitude, m, { peak, stripBits }, words)) out[i++] = magnitude;
  }
}

/** Decides "U < (numerator / denominator) · exp(−y² / 2^(2m+1))" exactly, drawing more bits of U while it is open. */
function uniformBelowCurve(
  o: Readonly<{
    word: number;
    numerator: bigint;
    denominator: bigint;
    magnitude: bigint;
    m: number;
    words: WordStream;
  }>,
): boolean {
  let uniform = BigInt(o.word);
  let bits = 32n;
  for (;;) {
    uniform = (uniform << 32n) | BigInt(o.words.next());
    bits += 32n;
    // The numerator's own bits are lost to the bracket, so they are added to its precision.
    const precision = bits + 64n;
    const curve = expNegativeBracket(o.magnitude * o.magnitude, BigInt(2 * o.m + 1), precision);
    const shift = precision - bits;
    // U lies in [uniform, uniform + 1) / 2^bits.
    if (((uniform + 1n) << shift) * o.denominator <= curve.lower * o.numerator) return true;
    if ((uniform << shift) * o.denominator >= curve.upper * o.numerator) return false;
  }
}

const tables = new Map<number, StripTable>();

/** The table depends on the strip count alone, not on σ: it is the curve exp(−x²/2) in 512ths (or 2^m-ths) of σ. */
function stripTable(stripBits: number): StripTable {
  let table = tables.get(stripBits);
  if (table === undefined) {
    table = buildStripTable(stripBits);
    tables.set(stripBits, table);
  }
  return table;
}

function buildStripTable(stripBits: number): StripTable {
  const stripCount = STRIPS_END_SIGMAS * 2 ** stripBits;
  const precision = 80n;
  const one = 1n << precision;
  const edges: { lower: bigint; upper: bigint }[] = [];
  for (let j = 0; j <= stripCount; j++) {
    edges.push(expNegativeBracket(BigInt(j) * BigInt(j), BigInt(2 * stripBits + 1), precision));
  }
  // The largest peak for which all weights, each rounded up, and the tail still fit below 2^40.
  const heights = edges.slice(0, stripCount).reduce((sum, edge) => sum + edge.upper, 0n);
  const peak = (BigInt(CHOICE_SPAN - stripCount - 1) * one) / heights;
  const weights = new Float64Array(stripCount);
  const squeeze = new Float64Array(stripCount);
  const cumulative = new Float64Array(stripCount + 2);
  for (let j = 0; j < stripCount; j++) {
    const weight = (peak * edges[j]!.upper + one - 1n) >> precision;
    weights[j] = Number(weight);
    squeeze[j] = Number(((peak * edges[j + 1]!.lower) << 32n) / (weight << precision));
    cumulative[j + 1] = cumulative[j]! + weights[j]!;
  }
  cumulative[stripCount + 1] = cumulative[stripCount]! + 1;
  const guide = new Uint16Array(2 ** GUIDE_BITS);
  let strip = 0;
  for (let g = 0; g < guide.length; g++) {
    while (strip < stripCount && cumulative[strip + 1]! <= g * GUIDE_SHIFT) strip++;
    guide[g] = strip;
  }
  return { stripBits, peak, weights, cumulative, guide, squeeze };
}

/** Words one by one, drawn in bulk, zeroised at the end. */
class WordStream {
  readonly #random: RandomSource;
  readonly #words: Uint32Array;
  #next: number;

  constructor(random: RandomSource, size: number) {
    this.#random = random;
    this.#words = new Uint32Array(size);
    this.#next = size;
  }

  next(): number {
    if (this.#next === this.#words.length) {
      this.#random.fill(this.#words);
      this.#next = 0;
    }
    return this.#words[this.#next++]!;
  }

  clear(): void {
    this.#words.fill(0);
    this.#next = this.#words.length;
  }
}
