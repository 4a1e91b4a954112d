/**
 * Takes sealed models to the channel, in order: built and gated, proposed, attested by m hospitals, active. The store
 * is the outbox; the channel may be away for as long as it likes. Design: federation §7, fabric §7.6.
 * @module
 */
import { canonicalJson, sha256Hex, type JsonValue } from '@bhschain/dp';
import { decodeTable, DetectorError, encodeTable, federatedTable } from '@bhschain/models/detector';
import { standingMembers } from '../enrolment/roster.js';
import { PublicationError } from '../errors.js';
import { SILENT, type Federation, type Log } from '../federation.js';
import { soundModels } from '../lineage.js';
import { roundName } from '../protocol/identifiers.js';
import { decodeManifest } from '../protocol/manifest.js';
import { sharedHistogramOf } from '../protocol/shared-histogram.js';
import type { NextDetectorFacts } from '../protocol/next-detector.js';
import { decodeParameters } from '../protocol/parameters.js';
import { majorityOf } from '../round/policy.js';
import type { ObjectStore } from '../store/objects.js';
import type {
  FederationStore,
  Publication,
  PublicationState,
  PublicationStore,
} from '../store/store.js';
import {
  ChannelRefusedError,
  ChannelUnavailableError,
  type GovernanceChannel,
  type ProposalEntry,
} from './channel.js';
import type { CanaryVerdict, DetectorBuilder } from './detector-builder.js';
import { nextVersion } from './version-numbers.js';

/** Detector 0 and its public table, as they ship. */
export interface GenesisDetector {
  readonly detector: Uint8Array;
  readonly table: Uint8Array;
}

export interface PublisherOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly channel: GovernanceChannel;
  readonly builder: DetectorBuilder;
  readonly genesis: GenesisDetector;
  /** What `FederationContract:configure` is given; canonical JSON. */
  readonly configuration: string;
  /** m: attestations that activate; more when the roster has grown so that m would be no majority. */
  readonly attestations: number;
  /** A proposal that m hospitals do not attest within this time is refused. */
  readonly attestMaxMs: number;
  readonly nowMs: () => number;
  readonly log?: Log;
  readonly moved?: (publication: Publication, state: PublicationState) => void;
}

const OPEN: readonly PublicationState[] = ['queued', 'built', 'proposed'];
/** Why a model was given up that is sound itself. */
const AVOIDED = 'comes of a model that is out of use';
const POLL_MS = 500;
const BACKOFF_MAX_MS = 60_000;

export class Publisher {
  readonly #o: PublisherOptions;
  readonly #log: Log;
  #lastError: string | null = null;

  constructor(options: PublisherOptions) {
    this.#o = options;
    this.#log = options.log ?? SILENT;
  }

  /** Why the channel did not take the last call, or null. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /**
   * Builds what was sealed and puts it through the gate. Needs no channel: a bad model is known at once, and the next
   * round does not start from it. True if there is something new for the channel.
   */
  async prepare(): Promise<boolean> {
    const queued = await this.#o.store.publications.list({ states: ['queued'] });
    for (const publication of queued) await this.#build(publication);
    return queued.length > 0;
  }

