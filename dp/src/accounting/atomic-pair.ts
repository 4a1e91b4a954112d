/**
 * Loss pairs of mechanisms other than the Gaussian, and Poisson sampling of any pair.
 * @module
 */
import { logSubtract } from '../numerics/log-space.js';
import type { LossPair, LossSplit } from './loss-pair.js';

export interface Outcome {
  readonly p: number;
  readonly q: number;
}

/** A pair on finitely many outcomes. Outcomes with q = 0 have loss +∞, with p = 0 loss −∞. */
export function outcomePair(outcomes: readonly Outcome[]): LossPair {
  const sorted = outcomes
    .filter(({ p, q }) => p > 0 || q > 0)
    .map(({ p, q }) => ({ p, q, loss: Math.log(p) - Math.log(q) }))
    .sort((a, b) => a.loss - b.loss);
  // Running sums from either end, so that small tails keep their digits.
  const size = sorted.length;
  const pUp = new Float64Array(size + 1);
  const qUp = new Float64Array(size + 1);
  const pDown = new Float64Array(size + 1);
  const qDown = new Float64Array(size + 1);
  for (let i = 0; i < size; i++) {
    pDown[i + 1] = pDown[i]! + sorted[i]!.p;
    qDown[i + 1] = qDown[i]! + sorted[i]!.q;
    const j = size - 1 - i;
    pUp[j] = pUp[j + 1]! + sorted[j]!.p;
    qUp[j] = qUp[j + 1]! + sorted[j]!.q;
  }
  const finite = sorted.filter(({ loss }) => Number.isFinite(loss));
  const lower = finite[0]?.loss ?? 0;
  const upper = finite.at(-1)?.loss ?? 0;
  return {
    split(loss, out) {
      // First outcome with a larger loss. A hair of room, or an atom on a grid point would miss it by round-off.
      const edge = Number.isFinite(loss) ? loss + 1e-12 * Math.max(1, Math.abs(loss)) : loss;
      let [low, high] = [0, size];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (sorted[middle]!.loss > edge) high = middle;
        else low = middle + 1;
      }
      out.pAbove = pUp[low]!;
      out.qAbove = qUp[low]!;
      out.pBelow = pDown[low]!;
      out.qBelow = qDown[low]!;
    },
    range: () => ({ lower, upper }),
    infimum: sorted[0]?.loss ?? 0,
    supremum: upper,
  };
}

/** Swaps P and Q: the other direction of an asymmetric pair. */
export function swapped(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.map(({ p, q }) => ({ p: q, q: p }));
}

/** Lap(0, b) against Lap(1, b): the loss lies in [−1/b, 1/b], with atoms at both ends. Symmetric. */
export function laplacePair(scale: number): LossPair {
  const b = scale;
  const edge = 1 / b;
  return {
    split(loss, out) {
      if (loss >= edge) fill(out, 0, 0, 1, 1);
      else if (loss < -edge) fill(out, 1, 1, 0, 0);
      else {
        // L(x) = (1 − 2x)/b on [0, 1], falling: L > loss is x < t.
        const t = (1 - loss * b) / 2;
        const pTail = 0.5 * Math.exp(-t / b);
        const qTail = 0.5 * Math.exp(-(1 - t) / b);
        fill(out, 1 - pTail, qTail, pTail, 1 - qTail);
      }
    },
    range: () => ({ lower: -edge, upper: edge }),
    infimum: -edge,
    supremum: edge,
  };
}

function fill(
  out: LossSplit,
  pAbove: number,
  qAbove: number,
  pBelow: number,
  qBelow: number,
): void {
  out.pAbove = pAbove;
  out.qAbove = qAbove;
  out.pBelow = pBelow;
  out.qBelow = qBelow;
}

/**
 * Poisson sampling of a pair (with the record, without it), the record removed: P = (1−q)·without + q·with.
 * The loss becomes ln(1 − q + q e^ℓ).
 */
export function sampledRemove(pair: LossPair, q: number): LossPair {
  const infimum = outerLoss(pair.infimum, q);
  const inner: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  return {
    split(loss, out) {
      if (loss < infimum) {
        fill(out, 1, 1, 0, 0);
        return;
      }
      pair.split(innerLoss(loss, q), inner);
      out.pAbove = (1 - q) * inner.qAbove + q * inner.pAbove;
      out.pBelow = (1 - q) * inner.qBelow + q * inner.pBelow;
      out.qAbove = inner.qAbove;
      out.qBelow = inner.qBelow;
    },
    range(logTailMass) {
      // The atoms of Q alone sit at ln(1 − q) now, so the lower end is the infimum, not the range.
      const { upper } = pair.range(logTailMass);
      return { lower: infimum, upper: outerLoss(upper, q) };
    },
    infimum,
    supremum: outerLoss(pair.supremum, q),
  };
}

/** The record added: P = without, Q = (1−q)·without + q·with; the loss is −ln(1 − q + q e^ℓ). */
export function sampledAdd(pair: LossPair, q: number): LossPair {
  const supremum = -outerLoss(pair.infimum, q);
  const inner: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  return {
    split(loss, out) {
      if (loss >= supremum) {
        fill(out, 0, 0, 1, 1);
        return;
      }
      pair.split(innerLoss(-loss, q), inner);
      out.pAbove = inner.qBelow;
      out.pBelow = inner.qAbove;
      out.qAbove = (1 - q) * inner.qBelow + q * inner.pBelow;
      out.qBelow = (1 - q) * inner.qAbove + q * inner.pAbove;
    },
    range(logTailMass) {
      const { upper } = pair.range(logTailMass);
      return { lower: -outerLoss(upper, q), upper: supremum };
    },
    infimum: -outerLoss(pair.supremum, q),
    supremum,
  };
}

function outerLoss(loss: number, q: number): number {
  return loss > 0
    ? loss + Math.log(q + (1 - q) * Math.exp(-loss))
    : Math.log1p(q * Math.expm1(loss));
}

/** ln((e^l − (1 − q)) / q); −∞ where the sampled loss cannot go. */
function innerLoss(loss: number, q: number): number {
  const floor = Math.log1p(-q);
  if (loss <= floor) return -Infinity;
  if (Math.abs(loss) < 0.5) return Math.log1p(Math.expm1(loss) / q);
  return logSubtract(loss, floor) - Math.log(q);
}
