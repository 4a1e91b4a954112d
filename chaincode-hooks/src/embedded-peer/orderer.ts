/**
 * The ordering service of one process: envelopes in, blocks out, in order of arrival.
 *
 * A block is cut when it is full, when its first transaction has waited long enough – or at once when nothing else is
 * under way that could still join it, so that a lone transaction does not wait for company that cannot come.
 * @module
 */
import type { BatchOptions, Faults, PeerLog } from './options.js';

export interface OrdererOptions {
  readonly batch: BatchOptions;
  /** True while some client's transaction is being endorsed and may soon arrive. */
  readonly expectsMore: () => boolean;
  readonly commit: (envelopes: readonly Uint8Array[]) => Promise<void>;
  readonly nowMs: () => number;
  readonly faults: Faults;
  readonly log: PeerLog;
}

interface Pending {
  readonly envelope: Uint8Array;
  readonly arrivedMs: number;
}

export class Orderer {
  readonly #options: OrdererOptions;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | null = null;
  #failure: Error | null = null;
  #closed = false;

  constructor(options: OrdererOptions) {
    this.#options = options;
  }

  /** Why nothing is ordered any more, if the ledger could not be written. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Envelopes that wait for a block. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  submit(envelope: Uint8Array): void {
    this.#pending.push({ envelope, arrivedMs: this.#options.nowMs() });
    this.#pendingBytes += envelope.length;
    this.#cutIfDue();
  }

  /** To be called when `expectsMore` may have become false, or ordering is no longer stalled. */
  reconsider(): void {
    this.#cutIfDue();
  }

  /** Commits what is pending, then stops. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    while (this.#committing !== null) await this.#committing;
    if (
      this.#pending.length > 0 &&
      this.#failure === null &&
      !this.#options.faults.orderingStalled
    ) {
      await this.#cut();
    }
  }

  #cutIfDue(): void {
    clearTimeout(this.#timer);
    const { batch, expectsMore, nowMs, faults } = this.#options;
    const first = this.#pending[0];
    if (first === undefined || this.#committing !== null || this.#closed) return;
    if (this.#failure !== null || faults.orderingStalled) return;
    const waitMs = first.arrivedMs + batch.timeoutMs - nowMs();
    const full = this.#pending.length >= batch.messagesMax || this.#pendingBytes >= batch.bytesMax;
    if (full || waitMs <= 0 || !expectsMore()) void this.#cut();
    else this.#timer = setTimeout(() => this.#cutIfDue(), waitMs);
  }

  #cut(): Promise<void> {
    const { batch, commit, log } = this.#options;
    let count = 0;
    let bytes = 0;
    for (const { envelope } of this.#pending) {
      if (count > 0 && (count >= batch.messagesMax || bytes + envelope.length > batch.bytesMax))
        break;
      count++;
      bytes += envelope.length;
    }
    const envelopes = this.#pending.splice(0, count).map(({ envelope }) => envelope);
    this.#pendingBytes -= bytes;
    const committing = commit(envelopes)
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        log.error(
          { error: this.#failure.message },
          'a block could not be committed; ordering stops',
        );
      })
      .finally(() => {
        this.#committing = null;
        this.#cutIfDue();
      });
    this.#committing = committing;
    return committing;
  }
}