  /** Does what the channel lets it do now; returns when to come back, or null if nothing waits for the channel. */
  async advance(): Promise<number | null> {
    for (;;) {
      const [next] = await this.#o.store.publications.list({ states: OPEN });
      if (next === undefined || next.state === 'queued') return null;
      if (next.dueAtMs > this.#o.nowMs()) return next.dueAtMs;
      try {
        await this.#step(next);
        this.#lastError = null;
      } catch (cause) {
        await this.#failed(next, cause);
      }
    }
  }

  async #step(publication: Publication): Promise<void> {
    switch (publication.state) {
      case 'built':
        return (await this.#isSound())(publication)
          ? this.#propose(publication)
          : this.#discard(publication, AVOIDED);
      case 'proposed':
        return this.#activateWhenAttested(publication);
      default:
        throw new Error(`publication ${publication.sequence} is ${publication.state}`);
    }
  }

  /** Whether its model, and all that this comes of, may still be used: what comes of a model out of use goes nowhere. */
  async #isSound(): Promise<(publication: Publication) => boolean> {
    const sound = soundModels(await this.#o.store.lineage.models());
    const manifests = new Set(sound.map((each) => each.manifest));
    return ({ manifest }) => manifests.has(manifest);
  }

  async #build(publication: Publication): Promise<void> {
    const { store, objects, genesis, builder, federation } = this.#o;
    if (publication.key === null) {
      const detector = await objects.put(genesis.detector);
      const calibration = await objects.put(genesis.table);
      return this.#move(publication, 'built', { version: 0, detector, calibration });
    }
    const isSound = await this.#isSound();
    if (!isSound(publication)) return this.#discard(publication, AVOIDED);
    const earlier = (await store.publications.list()).filter(
      (each) => each.sequence < publication.sequence && each.version !== null,
    );
    const predecessor = earlier[earlier.length - 1];
    if (predecessor === undefined) throw new Error('detector 0 has not been built');
    const version = nextVersion(earlier, isSound);
    const previous = await this.#object(predecessor.detector);
    const manifest = await store.lineage.manifest(publication.key);
    if (manifest === null) throw new Error(`no manifest of slot ${publication.key.slotIndex}`);
    const { bytes, verdict } = buildAndJudge(builder, previous, {
      version,
      round: this.#roundName(publication),
      planHash: await this.#planHashOf(publication),
      manifestDigest: manifest.digest,
      parameters: decodeParameters(
        await this.#object(publication.model),
        federation.plan.parameterCount,
      ),
    });
    if (!verdict.passed) return this.#discard(publication, verdict.reason);
    const detector = await objects.put(bytes);
    const calibration = await objects.put(await this.#tableOf(manifest.bytes));
    return this.#move(publication, 'built', { version, detector, calibration });
  }

  /** The public table, moved where the round's histogram of scores says; as it is where the plan releases none. */
  async #tableOf(manifestBytes: Uint8Array): Promise<Uint8Array> {
    const { genesis } = this.#o;
    const manifest = decodeManifest(manifestBytes);
    const shared = await sharedHistogramOf(manifest, (digest) => this.#object(digest));
    if (shared === null) return genesis.table;
    return encodeTable(federatedTable(decodeTable(genesis.table), shared));
  }

  async #propose(publication: Publication): Promise<void> {
    const { channel, configuration, nowMs } = this.#o;
    const version = versionOf(publication);
    if (publication.key === null) await channel.configure(configuration);
    await channel.propose({
      version,
      detector: await this.#object(publication.detector),
      table: await this.#object(publication.calibration),
      entry: await this.#entryOf(publication),
    });
    await this.#move(publication, 'proposed', { proposedAtMs: nowMs(), dueAtMs: nowMs() });
  }

