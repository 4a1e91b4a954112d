/**
 * ε and δ from Rényi divergences: second opinion, fallback, and (at integer orders) exact for the executed lattice
 * mechanism.
 * @module
 */
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { curveOf } from './mechanism-rdp.js';
import { reduceEvent, type MechanismCount } from './mechanism.js';
import { INTEGER_ORDERS, bestRdpDelta, bestRdpEpsilon, type RdpCurve } from './rdp.js';

/** A curve, and the probability of all (0, δ) parts together, which has no curve. */
interface RdpReduction {
  readonly curve: RdpCurve;
  readonly empty: boolean;
  readonly catastrophe: number;
}

/** @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED` */
export function rdpCurve(event: PrivacyEvent, adjacency: Adjacency): RdpCurve {
  return reduce(event, adjacency).curve;
}

export function rdpEpsilon(event: PrivacyEvent, delta: number, adjacency: Adjacency): number {
  const { curve, empty, catastrophe } = reduce(event, adjacency);
  const rest = remainingDelta(delta, catastrophe);
  if (rest <= 0) return catastrophe > delta ? Infinity : empty ? 0 : Infinity;
  return empty ? 0 : bestRdpEpsilon(curve, rest).epsilon;
}

/** ε at integer orders alone: holds exactly for the discrete Gaussian that is executed. */
export function rdpEpsilonOfLattice(
  event: PrivacyEvent,
  delta: number,
  adjacency: Adjacency,
): number {
  const { curve, empty, catastrophe } = reduce(event, adjacency);
  const rest = remainingDelta(delta, catastrophe);
  if (rest <= 0) return Infinity;
  return empty ? 0 : bestRdpEpsilon(curve, rest, INTEGER_ORDERS, false).epsilon;
}

export function rdpDelta(event: PrivacyEvent, epsilon: number, adjacency: Adjacency): number {
  const { curve, empty, catastrophe } = reduce(event, adjacency);
  const smooth = empty ? 0 : bestRdpDelta(curve, epsilon).delta;
  return 1 - (1 - catastrophe) * (1 - smooth);
}

/** δ_tot = 1 − Π(1 − δ_i); the curve then has 1 − (1 − δ)/(1 − δ_tot). */
function remainingDelta(delta: number, catastrophe: number): number {
  return catastrophe === 0 ? delta : 1 - (1 - delta) / (1 - catastrophe);
}

function reduce(event: PrivacyEvent, adjacency: Adjacency): RdpReduction {
  const { parts, unbounded } = reduceEvent(event, adjacency, 'rdp');
  if (unbounded) return { curve: () => Infinity, empty: false, catastrophe: 0 };
  let logSurvival = 0;
  const smooth: MechanismCount[] = parts.map(({ mechanism, count }) => {
    if (mechanism.kind !== 'epsilon-delta') return { mechanism, count };
    logSurvival += count * Math.log1p(-mechanism.delta);
    return { mechanism: { ...mechanism, delta: 0 }, count };
  });
  return {
    curve: curveOf(smooth, adjacency),
    empty: smooth.length === 0,
    catastrophe: -Math.expm1(logSurvival),
  };
}
