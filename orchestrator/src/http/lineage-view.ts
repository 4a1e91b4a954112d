/**
 * Models from genesis on, each with where it comes from and what became of its detector.
 * @module
 */
import { baseModelOf } from '../lineage.js';
import { roundName, type Interval } from '../protocol/identifiers.js';
import { decodeManifest, type Manifest } from '../protocol/manifest.js';
import type { FederationStore, ModelRow, Publication, ChannelVote } from '../store/store.js';

export interface ModelView {
  readonly digest: string;
  readonly sequence: number;
  /** Empty for genesis. */
  readonly parent: string;
  readonly state: ModelRow['state'];
  /** Whether the next round starts from it. */
  readonly isBase: boolean;
  /** Null for genesis. */
  readonly provenance: Readonly<{
    round: string;
    slotIndex: number;
    attempt: number;
    manifest: string;
    planHash: string;
    interval: Interval;
    contributors: readonly Readonly<{ nodeId: string; influencePpm: number }>[];
    rule: string;
    privacy: Manifest['privacy'];
  }> | null;
  readonly publication: Readonly<
    Pick<
      Publication,
      'state' | 'version' | 'detector' | 'calibration' | 'reason' | 'tries' | 'proposedAtMs'
    >
  > | null;
}

/** What going back to an older detector takes, and how the hospitals voted on the channel. */
export interface RollbackView {
  readonly active: number | null;
  /** Votes of different hospitals. */
  readonly needed: number;
  /** Organisations whose word counts. */
  readonly hospitals: readonly string[];
  /** Versions that were active before, the newest first. */
  readonly candidates: readonly Readonly<{ version: number; detector: string; model: string }>[];
  /** Votes on detectors, wherever they were cast, newest first. */
  readonly votes: readonly ChannelVote[];
}

const VOTES = 50;

export async function rollbackView(
  o: Readonly<{ store: FederationStore; attestations: number }>,
): Promise<RollbackView> {
  const publications = await o.store.publications.list({ states: ['active', 'superseded'] });
  const members = (await o.store.roster.list()).filter((each) => each.state === 'active');
  const active = publications.find((each) => each.state === 'active');
  return {
    active: active?.version ?? null,
    needed: o.attestations,
    votes: await o.store.votes.newest('detectors', VOTES),
    hospitals: members.map((each) => each.mspId).sort(),
    candidates: publications
      .flatMap(({ state, version, detector, model }) =>
        state === 'superseded' && version !== null ? [{ version, detector, model }] : [],
      )
      .sort((a, b) => b.version - a.version),
  };
}

/** Newest first. */
export async function modelViews(
  store: FederationStore,
  slotLengthMs: number,
): Promise<readonly ModelView[]> {
  const models = await store.lineage.models();
  if (models.length === 0) return [];
  const base = baseModelOf(models);
  const publications = new Map((await store.publications.list()).map((p) => [p.model, p]));
  const manifests = new Map(
    (await store.lineage.manifestsAfter(-1, Number.MAX_SAFE_INTEGER)).map((m) => [m.digest, m]),
  );
  return models.toReversed().map((model) => {
    const stored = manifests.get(model.manifest);
    const publication = publications.get(model.digest);
    return {
      digest: model.digest,
      sequence: model.sequence,
      parent: model.parent,
      state: model.state,
      isBase: model.digest === base.digest,
      provenance:
        stored === undefined
          ? null
          : provenanceOf(stored.digest, decodeManifest(stored.bytes), slotLengthMs),
      publication: publication === undefined ? null : publicationView(publication),
    };
  });
}

function publicationView(publication: Publication): NonNullable<ModelView['publication']> {
  const { state, version, detector, calibration, reason, tries, proposedAtMs } = publication;
  return { state, version, detector, calibration, reason, tries, proposedAtMs };
}

function provenanceOf(
  digest: string,
  manifest: Manifest,
  slotLengthMs: number,
): NonNullable<ModelView['provenance']> {
  return {
    round: roundName(manifest.roundId, slotLengthMs),
    slotIndex: manifest.roundId.slotIndex,
    attempt: manifest.roundId.attempt,
    manifest: digest,
    planHash: manifest.planHash,
    interval: manifest.interval,
    contributors: manifest.contributions
      .filter((each) => each.verdict === 'accepted')
      .map(({ nodeId, influencePpm }) => ({ nodeId, influencePpm })),
    rule: manifest.aggregation.rule,
    privacy: manifest.privacy,
  };
}