  async #activateWhenAttested(publication: Publication): Promise<void> {
    const { channel, store, attestations, attestMaxMs, nowMs } = this.#o;
    const version = versionOf(publication);
    const status = await channel.status(version);
    if (status === null) {
      // The channel was set back to a time before the proposal: it is made again.
      return this.#move(publication, 'built', { proposedAtMs: null });
    }
    if (status.modelHash !== publication.detector) {
      throw new PublicationError(
        'ERR_PUBLICATION_CONFLICT',
        `detector ${version}: the channel has ${status.modelHash}, we proposed ${publication.detector}`,
        { version },
      );
    }
    if (status.state === 'proposed') {
      if (!(await this.#isSound())(publication)) return this.#giveUp(publication, AVOIDED);
      const admitted = (await standingMembers(store)).filter((each) => each.admitted).length;
      if (status.attestedBy.length < Math.max(attestations, majorityOf(admitted))) {
        const waitedMs = nowMs() - (publication.proposedAtMs ?? nowMs());
        if (waitedMs < attestMaxMs) {
          return store.publications.update(publication.sequence, { dueAtMs: nowMs() + POLL_MS });
        }
        const reason = `attested by ${status.attestedBy.join(', ') || 'nobody'}`;
        return this.#giveUp(publication, reason);
      }
      await channel.activate(version);
    } else if (status.state !== 'active') {
      return this.#refused(publication, `channel says ${status.state}`);
    }
    await store.publications.activate(publication.sequence);
    await this.#audit('detector-activated', publication, { version });
    this.#log.info({ version, detector: publication.detector }, 'detector active');
    this.#o.moved?.(publication, 'active');
  }

  async #failed(publication: Publication, cause: unknown): Promise<void> {
    const error = cause instanceof Error ? cause.message : 'unknown';
    this.#lastError = error;
    const facts = { sequence: publication.sequence, state: publication.state, error };
    if (cause instanceof ChannelRefusedError && isFinal(cause.code)) {
      this.#log.error({ ...facts, code: cause.code }, 'the channel refused a detector');
      return this.#refused(publication, cause.code);
    }
    if (!(cause instanceof ChannelUnavailableError)) this.#log.error(facts, 'publication failed');
    else if (publication.tries === 0) this.#log.warn(facts, 'channel away; publication waits');
    const waitMs = Math.min(POLL_MS * 2 ** Math.min(publication.tries, 10), BACKOFF_MAX_MS);
    await this.#o.store.publications.update(publication.sequence, {
      tries: publication.tries + 1,
      dueAtMs: this.#o.nowMs() + waitMs,
      reason: error.slice(0, 200),
    });
  }

  /** Takes a proposal back from the channel. */
  async #giveUp(publication: Publication, reason: string): Promise<void> {
    await this.#o.channel.refuse(versionOf(publication), sha256Hex(reason));
    await this.#refused(publication, reason);
  }

  /** The model first: a crash in between leaves the publication to be refused again, and no round starts from it. */
  async #refused(publication: Publication, reason: string): Promise<void> {
    const { version, manifest } = publication;
    await this.#o.store.lineage.discardModel(manifest, reason);
    await this.#audit('detector-refused', publication, { version, reason });
    await this.#move(publication, 'refused', { reason });
  }

  async #discard(publication: Publication, reason: string): Promise<void> {
    await this.#o.store.lineage.discardModel(publication.manifest, reason);
    await this.#audit('model-discarded', publication, { reason });
    await this.#move(publication, 'discarded', { reason });
  }

  async #move(
    publication: Publication,
    state: PublicationState,
    change: Parameters<PublicationStore['update']>[1],
  ): Promise<void> {
    await this.#o.store.publications.update(publication.sequence, {
      tries: 0,
      reason: '',
      ...change,
      state,
    });
    this.#log.info({ sequence: publication.sequence, state, ...change }, 'publication moved');
    this.#o.moved?.({ ...publication, ...change, state }, state);
  }

  async #entryOf(publication: Publication): Promise<ProposalEntry> {
    const { privacy } = this.#o.federation.plan;
    if (publication.key === null) {
      // Public data only: nothing was spent.
      return {
        manifestDigest: '',
        round: '',
        planHash: '',
        unit: 'none',
        epsilonMicro: 0,
        deltaExponent: 0,
      };
    }
    return {
      manifestDigest: publication.manifest,
      round: this.#roundName(publication),
      planHash: await this.#planHashOf(publication),
      unit: privacy.unit,
      epsilonMicro: privacy.epsilonMicro,
      deltaExponent: privacy.deltaExponent,
    };
  }

  async #planHashOf(publication: Publication): Promise<string> {
    const stored =
      publication.key === null ? null : await this.#o.store.rounds.find(publication.key);
    return stored?.round.planHash ?? '';
  }

  #roundName(publication: Publication): string {
    const { federationId, policy } = this.#o.federation;
    return publication.key === null
      ? ''
      : roundName({ federationId, ...publication.key }, policy.slotLengthMs);
  }

  async #object(digest: string): Promise<Uint8Array> {
    const bytes = await this.#o.objects.get(digest);
    if (bytes === null) throw new Error(`object ${digest} is missing`);
    return bytes;
  }

  async #audit(
    kind: string,
    publication: Publication,
    facts: Readonly<Record<string, JsonValue>>,
  ): Promise<void> {
    await this.#o.store.audit.append(kind, this.#o.nowMs(), {
      sequence: publication.sequence,
      model: publication.model,
      ...facts,
    });
  }
}

/** A model that makes no detector at all is discarded like one that makes a bad one: trying again would not help. */
function buildAndJudge(
  builder: DetectorBuilder,
  previous: Uint8Array,
  facts: NextDetectorFacts,
): Readonly<{ bytes: Uint8Array; verdict: Pick<CanaryVerdict, 'passed' | 'reason'> }> {
  try {
    const bytes = builder.build(previous, facts);
    return { bytes, verdict: builder.judge(bytes, previous) };
  } catch (cause) {
    if (!(cause instanceof DetectorError)) throw cause;
    return { bytes: previous, verdict: { passed: false, reason: cause.code } };
  }
}

/** Refusals that another try cannot change. */
function isFinal(code: string): boolean {
  return [
    'ERR_DETECTOR_INVALID',
    'ERR_DETECTOR_VERSION',
    'ERR_DETECTOR_DIGEST',
    'ERR_DETECTOR_STATE',
  ].includes(code);
}

function versionOf(publication: Publication): number {
  if (publication.version === null) {
    throw new Error(`publication ${publication.sequence} has no version`);
  }
  return publication.version;
}

/** The configuration document of the channel. */
export function channelConfiguration(
  o: Readonly<{
    mspIds: readonly string[];
    attestations: number;
    replay: boolean;
    vocabulary: Readonly<{ hash: string; size: number }> | null;
  }>,
): string {
  return canonicalJson({
    attestations: o.attestations,
    hospitals: o.mspIds,
    replay: o.replay,
    vocabulary: o.vocabulary === null ? null : { ...o.vocabulary },
  });
}
