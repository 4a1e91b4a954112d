/**
 * The dominating pair of the discrete Gaussian: P around 0, Q around an integer distance d.
 *
 * The loss falls with the outcome, L(y) = (d² − 2dy) / (2σ²), so that a cut by loss is a cut by y, and one table of
 * tails answers for P and for Q.
 * Source: Canonne, Kamath, Steinke 2020 (arXiv:2004.00010); Proposition 25 for the tails.
 * @module
 */
import { normalCdf, normalQuantileOfLog } from '../numerics/normal-distribution.js';
import { requireGridSize } from './grid-size.js';
import type { LossPair } from './loss-pair.js';

export interface LatticeNoise {
  /** Scale of the noise, > 0. */
  readonly sigma: number;
  /** How far one record moves the sum: an integer >= 1. */
  readonly distance: number;
}

interface TailTable {
  /** Outcomes of P that matter lie in [−reach, reach]. */
  readonly reach: number;
  /** P[Y >= k] for k = 0 … reach + distance. */
  readonly tails: Float64Array;
}

/** The tables of one question; both directions share them, and one memory cap is for all. */
export interface TailTables {
  readonly logTailMass: number;
  /** @throws {GridTooLargeError} `ERR_DP_GRID` when the tables together would pass 2^22 entries */
  of(noise: LatticeNoise): TailTable;
}

/** @param logTailMass - natural logarithm of the mass of P that may lie outside of the reach */
export function createTailTables(logTailMass: number): TailTables {
  const known = new Map<string, TailTable>();
  let points = 0;
  return {
    logTailMass,
    of(noise) {
      const key = `${noise.sigma}/${noise.distance}`;
      let table = known.get(key);
      if (table === undefined) {
        const { sigma, distance } = noise;
        // P[Y >= k] <= P[N(0, σ²) >= k − 1]: half of the mass on either side.
        const reach = Math.ceil(-normalQuantileOfLog(logTailMass - Math.LN2) * sigma) + 1;
        points += reach + distance;
        // One double a point, where a grid that is composed takes six.
        requireGridSize(points / 2, `A discrete Gaussian of sigma ${sigma}, outcome by outcome`);
        known.set(key, (table = { reach, tails: tailsOf(sigma, reach + distance) }));
      }
      return table;
    },
  };
}

/** Summed from the smallest height on, with what each addition loses kept beside (Neumaier): small tails keep their digits. */
function tailsOf(sigma: number, last: number): Float64Array {
  const tails = new Float64Array(last + 1);
  // What lies beyond the table, from above: out there e^{−y²/2σ²} is convex, so each height is below its integral.
  let sum = sigma * Math.sqrt(2 * Math.PI) * normalCdf(-(last + 0.5) / sigma);
  let lost = 0;
  for (let y = last; y >= 0; y--) {
    const height = Math.exp((-y * y) / (2 * sigma * sigma));
    const next = sum + height;
    lost += sum >= height ? sum - next + height : height - next + sum;
    sum = next;
    tails[y] = sum + lost;
  }
  const total = 2 * tails[0]! - 1;
  for (let y = 0; y <= last; y++) tails[y] = tails[y]! / total;
  return tails;
}

/** @throws {GridTooLargeError} `ERR_DP_GRID` */
export function discreteGaussianPair(noise: LatticeNoise, tables: TailTables): LossPair {
  const { sigma, distance } = noise;
  const { reach, tails } = tables.of(noise);
  const atLeast = (k: number): number => (k < tails.length ? tails[k]! : 0);
  const below = (y: number): number => (y > 0 ? 1 - atLeast(y) : atLeast(1 - y));
  const from = (y: number): number => (y > 0 ? atLeast(y) : 1 - atLeast(1 - y));
  const lossAt = (y: number): number => (distance * (distance - 2 * y)) / (2 * sigma * sigma);
  return {
    split(loss, out) {
      // L > loss is y < cut.
      const cut = Math.ceil(distance / 2 - (loss * sigma * sigma) / distance);
      out.pAbove = below(cut);
      out.pBelow = from(cut);
      out.qAbove = below(cut - distance);
      out.qBelow = from(cut - distance);
    },
    range: () => ({ lower: lossAt(reach), upper: lossAt(-reach) }),
    infimum: -Infinity,
    supremum: Infinity,
    // The table's far end is a bound, not a value.
    roundOff: Math.exp(tables.logTailMass),
  };
}
