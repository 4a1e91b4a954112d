/**
 * Votes that people cast on the channel through the dashboard. The channel counts; this says who voted here, and in which
 * transaction.
 * @module
 */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.js';

export interface ChannelVote {
  readonly transactionId: string;
  /** What was voted for or carried out: `rollBack`, `withdraw`, `approvePlan`, … */
  readonly action: string;
  /** The detector's version, or the plan's hash. */
  readonly about: string;
  readonly mspId: string;
  readonly person: string;
  /** The channel has its digest only. */
  readonly reason: string;
  readonly atMs: number;
}

export class VoteStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  async add(vote: ChannelVote): Promise<void> {
    await this.#db
      .insertInto('channel_vote')
      .values({
        transaction_id: vote.transactionId,
        action: vote.action,
        about: vote.about,
        msp_id: vote.mspId,
        person: vote.person,
        reason: vote.reason,
        at_ms: vote.atMs,
      })
      .onConflict((c) => c.doNothing())
      .execute();
  }

  /** Newest first. */
  async newest(limit: number): Promise<readonly ChannelVote[]> {
    const rows = await this.#db
      .selectFrom('channel_vote')
      .selectAll()
      .orderBy('at_ms', 'desc')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      transactionId: row.transaction_id,
      action: row.action,
      about: row.about,
      mspId: row.msp_id,
      person: row.person,
      reason: row.reason,
      atMs: row.at_ms,
    }));
  }
}
