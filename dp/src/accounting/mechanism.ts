/**
 * Events reduced to what an accountant composes: a list of base mechanisms with counts.
 *
 * Gaussians on the same data collapse exactly into one, s_eff = (Σ s_i^−2)^(−1/2); so do Gaussians inside one Poisson
 * sample, because they see the same mask. Equal mechanisms are merged. What no rule covers is refused by name, before
 * anything is composed.
 * @module
 */
import { UnsupportedEventError } from '../errors.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import type { GaussianMixture } from './loss-pair.js';

export type Accountant = 'pld' | 'rdp';

/** A mechanism without composition or sampling. */
export type BaseMechanism =
  | { readonly kind: 'gaussian'; readonly noiseMultiplier: number }
  | { readonly kind: 'laplace'; readonly noiseMultiplier: number }
  | { readonly kind: 'discrete-gaussian'; readonly sigma: number; readonly sensitivity: number }
  | { readonly kind: 'randomized-response'; readonly noise: number; readonly buckets: number }
  | { readonly kind: 'epsilon-delta'; readonly epsilon: number; readonly delta: number };

export type Mechanism =
  | BaseMechanism
  | {
      readonly kind: 'sampled';
      readonly samplingProbability: number;
      readonly base: BaseMechanism;
    }
  | { readonly kind: 'mixture'; readonly mixture: GaussianMixture }
  | {
      readonly kind: 'truncated-poisson';
      readonly datasetSize: number;
      readonly samplingProbability: number;
      readonly batchMax: number;
      readonly noiseMultiplier: number;
    }
  | { readonly kind: 'zcdp'; readonly rho: number; readonly xi: number }
  | { readonly kind: 'exponential'; readonly epsilon: number }
  | {
      readonly kind: 'without-replacement';
      readonly samplingProbability: number;
      readonly noiseMultiplier: number;
    }
  | {
      readonly kind: 'repeat-and-select';
      readonly inner: readonly MechanismCount[];
      readonly mean: number;
      readonly shape: number;
    };

export interface MechanismCount {
  readonly mechanism: Mechanism;
  readonly count: number;
}

export interface Reduction {
  readonly parts: readonly MechanismCount[];
  /** A part without any guarantee: ε = ∞. */
  readonly unbounded: boolean;
}

/**
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED` naming event, relation and accountant
 */
export function reduceEvent(
  event: PrivacyEvent,
  adjacency: Adjacency,
  accountant: Accountant,
): Reduction {
  const reducer = new Reducer(adjacency, accountant);
  reducer.walk(event, 1);
  return reducer.result();
}

class Reducer {
  readonly #adjacency: Adjacency;
  readonly #accountant: Accountant;
  readonly #merged = new Map<string, { mechanism: Mechanism; count: number }>();
  /** Σ 1/s² of all full-data Gaussians. */
  #precision = 0;
  #unbounded = false;

  constructor(adjacency: Adjacency, accountant: Accountant) {
    this.#adjacency = adjacency;
    this.#accountant = accountant;
  }

