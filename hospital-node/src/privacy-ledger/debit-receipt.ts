/**
 * The proof that a debit is on disk. Only the privacy ledger makes one, and the noise pool hands out nothing without.
 * @module
 */
export class DebitReceipt {
  readonly #releaseKey: string;

  constructor(releaseKey: string) {
    this.#releaseKey = releaseKey;
  }

  get releaseKey(): string {
    return this.#releaseKey;
  }
}
