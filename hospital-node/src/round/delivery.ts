/**
 * Getting persisted bytes to the orchestrator, and learning what became of them. A retry sends the same bytes; nothing
 * here can make new ones.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import {
  describeReleases,
  FederationError,
  UpdateRejectedError,
  type FederationClient,
  type RoundId,
  type SignedReceipt,
} from '@bhschain/orchestrator/protocol';
import type { Logger } from 'pino';
import { HospitalNodeError } from '../errors.js';
import type { PrivacyLedger, ReleaseState } from '../privacy-ledger/index.js';
import { createBackoff } from './backoff.js';
import type { ReleaseStore } from './release-store.js';

export interface DeliveryOptions {
  readonly client: FederationClient;
  readonly ledger: PrivacyLedger;
  readonly releases: ReleaseStore;
  readonly nodeId: string;
  readonly software: string;
  readonly kernelHash: string;
  /** Of the update; what lies beyond in a release is the histogram of scores. */
  readonly parameterCount: number;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onStep: (step: 'sending' | 'submitted' | 'acknowledged', roundId: RoundId) => void;
  readonly onAlarm?: (code: AlarmCode) => void;
  readonly log: Logger;
}

/** What a person must look at. */
export type AlarmCode = 'ERR_ACCEPTED_NOT_INCLUDED' | 'ERR_UPDATE_CONFLICT';

/** How a delivery ended. */
export type DeliveryOutcome = 'accepted' | 'quarantined' | 'rejected' | 'closed' | 'unreached';

const RETRY_LEAST_MS = 250;
const RETRY_MOST_MS = 60_000;
const INTERNAL_TRIES_MAX = 10;
/** The round is over or never was ours; the release stays spent. */
export const CLOSED_CODES: readonly string[] = [
  'ERR_ROUND_CLOSED',
  'ERR_ROUND_UNKNOWN',
  'ERR_NOT_IN_COHORT',
];

/**
 * Sends the release for a round until there is a receipt, the deadline is over or an error is for good.
 *
 * @param o.deadlineMs - on the monotonic clock
 * @throws {HospitalNodeError} `ERR_RELEASE_MISSING`, `ERR_RELEASE_CHANGED` if the disk has not what the ledger says
 * @throws {FederationError} that a retry cannot mend
 */
export async function deliver(
  options: DeliveryOptions,
  o: {
    readonly release: ReleaseState;
    readonly roundId: RoundId;
    readonly notBeforeMs: number;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  },
): Promise<DeliveryOutcome> {
  const { ledger, sleep, monotonicMs } = options;
  const update = bytesOf(options.releases, o.release);
  await sleep(Math.max(0, o.notBeforeMs - monotonicMs()), o.signal);
  if (o.release.stage === 'released') ledger.sent(o.release.key);
  options.onStep('sending', o.roundId);
  const receipt = await submitUntil(options, o, update);
  if (receipt === 'closed' || receipt === 'unreached') {
    if (receipt === 'closed') ledger.settled(o.release.key, { included: false, manifest: '' });
    return receipt;
  }
  options.onStep('submitted', o.roundId);
  if (receipt === 'rejected') {
    ledger.settled(o.release.key, { included: false, manifest: '' });
    return receipt;
  }
  const { verdict } = receipt.receipt;
  if (ledger.releaseOf(o.release.key)?.stage !== 'acknowledged') {
    ledger.acknowledged(o.release.key, { verdict, receipt: sha256Hex(receipt.bytes) });
  }
  options.onStep('acknowledged', o.roundId);
  return verdict;
}

