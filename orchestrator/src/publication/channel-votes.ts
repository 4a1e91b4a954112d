/**
 * Votes on the channel, wherever they were cast: read from its blocks, listed with who, when and for what. A roll-back or a
 * withdrawal that somebody carried out elsewhere is followed here, once the channel itself says that it holds.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import { SILENT, type Log } from '../federation.js';
import { rolledBackLine } from '../lineage.js';
import { personOf } from '../signed-word.js';
import type { Leadership } from '../store/leadership.js';
import type { ChannelVote, FederationStore, Publication } from '../store/store.js';
import type { ChannelBlocks, GovernanceChannel } from './channel.js';

/** Fabric's validation code of a transaction that counts. */
const VALID = 0;

const BALLOTS: Readonly<Record<string, string>> = {
  rollBack: 'vote-roll-back',
  withdraw: 'vote-withdraw',
  enforce: 'vote-enforce',
  shadow: 'vote-shadow',
};
/** Functions whose first argument says what the word is about. */
const ACTIONS: Readonly<Record<string, string>> = {
  'DetectorContract:rollBack': 'roll-back',
  'DetectorContract:withdraw': 'withdraw',
  'DetectorContract:setMode': 'set-mode',
  'FederationContract:approvePlan': 'approve-plan',
  'FederationContract:approveNode': 'approve-node',
  'FederationContract:revokeNode': 'revoke-node',
};

/** The votes among the transactions of a block; of the reason the channel has a digest, so it is left empty. */
export function votesIn(transactions: readonly DecodedTransaction[]): readonly ChannelVote[] {
  return transactions.flatMap((transaction) => {
    const { code, function: name, args, creator, txId } = transaction;
    const [action, about] =
      name === 'DetectorContract:vote'
        ? [BALLOTS[args[0] ?? ''], args[1]]
        : [ACTIONS[name], args[0]];
    if (code !== VALID || action === undefined || about === undefined) return [];
    return {
      ...{ transactionId: txId, action, about, reason: '', atMs: transaction.timestampMs },
      ...{ mspId: creator.mspId, person: personOf(creator.mspId, creator.certificatePem) },
    };
  });
}

export interface VoteReaderOptions {
  readonly store: FederationStore;
  readonly blocks: ChannelBlocks;
  readonly channel: Pick<GovernanceChannel, 'status'>;
  /** One of several processes reads. */
  readonly leadership: Leadership;
  readonly nowMs: () => number;
  readonly log?: Log;
}

const NEXT_BLOCK = 'votes-next-block';
/** A place that is written down seldom costs a second reading of a few blocks, which changes nothing. */
const BLOCKS_PER_PLACE = 64;
const PAUSE_MS = 2_000;
const WITHDRAWN = 'withdrawn by vote';

export class VoteReader {
  readonly #o: VoteReaderOptions;
  readonly #log: Log;

  constructor(options: VoteReaderOptions) {
    this.#o = options;
    this.#log = options.log ?? SILENT;
  }

  /** Reads until the signal. A channel that is away is tried again; nothing else waits for it. */
  async run(signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      try {
        if (await this.#o.leadership.hold()) await this.#follow(signal);
      } catch (cause) {
        const error = cause instanceof Error ? cause.message : 'unknown';
        if (!over()) this.#log.warn({ error }, 'the channel’s votes are not read just now');
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, blocks, leadership } = this.#o;
    const source = await blocks.open(BigInt((await store.fact(NEXT_BLOCK)) ?? '0'));
    const close = (): void => {
      source.close();
    };
    signal.addEventListener('abort', close);
    try {
      for await (const { number, transactions } of source) {
        if (signal.aborted || !(await leadership.hold())) return;
        const votes = votesIn(transactions);
        for (const vote of votes) await this.#take(vote);
        if (votes.length > 0 || number % BLOCKS_PER_PLACE === 0) {
          await store.setFact(NEXT_BLOCK, String(number + 1));
        }
      }
    } finally {
      signal.removeEventListener('abort', close);
      source.close();
    }
  }

  async #take(vote: ChannelVote): Promise<void> {
    const { store, channel } = this.#o;
    if (vote.action === 'roll-back' || vote.action === 'withdraw') {
      const status = await channel.status(Number(vote.about));
      const holds =
        vote.action === 'withdraw'
          ? status?.state === 'withdrawn'
          : status?.activeVersion === Number(vote.about);
      if (holds) await followAct(store, vote, this.#o.nowMs());
    }
    await store.votes.put(vote);
  }
}

/**
 * What a roll-back or a withdrawal on the channel changes here; once, whoever tells of it first. The model of a detector that
 * hospitals took out of use, and what comes of it, is no base for the next round. (Design: federation §7, F35.)
 */
export async function followAct(
  store: FederationStore,
  { action, about, transactionId }: Pick<ChannelVote, 'action' | 'about' | 'transactionId'>,
  atMs: number,
): Promise<void> {
  const publication = await everActive(store, about);
  if (publication === null) return;
  const { sequence, state } = publication;
  // The lineage first: what is seen again after a crash is not done before both are.
  if (action === 'roll-back' && state !== 'active') {
    await store.lineage.rollBack({
      avoided: await laterThan(store, publication),
      restored: rolledBackLine(await store.lineage.models(), publication.manifest),
    });
    await store.publications.activate(sequence);
    await store.audit.append('detector-activated', atMs, { version: about, transactionId });
  } else if (action === 'withdraw') {
    await store.lineage.discardModel(publication.manifest, WITHDRAWN);
    await store.publications.update(sequence, { state: 'refused', reason: WITHDRAWN });
    await store.audit.append('detector-withdrawn', atMs, { version: about, transactionId });
  }
}

/** Manifests of the detectors that were in use after a version: who goes back to it means all of them. */
async function laterThan(
  store: FederationStore,
  { version }: Publication,
): Promise<readonly string[]> {
  const used = await store.publications.list({ states: ['active', 'superseded'] });
  return used.filter((each) => each.version! > version!).map((each) => each.manifest);
}

/** The publication of a version that is or was active; null if there is none. */
export async function everActive(
  store: FederationStore,
  version: string,
): Promise<Publication | null> {
  const all = await store.publications.list({ states: ['active', 'superseded'] });
  return all.find((each) => String(each.version) === version) ?? null;
}
