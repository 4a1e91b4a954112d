/**
 * The proof that a debit is on disk. Only the privacy ledger makes one, and noise is opened by nothing else.
 * @module
 */
import type { LedgerRecord } from '@bhschain/dp';
import { HospitalNodeError } from '../errors.js';

export class DebitReceipt {
  readonly releaseKey: string;
  #record: LedgerRecord | null;

  /** @param record - of the debit, as it is on disk */
  constructor(releaseKey: string, record: LedgerRecord) {
    this.releaseKey = releaseKey;
    this.#record = record;
  }

  /**
   * The record of the debit, once.
   * @throws {HospitalNodeError} `ERR_NOISE_RECEIPT` if the ledger did not make it (a look-alike has no private field),
   *   `ERR_NOISE_RECEIPT_USED`
   */
  static redeem(receipt: DebitReceipt): LedgerRecord {
    if (!(#record in receipt)) {
      throw new HospitalNodeError('ERR_NOISE_RECEIPT', 'noise is handed out against a debit only');
    }
    const record = receipt.#record;
    if (record === null) {
      throw new HospitalNodeError(
        'ERR_NOISE_RECEIPT_USED',
        'this debit has already bought its noise; a second draw would be a second release',
      );
    }
    receipt.#record = null;
    return record;
  }
}
