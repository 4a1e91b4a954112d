/**
 * What the orchestrator answers a node, apart from the wire: who is calling is known, requests are domain values.
 * Every answer is a function of stored facts, and asking twice is harmless.
 * @module
 */
import { createHash } from 'node:crypto';
import { sha256Hex } from '@bhschain/dp';
import { screenUpdate } from './aggregation/screening.js';
import { FederationError } from './errors.js';
import type { Federation, Log, Signer } from './federation.js';
import { SILENT } from './federation.js';
import { DECLINE_REASONS, type LedgerHead } from './protocol/client.js';
import { decodeEnvelope, type UpdateEnvelope } from './protocol/envelope.js';
import { encodeCanonical } from './protocol/canonical.js';
import type { RoundId } from './protocol/identifiers.js';
import { CLOCK_SKEW_MAX_MS, OBJECT_BYTES_MAX, PROTOCOL_LEVELS } from './protocol/limits.js';
import type { Evidence } from './protocol/manifest.js';
import { decodeParameters } from './protocol/parameters.js';
import { encodeReceipt } from './protocol/receipt.js';
import { isSignatureValid, publicKeyOf } from './protocol/signing.js';
import type { RoundRunner } from './round-runner.js';
import { isSettled, type Round } from './round/round.js';
import type { ObjectAnnouncement, ObjectStore } from './store/objects.js';
import type { FederationStore, StoredManifest, Submission } from './store/store.js';

/** A node whose certificate has been checked. */
export interface Caller {
  readonly nodeId: string;
  /** DER */
  readonly certificate: Uint8Array;
}

export interface WireReceipt {
  readonly receipt: Uint8Array;
  readonly signature: Uint8Array;
  readonly signerCertificate: string;
}

export type Assignment =
  | Readonly<{ kind: 'idle'; reason: string; nextSlotInMs: number }>
  | Readonly<{
      kind: 'train';
      round: Round;
      plan: Uint8Array;
      deadlineInMs: number;
      submitNotBeforeInMs: number;
    }>;

export interface NodeDeskOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly runner: RoundRunner;
  readonly signer: Signer;
  readonly nowMs: () => number;
  /** In [0, 1): spreads the polls. */
  readonly jitter: () => number;
  readonly log?: Log;
  /** Called after a change that may have made effects due. */
  readonly wake?: () => void;
  readonly outcome?: (outcome: string) => void;
}

const SEEN_EVERY_MS = 10_000;
const POLL_MIN_MS = 200;
const POLL_MAX_MS = 300_000;

export class NodeDesk {
  readonly #o: NodeDeskOptions;
  readonly #log: Log;
  readonly #document: Uint8Array;
  readonly #seenAtMs = new Map<string, number>();

