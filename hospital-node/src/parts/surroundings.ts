/**
 * What a node gets from its process. Nothing in this room reads a clock, draws randomness or looks at the environment by
 * itself.
 * @module
 */
import { readFileSync } from 'node:fs';
import type { SecureRandom } from '@bhschain/dp';
import type { Logger } from 'pino';
import type { NodeConfig } from '../config.js';
import { HospitalNodeError } from '../errors.js';
import type { Holder } from '../store/index.js';
import type { RoundTrainer } from '../round/round-trainer.js';

export interface Surroundings {
  readonly config: NodeConfig;
  /** This process, as its locks name it. */
  readonly self: Holder;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The platform's CSPRNG, for keys. */
  readonly fillBytes: (bytes: Uint8Array) => void;
  /** The same, as words, for noise and masks. */
  readonly random: SecureRandom;
  /** Uniform in [0, 1), for jitter. */
  readonly jitter: () => number;
  readonly log: Logger;
  /** Ends the node, even while it starts. */
  readonly stop: AbortSignal;
  /**
   * Stands around the node's own trainer: what comes out of it is debited, persisted and sent like any update. A
   * demonstration passes a defective one, to show what the screening does; the product passes none.
   */
  readonly aroundTraining?: (trainer: RoundTrainer) => RoundTrainer;
  /** Progress, for a parent that shows it: small facts, never a person, never a parameter. */
  readonly onHop?: (hop: string, facts: Readonly<Record<string, string | number | null>>) => void;
}

export const SOFTWARE = 'hospital-node/0.1.0';

/** @throws {HospitalNodeError} `ERR_FILE` */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HospitalNodeError('ERR_FILE', `${file} cannot be read`, { file }, cause);
  }
}
