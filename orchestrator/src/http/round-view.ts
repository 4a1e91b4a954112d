/**
 * Rounds as the dashboard shows them: a timeline with one lane a node, and one page a round. Only what the orchestrator
 * knows anyway; when a node said that it trains is left out, since training time depends on private counts.
 * @module
 */
import { roundName } from '../protocol/identifiers.js';
import {
  decodeManifest,
  verifyManifest,
  type Contribution,
  type Manifest,
} from '../protocol/manifest.js';
import { decodeReceipt } from '../protocol/receipt.js';
import type { MemberState, Phase, Round, RoundEvent } from '../round/round.js';
import { roundSummary, type RoundSummary } from '../status.js';
import type { FederationStore, Review, RoundKey } from '../store/store.js';

/** A stretch of a round in one phase. */
export interface PhaseBar {
  readonly phase: Exclude<Phase, 'sealed' | 'skipped' | 'aborted'>;
  readonly fromMs: number;
  /** Null while it lasts. */
  readonly toMs: number | null;
}

/** A node in a round. */
export interface Lane {
  readonly nodeId: string;
  readonly state: MemberState;
  readonly reason: string;
  /** When its update or its refusal came; null before, and for who stayed away. */
  readonly atMs: number | null;
}

export interface TimelineRound extends RoundSummary {
  readonly startedAtMs: number;
  /** The latest moment at which it ends. */
  readonly boundMs: number;
  readonly phases: readonly PhaseBar[];
  readonly lanes: readonly Lane[];
}

export function timelineRound(round: Round, events: readonly RoundEvent[]): TimelineRound {
  const { policy } = round;
  return {
    ...roundSummary(round),
    startedAtMs: round.scheduledAtMs,
    boundMs:
      round.endedAtMs ??
      (round.openedAtMs ?? round.timers.open ?? round.scheduledAtMs) +
        policy.gatherMaxMs +
        policy.collectMaxMs +
        policy.sealMaxMs,
    phases: phasesOf(round),
    lanes: lanesOf(round, events),
  };
}

function phasesOf(round: Round): readonly PhaseBar[] {
  const starts = [
    ['scheduled', round.scheduledAtMs],
    ['gathering', round.openedAtMs],
    ['collecting', round.collectingAtMs],
    ['aggregating', round.closedAtMs],
  ] as const;
  const reached = starts.filter(([, atMs]) => atMs !== null);
  if (round.phase === 'skipped' && round.openedAtMs === null) return [];
  return reached.map(([phase, atMs], index) => ({
    phase,
    fromMs: atMs!,
    toMs: reached[index + 1]?.[1] ?? round.endedAtMs,
  }));
}

function lanesOf(round: Round, events: readonly RoundEvent[]): readonly Lane[] {
  return Object.entries(round.members).map(([nodeId, { state, reason }]) => ({
    nodeId,
    state,
    reason,
    atMs:
      events.findLast(
        (each) =>
          (each.kind === 'submission' || each.kind === 'node-declined') && each.nodeId === nodeId,
      )?.atMs ?? null,
  }));
}

export interface EventView {
  readonly kind: string;
  /** Null for what a node says about its training. */
  readonly atMs: number | null;
  /** In words. */
  readonly what: string;
}

export interface ReceiptView {
  readonly nodeId: string;
  readonly verdict: string;
  readonly reason: string;
  readonly atMs: number;
  readonly update: string;
  readonly envelope: string;
}

export interface ManifestView {
  readonly digest: string;
  readonly previous: string;
  /** Base64 of the signature, and whether it checks against the certificate beside it and the chain. */
  readonly signature: string;
  readonly signerCertificate: string;
  readonly checks: boolean;
  readonly problem: string;
  readonly contributions: readonly Contribution[];
  readonly privacy: Manifest['privacy'];
  readonly document: Manifest;
}

export interface RoundPage extends TimelineRound {
  readonly policy: Round['policy'];
  readonly policyHash: string;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly events: readonly EventView[];
  readonly receipts: readonly ReceiptView[];
  readonly reviews: readonly ReviewView[];
  readonly sealed: ManifestView | null;
  /** What a hospital and what the orchestrator's own operator type to recompute it. */
  readonly replay: Readonly<{ node: string; orchestrator: string }>;
}

export interface ReviewView {
  readonly nodeId: string;
  readonly person: string;
  readonly mspId: string;
  readonly disposition: Review['disposition'];
  readonly reason: string;
  readonly atMs: number;
}