async function submitUntil(
  options: DeliveryOptions,
  o: {
    readonly release: ReleaseState;
    readonly roundId: RoundId;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  },
  update: Uint8Array,
): Promise<SignedReceipt | 'closed' | 'rejected' | 'unreached'> {
  const { client, ledger, log, random, sleep, monotonicMs } = options;
  const backoff = createBackoff({ leastMs: RETRY_LEAST_MS, mostMs: () => RETRY_MOST_MS, random });
  let internalTries = 0;
  for (;;) {
    try {
      return await client.submitUpdate({
        update,
        envelope: {
          schema: 1,
          roundId: o.roundId,
          nodeId: options.nodeId,
          planHash: o.release.planHash,
          layoutHash: o.release.layoutHash,
          baseModel: o.release.baseModel,
          releases: describeReleases(update, options.parameterCount),
          ledgerHead: { seq: ledger.head.seq, hash: ledger.head.hash },
          // '' for a release that was adopted after a crash: its salt was never written down.
          dataCommitment: o.release.dataCommitment ?? '',
          software: options.software,
          kernelHash: options.kernelHash,
        },
      });
    } catch (error) {
      if (error instanceof UpdateRejectedError) {
        log.error({ ...error.facts, code: error.code }, 'update rejected');
        return 'rejected';
      }
      if (!(error instanceof FederationError)) throw error;
      if (CLOSED_CODES.includes(error.code)) return 'closed';
      if (error.code === 'ERR_INTERNAL') internalTries += 1;
      if (!error.retryable || internalTries > INTERNAL_TRIES_MAX) throw error;
      const waitMs = Math.max(error.retryAfterMs ?? 0, backoff.next());
      if (monotonicMs() + waitMs > o.deadlineMs) return 'unreached';
      log.warn({ code: error.code, waitMs }, 'update not delivered yet');
      await sleep(waitMs, o.signal);
    }
  }
}

function bytesOf(releases: ReleaseStore, release: ReleaseState): Uint8Array {
  const bytes = releases.read(release.key);
  const facts = { release: release.key, file: releases.fileOf(release.key) };
  if (bytes === null) {
    throw new HospitalNodeError(
      'ERR_RELEASE_MISSING',
      `the ledger names a release whose file is gone: ${facts.file}`,
      facts,
    );
  }
  if (sha256Hex(bytes) !== release.digest) {
    throw new HospitalNodeError(
      'ERR_RELEASE_CHANGED',
      `${facts.file} has other bytes than the ledger's record; it is not sent`,
      facts,
    );
  }
  return bytes;
}

/**
 * Looks up what became of delivered releases. A round that sealed without an update it had accepted is an alarm; a round
 * without a manifest is left open until a later round has one.
 */
export async function settleDelivered(
  options: Pick<DeliveryOptions, 'client' | 'ledger' | 'nodeId' | 'onAlarm' | 'log'>,
): Promise<void> {
  const { client, ledger, log, nodeId } = options;
  const open = ledger
    .releases()
    .filter(({ stage }) => stage === 'acknowledged' || stage === 'sent');
  const oldest = open[0];
  if (oldest === undefined) return;
  const sealed = await client.listManifests(Math.max(0, oldest.roundId.slotIndex - 1));
  const newestSealed = sealed.at(-1)?.roundId.slotIndex ?? -1;
  for (const release of open) {
    const { slotIndex } = release.roundId;
    const reference = sealed.find((each) => each.roundId.slotIndex === slotIndex);
    if (reference === undefined) {
      if (slotIndex < newestSealed) ledger.settled(release.key, { included: false, manifest: '' });
      continue;
    }
    const { manifest } = await client.getManifest(reference.roundId);
    const own = manifest.contributions.find((each) => each.nodeId === nodeId);
    const included = own?.verdict === 'accepted' && own.update === release.digest;
    if (!included && release.verdict === 'accepted') {
      options.onAlarm?.('ERR_ACCEPTED_NOT_INCLUDED');
      log.error(
        { slotIndex, code: 'ERR_ACCEPTED_NOT_INCLUDED' },
        'accepted update is not in the manifest',
      );
    }
    ledger.settled(release.key, { included, manifest: reference.manifest });
  }
}
