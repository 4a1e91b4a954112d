/**
 * Moves rounds: asks the calendar, fires timers, steps the state machine, stores each step before its effects run, and
 * runs the effects, which return as events. Everything it needs to go on after a crash is in the store.
 * Design: federation §2.4, §2.5.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import { AggregationError } from './errors.js';
import { applyEvent, type Attached } from './apply-event.js';
import { createUpdateSum } from './aggregation/federated-average.js';
import { createHistogramSum } from './aggregation/histogram-sum.js';
import {
  decodeOptimiserState,
  encodeOptimiserState,
  optimise,
  type OptimisedModel,
} from './aggregation/server-optimiser.js';
import { CLOCK_WRONG_MS, medianClockOffsetMs } from './clock-watch.js';
import { activeMembers, recordFounders } from './enrolment/roster.js';
import { SILENT, type Federation, type Log, type Signer } from './federation.js';
import { baseModelOf, newestManifestOf } from './lineage.js';
import { encodeManifest, manifestDigest } from './protocol/manifest.js';
import { decodeParameters, encodeParameters } from './protocol/parameters.js';
import { decodeReleases, type ReleasedVectors } from './protocol/releases.js';
import { EQUAL_WEIGHT, manifestOf } from './round-manifest.js';
import {
  dueSlots,
  intervalOf,
  isQuiet,
  isTriedAgain,
  mergedSlotCount,
  slotAt,
  slotStartMs,
} from './round/calendar.js';
import {
  nodesIn,
  type Effect,
  type Round,
  type RoundEvent,
  type SkipReason,
} from './round/round.js';
import { scheduleRound, type RoundFacts } from './round/step.js';
import type { ObjectStore } from './store/objects.js';
import type { FederationStore, OpenEffect, RoundKey } from './store/store.js';

/** What is told to whoever watches; the demo and the metrics do. */
export interface RoundObserver {
  /** After every event that a round took. */
  changed?(round: Round): void;
  phase?(round: Round): void;
  event?(kind: RoundEvent['kind'], applied: boolean): void;
  alert?(round: Round, about: string): void;
}

export interface RoundRunnerOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly signer: Signer;
  readonly nowMs: () => number;
  readonly log?: Log;
  readonly observer?: RoundObserver;
}

/** What a manifest says of the accepted submissions beside their mean. */
interface Derived {
  /** Share of the squared norm in millionths, by node. */
  readonly influencePpm: ReadonlyMap<string, number>;
  readonly scoreHistogram: readonly number[] | null;
}

const EFFECT_BACKOFF_MAX_MS = 60_000;

export class RoundRunner {
  readonly #o: RoundRunnerOptions;
  readonly #log: Log;
  /** Derived while aggregating and thrown away with the process; made again where it is missing. */
  #derived: { readonly round: string; readonly facts: Derived } | null = null;

  constructor(options: RoundRunnerOptions) {
    this.#o = options;
    this.#log = options.log ?? SILENT;
  }

  /** Puts the federation's first facts on record; harmless when they are there already. */
  async initialise(): Promise<void> {
    const { store, objects, federation, nowMs } = this.#o;
    await objects.put(federation.plan.bytes);
    await store.lineage.recordGenesis(await objects.put(federation.genesisModel));
    await recordFounders(store, federation.hospitals);
    if ((await store.fact('first-slot')) === null) {
      // The slot that is running now is put aside; rounds begin at the next boundary.
      const current = slotAt(nowMs(), federation.policy.slotLengthMs);
      await store.setFact('first-slot', String(current));
    }
  }

  /** Fires what is due and runs the effects. Call it from one place at a time. */
  async settle(): Promise<void> {
    await this.#fireTimers();
    await this.#runEffects();
  }

  /** When there will be something to do at the latest, if nothing else happens; null for never. */
  async nextDueMs(): Promise<number | null> {
    const { store, federation, nowMs } = this.#o;
    const open = await store.rounds.findOpen();
    const effect = await store.rounds.nextEffectAtMs();
    const candidates = open === null ? [] : Object.values(open.round.timers);
    if (effect !== null) candidates.push(effect);
    if (open === null && !(await this.isDone())) candidates.push(this.nextSlotMs(nowMs()));
    return candidates.length === 0 ? null : Math.min(...candidates, slotEnd(federation, nowMs()));
  }

