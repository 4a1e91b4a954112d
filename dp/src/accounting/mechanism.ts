/**
 * Events reduced to what an accountant composes: a list of base mechanisms with counts.
 *
 * Gaussians on the same data collapse exactly into one: s_eff = (Σ s_i^−2)^(−1/2); so do Gaussians inside one Poisson
 * sample, because they see the same mask. Equal mechanisms are merged. What cannot be bounded is refused by name.
 * @module
 */
import { UnsupportedEventError } from '../errors.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import type { GaussianMixture } from './loss-pair.js';

/** One step, in standard deviations of its noise. */
export type Mechanism =
  | { readonly kind: 'gaussian'; readonly noiseMultiplier: number }
  | {
      readonly kind: 'sampled-gaussian';
      readonly samplingProbability: number;
      readonly noiseMultiplier: number;
    }
  | { readonly kind: 'mixture'; readonly mixture: GaussianMixture };

export interface MechanismCount {
  readonly mechanism: Mechanism;
  readonly count: number;
}

export interface Reduction {
  readonly parts: readonly MechanismCount[];
  /** A part without any guarantee: ε = ∞. */
  readonly unbounded: boolean;
}

export type Accountant = 'pld' | 'rdp';

/**
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED` naming event, relation and accountant; nothing is half-reduced
 */
export function reduceEvent(
  event: PrivacyEvent,
  adjacency: Adjacency,
  accountant: Accountant,
): Reduction {
  const merged = new Map<string, { mechanism: Mechanism; count: number }>();
  let precision = 0; // Σ 1/s² of all full-data Gaussians
  let unbounded = false;

  const refuse = (kind: string, reason: string): never => {
    throw new UnsupportedEventError({ event: kind, adjacency, accountant, reason });
  };
  const add = (mechanism: Mechanism, count: number): void => {
    const key = JSON.stringify(mechanism);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { mechanism, count });
    else known.count += count;
  };
  const addGaussian = (noiseMultiplier: number, count: number): void => {
    if (noiseMultiplier === 0) unbounded = true;
    else precision += count / (noiseMultiplier * noiseMultiplier);
  };

  const walk = (node: PrivacyEvent, count: number): void => {
    if (count === 0) return;
    switch (node.kind) {
      case 'no-op':
        return;
      case 'non-private':
        unbounded = true;
        return;
      case 'gaussian':
        addGaussian(node.noiseMultiplier, count);
        return;
      case 'self-composed':
        walk(node.event, count * node.count);
        return;
      case 'composed':
        for (const part of node.events) walk(part, count);
        return;
      case 'poisson-sampled': {
        const inner = gaussianOf(node.event);
        if (inner === null) {
          refuse(
            `poisson-sampled(${node.event.kind})`,
            'only Gaussian releases inside of one sample',
          );
        }
        const q = node.samplingProbability;
        if (inner === Infinity || q === 0) return;
        if (q === 1) addGaussian(inner!, count);
        else if (inner === 0) unbounded = true;
        else if (adjacency === 'replace-one' && accountant === 'rdp') {
          refuse(
            'poisson-sampled(gaussian)',
            'no tight Rényi bound is known for Poisson sampling when a record is replaced',
          );
        } else {
          add({ kind: 'sampled-gaussian', samplingProbability: q, noiseMultiplier: inner! }, count);
        }
        return;
      }
      case 'mixture-of-gaussians': {
        if (adjacency === 'replace-one') {
          refuse(node.kind, 'groups are accounted for by adding or removing them');
        }
        const mixture = {
          shifts: node.sensitivities.map((sensitivity) => sensitivity / node.sigma),
          weights: node.probabilities,
        };
        if (mixture.shifts.some((shift, j) => shift > 0 && mixture.weights[j]! > 0)) {
          add({ kind: 'mixture', mixture }, count);
        }
        return;
      }
      default:
        refuse(node.kind, 'no rule for this event yet');
    }
  };
  walk(event, 1);
  const parts: MechanismCount[] = [...merged.values()];
  if (precision > 0) {
    parts.push({
      mechanism: { kind: 'gaussian', noiseMultiplier: 1 / Math.sqrt(precision) },
      count: 1,
    });
  }
  return { parts, unbounded };
}

/** The one multiplier of Gaussians on the same data; ∞ for none, 0 for no noise, null when something else is inside. */
function gaussianOf(event: PrivacyEvent): number | null {
  switch (event.kind) {
    case 'no-op':
      return Infinity;
    case 'gaussian':
      return event.noiseMultiplier;
    case 'self-composed': {
      const inner = gaussianOf(event.event);
      return inner === null ? null : event.count === 0 ? Infinity : inner / Math.sqrt(event.count);
    }
    case 'composed': {
      let precision = 0;
      for (const part of event.events) {
        const inner = gaussianOf(part);
        if (inner === null) return null;
        precision += inner === 0 ? Infinity : 1 / (inner * inner);
      }
      return 1 / Math.sqrt(precision);
    }
    default:
      return null;
  }
}
