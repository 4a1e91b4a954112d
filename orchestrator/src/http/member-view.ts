/**
 * Hospitals as the dashboard shows them: how their nodes are, what they asked for, and what privacy the sealed manifests
 * say was spent. Never their data: no windows, no losses, no times of training.
 * @module
 */
import type { Authority } from '../enrolment/authority.js';
import { decodeManifest, type Manifest } from '../protocol/manifest.js';
import type { MemberState, Round } from '../round/round.js';
import type { DeclaredBudget, EnrolmentRequest, FederationStore, NodeRow } from '../store/store.js';

export interface NodeView {
  readonly nodeId: string;
  readonly mspId: string;
  readonly state: NodeRow['state'];
  readonly admitted: boolean;
  /** Null for one that was never seen. */
  readonly lastSeenMs: number | null;
  readonly clockOffsetMs: number | null;
  readonly software: string;
  readonly kernelHash: string;
  /** Number of the newest entry of its privacy ledger that it showed; null for none. */
  readonly ledgerSeq: number | null;
  /** Null if this authority never certified it. */
  readonly certificateExpiresMs: number | null;
  /** Newest first, at most five. */
  readonly outcomes: readonly Readonly<{
    slotIndex: number;
    attempt: number;
    state: MemberState;
  }>[];
}

export interface RequestView {
  readonly requestId: string;
  readonly nodeId: string;
  readonly state: EnrolmentRequest['state'] | 'lapsed';
  readonly fingerprint: string;
  readonly reason: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

const OUTCOMES = 5;

export async function nodeViews(
  o: Readonly<{ store: FederationStore; authority: Authority }>,
): Promise<readonly NodeView[]> {
  const rounds = (await o.store.rounds.newest({ limit: 20 }))
    .map((each) => each.round)
    .filter((round) => round.endedAtMs !== null && round.collectingAtMs !== null);
  const expiries = o.authority.expiriesMs();
  return (await o.store.roster.list()).map((node) => ({
    nodeId: node.nodeId,
    mspId: node.mspId,
    state: node.state,
    admitted: node.admitted,
    lastSeenMs: node.lastSeenMs === 0 ? null : node.lastSeenMs,
    clockOffsetMs: node.lastSeenMs === 0 ? null : node.clockOffsetMs,
    software: node.software,
    kernelHash: node.kernelHash,
    ledgerSeq: node.ledgerHead?.seq ?? null,
    certificateExpiresMs: expiries.get(node.nodeId) ?? null,
    outcomes: outcomesOf(rounds, node.nodeId),
  }));
}

function outcomesOf(rounds: readonly Round[], nodeId: string): NodeView['outcomes'] {
  return rounds
    .flatMap(({ id, members }) => {
      const member = members[nodeId];
      return member === undefined
        ? []
        : [{ slotIndex: id.slotIndex, attempt: id.attempt, state: member.state }];
    })
    .slice(0, OUTCOMES);
}

export async function requestViews(
  store: FederationStore,
  nowMs: number,
): Promise<readonly RequestView[]> {
  return (await store.enrolment.requests()).toReversed().map((each) => ({
    requestId: each.requestId,
    nodeId: each.nodeId,
    state: each.state === 'pending' && each.expiresAtMs <= nowMs ? 'lapsed' : each.state,
    fingerprint: each.fingerprint,
    reason: each.reason,
    createdAtMs: each.createdAtMs,
    expiresAtMs: each.expiresAtMs,
  }));
}

export interface PrivacyView {
  readonly plan: Manifest['privacy'];
  readonly nodes: readonly Readonly<{
    nodeId: string;
    /** Sealed rounds that its update went into, of those in which it was in the cohort. */
    contributed: number;
    cohorts: number;
    /** Rounds it declined because its own ledger said that its budget was spent. */
    declinedForBudget: number;
    /** What the hospital says of its own budget, as it came; null where it says nothing. */
    declared: Omit<DeclaredBudget, 'nodeId'> | null;
  }>[];
  readonly sealedRounds: number;
}

/** From sealed manifests and the plan only. */
export async function privacyView(
  store: FederationStore,
  plan: Manifest['privacy'],
): Promise<PrivacyView> {
  const manifests = (await store.lineage.manifestsAfter(-1, Number.MAX_SAFE_INTEGER)).map((each) =>
    decodeManifest(each.bytes),
  );
  const nodes = await store.roster.list();
  const budgets = await store.budgets.byNode();
  return {
    plan,
    sealedRounds: manifests.length,
    nodes: nodes.map(({ nodeId }) => {
      const parts = manifests.flatMap((each) =>
        each.contributions.filter((part) => part.nodeId === nodeId),
      );
      return {
        nodeId,
        contributed: parts.filter((part) => part.verdict === 'accepted').length,
        cohorts: parts.length,
        declinedForBudget: parts.filter((part) => part.reason === 'budget-exhausted').length,
        declared: declaredOf(budgets.get(nodeId)),
      };
    }),
  };
}

function declaredOf(said: DeclaredBudget | undefined): PrivacyView['nodes'][number]['declared'] {
  if (said === undefined) return null;
  const { spentMicro, ceilingMicro, horizonDays, deltaExponent, roundsLeft, ledgerSeq, atMs } =
    said;
  return { spentMicro, ceilingMicro, horizonDays, deltaExponent, roundsLeft, ledgerSeq, atMs };
}
