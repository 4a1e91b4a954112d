/**
 * Takes client updates: the envelope is checked, the bytes are screened and stored, the verdict becomes a signed receipt
 * in the transaction that moves the round. Sending twice is harmless.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import { screenUpdate } from './aggregation/screening.js';
import { FederationError } from './errors.js';
import { SILENT, type Federation, type Log, type Signer } from './federation.js';
import {
  assertFederation,
  assertLedgerNotRolledBack,
  assertOpenFor,
  assertSameTask,
  assertSelf,
  closed,
  unknownRound,
  type Caller,
} from './gates.js';
import { decodeEnvelope, type UpdateEnvelope } from './protocol/envelope.js';
import type { RoundId } from './protocol/identifiers.js';
import { OBJECT_BYTES_MAX } from './protocol/limits.js';
import { encodeReceipt } from './protocol/receipt.js';
import { decodeReleases } from './protocol/releases.js';
import { isSignatureValid, publicKeyOf } from './protocol/signing.js';
import { submissionBytes } from './plan-facts.js';
import type { RoundRunner } from './round-runner.js';
import type { Round } from './round/round.js';
import type { ObjectAnnouncement, ObjectStore } from './store/objects.js';
import type { FederationStore, Submission } from './store/store.js';

export interface WireReceipt {
  readonly receipt: Uint8Array;
  readonly signature: Uint8Array;
  readonly signerCertificate: string;
}

export interface UpdateDeskOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly runner: RoundRunner;
  readonly signer: Signer;
  readonly nowMs: () => number;
  readonly log?: Log;
  /** Called after a change that may have made effects due. */
  readonly wake?: () => void;
  readonly outcome?: (outcome: string) => void;
}

export class UpdateDesk {
  readonly #o: UpdateDeskOptions;
  readonly #log: Log;

  constructor(options: UpdateDeskOptions) {
    this.#o = options;
    this.#log = options.log ?? SILENT;
  }

  async submitUpdate(
    caller: Caller,
    o: Readonly<{ envelope: Uint8Array; signature: Uint8Array; update: Uint8Array }>,
  ): Promise<WireReceipt> {
    const { store, runner, nowMs } = this.#o;
    const envelope = decodeEnvelope(o.envelope);
    assertSelf(caller, envelope.nodeId);
    if (
      !isSignatureValid('bhs-update-v1', o.envelope, o.signature, publicKeyOf(caller.certificate))
    ) {
      throw new FederationError('ERR_SIGNATURE', 'envelope: the signature is not this node’s');
    }
    assertFederation(this.#o.federation.federationId, envelope.roundId.federationId);
    const stored = await store.rounds.find(envelope.roundId);
    if (stored === null) throw unknownRound(envelope.roundId);
    const [release] = envelope.releases;
    if (release === undefined) {
      throw new FederationError('ERR_ENVELOPE', 'envelope.releases: expected one, got none');
    }
    const before = await store.rounds.submission(envelope.roundId, caller.nodeId);
    if (before !== null) return this.#again(caller, envelope, before, release.digest);
    assertOpenFor(stored.round, caller.nodeId, nowMs());
    assertSameTask(stored.round, envelope);
    const known = (await store.roster.find(caller.nodeId))?.ledgerHead ?? null;
    assertLedgerNotRolledBack(caller.nodeId, known, envelope.ledgerHead);

    const bytes = await this.#updateBytes(release.digest, o.update);
    const verdict = this.#screen(envelope, bytes);
    await this.#o.objects.put(bytes);
    await store.roster.raiseLedgerHead(caller.nodeId, envelope.ledgerHead);

    const atMs = nowMs();
    const envelopeDigest = sha256Hex(o.envelope);
    const { round, applied } = await runner.apply(
      envelope.roundId,
      {
        kind: 'submission',
        nodeId: caller.nodeId,
        envelope: envelopeDigest,
        update: release.digest,
        verdict,
        atMs,
      },
      // The verdict in the receipt is the one that the round gave: a copy of another update is quarantined there.
      (next) => ({ submission: this.#submission(caller, o, envelope, next, atMs) }),
    );
    if (!applied) {
      // Somebody else's change came first: the same update by a second connection, or the end of the round.
      const raced = await store.rounds.submission(envelope.roundId, caller.nodeId);
      if (raced !== null) return this.#again(caller, envelope, raced, release.digest);
      throw closed(round);
    }
    const outcome = round.members[caller.nodeId]?.state ?? verdict.kind;
    this.#log.info(
      { slotIndex: round.id.slotIndex, nodeId: caller.nodeId, outcome },
      'update received',
    );
    this.#o.outcome?.(outcome);
    if (outcome !== 'accepted') {
      await store.audit.append('update-screened', atMs, {
        nodeId: caller.nodeId,
        slotIndex: round.id.slotIndex,
        update: release.digest,
        verdict: outcome,
        reason: round.members[caller.nodeId]?.reason ?? '',
      });
    }
    this.#o.wake?.();
    const receipt = await store.rounds.submission(envelope.roundId, caller.nodeId);
    if (receipt === null) throw new FederationError('ERR_STORAGE', 'the receipt is missing');
    return receiptOf(receipt);
  }

  #submission(
    caller: Caller,
    o: Readonly<{ envelope: Uint8Array; signature: Uint8Array }>,
    envelope: UpdateEnvelope,
    next: Round,
    atMs: number,
  ): Submission {
    const { signer } = this.#o;
    const member = next.members[caller.nodeId]!;
    // A member is accepted, quarantined or rejected once its submission has been applied.
    const verdict = member.state as 'accepted' | 'quarantined' | 'rejected';
    const receipt = encodeReceipt({
      roundId: envelope.roundId,
      nodeId: caller.nodeId,
      envelope: member.envelope,
      update: member.update,
      verdict,
      reason: member.reason,
      atMs,
    });
    return {
      nodeId: caller.nodeId,
      update: member.update,
      envelopeDigest: member.envelope,
      envelope: o.envelope,
      signature: o.signature,
      certificate: caller.certificate,
      receipt,
      receiptSignature: signer.sign('bhs-receipt-v1', receipt),
      receiptSigner: signer.certificatePem,
      atMs,
    };
  }

  /** The node has handed something in before: the same update gets the same receipt, another one is evidence. */
  async #again(
    caller: Caller,
    envelope: UpdateEnvelope,
    before: Submission,
    digest: string,
  ): Promise<WireReceipt> {
    if (before.update === digest) return receiptOf(before);
    const { store, nowMs } = this.#o;
    await store.audit.append('update-conflict', nowMs(), {
      nodeId: caller.nodeId,
      slotIndex: envelope.roundId.slotIndex,
      first: before.update,
      second: digest,
    });
    this.#log.warn({ nodeId: caller.nodeId }, 'second update for one round refused');
    throw new FederationError(
      'ERR_UPDATE_CONFLICT',
      `another update of ${caller.nodeId} is on record for slot ${envelope.roundId.slotIndex}`,
    );
  }

