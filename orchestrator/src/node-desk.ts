/**
 * What the orchestrator answers a node, apart from the wire: who is calling is known, requests are domain values.
 * Every answer is a function of stored facts, and asking twice is harmless.
 * @module
 */
import { FederationError } from './errors.js';
import { federationDocument } from './federation-document.js';
import type { Federation } from './federation.js';
import {
  assertFederation,
  assertLedgerNotRolledBack,
  assertOpenFor,
  assertSelf,
  closed,
  closesAtMs,
  opensForUpdatesAtMs,
  unknownRound,
  type Caller,
} from './gates.js';
import { DECLINE_REASONS, type LedgerHead } from './protocol/client.js';
import type { RoundId } from './protocol/identifiers.js';
import { CLOCK_SKEW_MAX_MS, PROTOCOL_LEVELS } from './protocol/limits.js';
import type { Evidence } from './protocol/manifest.js';
import type { RoundRunner } from './round-runner.js';
import { isSettled, type Round } from './round/round.js';
import type { ObjectStore } from './store/objects.js';
import type { FederationStore, StoredManifest } from './store/store.js';

export type Assignment =
  | Readonly<{ kind: 'idle'; reason: string; nextSlotInMs: number }>
  | Readonly<{ kind: 'renew'; expiresAtMs: number }>
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
  readonly nowMs: () => number;
  /** In [0, 1): spreads the polls. */
  readonly jitter: () => number;
  /** Called after a change that may have made effects due. */
  readonly wake?: () => void;
  /** Called when a node and this process have agreed on a protocol level. */
  readonly greeted?: (nodeId: string, level: number) => void;
}

const SEEN_EVERY_MS = 10_000;
const POLL_MIN_MS = 200;
const POLL_MAX_MS = 300_000;

export class NodeDesk {
  readonly #o: NodeDeskOptions;
  readonly #seenAtMs = new Map<string, number>();

  constructor(options: NodeDeskOptions) {
    this.#o = options;
  }

  federationDocument(): Promise<Uint8Array> {
    return federationDocument(this.#o.federation, this.#o.store);
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
    assertFederation(federation.federationId, o.federationId);
    assertSelf(caller, o.nodeId);
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
      // Kept: if most nodes differ, it is our clock.
      await store.roster.noteClock(caller.nodeId, { atMs, clockOffsetMs });
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
    this.#o.greeted?.(caller.nodeId, level);
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
    const found = await this.#assignment(caller, open, state);
    // Only between rounds: a node never misses one for the sake of its certificate.
    const assignment: Assignment =
      open === null && caller.isDueForRenewal
        ? { kind: 'renew', expiresAtMs: caller.expiresAtMs }
        : found;
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

  async declineRound(caller: Caller, roundId: RoundId, reason: string): Promise<void> {
    if (!(DECLINE_REASONS as readonly string[]).includes(reason)) {
      throw new FederationError(
        'ERR_REQUEST',
        `reason: expected one of ${DECLINE_REASONS.join(', ')}, got ${reason.slice(0, 40)}`,
      );
    }
    assertFederation(this.#o.federation.federationId, roundId.federationId);
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
    assertFederation(this.#o.federation.federationId, roundId.federationId);
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

  async getManifest(
    roundId: RoundId,
  ): Promise<Readonly<{ manifest: StoredManifest; evidence: readonly Evidence[] }>> {
    assertFederation(this.#o.federation.federationId, roundId.federationId);
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
}

function slotShare(federation: Federation): number {
  return Math.max(POLL_MIN_MS, federation.policy.slotLengthMs / 20);
}
