/**
 * The node's side of a round: ask for work, check it, debit, train, persist, send, settle. Each step is on disk before
 * the next begins (`federation.md` §8.1), so that a kill anywhere costs at most the interval it had paid for.
 * @module
 */
import { sha256Hex, type PrivacyPlan } from '@bhschain/dp';
import {
  decodeParameters,
  encodeReleases,
  FederationError,
  type DeclineReason,
  type FederationClient,
  type NodeState,
  type RoundId,
  type Work,
  type WorkUnit,
} from '@bhschain/orchestrator/protocol';
import type { Logger } from 'pino';
import type { Interval } from '../access-log/index.js';
import { AccessLogError, codeOf, HospitalNodeError, RoundRefusedError } from '../errors.js';
import { releaseKeyOf, type PrivacyLedger, type ReleaseState } from '../privacy-ledger/index.js';
import { inSpan } from '../tracing.js';
import { createBackoff } from './backoff.js';
import {
  CLOSED_CODES,
  deliver,
  settleDelivered,
  type AlarmCode,
  type DeliveryOptions,
} from './delivery.js';
import { readCalendar, type FederationCalendar } from './federation-document.js';
import { recoverReleases } from './recovery.js';
import type { ReleaseStore } from './release-store.js';
import type { RoundTrainer, TrainingFacts } from './round-trainer.js';
import { checkWork, unspentPart } from './work-check.js';

/** Moments between two durable facts, in their order. */
export type RoundStep =
  | 'accepted-work'
  | 'debited'
  | 'trained'
  | 'persisted'
  | 'released'
  | 'sending'
  | 'submitted'
  | 'acknowledged';

export type PollResult = Work['kind'] | 'failed';

export type AgentPhase =
  'starting' | 'idle' | 'training' | 'uploading' | 'paused' | 'unreachable' | 'needs-operator';

export interface RoundSummary {
  readonly slotIndex: number;
  readonly outcome: string;
  /** Code, where the round was refused or failed. */
  readonly code: string | null;
  readonly sentence: string | null;
  readonly atMs: number;
}

export interface AgentStatus {
  readonly phase: AgentPhase;
  /** What is wrong or awaited, in one sentence. */
  readonly sentence: string;
  readonly code: string | null;
  readonly clockOffsetMs: number | null;
  /** What of the offset is certain: on a slow way there and back, one clock looks like two. */
  readonly clockSkewMs: number;
  readonly nextSlotAtMs: number | null;
  readonly calendar: FederationCalendar | null;
  readonly lastRound: RoundSummary | null;
  readonly lastTraining: TrainingFacts | null;
}

export interface RoundAgentOptions {
  readonly client: FederationClient;
  readonly ledger: PrivacyLedger;
  readonly releases: ReleaseStore;
  readonly trainer: RoundTrainer;
  readonly nodeId: string;
  readonly software: string;
  readonly kernelHash: string;
  readonly layoutHash: string;
  readonly parameterCount: number;
  readonly binMs: number;
  readonly approvedPlans: readonly string[] | null;
  readonly isPaused: () => boolean;
  /** Gets the node a new certificate; asked for when two thirds of the old one are over. */
  readonly renew?: () => Promise<void>;
  /** A coded reason why this node cannot train at all at the moment, or null. */
  readonly notReady?: () => HospitalNodeError | null;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called after each durable step; progress for people, crash points for tests. */
  readonly onStep?: (step: RoundStep, roundId: RoundId) => void;
  readonly onRound?: (summary: RoundSummary) => void;
  /** What came of asking for work; `failed` with the code of the fault. */
  readonly onPoll?: (result: PollResult, code: string | null) => void;
  /** Something that a person must look at although rounds go on. */
  readonly onAlarm?: (code: AlarmCode) => void;
  readonly log: Logger;
}

export interface RoundAgent {
  /** Polls until the signal; rejects only if the privacy ledger or the disk cannot be trusted any more. */
  run(signal: AbortSignal): Promise<void>;
  /** One poll and what follows from it; returns how long to wait before the next, in milliseconds. */
  poll(signal: AbortSignal): Promise<number>;
  status(): AgentStatus;
}