  result(): Reduction {
    const parts: MechanismCount[] = [...this.#merged.values()];
    if (this.#precision > 0) {
      const noiseMultiplier = 1 / Math.sqrt(this.#precision);
      parts.push({ mechanism: { kind: 'gaussian', noiseMultiplier }, count: 1 });
    }
    return { parts, unbounded: this.#unbounded };
  }

  walk(event: PrivacyEvent, count: number): void {
    if (count === 0) return;
    switch (event.kind) {
      case 'no-op':
        return;
      case 'non-private':
        this.#unbounded = true;
        return;
      case 'self-composed':
        this.walk(event.event, count * event.count);
        return;
      case 'composed':
        for (const part of event.events) this.walk(part, count);
        return;
      case 'gaussian':
      case 'laplace':
      case 'discrete-gaussian':
      case 'randomized-response':
      case 'epsilon-delta':
        this.#addBase(this.#base(event), count);
        return;
      case 'poisson-sampled':
        this.#addSampled(event.samplingProbability, event.event, count);
        return;
      case 'mixture-of-gaussians':
        this.#addMixture(event, count);
        return;
      case 'zcdp':
        this.#onlyRdp(event.kind, 'a zCDP parameter does not determine a privacy loss');
        this.#add(event, count);
        return;
      case 'exponential':
        this.#onlyRdp(event.kind, 'only its Rényi curve is known');
        this.#add(event, count);
        return;
      case 'tree-aggregation':
        this.#addTree(event.noiseMultiplier, event.steps, count);
        return;
      case 'sampled-without-replacement':
        this.#addWithoutReplacement(event, count);
        return;
      case 'repeat-and-select':
        this.#addRepeatAndSelect(event, count);
        return;
      case 'truncated-poisson-gaussian':
        this.#addTruncated(event, count);
        return;
      case 'unsupported':
        return this.#refuse(event.kind, event.reason);
    }
  }

  #refuse(event: string, reason: string): never {
    throw new UnsupportedEventError({
      event,
      adjacency: this.#adjacency,
      accountant: this.#accountant,
      reason,
    });
  }

  #onlyRdp(event: string, reason: string): void {
    if (this.#accountant !== 'rdp') this.#refuse(event, reason);
  }

  #add(mechanism: Mechanism, count: number): void {
    const key = JSON.stringify(mechanism);
    const known = this.#merged.get(key);
    if (known === undefined) this.#merged.set(key, { mechanism, count });
    else known.count += count;
  }

  /** Null for "tells nothing", and sets `unbounded` for "no noise". */
  #base(event: PrivacyEvent): BaseMechanism | null {
    switch (event.kind) {
      case 'gaussian':
      case 'laplace':
        if (event.noiseMultiplier > 0) return event;
        this.#unbounded = true;
        return null;
      case 'discrete-gaussian':
        if (!Number.isInteger(event.sensitivity)) {
          this.#refuse(event.kind, 'the sensitivity must be an integer');
        }
        return event.sensitivity === 0 ? null : event;
      case 'randomized-response':
        if (this.#adjacency === 'add-or-remove-one') {
          this.#refuse(event.kind, 'every record answers: use replace-one or zero-out');
        }
        if (event.noise === 0) this.#unbounded = true;
        return event.noise === 0 || event.noise === 1 ? null : event;
      case 'epsilon-delta':
        if (event.delta === 1) this.#unbounded = true;
        return event.epsilon === 0 && event.delta === 0 ? null : event;
      default:
        return this.#refuse(event.kind, 'not a base mechanism');
    }
  }

