/**
 * ε and δ from Rényi divergences: second opinion, fallback, and (at integer orders) exact for the executed lattice
 * mechanism.
 * @module
 */
import { UnsupportedEventError } from '../errors.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { reduceEvent, type Mechanism } from './mechanism.js';
import {
  INTEGER_ORDERS,
  bestRdpDelta,
  bestRdpEpsilon,
  mixtureRdp,
  sampledGaussianRdp,
  type RdpCurve,
} from './rdp.js';

/**
 * The curve of a whole event; curves add up.
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED`
 */
export function rdpCurve(event: PrivacyEvent, adjacency: Adjacency): RdpCurve {
  const { parts, unbounded } = reduceEvent(event, adjacency, 'rdp');
  if (unbounded) return () => Infinity;
  return (order) => {
    let total = 0;
    for (const { mechanism, count } of parts) total += count * stepRdp(mechanism, order, adjacency);
    return total;
  };
}

export function rdpEpsilon(event: PrivacyEvent, delta: number, adjacency: Adjacency): number {
  return clampEmpty(event, adjacency)
    ? 0
    : bestRdpEpsilon(rdpCurve(event, adjacency), delta).epsilon;
}

/** ε at integer orders alone: holds exactly for the discrete Gaussian that is executed. */
export function rdpEpsilonOfLattice(
  event: PrivacyEvent,
  delta: number,
  adjacency: Adjacency,
): number {
  if (clampEmpty(event, adjacency)) return 0;
  return bestRdpEpsilon(rdpCurve(event, adjacency), delta, INTEGER_ORDERS, false).epsilon;
}

export function rdpDelta(event: PrivacyEvent, epsilon: number, adjacency: Adjacency): number {
  return clampEmpty(event, adjacency) ? 0 : bestRdpDelta(rdpCurve(event, adjacency), epsilon).delta;
}

function clampEmpty(event: PrivacyEvent, adjacency: Adjacency): boolean {
  const { parts, unbounded } = reduceEvent(event, adjacency, 'rdp');
  return parts.length === 0 && !unbounded;
}

function stepRdp(mechanism: Mechanism, order: number, adjacency: Adjacency): number {
  switch (mechanism.kind) {
    case 'gaussian': {
      const s = mechanism.noiseMultiplier / (adjacency === 'replace-one' ? 2 : 1);
      return sampledGaussianRdp(1, s, order);
    }
    case 'sampled-gaussian':
      if (adjacency === 'replace-one') {
        throw new UnsupportedEventError({
          event: 'poisson-sampled(gaussian)',
          adjacency,
          accountant: 'rdp',
          reason: 'refused',
        });
      }
      return sampledGaussianRdp(mechanism.samplingProbability, mechanism.noiseMultiplier, order);
    case 'mixture':
      return mixtureRdp(mechanism.mixture.shifts, mechanism.mixture.weights, order);
  }
}
