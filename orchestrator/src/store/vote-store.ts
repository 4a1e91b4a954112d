/**
 * Votes of people on the channel, wherever they were cast. The channel counts; this says who voted, and in which transaction.
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
  /** Known of votes that were cast on the dashboard; else empty, since the channel has its digest only. */
  readonly reason: string;
  readonly atMs: number;
}

/** What a vote is about. */
export type VoteSubject = 'detectors' | 'plans' | 'nodes';

const OTHER_ACTIONS: Readonly<Record<Exclude<VoteSubject, 'detectors'>, readonly string[]>> = {
  plans: ['approve-plan'],
  nodes: ['approve-node', 'revoke-node'],
};

export class VoteStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** A transaction once, whoever tells of it first: its block, or the page that has the words of the reason. */
  async put(vote: ChannelVote): Promise<void> {
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
      .onConflict((c) =>
        vote.reason === ''
          ? c.doNothing()
          : c.column('transaction_id').doUpdateSet({ reason: vote.reason }),
      )
      .execute();
  }

  /** Newest first. */
  async newest(on: VoteSubject, limit: number): Promise<readonly ChannelVote[]> {
    const rows = await this.#db
      .selectFrom('channel_vote')
      .selectAll()
      .where(
        'action',
        on === 'detectors' ? 'not in' : 'in',
        on === 'detectors' ? Object.values(OTHER_ACTIONS).flat() : OTHER_ACTIONS[on],
      )
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
