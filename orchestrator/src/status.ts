/**
 * What an operator wants to see at a glance, from stored facts.
 * @module
 */
import type { Federation } from './federation.js';
import { roundName } from './protocol/identifiers.js';
import type { Round } from './round/round.js';
import type { FederationStore } from './store/store.js';

export interface RoundSummary {
  readonly round: string;
  readonly slotIndex: number;
  readonly attempt: number;
  readonly phase: Round['phase'];
  readonly outcome: string | null;
  readonly accepted: readonly string[];
  readonly others: readonly Readonly<{ nodeId: string; state: string; reason: string }>[];
  readonly quorum: number;
  readonly interval: Round['interval'];
  readonly resultModel: string;
  readonly manifest: string;
  readonly endedAtMs: number | null;
}

export interface OrchestratorStatus {
  readonly federationId: string;
  readonly nowMs: number;
  readonly replay: boolean;
  readonly paused: boolean;
  readonly plan: Readonly<{ hash: string; unit: string; epsilonMicro: number }>;
  readonly rounds: Readonly<{ sealed: number; skipped: number; aborted: number }>;
  readonly current: RoundSummary | null;
  readonly last: RoundSummary | null;
  readonly nodes: readonly Readonly<{
    nodeId: string;
    mspId: string;
    state: string;
    lastSeenMs: number;
    clockOffsetMs: number;
  }>[];
  readonly publication: Readonly<{
    activeVersion: number | null;
    activeDetector: string;
    backlog: number;
    waiting: string;
  }>;
}

export function roundSummary(round: Round): RoundSummary {
  const members = Object.entries(round.members);
  return {
    round: roundName(round.id, round.policy.slotLengthMs),
    slotIndex: round.id.slotIndex,
    attempt: round.id.attempt,
    phase: round.phase,
    outcome: round.outcome,
    accepted: members.filter(([, member]) => member.state === 'accepted').map(([id]) => id),
    others: members
      .filter(([, member]) => member.state !== 'accepted')
      .map(([nodeId, { state, reason }]) => ({ nodeId, state, reason })),
    quorum: round.policy.quorum,
    interval: round.interval,
    resultModel: round.resultModel,
    manifest: round.manifest,
    endedAtMs: round.endedAtMs,
  };
}

export async function statusOf(
  o: Readonly<{
    federation: Pick<Federation, 'federationId' | 'replay'> & {
      readonly plan: Pick<Federation['plan'], 'hash' | 'privacy'>;
    };
    store: FederationStore;
    nowMs: number;
    waiting?: string | null;
  }>,
): Promise<OrchestratorStatus> {
  const { federation, store } = o;
  const open = await store.rounds.findOpen();
  const ended = (await store.rounds.newest({ limit: 8 })).find(
    (each) => each.round.endedAtMs !== null,
  );
  const publications = await store.publications.list();
  const active = publications.findLast((each) => each.state === 'active');
  const backlog = publications.filter((each) =>
    ['queued', 'built', 'proposed'].includes(each.state),
  );
  return {
    federationId: federation.federationId,
    nowMs: o.nowMs,
    replay: federation.replay !== null,
    paused: (await store.fact('paused')) === 'true',
    plan: {
      hash: federation.plan.hash,
      unit: federation.plan.privacy.unit,
      epsilonMicro: federation.plan.privacy.epsilonMicro,
    },
    rounds: {
      sealed: await store.rounds.count('sealed'),
      skipped: await store.rounds.count('skipped'),
      aborted: await store.rounds.count('aborted'),
    },
    current: open === null ? null : roundSummary(open.round),
    last: ended === undefined ? null : roundSummary(ended.round),
    nodes: (await store.roster.list()).map((node) => ({
      nodeId: node.nodeId,
      mspId: node.mspId,
      state: node.state,
      lastSeenMs: node.lastSeenMs,
      clockOffsetMs: node.clockOffsetMs,
    })),
    publication: {
      activeVersion: active?.version ?? null,
      activeDetector: active?.detector ?? '',
      backlog: backlog.length,
      waiting: o.waiting ?? '',
    },
  };
}
