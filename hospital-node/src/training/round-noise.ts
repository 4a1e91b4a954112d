/**
 * The noise of the next round: drawn before its debit and before its data are read, opened by that debit, once.
 * What a pool is and how often its vectors can be used is dp's; that the debit is one of this node's ledger is ours.
 * @module
 */
import { createNoisePool, type NoisePool, type PrivacyPlan, type SecureRandom } from '@bhschain/dp';
import { HospitalNodeError } from '../errors.js';
import { DebitReceipt } from '../privacy-ledger/debit-receipt.js';

export interface RoundNoise {
  /** Draws what one round of this plan needs, unless it waits already. Noise of another plan is overwritten. */
  prepare(plan: PrivacyPlan): void;
  /**
   * Gives the pool away. A receipt opens noise once.
   * @throws {HospitalNodeError} `ERR_NOISE_RECEIPT` if the ledger did not make the receipt, `ERR_NOISE_RECEIPT_USED`,
   *   `ERR_NOISE_NOT_READY` if nothing was prepared for this plan
   * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` if the debit is for another plan
   */
  open(plan: PrivacyPlan, receipt: DebitReceipt): NoisePool;
  /** Overwrites what was drawn and not given away. */
  close(): void;
}

export function createRoundNoise(random: SecureRandom): RoundNoise {
  let waiting: { readonly plan: PrivacyPlan; readonly pool: NoisePool } | null = null;
  const drop = (): void => {
    waiting?.pool.close();
    waiting = null;
  };
  return {
    prepare: (plan) => {
      if (waiting?.plan === plan) return;
      drop();
      waiting = { plan, pool: createNoisePool(plan, random) };
    },
    open: (plan, receipt) => {
      const debit = DebitReceipt.redeem(receipt);
      if (waiting?.plan !== plan) {
        throw new HospitalNodeError('ERR_NOISE_NOT_READY', 'no noise was prepared for this plan');
      }
      const { pool } = waiting;
      pool.open(debit);
      waiting = null;
      return pool;
    },
    close: drop,
  };
}
