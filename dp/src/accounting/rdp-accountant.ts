/**
 * ε and δ from Rényi divergences: second opinion, fallback, and (at integer orders) exact for the executed lattice
 * mechanism.
 * @module
 */
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { curveOf, rememberedSteps, type StepRdp } from './mechanism-rdp.js';
import { reduceEvent, type MechanismCount } from './mechanism.js';
import {
  INTEGER_ORDERS,
  SEARCH_ORDERS,
  bestRdpDelta,
  bestRdpEpsilon,
  type RdpCurve,
} from './rdp.js';

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

/**
 * How often `each` may still follow `before` until ε passes a ceiling: at most `most`. Doubling and halving look at the
 * same orders again and again, so each mechanism is evaluated once at each; the last steps look between the orders.
 */
export function rdpRepetitions(
  before: PrivacyEvent,
  each: PrivacyEvent,
  o: Readonly<{ epsilon: number; delta: number; adjacency: Adjacency; most: number }>,
): number {
  const step = rememberedSteps();
  const fits = (count: number, refine: boolean): boolean => {
    const repeated: PrivacyEvent = { kind: 'self-composed', event: each, count };
    const all: PrivacyEvent = { kind: 'composed', events: [before, repeated] };
    const { curve, empty, catastrophe } = reduce(all, o.adjacency, step);
    const rest = remainingDelta(o.delta, catastrophe);
    if (rest <= 0) return false;
    return empty || bestRdpEpsilon(curve, rest, SEARCH_ORDERS, refine).epsilon <= o.epsilon;
  };
  let [low, high] = [0, 1];
  while (high <= o.most && fits(high, false)) [low, high] = [high, 2 * high];
  high = Math.min(high, o.most + 1);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (fits(middle, false)) low = middle;
    else high = middle;
  }
  while (low < o.most && fits(low + 1, true)) low++;
  return low;
}

function reduce(event: PrivacyEvent, adjacency: Adjacency, step?: StepRdp): RdpReduction {
  const { parts, unbounded } = reduceEvent(event, adjacency, 'rdp');
  if (unbounded) return { curve: () => Infinity, empty: false, catastrophe: 0 };
  let logSurvival = 0;
  const smooth: MechanismCount[] = parts.map(({ mechanism, count }) => {
    if (mechanism.kind !== 'epsilon-delta') return { mechanism, count };
    logSurvival += count * Math.log1p(-mechanism.delta);
    return { mechanism: { ...mechanism, delta: 0 }, count };
  });
  return {
    curve: curveOf(smooth, adjacency, step),
    empty: smooth.length === 0,
    catastrophe: -Math.expm1(logSurvival),
  };
}
