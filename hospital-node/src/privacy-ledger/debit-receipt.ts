/**
 * The proof that a debit is on disk. Only the privacy ledger makes one, and the noise pool hands out nothing without.
 * @module
 */
export class DebitReceipt {
  readonly #releaseKey: string;

  constructor(releaseKey: string) {
    this.#releaseKey = releaseKey;
  }

  /** Whether the ledger made it; a look-alike has no private field. */
  static isGenuine(value: object): boolean {
    return #releaseKey in value;
  }

  get releaseKey(): string {
    return this.#releaseKey;
  }
}