  #addBase(base: BaseMechanism | null, count: number): void {
    if (base === null) return;
    if (base.kind === 'gaussian') this.#precision += count / base.noiseMultiplier ** 2;
    else this.#add(base, count);
  }

  #addSampled(q: number, inner: PrivacyEvent, count: number): void {
    if (q === 0) return;
    if (q === 1) {
      this.walk(inner, count);
      return;
    }
    const gaussian = gaussianOf(inner);
    if (gaussian === Infinity) return;
    const base = this.#base(
      gaussian === null ? inner : { kind: 'gaussian', noiseMultiplier: gaussian },
    );
    if (base === null) return;
    const name = `poisson-sampled(${base.kind})`;
    const samples = base.kind === 'randomized-response' || base.kind === 'epsilon-delta';
    if (samples) this.#refuse(name, 'only additive noise has a rule inside of a Poisson sample');
    if (
      this.#adjacency === 'replace-one' &&
      (this.#accountant === 'rdp' || base.kind !== 'gaussian')
    ) {
      this.#refuse(name, 'no tight bound is known for Poisson sampling when a record is replaced');
    }
    if (this.#accountant === 'rdp' && base.kind === 'laplace') {
      this.#refuse(name, 'no closed Rényi curve; use the PLD accountant');
    }
    this.#add({ kind: 'sampled', samplingProbability: q, base }, count);
  }

  #addTruncated(event: PrivacyEvent & { kind: 'truncated-poisson-gaussian' }, count: number): void {
    const { datasetSize, samplingProbability, batchMax, noiseMultiplier } = event;
    if (this.#accountant !== 'pld') {
      this.#refuse(event.kind, 'no Rényi curve is known; use the PLD accountant');
    }
    if (batchMax >= datasetSize) {
      // The cap is never reached.
      this.#addSampled(samplingProbability, { kind: 'gaussian', noiseMultiplier }, count);
    } else if (samplingProbability > 0 && noiseMultiplier === 0) this.#unbounded = true;
    else if (samplingProbability > 0) {
      this.#add(
        {
          kind: 'truncated-poisson',
          datasetSize,
          samplingProbability,
          batchMax,
          noiseMultiplier,
        },
        count,
      );
    }
  }

  #addMixture(event: PrivacyEvent & { kind: 'mixture-of-gaussians' }, count: number): void {
    if (this.#adjacency === 'replace-one') {
      this.#refuse(event.kind, 'groups are accounted for by adding or removing them');
    }
    const shifts = event.sensitivities.map((sensitivity) => sensitivity / event.sigma);
    if (shifts.some((shift, j) => shift > 0 && event.probabilities[j]! > 0)) {
      this.#add({ kind: 'mixture', mixture: { shifts, weights: event.probabilities } }, count);
    }
  }

  /** A record is in one leaf and so in ceil(log2(T + 1)) nodes: one Gaussian of that squared sensitivity. */
  #addTree(noiseMultiplier: number, steps: number, count: number): void {
    if (this.#adjacency === 'add-or-remove-one') {
      this.#refuse('tree-aggregation', 'a record that comes or goes would move all later leaves');
    }
    if (steps === 0) return;
    const depth = Math.ceil(Math.log2(steps + 1));
    const event = {
      kind: 'gaussian',
      noiseMultiplier: noiseMultiplier / Math.sqrt(depth),
    } as const;
    this.#addBase(this.#base(event), count);
  }

  #addWithoutReplacement(
    event: PrivacyEvent & { kind: 'sampled-without-replacement' },
    count: number,
  ): void {
    if (this.#adjacency !== 'replace-one') {
      this.#refuse(event.kind, 'a fixed-size sample changes otherwise when a record comes or goes');
    }
    this.#onlyRdp(event.kind, 'no dominating pair is known');
    const noiseMultiplier = gaussianOf(event.event);
    if (noiseMultiplier === null) {
      this.#refuse(
        `${event.kind}(${event.event.kind})`,
        'only Gaussian releases inside of the sample',
      );
    }
    const q = event.sampleSize / event.datasetSize;
    if (noiseMultiplier === Infinity || q === 0) return;
    if (noiseMultiplier === 0) this.#unbounded = true;
    else if (q === 1) this.#addBase({ kind: 'gaussian', noiseMultiplier: noiseMultiplier }, count);
    else {
      this.#add(
        { kind: 'without-replacement', samplingProbability: q, noiseMultiplier: noiseMultiplier },
        count,
      );
    }
  }

  #addRepeatAndSelect(event: PrivacyEvent & { kind: 'repeat-and-select' }, count: number): void {
    this.#onlyRdp(event.kind, 'only its Rényi curve is known');
    if (event.mean < 1) this.#refuse(event.kind, 'the mean number of runs must be at least 1');
    const inner = reduceEvent(event.event, this.#adjacency, this.#accountant);
    if (inner.unbounded) this.#unbounded = true;
    const { mean, shape } = event;
    this.#add({ kind: 'repeat-and-select', inner: inner.parts, mean, shape }, count);
  }
}

/** The one multiplier of Gaussians on the same data; ∞ for none, 0 for no noise, null when something else is inside. */
export function gaussianOf(event: PrivacyEvent): number | null {
  switch (event.kind) {
    case 'no-op':
      return Infinity;
    case 'gaussian':
      return event.noiseMultiplier;
    case 'self-composed': {
      const inner = gaussianOf(event.event);
      if (inner === null) return null;
      return event.count === 0 ? Infinity : inner / Math.sqrt(event.count);
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
