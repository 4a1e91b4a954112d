/**
 * Members that joined after the channel was configured: each is admitted there once, so that its attestation counts and
 * its actors may enrol. The roster is the outbox; the channel may be away for as long as it likes.
 * @module
 */
import { activeMembers } from '../enrolment/roster.js';
import { SILENT, type Log } from '../federation.js';
import type { FederationStore } from '../store/store.js';
import { ChannelUnavailableError, type GovernanceChannel } from './channel.js';

export interface MembershipOptions {
  readonly store: FederationStore;
  readonly channel: GovernanceChannel;
  readonly nowMs: () => number;
  readonly log?: Log;
}

const RETRY_MS = 5_000;

export class Membership {
  readonly #o: MembershipOptions;
  #notBeforeMs = 0;

  constructor(options: MembershipOptions) {
    this.#o = options;
  }

  /** Admits who waits; returns when to try again, or null if nobody waits. */
  async advance(): Promise<number | null> {
    const { store, channel, nowMs } = this.#o;
    const waiting = (await activeMembers(store)).filter((each) => !each.admitted);
    if (waiting.length === 0 || !(await this.#isConfigured())) return null;
    if (nowMs() < this.#notBeforeMs) return this.#notBeforeMs;
    for (const { nodeId, mspId } of waiting) {
      try {
        await channel.admit(mspId);
      } catch (cause) {
        return this.#later(nodeId, cause);
      }
      await store.roster.setAdmitted(nodeId);
      await store.audit.append('admitted', nowMs(), { nodeId, mspId });
    }
    return null;
  }

  /** The configuration goes to the channel with detector 0. */
  async #isConfigured(): Promise<boolean> {
    const [genesis] = await this.#o.store.publications.list();
    return genesis !== undefined && genesis.state !== 'queued' && genesis.state !== 'built';
  }

  #later(nodeId: string, cause: unknown): number {
    const { nowMs, log } = this.#o;
    if (!(cause instanceof ChannelUnavailableError)) {
      const error = cause instanceof Error ? cause.message : 'unknown';
      (log ?? SILENT).error({ nodeId, error }, 'the channel did not admit a member');
    }
    this.#notBeforeMs = nowMs() + RETRY_MS;
    return this.#notBeforeMs;
  }
}
