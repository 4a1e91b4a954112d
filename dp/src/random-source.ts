/**
 * Two kinds of randomness that the compiler keeps apart.
 *
 * A release must be drawn from the operating system's CSPRNG; a study must be repeatable. What hands out noise for a
 * release (`NoisePool`) takes a `SecureRandom`, so that a seed cannot get there by accident.
 * @module
 */
import { createCipheriv, createHash } from 'node:crypto';
import { RandomnessError } from './errors.js';

/** CSPRNG words. */
export interface SecureRandom {
  readonly kind: 'secure';
  /** Overwrites `words` with independent uniform 32-bit words. */
  fill(words: Uint32Array): void;
}

/** Repeatable words for studies and tests. Never a release: whoever knows the seed can take the noise off. */
export interface ExperimentRandom {
  readonly kind: 'experiment';
  fill(words: Uint32Array): void;
}

export type RandomSource = SecureRandom | ExperimentRandom;

const POOL_WORDS = 65_536;

/**
 * Draws from `fillBytes` in bulk (64 Ki words at a time) and zeroises what it has handed out.
 *
 * @param fillBytes - the platform's CSPRNG, for example `randomFillSync` of node:crypto
 * @throws {RandomnessError} `ERR_DP_RANDOM` when a whole pool comes back without a change of value: a source that
 *   was not wired, or is stuck. (A good source does so once in 2^2,000,000 pools.)
 */
export function createSecureRandom(fillBytes: (bytes: Uint8Array) => void): SecureRandom {
  const pool = new Uint32Array(POOL_WORDS);
  const poolBytes = new Uint8Array(pool.buffer);
  let next = POOL_WORDS;
  const refill = (): void => {
    fillBytes(poolBytes);
    const first = pool[0];
    if (pool.every((word) => word === first)) {
      throw new RandomnessError('every word of a fresh pool is the same');
    }
    next = 0;
  };
  return {
    kind: 'secure',
    fill(words) {
      for (let done = 0; done < words.length;) {
        if (next === POOL_WORDS) refill();
        const count = Math.min(words.length - done, POOL_WORDS - next);
        words.set(pool.subarray(next, next + count), done);
        pool.fill(0, next, next + count);
        next += count;
        done += count;
      }
    },
  };
}

/**
 * AES-256-CTR under SHA-256(seed): the same words for the same seed, on every machine and Node version.
 * Name streams in the seed: `'42/noise/H1/7'` and `'42/noise/H1/8'` are independent.
 */
export function createExperimentRandom(seed: string): ExperimentRandom {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return {
    kind: 'experiment',
    fill(words) {
      const bytes = cipher.update(Buffer.alloc(words.length * 4));
      for (let i = 0; i < words.length; i++) words[i] = bytes.readUInt32LE(4 * i);
    },
  };
}
