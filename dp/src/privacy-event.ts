/**
 * Mechanisms as frozen data: what happened, without how it is accounted for.
 *
 * A debit in the privacy ledger stores an event; ε is recomputed from events and never added up.
 * Vocabulary follows google/differential-privacy `dp_accounting/dp_event.py`.
 * @module
 */

/** Which pairs of data sets the guarantee compares. */
export type Adjacency = 'add-or-remove-one' | 'replace-one' | 'zero-out';
export const ADJACENCIES: readonly Adjacency[] = ['add-or-remove-one', 'replace-one', 'zero-out'];

/**
 * An immutable tree. Noise multipliers are the standard deviation (Laplace: the scale) of the noise divided by the
 * sensitivity under add-or-remove-one.
 */
export type PrivacyEvent =
  | { readonly kind: 'no-op' }
  | { readonly kind: 'non-private' }
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'gaussian'; readonly noiseMultiplier: number }
  | { readonly kind: 'discrete-gaussian'; readonly sigma: number; readonly sensitivity: number }
  | { readonly kind: 'laplace'; readonly noiseMultiplier: number }
  | { readonly kind: 'epsilon-delta'; readonly epsilon: number; readonly delta: number }
  | { readonly kind: 'zcdp'; readonly rho: number; readonly xi: number }
  | { readonly kind: 'randomized-response'; readonly noise: number; readonly buckets: number }
  | { readonly kind: 'exponential'; readonly epsilon: number }
  | {
      /** Noise of deviation `sigma` on a sum that moves by `sensitivities[i]` with probability `probabilities[i]`. */
      readonly kind: 'mixture-of-gaussians';
      readonly sigma: number;
      readonly sensitivities: readonly number[];
      readonly probabilities: readonly number[];
    }
  | {
      readonly kind: 'poisson-sampled';
      readonly samplingProbability: number;
      readonly event: PrivacyEvent;
    }
  | {
      /** Poisson sample of `datasetSize` records, cut down to `batchMax` at random. */
      readonly kind: 'truncated-poisson-gaussian';
      readonly datasetSize: number;
      readonly samplingProbability: number;
      readonly batchMax: number;
      readonly noiseMultiplier: number;
    }
  | {
      readonly kind: 'sampled-without-replacement';
      readonly datasetSize: number;
      readonly sampleSize: number;
      readonly event: PrivacyEvent;
    }
  | { readonly kind: 'self-composed'; readonly event: PrivacyEvent; readonly count: number }
  | { readonly kind: 'composed'; readonly events: readonly PrivacyEvent[] }
  | {
      /** One random repetition is kept, by a negative binomial law of the number of repetitions. */
      readonly kind: 'repeat-and-select';
      readonly event: PrivacyEvent;
      readonly mean: number;
      readonly shape: number;
    }
  | { readonly kind: 'tree-aggregation'; readonly noiseMultiplier: number; readonly steps: number };

export type PrivacyEventKind = PrivacyEvent['kind'];