  async #updateBytes(digest: string, inline: Uint8Array): Promise<Uint8Array> {
    if (inline.length === 0) {
      const bytes = await this.#o.objects.get(digest);
      if (bytes !== null) return bytes;
      throw new FederationError('ERR_OBJECT_INCOMPLETE', 'update: it has not been uploaded yet');
    }
    if (sha256Hex(inline) !== digest) {
      throw new FederationError('ERR_CHUNK_DIGEST', 'update: its bytes are not the envelope’s');
    }
    return inline;
  }

  #screen(envelope: UpdateEnvelope, bytes: Uint8Array): ReturnType<typeof screenUpdate> {
    const { plan } = this.#o.federation;
    const { parameterCount, bounds, histogram } = plan;
    const rightLength = bytes.length === submissionBytes(plan);
    return screenUpdate({
      releases: envelope.releases,
      vectors: rightLength
        ? decodeReleases(bytes, { parameterCount, histogramBins: histogram?.bins ?? 0 })
        : null,
      parameterCount,
      bounds,
      histogram,
    });
  }

  async getReceipt(caller: Caller, roundId: RoundId): Promise<WireReceipt> {
    const submission = await this.#o.store.rounds.submission(roundId, caller.nodeId);
    if (submission === null) throw unknownRound(roundId);
    return receiptOf(submission);
  }

  async beginObject(caller: Caller, announcement: ObjectAnnouncement): Promise<readonly number[]> {
    const open = (await this.#o.store.rounds.findOpen())?.round ?? null;
    if (open === null) throw new FederationError('ERR_ROUND_CLOSED', 'no round takes updates now');
    assertOpenFor(open, caller.nodeId, this.#o.nowMs());
    const expected = submissionBytes(this.#o.federation.plan);
    if (announcement.objectBytes !== expected || expected > OBJECT_BYTES_MAX) {
      throw new FederationError(
        'ERR_OBJECT_LIMIT',
        `object: expected an update of ${expected} bytes, got ${announcement.objectBytes}`,
      );
    }
    return this.#o.objects.begin(announcement);
  }

  putChunk(digest: string, index: number, bytes: Uint8Array): Promise<number> {
    return this.#o.objects.putChunk(digest, index, bytes);
  }
}

function receiptOf(submission: Submission): WireReceipt {
  return {
    receipt: submission.receipt,
    signature: submission.receiptSignature,
    signerCertificate: submission.receiptSigner,
  };
}