  nextSlotMs(nowMs: number): number {
    return slotEnd(this.#o.federation, nowMs);
  }

  /** Whether the policy's number of rounds has been sealed. */
  async isDone(): Promise<boolean> {
    const { roundsMax } = this.#o.federation.policy;
    return roundsMax !== null && (await this.#o.store.rounds.count('sealed')) >= roundsMax;
  }

  /** `applyEvent`, told to whoever watches. */
  async apply(
    key: RoundKey,
    event: RoundEvent,
    attached: Attached | ((next: Round) => Attached) = {},
  ): Promise<Readonly<{ round: Round; applied: boolean }>> {
    const outcome = await applyEvent(this.#o.store.rounds, key, event, attached);
    if (outcome.applied) this.#announce(outcome.before, outcome.round, event, outcome.effects);
    else this.#o.observer?.event?.(event.kind, false);
    return outcome;
  }

  #announce(before: Round, after: Round, event: RoundEvent, effects: readonly Effect[]): void {
    const { observer } = this.#o;
    observer?.event?.(event.kind, true);
    observer?.changed?.(after);
    const facts = { slotIndex: after.id.slotIndex, attempt: after.id.attempt, phase: after.phase };
    if (before.phase !== after.phase) {
      this.#log.info({ ...facts, outcome: after.outcome }, 'round entered a phase');
      observer?.phase?.(after);
    }
    for (const effect of effects) {
      if (effect.kind !== 'alert') continue;
      this.#log.warn({ ...facts, about: effect.about }, 'round needs attention');
      observer?.alert?.(after, effect.about);
    }
  }

  async #fireTimers(): Promise<void> {
    const open = await this.#o.store.rounds.findOpen();
    if (open === null) return;
    const nowMs = this.#o.nowMs();
    const due = Object.entries(open.round.timers)
      .filter(([, atMs]) => atMs <= nowMs)
      .sort(([, a], [, b]) => a - b);
    for (const [name, armedForMs] of due) {
      // A timer that an earlier one disarmed no longer fits and changes nothing.
      const event = { kind: 'timer', name, armedForMs, atMs: nowMs } as RoundEvent;
      await this.apply(open.round.id, event);
    }
  }

  /** Opens the slot that is due, if no round is open. What was sealed should have passed its gate before. */
  async openDueSlot(): Promise<void> {
    const { store, federation, nowMs } = this.#o;
    if ((await store.rounds.findOpen()) !== null || (await this.isDone())) return;
    const newest = (await store.rounds.newestSlot()) ?? Number(await store.fact('first-slot'));
    const atMs = nowMs();
    const due = dueSlots(newest, atMs, federation.policy);
    const again = await this.#triedAgain(atMs);
    for (const slotIndex of due.missed) {
      await this.#schedule({ slotIndex, attempt: 1 }, 'missed', atMs);
    }
    const key = due.open === null ? again : { slotIndex: due.open, attempt: 1 };
    // What keeps a slot from running keeps its second attempt from running.
    if (key !== null) await this.#schedule(key, await this.#reasonToSkip(key.slotIndex), atMs);
  }

  /** The second attempt of the newest round, if it is due. */
  async #triedAgain(atMs: number): Promise<RoundKey | null> {
    const [newest] = await this.#o.store.rounds.newest({ limit: 1 });
    if (newest === undefined || !isTriedAgain(newest.round, atMs)) return null;
    const { slotIndex, attempt } = newest.round.id;
    return { slotIndex, attempt: attempt + 1 };
  }

