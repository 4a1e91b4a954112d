/**
 * Sizes of the autoencoder: input F → LSTM H → latent Z (linear) → LSTM H (latent repeated) → linear F.
 * Source: detection.md §4; training-recipe.md 2.3 (one joint net, F 24, H 12, Z 4).
 * @module
 */
import { ArchitectureError } from '../errors.js';

/** Sizes of one autoencoder. Limits: steps ≤ 64, features ≤ 128, hidden ≤ 128, latent ≤ 128, all ≥ 1. */
export interface Architecture {
  /** Longest window, in steps (T). */
  readonly steps: number;
  /** Columns of a step (F). */
  readonly features: number;
  /** Units of the encoder and of the decoder (H). */
  readonly hidden: number;
  /** Width of the code between them (Z). */
  readonly latent: number;
}

export const STEPS_MAX = 64;
export const WIDTH_MAX = 128;

/** The network of the published detector: 2,956 parameters. */
export const DEFAULT_ARCHITECTURE: Architecture = Object.freeze({
  steps: 16,
  features: 24,
  hidden: 12,
  latent: 4,
});

/**
 * Returns a frozen copy.
 * @throws {ArchitectureError} `ERR_ARCHITECTURE` with the field, what came and the limit
 */
export function checkArchitecture(a: Architecture): Architecture {
  const limits = { steps: STEPS_MAX, features: WIDTH_MAX, hidden: WIDTH_MAX, latent: WIDTH_MAX };
  for (const [field, most] of Object.entries(limits)) {
    const got = a[field as keyof Architecture];
    if (!Number.isInteger(got) || got < 1 || got > most) {
      throw new ArchitectureError(
        'ERR_ARCHITECTURE',
        `${field}: expected an integer from 1 to ${most}, got ${got}`,
        { field, got, most },
      );
    }
  }
  return Object.freeze({
    steps: a.steps,
    features: a.features,
    hidden: a.hidden,
    latent: a.latent,
  });
}