/** Null if there is no such round. */
export async function roundPage(
  o: Readonly<{ store: FederationStore; federationId: string; trustedSigners: readonly string[] }>,
  key: RoundKey,
): Promise<RoundPage | null> {
  const { store } = o;
  const stored = await store.rounds.find(key);
  if (stored === null) return null;
  const { round } = stored;
  const events = await store.rounds.events(key);
  const submissions = await store.rounds.submissions(key);
  const reviews: ReviewView[] = (await store.reviews.list(key, '')).map(reviewView);
  for (const nodeId of Object.keys(round.members)) {
    reviews.push(...(await store.reviews.list(key, nodeId)).map(reviewView));
  }
  const name = roundName(round.id, round.policy.slotLengthMs);
  return {
    ...timelineRound(round, events),
    policy: round.policy,
    policyHash: round.policyHash,
    planHash: round.planHash,
    layoutHash: round.layoutHash,
    baseModel: round.baseModel,
    events: events.map(eventView),
    receipts: submissions.map((each) => {
      const { nodeId, verdict, reason, atMs, update, envelope } = decodeReceipt(each.receipt);
      return { nodeId, verdict, reason, atMs, update, envelope };
    }),
    reviews,
    sealed: await sealedOf(o, key),
    replay: {
      node: `bhs-node verify-round ${name} --config node.yaml`,
      orchestrator: `bhs-orchestrator replay ${name} --config orchestrator.yaml`,
    },
  };
}

export function reviewView(each: Review): ReviewView {
  const { nodeId, person, mspId, disposition, reason, atMs } = each;
  return { nodeId, person, mspId, disposition, reason, atMs };
}

async function sealedOf(
  o: Readonly<{ store: FederationStore; federationId: string; trustedSigners: readonly string[] }>,
  key: RoundKey,
): Promise<ManifestView | null> {
  const stored = await o.store.lineage.manifest(key);
  if (stored === null) return null;
  const document = decodeManifest(stored.bytes);
  let problem = '';
  try {
    verifyManifest({
      bytes: stored.bytes,
      signature: stored.signature,
      signerCertificate: stored.signer,
      trustedSigners: o.trustedSigners,
      federationId: o.federationId,
      previousManifest: stored.previous,
    });
  } catch (cause) {
    problem = cause instanceof Error ? cause.message : 'it does not check';
  }
  return {
    digest: stored.digest,
    previous: stored.previous,
    signature: Buffer.from(stored.signature).toString('base64'),
    signerCertificate: stored.signer,
    checks: problem === '',
    problem,
    contributions: document.contributions,
    privacy: document.privacy,
    document,
  };
}

function eventView(event: RoundEvent | Readonly<{ kind: 'slot-due'; atMs: number }>): EventView {
  return {
    kind: event.kind,
    atMs: event.kind === 'node-phase' ? null : event.atMs,
    what: wordsOf(event),
  };
}

const TIMERS = {
  open: 'the round opened',
  gather: 'the time to gather was over',
  grace: 'the grace was over',
  deadline: 'the deadline came',
  seal: 'sealing took longer than it should',
} as const;

function wordsOf(event: RoundEvent | Readonly<{ kind: 'slot-due'; atMs: number }>): string {
  switch (event.kind) {
    case 'slot-due':
      return 'the slot was due';
    case 'timer':
      return TIMERS[event.name];
    case 'node-ready':
      return `${event.nodeId} was ready`;
    case 'node-revoked':
      return `${event.nodeId} was revoked`;
    case 'node-phase':
      return `${event.nodeId} said it was ${event.phase}`;
    case 'node-declined':
      return `${event.nodeId} declined: ${event.reason}`;
    case 'submission': {
      const { kind, reason } = event.verdict;
      return `the update of ${event.nodeId} was ${kind}${reason === '' ? '' : `: ${reason}`}`;
    }
    case 'review':
      return `${event.reviewers.join(' and ')} chose to ${event.disposition} the update of ${event.nodeId}`;
    case 'aggregated':
      return `the average is model ${event.resultModel.slice(0, 12)}…`;
    case 'aggregate-failed':
      return `no average: ${event.reason}`;
    case 'manifest-signed':
      return `manifest ${event.manifest.slice(0, 12)}… was signed`;
    case 'abort':
      return `${event.by.join(' and ')} aborted the round`;
  }
}