  constructor(options: NodeDeskOptions) {
    this.#o = options;
    this.#log = options.log ?? SILENT;
    const { federation } = options;
    this.#document = encodeCanonical({
      federationId: federation.federationId,
      hospitals: federation.hospitals,
      layoutHash: federation.layoutHash,
      planHash: federation.plan.hash,
      policy: federation.policy,
      replay: federation.replay,
    });
  }

  get federationDocument(): Uint8Array {
    return this.#document;
  }

  async hello(
    caller: Caller,
    o: Readonly<{
      levels: readonly number[];
      federationId: string;
      nodeId: string;
      clientAtMs: number;
      software: string;
      kernelHash: string;
      ledgerHead: LedgerHead | null;
    }>,
  ): Promise<
    Readonly<{ level: number; revocationEpoch: number; highestLedgerHead: LedgerHead | null }>
  > {
    const { store, federation, nowMs } = this.#o;
    if (o.federationId !== federation.federationId) {
      throw new FederationError(
        'ERR_FEDERATION_MISMATCH',
        `this is federation ${federation.federationId}, not ${o.federationId}`,
      );
    }
    this.#assertSelf(caller, o.nodeId);
    const level = Math.max(...PROTOCOL_LEVELS.filter((each) => o.levels.includes(each)));
    if (!Number.isFinite(level)) {
      throw new FederationError(
        'ERR_PROTOCOL_UNSUPPORTED',
        `protocol: expected one of levels ${PROTOCOL_LEVELS.join(', ')}, got ${o.levels.join(', ')}`,
      );
    }
    const atMs = nowMs();
    const clockOffsetMs = o.clientAtMs - atMs;
    if (Math.abs(clockOffsetMs) > CLOCK_SKEW_MAX_MS) {
      throw new FederationError(
        'ERR_CLOCK_SKEW',
        `the node's clock differs by ${Math.round(clockOffsetMs / 1_000)} s; at most ${CLOCK_SKEW_MAX_MS / 1_000} s are accepted`,
        { facts: { clockOffsetMs: Math.round(clockOffsetMs) } },
      );
    }
    const known = (await store.roster.find(caller.nodeId))?.ledgerHead ?? null;
    assertLedgerNotRolledBack(caller.nodeId, known, o.ledgerHead);
    if (o.ledgerHead !== null) await store.roster.raiseLedgerHead(caller.nodeId, o.ledgerHead);
    await store.roster.greet(caller.nodeId, {
      atMs,
      clockOffsetMs,
      software: o.software.slice(0, 64),
      kernelHash: o.kernelHash.slice(0, 64),
    });
    const epoch = (await store.roster.revocations()).at(-1)?.epoch ?? 0;
    return { level, revocationEpoch: epoch, highestLedgerHead: known };
  }

  async getWork(
    caller: Caller,
    state: 'ready' | 'paused' | 'training',
  ): Promise<Readonly<{ assignment: Assignment; pollAfterInMs: number }>> {
    const { store, runner, nowMs } = this.#o;
    await this.#seen(caller.nodeId);
    let open = (await store.rounds.findOpen())?.round ?? null;
    const member = open?.members[caller.nodeId];
    if (open?.phase === 'gathering' && state === 'ready' && member?.state === 'expected') {
      const event = { kind: 'node-ready', nodeId: caller.nodeId, atMs: nowMs() } as const;
      open = (await runner.apply(open.id, event)).round;
      this.#o.wake?.();
    }
    const assignment = await this.#assignment(caller, open, state);
    return { assignment, pollAfterInMs: this.#pollAfterMs(open, assignment) };
  }

  /** Polls are many and a durable write is dear: when a node was seen is written down now and then. */
  async #seen(nodeId: string): Promise<void> {
    const atMs = this.#o.nowMs();
    const writtenAtMs = this.#seenAtMs.get(nodeId) ?? 0;
    if (Math.abs(atMs - writtenAtMs) < SEEN_EVERY_MS) return;
    this.#seenAtMs.set(nodeId, atMs);
    await this.#o.store.roster.touch(nodeId, atMs);
  }

  async #assignment(
    caller: Caller,
    open: Round | null,
    state: 'ready' | 'paused' | 'training',
  ): Promise<Assignment> {
    const { runner, objects, nowMs } = this.#o;
    const atMs = nowMs();
    const idle = (reason: string): Assignment => ({
      kind: 'idle',
      reason,
      nextSlotInMs: runner.nextSlotMs(atMs) - atMs,
    });
    if (state === 'paused') return idle('paused');
    if (open === null) return idle((await runner.isDone()) ? 'rounds-done' : 'waiting-for-slot');
    const member = open.members[caller.nodeId];
    if (member === undefined) return idle('not-in-cohort');
    switch (open.phase) {
      case 'scheduled':
        return idle('waiting-for-slot');
      case 'gathering':
        return idle('gathering');
      case 'collecting': {
        if (isSettled(member)) return idle(member.state === 'declined' ? 'declined' : 'submitted');
        const plan = await objects.get(open.planHash);
        if (plan === null) throw new FederationError('ERR_STORAGE', 'the plan is missing');
        return {
          kind: 'train',
          round: open,
          plan,
          deadlineInMs: Math.max(0, closesAtMs(open) - atMs),
          submitNotBeforeInMs: Math.max(0, opensForUpdatesAtMs(open) - atMs),
        };
      }
      default:
        return idle('closing');
    }
  }

  #pollAfterMs(open: Round | null, assignment: Assignment): number {
    const { runner, nowMs, jitter, federation } = this.#o;
    const atMs = nowMs();
    // While a round moves, a node asks often enough to see each phase; else it sleeps until the next boundary.
    const inMs =
      assignment.kind === 'train' || open?.phase === 'gathering'
        ? federation.policy.gatherMaxMs / 20
        : open === null
          ? runner.nextSlotMs(atMs) - atMs + federation.policy.openDelayMs
          : Math.max(...Object.values(open.timers), atMs) - atMs;
    const bounded = Math.min(Math.max(inMs, POLL_MIN_MS), POLL_MAX_MS, slotShare(federation));
    return Math.round(bounded * (0.8 + 0.4 * jitter()));
  }

  async submitUpdate(
    caller: Caller,
    o: Readonly<{ envelope: Uint8Array; signature: Uint8Array; update: Uint8Array }>,
  ): Promise<WireReceipt> {
    const { store, runner, nowMs } = this.#o;
    const envelope = decodeEnvelope(o.envelope);
    this.#assertSelf(caller, envelope.nodeId);
    if (
      !isSignatureValid('bhs-update-v1', o.envelope, o.signature, publicKeyOf(caller.certificate))
    ) {
      throw new FederationError('ERR_SIGNATURE', 'envelope: the signature is not this node’s');
    }
    this.#assertFederation(envelope.roundId);
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
    if (createHash('sha256').update(inline).digest('hex') !== digest) {
      throw new FederationError('ERR_CHUNK_DIGEST', 'update: its bytes are not the envelope’s');
    }
    return inline;
  }

  #screen(envelope: UpdateEnvelope, bytes: Uint8Array): ReturnType<typeof screenUpdate> {
    const { plan } = this.#o.federation;
    const rightLength = bytes.length === plan.parameterCount * 4;
    return screenUpdate({
      releases: envelope.releases,
      update: rightLength ? decodeParameters(bytes, plan.parameterCount) : new Int32Array(0),
      parameterCount: plan.parameterCount,
      bounds: plan.bounds,
    });
  }

  async getReceipt(caller: Caller, roundId: RoundId): Promise<WireReceipt> {
    const submission = await this.#o.store.rounds.submission(roundId, caller.nodeId);
    if (submission === null) throw unknownRound(roundId);
    return receiptOf(submission);
  }

  async declineRound(caller: Caller, roundId: RoundId, reason: string): Promise<void> {
    if (!(DECLINE_REASONS as readonly string[]).includes(reason)) {
      throw new FederationError(
        'ERR_REQUEST',
        `reason: expected one of ${DECLINE_REASONS.join(', ')}, got ${reason.slice(0, 40)}`,
      );
    }
    this.#assertFederation(roundId);
    const atMs = this.#o.nowMs();
    const event = { kind: 'node-declined', nodeId: caller.nodeId, reason, atMs } as const;
    const { round, applied } = await this.#o.runner.apply(roundId, event);
    this.#o.wake?.();
    if (applied || round.members[caller.nodeId]?.state === 'declined') return;
    assertOpenFor(round, caller.nodeId, atMs);
    throw closed(round);
  }

  async reportPhase(
    caller: Caller,
    roundId: RoundId,
    phase: string,
  ): Promise<Readonly<{ deadlineInMs: number }>> {
    if (phase !== 'training' && phase !== 'uploading') {
      throw new FederationError('ERR_REQUEST', 'phase: expected training or uploading');
    }
    this.#assertFederation(roundId);
    const atMs = this.#o.nowMs();
    const event = { kind: 'node-phase', nodeId: caller.nodeId, phase, atMs } as const;
    const { round } = await this.#o.runner.apply(roundId, event);
    return { deadlineInMs: Math.max(0, closesAtMs(round) - atMs) };
  }

  async getObject(digest: string): Promise<Uint8Array> {
    const { store, objects, federation } = this.#o;
    const visible = digest === federation.plan.hash || (await store.lineage.isPublicObject(digest));
    const bytes = visible ? await objects.get(digest) : null;
    if (bytes === null) {
      throw new FederationError('ERR_OBJECT_UNKNOWN', 'object: not here, or not for everyone');
    }
    return bytes;
  }

  async beginObject(caller: Caller, announcement: ObjectAnnouncement): Promise<readonly number[]> {
    const open = (await this.#o.store.rounds.findOpen())?.round ?? null;
    if (open === null) throw new FederationError('ERR_ROUND_CLOSED', 'no round takes updates now');
    assertOpenFor(open, caller.nodeId, this.#o.nowMs());
    const expected = this.#o.federation.plan.parameterCount * 4;
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

  async getManifest(
    roundId: RoundId,
  ): Promise<Readonly<{ manifest: StoredManifest; evidence: readonly Evidence[] }>> {
    this.#assertFederation(roundId);
    const manifest = await this.#o.store.lineage.manifest(roundId);
    if (manifest === null) throw unknownRound(roundId);
    const submissions = await this.#o.store.rounds.submissions(roundId);
    return { manifest, evidence: submissions.map((each) => ({ ...each })) };
  }

  async listManifests(
    cursor: number,
  ): Promise<Readonly<{ manifests: readonly StoredManifest[]; more: boolean }>> {
    const found = await this.#o.store.lineage.manifestsAfter(cursor, 101);
    return { manifests: found.slice(0, 100), more: found.length > 100 };
  }

  async trust(): Promise<Readonly<{ epoch: number; document: Uint8Array; signature: Uint8Array }>> {
    const revoked = await this.#o.store.roster.revocations();
    const epoch = revoked.at(-1)?.epoch ?? 0;
    const document = encodeCanonical({
      epoch,
      revoked: revoked.map(({ serial, atMs, reason }) => ({ atMs, reason, serial })),
    });
    return { epoch, document, signature: this.#o.signer.sign('bhs-trust-v1', document) };
  }

  #assertSelf(caller: Caller, nodeId: string): void {
    if (nodeId === caller.nodeId) return;
    throw new FederationError(
      'ERR_NODE_MISMATCH',
      `the certificate names ${caller.nodeId}, the message another node`,
    );
  }

  #assertFederation(roundId: RoundId): void {
    if (roundId.federationId === this.#o.federation.federationId) return;
    throw new FederationError(
      'ERR_FEDERATION_MISMATCH',
      `this is federation ${this.#o.federation.federationId}`,
    );
  }
}

/** When a collecting round stops taking updates: the grace window if it runs, else the deadline. */
function closesAtMs(round: Round): number {
  return round.timers.grace ?? round.timers.deadline ?? 0;
}

function opensForUpdatesAtMs(round: Round): number {
  return (round.collectingAtMs ?? 0) + round.policy.submitNotBeforeMs;
}

function slotShare(federation: Federation): number {
  return Math.max(POLL_MIN_MS, federation.policy.slotLengthMs / 20);
}

function assertOpenFor(round: Round, nodeId: string, atMs: number): void {
  if (!Object.hasOwn(round.members, nodeId)) {
    throw new FederationError(
      'ERR_NOT_IN_COHORT',
      `${nodeId} is not in the cohort of slot ${round.id.slotIndex}`,
    );
  }
  if (round.phase !== 'collecting' || closesAtMs(round) <= atMs) throw closed(round);
  const waitMs = opensForUpdatesAtMs(round) - atMs;
  if (waitMs > 0) {
    throw new FederationError('ERR_TOO_EARLY', `updates are taken in ${waitMs} ms`, {
      retryAfterMs: waitMs,
    });
  }
}

function assertSameTask(round: Round, envelope: UpdateEnvelope): void {
  if (envelope.planHash !== round.planHash) {
    throw new FederationError('ERR_PLAN_MISMATCH', 'envelope: another plan than the round’s');
  }
  if (envelope.layoutHash !== round.layoutHash) {
    throw new FederationError('ERR_LAYOUT_MISMATCH', 'envelope: another layout than the round’s');
  }
  if (envelope.baseModel !== round.baseModel) {
    throw new FederationError(
      'ERR_BASE_MODEL_MISMATCH',
      'envelope: another base model than the round’s',
    );
  }
}

function assertLedgerNotRolledBack(
  nodeId: string,
  known: LedgerHead | null,
  shown: LedgerHead | null,
): void {
  if (known === null) return;
  const behind = shown === null || shown.seq < known.seq;
  const forked = shown !== null && shown.seq === known.seq && shown.hash !== known.hash;
  if (!behind && !forked) return;
  throw new FederationError(
    'ERR_LEDGER_ROLLED_BACK',
    `the privacy ledger of ${nodeId} once stood at ${known.seq}; the one shown is older or another`,
    { facts: { known: known.seq, shown: shown?.seq ?? -1 } },
  );
}

function unknownRound(roundId: RoundId): FederationError {
  return new FederationError('ERR_ROUND_UNKNOWN', `slot ${roundId.slotIndex}: not on record`);
}

function closed(round: Round): FederationError {
  return new FederationError(
    'ERR_ROUND_CLOSED',
    `slot ${round.id.slotIndex} takes no updates: it is ${round.phase}`,
    { facts: { phase: round.phase } },
  );
}

function receiptOf(submission: Submission): WireReceipt {
  return {
    receipt: submission.receipt,
    signature: submission.receiptSignature,
    signerCertificate: submission.receiptSigner,
  };
}
