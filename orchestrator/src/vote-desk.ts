/**
 * Votes of people on the channel, by way of the dashboard: which transaction a vote is, whose it is, and what follows here
 * once the channel has it. The channel counts; nobody here can vote for anybody.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@bhschain/dp';
import { mspRoots } from './enrolment/roster.js';
import { OrchestratorError } from './errors.js';
import { isIssuedBy } from './protocol/signing.js';
import type { Ballot, Ballots, BallotStep } from './publication/ballots.js';
import { ChannelRefusedError, ChannelUnavailableError } from './publication/channel.js';
import { everActive, followAct } from './publication/channel-votes.js';
import { personOf } from './signed-word.js';
import type { FederationStore } from './store/store.js';

export const VOTE_KINDS = [
  'vote-roll-back',
  'roll-back',
  'vote-withdraw',
  'withdraw',
  'approve-plan',
] as const;
export type VoteKind = (typeof VOTE_KINDS)[number];

export interface VoteRequest {
  readonly kind: VoteKind;
  /** The detector's version, or the plan's hash. */
  readonly about: string;
  readonly reason: string;
  /** PEM of the person's certificate. */
  readonly certificate: string;
}

export interface VoteStep {
  readonly voteId: string;
  readonly transactionId: string;
  readonly step: BallotStep | 'committed';
  /** Base64 of what the person signs now; empty once it is committed. */
  readonly message: string;
  /** `Contract:function` and its arguments, for the person to compare with the bytes. */
  readonly name: string;
  readonly args: readonly string[];
}

interface OpenVote {
  readonly request: VoteRequest;
  readonly ballot: Ballot;
  readonly mspId: string;
  readonly person: string;
  /** Whose session it belongs to. */
  readonly owner: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly untilMs: number;
}

const OPEN_MAX = 64;
const OPEN_MS = 2 * 60_000;

export class VoteDesk {
  readonly #o: VoteDeskOptions;
  readonly #open = new Map<string, OpenVote>();

  constructor(options: VoteDeskOptions) {
    this.#o = options;
  }

  /**
   * Makes the transaction; the first thing to sign is its proposal.
   * @throws {OrchestratorError} `ERR_VOTE` if there is nothing to vote on, no reason, or the certificate is of no member
   */
  async begin(owner: string, request: VoteRequest): Promise<VoteStep> {
    const { store, ballots, nowMs } = this.#o;
    if (ballots === null) throw refused('this orchestrator has no way to the channel');
    const reason = request.reason.trim();
    if (reason === '') throw refused('expected a reason, got none');
    await this.#assertSubject(request);
    const roots = await mspRoots(store);
    const mspId = [...roots].find(([, root]) => isIssuedBy(request.certificate, [root]))?.[0];
    if (mspId === undefined) throw refused('the certificate is of no hospital of this federation');
    const { name, args } = transactionOf({ ...request, reason });
    const ballot = ballots.open({ mspId, certificate: request.certificate, name, args });
    const voteId = randomBytes(16).toString('hex');
    this.#forget(nowMs());
    this.#open.set(voteId, {
      ...{ request: { ...request, reason }, ballot, mspId, owner, name, args },
      person: personOf(mspId, request.certificate),
      untilMs: nowMs() + OPEN_MS,
    });
    return stepOf(voteId, this.#open.get(voteId)!);
  }

  /**
   * Goes on with a signature over the bytes of the last answer.
   * @throws {OrchestratorError} `ERR_HTTP_NOT_FOUND` for another session's vote and one that is over, `ERR_VOTE` with the
   *   channel's own code if it refuses
   */
  async sign(owner: string, voteId: string, signature: Uint8Array): Promise<VoteStep> {
    const vote = this.#open.get(voteId);
    if (vote?.owner !== owner || vote.untilMs < this.#o.nowMs()) {
      throw new OrchestratorError('ERR_HTTP_NOT_FOUND', 'There is no such vote any more.');
    }
    try {
      await vote.ballot.sign(signature);
    } catch (cause) {
      this.#open.delete(voteId);
      throw refusalOf(cause);
    }
    const step = stepOf(voteId, vote);
    if (step.step === 'committed') {
      this.#open.delete(voteId);
      await this.#committed(vote);
    }
    return step;
  }

  /** What is voted on must be there; whether the vote is enough, the channel says. */
  async #assertSubject({ kind, about }: VoteRequest): Promise<void> {
    if (kind === 'approve-plan') {
      if (about === this.#o.planHash) return;
      throw refused(
        `expected the plan ${this.#o.planHash.slice(0, 12)}…, got ${about.slice(0, 80)}`,
      );
    }
    if ((await everActive(this.#o.store, about)) === null) {
      throw refused(`no detector of version ${about.slice(0, 80)} was ever active here`);
    }
  }

  async #committed({ request, ballot, mspId, person }: OpenVote): Promise<void> {
    const { store, nowMs } = this.#o;
    const { kind, about, reason } = request;
    const { transactionId } = ballot;
    const atMs = nowMs();
    await store.votes.put({ transactionId, action: kind, about, mspId, person, reason, atMs });
    await store.audit.append('channel-vote', atMs, { kind, about, person, reason, transactionId });
    if (kind === 'roll-back' || kind === 'withdraw') {
      await followAct(store, { action: kind, about, transactionId }, atMs);
    }
  }

  #forget(nowMs: number): void {
    for (const [id, { untilMs }] of this.#open) if (untilMs < nowMs) this.#open.delete(id);
    const [oldest] = this.#open.keys();
    if (this.#open.size >= OPEN_MAX && oldest !== undefined) this.#open.delete(oldest);
  }
}

export interface VoteDeskOptions {
  readonly store: FederationStore;
  /** Null: nobody can vote here. */
  readonly ballots: Ballots | null;
  /** The plan that the rounds are run by. */
  readonly planHash: string;
  readonly nowMs: () => number;
}

function transactionOf({ kind, about, reason }: VoteRequest): Pick<OpenVote, 'name' | 'args'> {
  switch (kind) {
    case 'vote-roll-back':
    case 'vote-withdraw': {
      const action = kind === 'vote-withdraw' ? 'withdraw' : 'rollBack';
      return { name: 'DetectorContract:vote', args: [action, about, sha256Hex(reason)] };
    }
    case 'roll-back':
      return { name: 'DetectorContract:rollBack', args: [about] };
    case 'withdraw':
      return { name: 'DetectorContract:withdraw', args: [about] };
    case 'approve-plan':
      return { name: 'FederationContract:approvePlan', args: [about] };
  }
}

function stepOf(voteId: string, { ballot, name, args }: OpenVote): VoteStep {
  const { transactionId, next } = ballot;
  return {
    ...{ voteId, transactionId, name, args },
    step: next?.step ?? 'committed',
    message: next === null ? '' : Buffer.from(next.message).toString('base64'),
  };
}

function refusalOf(cause: unknown): unknown {
  if (cause instanceof ChannelRefusedError) {
    return new OrchestratorError('ERR_VOTE', `vote: the channel refused it: ${cause.message}`, {
      channelCode: cause.code,
    });
  }
  if (cause instanceof ChannelUnavailableError) {
    return new OrchestratorError('ERR_VOTE', `vote: ${cause.message}`);
  }
  return cause;
}

function refused(what: string): OrchestratorError {
  return new OrchestratorError('ERR_VOTE', `vote: ${what}`);
}
