/**
 * Screening of a client update before it may count. One function for node and orchestrator; its verdict depends on the
 * update, the plan and the round, never on what arrived before. Design: federation §5.
 *
 * With d parameters, noise deviation s per coordinate and signal bound S, all functions of the public plan, the squared
 * norm of an honest update lies between
 *
 *     d·s² − κ·s²·√(2d)   and   S² + d·s² + κ·√(2d·s⁴ + 4·S²·s²)
 *
 * but for a tail that κ = 6 makes negligible. Outside it a person decides; above the edge at κ = 12 nobody needs to.
 * @module
 */
import type { Release } from '../protocol/envelope.js';
import { BATCH_HEADROOM, type NormBounds } from './norm-bounds.js';
import { SCORE_HISTOGRAM, type ReleasedVectors } from '../protocol/releases.js';
import type { Verdict } from '../protocol/receipt.js';

/** What a plan says of the histogram of scores that leaves beside the update. */
export interface HistogramFacts {
  readonly bins: number;
  /** Deviation of the noise in one count is 2^this. */
  readonly noiseExponent: number;
  /** Public N of a hospital. */
  readonly nominalWindows: number;
}

const KAPPA_QUARANTINE = 6;
const KAPPA_REJECT = 12;
/** Below it the lower edge of the envelope means nothing: d ≤ 2κ². */
const PARAMETERS_MIN_FOR_LOWER_EDGE = 2 * KAPPA_QUARANTINE * KAPPA_QUARANTINE;
/** A parameter stays below 16, so no honest update moves one by 32 or more. */
const MAGNITUDE_MAX = 32 * 2 ** 20;

export const ACCEPTED: Verdict = Object.freeze({ kind: 'accepted', reason: '' });

/**
 * | update                                     | verdict                     |
 * |--------------------------------------------|-----------------------------|
 * | releases other than those of the plan      | rejected, `release-set`     |
 * | another length than layout and plan say    | rejected, `length`          |
 * | an entry of 32.0 or more                   | rejected, `range`           |
 * | a count that no windows and noise can make | rejected, `histogram-range` |
 * | squared norm above the edge at κ = 12      | rejected, `norm-bound`      |
 * | squared norm outside the envelope at κ = 6 | quarantined, `norm-envelope`|
 */
export function screenUpdate(
  o: Readonly<{
    releases: readonly Release[];
    /** Null where the bytes are not as long as layout and plan say. */
    vectors: ReleasedVectors | null;
    parameterCount: number;
    bounds: NormBounds;
    /** Null where the plan releases none. */
    histogram: HistogramFacts | null;
  }>,
): Verdict {
  const due = new Map<string, number>([['update', o.parameterCount]]);
  if (o.histogram !== null) due.set(SCORE_HISTOGRAM, o.histogram.bins);
  const handedIn = new Set<string>(o.releases.map(({ name }) => name));
  if (o.releases.length !== due.size || [...due.keys()].some((name) => !handedIn.has(name))) {
    return rejected('release-set');
  }
  const { vectors } = o;
  if (vectors === null || o.releases.some(({ name, length }) => due.get(name) !== length)) {
    return rejected('length');
  }
  if (o.histogram !== null && !isCredible(vectors.scoreHistogram!, o.histogram)) {
    return rejected('histogram-range');
  }
  let squaredNorm = 0;
  for (const entry of vectors.update) {
    if (Math.abs(entry) >= MAGNITUDE_MAX) return rejected('range');
    squaredNorm += entry * entry;
  }
  const { lower, upper, reject } = normEnvelope(o.parameterCount, o.bounds);
  if (squaredNorm > reject) return rejected('norm-bound');
  if (squaredNorm > upper || squaredNorm < lower) {
    return { kind: 'quarantined', reason: 'norm-envelope' };
  }
  return ACCEPTED;
}

/** Edges of ‖Δ‖² in squared units of 2^-20. */
export function normEnvelope(
  parameterCount: number,
  bounds: NormBounds,
): Readonly<{ lower: number; upper: number; reject: number }> {
  const d = parameterCount;
  const noise = bounds.noiseDeviation * bounds.noiseDeviation;
  const signal = bounds.signalNorm * bounds.signalNorm;
  const spread = Math.sqrt(2 * d * noise * noise + 4 * signal * noise);
  return {
    lower:
      d > PARAMETERS_MIN_FOR_LOWER_EDGE
        ? d * noise - KAPPA_QUARANTINE * noise * Math.sqrt(2 * d)
        : 0,
    upper: signal + d * noise + KAPPA_QUARANTINE * spread,
    reject: signal + d * noise + KAPPA_REJECT * spread,
  };
}

/** Windows add, noise reaches 12 deviations either way and no further. */
function isCredible(counts: Int32Array, facts: HistogramFacts): boolean {
  const noise = KAPPA_REJECT * 2 ** facts.noiseExponent;
  const most = BATCH_HEADROOM * facts.nominalWindows + noise;
  return counts.every((count) => count >= -noise && count <= most);
}

function rejected(reason: string): Verdict {
  return { kind: 'rejected', reason };
}
