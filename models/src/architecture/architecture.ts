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
  /** Columns that stand for one category each row; all others are numbers. Ascending, not overlapping. */
  readonly groups?: readonly ColumnGroup[];
}

/**
 * Neighbouring columns of which a row sets one to 1, or none where there is nothing to say. They share one head: a softmax,
 * judged by cross-entropy. In a window that lacks one of them the whole group is absent.
 */
export interface ColumnGroup {
  readonly first: number;
  /** At least 2. */
  readonly size: number;
}

export const STEPS_MAX = 64;
export const WIDTH_MAX = 128;
const LIMITS = { steps: STEPS_MAX, features: WIDTH_MAX, hidden: WIDTH_MAX, latent: WIDTH_MAX };

/** One network over 24 columns, the shape of benches and golden vectors: 2,956 parameters. The detector has three smaller ones. */
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
  for (const [field, most] of Object.entries(LIMITS)) {
    const got = a[field as keyof typeof LIMITS];
    if (!Number.isInteger(got) || got < 1 || got > most) {
      throw new ArchitectureError(
        'ERR_ARCHITECTURE',
        `${field}: expected an integer from 1 to ${most}, got ${got}`,
        { field, got, most },
      );
    }
  }
  const { steps, features, hidden, latent } = a;
  const groups = checkGroups(a.groups ?? [], features);
  return Object.freeze({
    steps,
    features,
    hidden,
    latent,
    ...(groups.length === 0 ? {} : { groups }),
  });
}

function checkGroups(given: readonly ColumnGroup[], features: number): readonly ColumnGroup[] {
  let next = 0;
  const groups = given.map(({ first, size }, index) => {
    const fits = Number.isInteger(first) && first >= next && Number.isInteger(size) && size >= 2;
    if (!fits || first + size > features) {
      throw new ArchitectureError(
        'ERR_ARCHITECTURE',
        `groups[${index}]: expected at least 2 columns from ${next} to ${features - 1}, got ${size} from ${first}`,
        { field: `groups[${index}]`, got: `${size} from ${first}`, most: features },
      );
    }
    next = first + size;
    return Object.freeze({ first, size });
  });
  return Object.freeze(groups);
}
