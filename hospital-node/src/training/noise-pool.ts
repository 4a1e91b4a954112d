/**
 * Noise, drawn before the round's data are read and handed out only against a debit, once.
 * So the sampler's running time knows nothing of the data, and no release can be made that was not paid for.
 * @module
 */
import { sampleDiscreteGaussian, type SecureRandom } from '@bhschain/dp';
import { HospitalNodeError } from '../errors.js';
import { DebitReceipt } from '../privacy-ledger/debit-receipt.js';

export interface NoiseShape {
  readonly steps: number;
  readonly parameterCount: number;
  /** The integer noise has σ = 2^noiseExponent. */
  readonly noiseExponent: number;
}

export interface NoisePool {
  /** Draws what one round of this shape needs, unless it is already there. */
  prepare(shape: NoiseShape): void;
  /**
   * `[steps, parameterCount]`; the pool forgets it. A receipt buys noise once.
   * @throws {HospitalNodeError} `ERR_NOISE_NOT_READY` if nothing of this shape was prepared, `ERR_NOISE_RECEIPT` if the
   *   ledger did not make the receipt, `ERR_NOISE_RECEIPT_USED`
   */
  handOut(shape: NoiseShape, receipt: DebitReceipt): Int32Array;
  /** Overwrites what was drawn and not handed out. */
  close(): void;
}

export function createNoisePool(random: SecureRandom): NoisePool {
  const drawn = new Map<string, Int32Array>();
  const used = new WeakSet<DebitReceipt>();
  return {
    prepare: (shape) => {
      const key = keyOf(shape);
      if (drawn.has(key)) return;
      const noise = new Int32Array(shape.steps * shape.parameterCount);
      sampleDiscreteGaussian(noise, { scaleExponent: shape.noiseExponent, random });
      drawn.set(key, noise);
    },
    handOut: (shape, receipt) => {
      if (!DebitReceipt.isGenuine(receipt)) {
        throw new HospitalNodeError(
          'ERR_NOISE_RECEIPT',
          'noise is handed out against a debit only',
        );
      }
      if (used.has(receipt)) {
        throw new HospitalNodeError(
          'ERR_NOISE_RECEIPT_USED',
          'this debit has already bought its noise; a second draw would be a second release',
        );
      }
      const key = keyOf(shape);
      const noise = drawn.get(key);
      if (noise === undefined) {
        throw new HospitalNodeError('ERR_NOISE_NOT_READY', `no noise of shape ${key} was prepared`);
      }
      used.add(receipt);
      drawn.delete(key);
      return noise;
    },
    close: () => {
      for (const noise of drawn.values()) noise.fill(0);
      drawn.clear();
    },
  };
}

function keyOf(shape: NoiseShape): string {
  return `${shape.steps}×${shape.parameterCount}@2^${shape.noiseExponent}`;
}
