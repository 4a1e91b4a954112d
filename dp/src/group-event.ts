/**
 * What a mechanism means for a person who owns k records instead of one.
 * @module
 */
import { requireDelta, requireInteger } from './argument-checks.js';
import { deltaInterval, deltaOf, provenEpsilonOf } from './accounting/epsilon.js';
import { gaussianOf, type Accountant } from './accounting/mechanism.js';
import { UnsupportedEventError } from './errors.js';
import { decodeEvent } from './event-codec.js';
import { logBinomial } from './numerics/log-space.js';
import type { Adjacency, PrivacyEvent } from './privacy-event.js';

export const GROUP_SIZE_MAX = 64;

/**
 * The event as seen by a group of k records that are added, removed or replaced together.
 *
 * | event                                   | for k records                                                      |
 * |-----------------------------------------|--------------------------------------------------------------------|
 * | Gaussian, Laplace, discrete, tree       | the sum moves k times as far                                       |
 * | Poisson-sampled Gaussian                | the mixture that moves by j with probability Binom(k, q)(j): exact |
 * | exponential mechanism                   | the score moves k times as far: k ε                                |
 * | (ε, δ)                                  | (k ε, δ (e^{kε} − 1) / (e^ε − 1))                                  |
 * | (ξ, ρ)-zCDP                             | (ξ k Σ 1/i, k² ρ) (Bun, Steinke 2016, Proposition 27)              |
 * | anything else                           | refused by name; `groupEpsilonBound` still has a number for it     |
 *
 * @param k - 1 … 64; 1 returns the event itself
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED`
 */
export function groupEvent(event: PrivacyEvent, k: number): PrivacyEvent {
  requireInteger('k', k, { min: 1, max: GROUP_SIZE_MAX });
  return k === 1 ? event : grouped(event, k);
}

function grouped(event: PrivacyEvent, k: number): PrivacyEvent {
  switch (event.kind) {
    case 'no-op':
    case 'non-private':
    case 'unsupported':
      return event;
    case 'gaussian':
    case 'laplace':
    case 'tree-aggregation':
      return { ...event, noiseMultiplier: event.noiseMultiplier / k };
    case 'discrete-gaussian':
      return { ...event, sensitivity: event.sensitivity * k };
    case 'exponential':
      return { ...event, epsilon: event.epsilon * k };
    case 'epsilon-delta':
      return { ...event, ...groupOfEpsilonDelta(event, k) };
    case 'zcdp': {
      let harmonic = 0;
      for (let i = 1; i <= k; i++) harmonic += 1 / i;
      return { ...event, rho: event.rho * k * k, xi: event.xi * k * harmonic };
    }
    case 'self-composed':
      return { ...event, event: grouped(event.event, k) };
    case 'composed':
      return { ...event, events: event.events.map((part) => grouped(part, k)) };
    case 'poisson-sampled':
      return groupOfSampled(event.samplingProbability, event.event, k);
    case 'truncated-poisson-gaussian':
      refuse(event.kind, k, 'with a cap, records of one person displace each other');
      break;
    case 'sampled-without-replacement':
      refuse(event.kind, k, 'how many of the k are in a fixed-size sample has no rule here');
      break;
    case 'mixture-of-gaussians':
      refuse(event.kind, k, 'it describes a group already');
      break;
    case 'randomized-response':
    case 'repeat-and-select':
      refuse(event.kind, k, 'no group rule is known that keeps its form');
  }
}

function groupOfSampled(q: number, inner: PrivacyEvent, k: number): PrivacyEvent {
  if (q === 1) return grouped(inner, k);
  const sigma = gaussianOf(inner);
  if (sigma === null) {
    refuse(`poisson-sampled(${inner.kind})`, k, 'a mixture is known for Gaussians only');
  }
  if (q === 0 || sigma === Infinity) return { kind: 'no-op' };
  if (sigma === 0) return { kind: 'non-private' };
  return {
    kind: 'mixture-of-gaussians',
    sigma,
    sensitivities: Array.from({ length: k + 1 }, (_, j) => j),
    probabilities: binomialLaw(k, q),
  };
}

/** Binom(k, q)(j), j = 0 … k, for 0 < q < 1. */
function binomialLaw(k: number, q: number): number[] {
  return Array.from({ length: k + 1 }, (_, j) =>
    Math.exp(logBinomial(k, j) + j * Math.log(q) + (k - j) * Math.log1p(-q)),
  );
}

function refuse(event: string, k: number, reason: string): never {
  const accountant = 'group';
  throw new UnsupportedEventError({ event, adjacency: `group of ${k}`, accountant, reason });
}

/** δ at most 1: beyond that nothing is promised anyway. */
function groupOfEpsilonDelta(
  { epsilon, delta }: Readonly<{ epsilon: number; delta: number }>,
  k: number,
): { epsilon: number; delta: number } {
  if (delta === 0) return { epsilon: k * epsilon, delta };
  // (e^{kε} − 1) / (e^ε − 1) = 1 + e^ε + … + e^{(k−1)ε}
  let growth = 0;
  for (let j = 0; j < k; j++) growth += Math.exp(j * epsilon);
  return { epsilon: k * epsilon, delta: Math.min(1, delta * growth) };
}

/**
 * ε of k records at δ from ε of one record alone, whatever the mechanism: (k ε, δ' (e^{kε} − 1) / (e^ε − 1)), the best
 * over δ'. Looser than `groupEvent`, for events that it refuses; +∞ where no δ' is small enough.
 *
 * @param k - 1 … 64
 * @throws as `provenEpsilonOf`
 */
export function groupEpsilonBound(
  given: PrivacyEvent,
  k: number,
  options: Readonly<{ delta: number; adjacency?: Adjacency; accountant?: Accountant }>,
): number {
  requireInteger('k', k, { min: 1, max: GROUP_SIZE_MAX });
  requireDelta('delta', options.delta);
  const event = decodeEvent(given);
  if (k === 1) return provenEpsilonOf(event, options);
  // A smaller δ' has a larger ε, so the first that fits is the best of this ladder.
  for (let down = Math.log(k); down < LADDER; down += LADDER_STEP) {
    const delta = options.delta * Math.exp(-down);
    const epsilon = provenEpsilonOf(event, { ...options, delta });
    if (epsilon === Infinity) break;
    const group = groupOfEpsilonDelta({ epsilon, delta }, k);
    if (group.delta <= options.delta) return group.epsilon;
  }
  return Infinity;
}

/**
 * δ of k records at ε from δ of one record alone at ε / k, whatever the mechanism: the same bound, the other way round.
 *
 * @param k - 1 … 64
 * @throws as `deltaOf`
 */
export function groupDeltaBound(
  given: PrivacyEvent,
  k: number,
  options: Readonly<{ epsilon: number; adjacency?: Adjacency; accountant?: Accountant }>,
): number {
  requireInteger('k', k, { min: 1, max: GROUP_SIZE_MAX });
  const one = { ...options, epsilon: options.epsilon / k };
  const delta =
    options.accountant === 'rdp' ? deltaOf(given, one) : deltaInterval(given, one).upper;
  return groupOfEpsilonDelta({ epsilon: one.epsilon, delta }, k).delta;
}

/** Down to δ e^−30 in steps of a fifth. */
const LADDER = 30;
const LADDER_STEP = 0.2;
