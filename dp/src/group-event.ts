/**
 * What a mechanism means for a person who owns k records instead of one.
 * @module
 */
import { requireInteger } from './argument-checks.js';
import { UnsupportedEventError } from './errors.js';
import { logBinomial } from './numerics/log-space.js';
import type { PrivacyEvent } from './privacy-event.js';

export const GROUP_SIZE_MAX = 64;

/**
 * The event as seen by a group of k records that are added or removed together. A Poisson-sampled Gaussian becomes the
 * mixture that moves by j with probability Binom(k, q)(j): exact, and δ stays δ. A full-data Gaussian is k times closer.
 *
 * @param k - 1 … 64; 1 returns the event itself
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED` for events other than Gaussians, sampled Gaussians and
 *   compositions of them
 */
export function groupEvent(event: PrivacyEvent, k: number): PrivacyEvent {
  requireInteger('k', k, { min: 1, max: GROUP_SIZE_MAX });
  return k === 1 ? event : grouped(event, k);
}

function grouped(event: PrivacyEvent, k: number): PrivacyEvent {
  switch (event.kind) {
    case 'no-op':
    case 'non-private':
      return event;
    case 'gaussian':
      return { kind: 'gaussian', noiseMultiplier: event.noiseMultiplier / k };
    case 'self-composed':
      return { kind: 'self-composed', count: event.count, event: grouped(event.event, k) };
    case 'composed':
      return { kind: 'composed', events: event.events.map((part) => grouped(part, k)) };
    case 'poisson-sampled':
      if (event.event.kind === 'gaussian') {
        return {
          kind: 'mixture-of-gaussians',
          sigma: event.event.noiseMultiplier,
          sensitivities: Array.from({ length: k + 1 }, (_, j) => j),
          probabilities: binomialLaw(k, event.samplingProbability),
        };
      }
      break;
    default:
  }
  throw new UnsupportedEventError({
    event: event.kind,
    adjacency: `group of ${k}`,
    accountant: 'group',
    reason: 'only Gaussians, Poisson-sampled Gaussians and their compositions',
  });
}

/** Binom(k, q)(j), j = 0 … k. */
function binomialLaw(k: number, q: number): number[] {
  return Array.from({ length: k + 1 }, (_, j) => {
    if (q === 0) return j === 0 ? 1 : 0;
    if (q === 1) return j === k ? 1 : 0;
    return Math.exp(logBinomial(k, j) + j * Math.log(q) + (k - j) * Math.log1p(-q));
  });
}