  async #reasonToSkip(slotIndex: number): Promise<SkipReason | null> {
    const { store, federation, nowMs } = this.#o;
    if ((await store.fact('paused')) === 'true') return 'paused';
    if (isQuiet(slotIndex, federation.policy)) return 'quiet-hours';
    const offsetMs = medianClockOffsetMs(
      await activeMembers(store),
      nowMs(),
      federation.policy.slotLengthMs,
    );
    if (offsetMs !== null && Math.abs(offsetMs) > CLOCK_WRONG_MS) return 'clock';
    const waiting = await store.publications.list({ states: ['queued', 'built', 'proposed'] });
    return waiting.length >= federation.policy.publicationBacklogMax ? 'backlog' : null;
  }

  async #schedule(key: RoundKey, skip: SkipReason | null, atMs: number): Promise<void> {
    const { store, federation } = this.#o;
    const { policy, replay } = federation;
    const models = await store.lineage.models();
    const base = baseModelOf(models);
    const newestSealed =
      (await store.lineage.newestManifest())?.key.slotIndex ??
      Number(await store.fact('first-slot'));
    const slotCount = mergedSlotCount(key.slotIndex, newestSealed, policy, replay);
    const facts: RoundFacts = {
      id: { federationId: federation.federationId, ...key },
      policy,
      planHash: federation.plan.hash,
      layoutHash: federation.layoutHash,
      baseModel: base.digest,
      optimiserState: await this.#carriedState(base.optimiserState),
      previousManifest: newestManifestOf(models),
      interval: intervalOf(key.slotIndex, policy.slotLengthMs, replay, slotCount),
      roster: (await activeMembers(store)).map((each) => each.nodeId),
    };
    const { round, effects } = scheduleRound(facts, { atMs, skip });
    const event = { kind: 'slot-due', atMs } as const;
    const first = await store.rounds.commit({ expectedVersion: null, round, event, effects });
    if (!first) return;
    this.#log.info({ ...key, phase: round.phase, outcome: skip }, 'round entered a phase');
    this.#o.observer?.phase?.(round);
  }

  /** What the base model's optimiser left, unless another rule left it: then the rule starts afresh. */
  async #carriedState(digest: string): Promise<string> {
    const { rule } = this.#o.federation.policy.optimiser;
    if (digest === '' || rule === 'fedavg') return '';
    return decodeOptimiserState(rule, await this.#bytes(digest)) === null ? '' : digest;
  }

  async #runEffects(): Promise<void> {
    // An effect's event may enqueue the next one; a round has two, so this ends.
    for (;;) {
      const due = await this.#o.store.rounds.dueEffects(this.#o.nowMs());
      if (due.length === 0) return;
      for (const effect of due) await this.#runEffect(effect);
    }
  }

  async #runEffect(effect: OpenEffect): Promise<void> {
    try {
      if (effect.kind === 'aggregate') await this.#aggregate(effect);
      else await this.#seal(effect);
    } catch (cause) {
      if (cause instanceof AggregationError) return this.#giveUp(effect, cause);
      const waitMs = Math.min(1_000 * 2 ** effect.tries, EFFECT_BACKOFF_MAX_MS);
      const error = cause instanceof Error ? cause.message : 'unknown';
      this.#log.error({ effect: effect.effectKey, tries: effect.tries, error }, 'effect failed');
      await this.#o.store.rounds.postponeEffect(effect.effectKey, this.#o.nowMs() + waitMs, error);
    }
  }

  /** Deterministic: it would fail again, so the round ends and says so. */
  async #giveUp(effect: OpenEffect, cause: AggregationError): Promise<void> {
    const reason = cause.code === 'ERR_MODEL_RANGE' ? 'model-range' : 'aggregate-failed';
    const { slotIndex } = effect.key;
    this.#log.error({ slotIndex, code: cause.code, ...cause.facts }, 'aggregation failed');
    await this.apply(
      effect.key,
      { kind: 'aggregate-failed', reason, atMs: this.#o.nowMs() },
      { completes: effect.effectKey },
    );
  }

  /** Averages the frozen set. The same set gives the same digest, however often this runs. */
  async #aggregate(effect: OpenEffect): Promise<void> {
    const { store, objects, nowMs } = this.#o;
    const stored = await store.rounds.find(effect.key);
    if (stored?.round.phase !== 'aggregating') return store.rounds.completeEffect(effect.effectKey);
    const { rule } = stored.round.policy.optimiser;
    const { parameters, state } = await this.#average(stored.round);
    const resultModel = await objects.put(encodeParameters(parameters));
    const optimiserState =
      state === null ? '' : await objects.put(encodeOptimiserState(rule, state));
    await this.apply(
      effect.key,
      { kind: 'aggregated', resultModel, optimiserState, atMs: nowMs() },
      { completes: effect.effectKey },
    );
  }

  async #average(round: Round): Promise<OptimisedModel> {
    const total = createUpdateSum(this.#o.federation.plan.parameterCount);
    await this.#derive(round, (update) => total.add(update, EQUAL_WEIGHT));
    const { rate, optimiser } = round.policy;
    const carried = round.optimiserState;
    return optimise({
      optimiser: { ...optimiser, rate },
      base: await this.#vector(round.baseModel),
      total,
      state:
        carried === '' ? null : decodeOptimiserState(optimiser.rule, await this.#bytes(carried)),
    });
  }

  async #derivedOf(round: Round): Promise<Derived> {
    return this.#derived?.round === slotName(round) ? this.#derived.facts : this.#derive(round);
  }

  /** Reads the accepted submissions once, in the canonical order. */
  async #derive(round: Round, each?: (update: Int32Array) => void): Promise<Derived> {
    const { histogram } = this.#o.federation.plan;
    const counts = createHistogramSum(histogram?.bins ?? 0);
    const energies = new Map<string, number>();
    for (const nodeId of nodesIn(round, 'accepted')) {
      const { update, scoreHistogram } = await this.#submitted(round.members[nodeId]!.update);
      each?.(update);
      energies.set(nodeId, squaredNorm(update));
      if (scoreHistogram !== null) counts.add(scoreHistogram);
    }
    const facts: Derived = {
      influencePpm: sharesPpm(energies),
      scoreHistogram: histogram === null ? null : counts.counts,
    };
    this.#derived = { round: slotName(round), facts };
    return facts;
  }

  async #seal(effect: OpenEffect): Promise<void> {
    const { store, objects, signer, federation, nowMs } = this.#o;
    const stored = await store.rounds.find(effect.key);
    if (stored?.round.phase !== 'sealing') return store.rounds.completeEffect(effect.effectKey);
    const { round } = stored;
    const manifest = manifestOf({
      round,
      plan: federation.plan,
      submissions: await store.rounds.submissions(effect.key),
      ...(await this.#derivedOf(round)),
    });
    const bytes = encodeManifest(manifest);
    const digest = manifestDigest(bytes);
    await objects.put(bytes);
    await this.apply(
      effect.key,
      { kind: 'manifest-signed', manifest: digest, atMs: nowMs() },
      {
        completes: effect.effectKey,
        manifest: {
          key: effect.key,
          digest,
          previous: round.previousManifest,
          resultModel: round.resultModel,
          bytes,
          signature: signer.sign('bhs-manifest-v1', bytes),
          signer: signer.certificatePem,
        },
      },
    );
  }

  async #submitted(digest: string): Promise<ReleasedVectors> {
    const { parameterCount, histogram } = this.#o.federation.plan;
    const histogramBins = histogram?.bins ?? 0;
    return decodeReleases(await this.#bytes(digest), { parameterCount, histogramBins });
  }

  async #vector(digest: string): Promise<Int32Array> {
    return decodeParameters(await this.#bytes(digest), this.#o.federation.plan.parameterCount);
  }

  async #bytes(digest: string): Promise<Uint8Array> {
    const bytes = await this.#o.objects.get(digest);
    if (bytes === null) throw new Error(`object ${digest} is missing`);
    // What was screened is what counts: a store that has other bytes under the name has none that may be averaged.
    if (sha256Hex(bytes) !== digest) {
      throw new AggregationError('ERR_OBJECT_DIGEST', `object ${digest}: not these bytes`, {
        digest,
      });
    }
    return bytes;
  }
}

function slotEnd(federation: Federation, nowMs: number): number {
  const { slotLengthMs } = federation.policy;
  return slotStartMs(slotAt(nowMs, slotLengthMs) + 1, slotLengthMs);
}

function slotName(round: Round): string {
  return `${round.id.slotIndex}.${round.id.attempt}`;
}

function squaredNorm(update: Int32Array): number {
  let sum = 0;
  for (const entry of update) sum += entry * entry;
  return sum;
}

/** Shares of the whole in millionths, rounded down; zeros where there is nothing to share. */
function sharesPpm(energies: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  let whole = 0;
  for (const energy of energies.values()) whole += energy;
  return new Map(
    [...energies].map(([nodeId, energy]) => [
      nodeId,
      whole === 0 ? 0 : Math.floor((energy / whole) * 1e6),
    ]),
  );
}