const CLOCK_WARN_MS = 1_000;
const CLOCK_DECLINE_MS = 5_000;
const UNREACHABLE_MOST_MS = 60_000;
const OPERATOR_POLL_MS = 60_000;
const POLL_LEAST_MS = 50;
/** Clocks drift, and the orchestrator should know a recent ledger head. */
const GREET_EVERY_MS = 10 * 60_000;
/** Errors after which the node must not go on by itself, whatever it is asked. */
const FATAL_CODES: readonly string[] = ['ERR_LEDGER_IO', 'ERR_LEDGER_CORRUPT', 'ERR_LEDGER_ORDER'];

export function createRoundAgent(options: RoundAgentOptions): RoundAgent {
  return new PollingAgent(options);
}

class PollingAgent implements RoundAgent {
  readonly #o: RoundAgentOptions;
  readonly #delivery: DeliveryOptions;
  #calendar: FederationCalendar | null = null;
  #greetAgainMs = 0;
  #status: AgentStatus = {
    phase: 'starting',
    sentence: 'Has not reached the orchestrator yet.',
    code: null,
    clockOffsetMs: null,
    clockSkewMs: 0,
    nextSlotAtMs: null,
    calendar: null,
    lastRound: null,
    lastTraining: null,
  };

  constructor(options: RoundAgentOptions) {
    this.#o = options;
    this.#delivery = { ...options, onStep: (step, roundId) => options.onStep?.(step, roundId) };
    recoverReleases(options);
  }

  status(): AgentStatus {
    return this.#status;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { random, sleep, log } = this.#o;
    // A node that sleeps through a slot after a short outage of the orchestrator costs the round its quorum.
    const mostMs = (): number =>
      Math.min(UNREACHABLE_MOST_MS, (this.#calendar?.slotLengthMs ?? Infinity) / 4);
    const backoff = createBackoff({ leastMs: 500, mostMs, random });
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      let waitMs: number;
      try {
        waitMs = await this.poll(signal);
        backoff.reset();
      } catch (error) {
        if (isStopped()) return;
        const code = codeOf(error);
        if (FATAL_CODES.includes(code)) throw error;
        this.#o.onPoll?.('failed', code);
        if (code === 'ERR_UPDATE_CONFLICT') this.#o.onAlarm?.(code);
        waitMs = this.#afterFault(error, backoff.next());
        log.warn({ code, waitMs, ...detailOf(error) }, 'poll failed');
      }
      await sleep(Math.max(POLL_LEAST_MS, waitMs), signal).catch(() => undefined);
    }
  }

  async poll(signal: AbortSignal): Promise<number> {
    if (this.#calendar === null || this.#o.monotonicMs() > this.#greetAgainMs) await this.#hello();
    const state = this.#state();
    const work = await this.#o.client.getWork({ state });
    this.#o.onPoll?.(work.kind, null);
    switch (work.kind) {
      case 'train':
        await inSpan('round', { slotIndex: work.unit.roundId.slotIndex }, () =>
          this.#round(work.unit, signal),
        );
        break;
      case 'upgrade':
        this.#set('needs-operator', `Needs protocol level ${work.level}; update the node.`, null);
        break;
      case 'renew':
        await this.#renew();
        break;
      case 'idle':
        this.#set(
          state === 'paused' ? 'paused' : 'idle',
          state === 'paused' ? 'Paused by the hospital.' : `Waits: ${work.reason}.`,
          null,
          { nextSlotAtMs: work.nextSlotInMs > 0 ? this.#o.nowMs() + work.nextSlotInMs : null },
        );
        await settleDelivered(this.#delivery);
    }
    return work.pollAfterInMs;
  }

  /** Levels, clock and – most of all – whether this disk is the one the orchestrator knows. */
  async #hello(): Promise<void> {
    const { client, ledger, software, kernelHash } = this.#o;
    const hello = await client.hello({
      software,
      kernelHash,
      ledgerHead: { seq: ledger.head.seq, hash: ledger.head.hash },
    });
    const seen = hello.highestLedgerHead;
    if (seen !== null && ledger.hashAt(seen.seq) !== seen.hash) {
      throw new HospitalNodeError(
        'ERR_LEDGER_ROLLED_BACK',
        `the orchestrator has seen record ${seen.seq} of this node's privacy ledger; the one on this disk has ${ledger.head.seq} or differs. An older copy of the disk?`,
        { seenSeq: seen.seq, ownSeq: ledger.head.seq },
      );
    }
    this.#calendar = readCalendar(hello.federationDocument);
    this.#greetAgainMs = this.#o.monotonicMs() + GREET_EVERY_MS;
    const { clockOffsetMs, clockErrorMs } = hello;
    const clockSkewMs = Math.max(0, Math.abs(clockOffsetMs) - clockErrorMs);
    this.#status = { ...this.#status, clockOffsetMs, clockSkewMs, calendar: this.#calendar };
    if (clockSkewMs > CLOCK_WARN_MS) {
      this.#o.log.warn({ clockOffsetMs, clockErrorMs }, 'clock differs from the orchestrator');
    }
  }

  /** The old certificate is good for weeks yet: a failure is told and tried again at the next poll. */
  async #renew(): Promise<void> {
    try {
      await this.#o.renew?.();
      this.#set('idle', 'The node certificate was renewed.', null);
    } catch (error) {
      this.#o.log.warn({ code: codeOf(error), err: error }, 'certificate not renewed yet');
      this.#set('idle', 'The node certificate is due for renewal.', codeOf(error));
    }
  }

  #state(): NodeState {
    return this.#o.isPaused() ? 'paused' : 'ready';
  }

  async #round(unit: WorkUnit, signal: AbortSignal): Promise<void> {
    const { ledger, client, log } = this.#o;
    const interval = unspentPart(unit, ledger.releases());
    const key = releaseKeyOf({ ...unit, ...unit.roundId, interval });
    const arrivedMs = this.#o.monotonicMs();
    try {
      const release =
        ledger.releaseOf(key) ??
        (await this.#makeRelease(unit, interval, arrivedMs + unit.deadlineInMs));
      await this.#deliver(release, unit, arrivedMs, signal);
    } catch (error) {
      if (signal.aborted || FATAL_CODES.includes(codeOf(error))) throw error;
      if (error instanceof FederationError) {
        this.#finish(unit.roundId, 'failed', error);
        throw error;
      }
      const reason = reasonOf(error);
      this.#finish(unit.roundId, 'declined', error);
      log.warn(
        { slotIndex: unit.roundId.slotIndex, code: codeOf(error), reason },
        'round declined',
      );
      await client.declineRound(unit.roundId, reason).catch((failure: unknown) => {
        // A round that is over needs no answer.
        if (!CLOSED_CODES.includes(codeOf(failure))) throw failure;
      });
    }
  }

  async #makeRelease(
    unit: WorkUnit,
    interval: Interval,
    deadlineMs: number,
  ): Promise<ReleaseState> {
    const { ledger, trainer, client, releases, parameterCount } = this.#o;
    const plan = this.#check(unit);
    const { roundId, planHash, layoutHash, baseModel } = unit;
    const request = { roundId, plan, planHash, layoutHash, baseModel, interval };
    ledger.approvePlan(plan, this.#o.approvedPlans);
    ledger.assertDebitable(request);
    const base = decodeParameters(await client.getObject(baseModel), parameterCount);
    this.#set('training', `Trains slot ${roundId.slotIndex}.`, null);
    await trainer.prepare(plan);
    if (this.#o.monotonicMs() >= deadlineMs) {
      throw new RoundRefusedError(
        'ERR_ROUND_LATE',
        'the round would be over before an update of this node could be in; nothing was spent',
        'not-ready',
      );
    }
    this.#step('accepted-work', roundId);

    const receipt = ledger.debit(request);
    const key = receipt.releaseKey;
    this.#step('debited', roundId);
    this.#tell(roundId, 'training');
    try {
      const { update, scoreHistogram, data, facts } = await inSpan(
        'train',
        { slotIndex: roundId.slotIndex },
        () => trainer.train({ plan, base, interval, receipt }),
      );
      this.#status = { ...this.#status, lastTraining: facts };
      this.#step('trained', roundId);
      const bytes = encodeReleases({ update, scoreHistogram });
      releases.persist(key, bytes);
      this.#step('persisted', roundId);
      ledger.released(key, {
        digest: sha256Hex(bytes),
        byteCount: bytes.length,
        dataCommitment: data.commitment,
        dataSalt: data.salt,
      });
    } catch (error) {
      // Nothing has left. The debit stands, since the noise is gone.
      if (ledger.releaseOf(key)?.stage === 'debited') ledger.abandoned(key, codeOf(error));
      throw error;
    }
    this.#step('released', roundId);
    return ledger.releaseOf(key)!;
  }

  #check(unit: WorkUnit): PrivacyPlan {
    const { ledger, nowMs } = this.#o;
    if (this.#o.isPaused()) {
      throw new RoundRefusedError('ERR_PAUSED', 'this hospital has paused its node', 'paused');
    }
    const fault = this.#o.notReady?.() ?? null;
    if (fault !== null) {
      throw new RoundRefusedError(fault.code, fault.message, 'not-ready', fault.facts, fault);
    }
    const { clockOffsetMs, clockSkewMs } = this.#status;
    if (clockSkewMs > CLOCK_DECLINE_MS) {
      throw new RoundRefusedError(
        'ERR_CLOCK_SKEW',
        `the clock differs from the orchestrator's by at least ${(clockSkewMs / 1000).toFixed(1)} s; at most ${CLOCK_DECLINE_MS / 1000} s is allowed`,
        'clock',
        { offsetMs: clockOffsetMs, skewMs: clockSkewMs },
      );
    }
    const spentSlots = ledger.releases().map((release) => release.roundId.slotIndex);
    return checkWork(unit, {
      calendar: this.#calendar!,
      layoutHash: this.#o.layoutHash,
      parameterCount: this.#o.parameterCount,
      binMs: this.#o.binMs,
      newestSpentSlot: spentSlots.length === 0 ? null : Math.max(...spentSlots),
      nowMs: nowMs(),
    });
  }

  async #deliver(
    release: ReleaseState,
    unit: WorkUnit,
    arrivedMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (release.stage === 'abandoned' || release.stage === 'debited') {
      throw new RoundRefusedError(
        'ERR_INTERVAL_SPENT',
        'this interval was spent without a release; it is not trained again',
        'local-policy',
        { release: release.key },
      );
    }
    this.#tell(unit.roundId, 'uploading');
    this.#set('uploading', `Sends the update of slot ${unit.roundId.slotIndex}.`, null);
    const outcome = await deliver(this.#delivery, {
      release,
      roundId: unit.roundId,
      notBeforeMs: arrivedMs + unit.submitNotBeforeInMs,
      deadlineMs: arrivedMs + unit.deadlineInMs,
      signal,
    });
    this.#finish(unit.roundId, outcome, null);
  }

  /** Renews our place in the round; a lost message costs nothing. */
  #tell(roundId: RoundId, phase: 'training' | 'uploading'): void {
    this.#o.client.reportPhase(roundId, phase).catch(() => undefined);
  }

  #step(step: RoundStep, roundId: RoundId): void {
    this.#o.onStep?.(step, roundId);
  }

  #finish(roundId: RoundId, outcome: string, error: unknown): void {
    const summary: RoundSummary = {
      slotIndex: roundId.slotIndex,
      outcome,
      code: error === null ? null : codeOf(error),
      sentence: error instanceof Error ? error.message : null,
      atMs: this.#o.nowMs(),
    };
    this.#status = { ...this.#status, phase: 'idle', lastRound: summary };
    this.#o.onRound?.(summary);
    this.#o.log.info(
      { slotIndex: roundId.slotIndex, outcome, code: summary.code },
      'round finished',
    );
  }

  /** Where the fault leaves the node, and how long to wait. */
  #afterFault(error: unknown, backoffMs: number): number {
    const code = codeOf(error);
    const sentence = error instanceof Error ? error.message : 'failed';
    if (error instanceof FederationError && error.retryable) {
      this.#set('unreachable', sentence, code);
      return Math.max(backoffMs, error.retryAfterMs ?? 0);
    }
    // The next attempt greets again: the cause may have been on the other side.
    this.#calendar = null;
    this.#set('needs-operator', sentence, code);
    return OPERATOR_POLL_MS;
  }

  #set(
    phase: AgentPhase,
    sentence: string,
    code: string | null,
    more: Partial<AgentStatus> = {},
  ): void {
    this.#status = { ...this.#status, ...more, phase, sentence, code };
  }
}

/** What the orchestrator is told: no more than the closed list. */
function reasonOf(error: unknown): DeclineReason {
  if (error instanceof RoundRefusedError) return error.reason;
  return error instanceof AccessLogError ? 'not-ready' : 'local-policy';
}

/** What is expected now and then needs no stack. */
function detailOf(error: unknown): object {
  return error instanceof FederationError ? { sentence: error.message } : { err: error };
}
