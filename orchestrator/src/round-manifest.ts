/**
 * The manifest of a round that has its result: a function of stored facts, so that a restart makes the same bytes.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { PlanFacts } from './federation.js';
import type { AggregationRecord } from './protocol/aggregation-record.js';
import { decodeEnvelope } from './protocol/envelope.js';
import { compareNodeIds } from './protocol/identifiers.js';
import { CONTRIBUTION_OUTCOMES, type Contribution, type Manifest } from './protocol/manifest.js';
import type { Round } from './round/round.js';
import type { Submission } from './store/store.js';

/** What this build calls itself in manifests. */
export const SOFTWARE = 'bhschain-orchestrator/0.1.0';

/** FedAvg's factor of every node: public, equal, never a count of examples. */
export const EQUAL_WEIGHT = 1;

export function manifestOf(
  o: Readonly<{
    round: Round;
    plan: PlanFacts;
    submissions: readonly Submission[];
    /** Share of the squared norm in millionths, by node. */
    influencePpm: ReadonlyMap<string, number>;
    /** Sum of the accepted histograms; null where the plan releases none. */
    scoreHistogram: readonly number[] | null;
  }>,
): Manifest {
  const { round, plan } = o;
  const cohort = Object.keys(round.members).sort(compareNodeIds);
  const contributions = cohort.map((nodeId) =>
    contributionOf(
      round,
      nodeId,
      o.submissions.find((each) => each.nodeId === nodeId),
      o.influencePpm.get(nodeId) ?? 0,
    ),
  );
  return {
    schema: 1,
    federationId: round.id.federationId,
    roundId: round.id,
    policyHash: round.policyHash,
    planHash: round.planHash,
    layoutHash: round.layoutHash,
    previousManifest: round.previousManifest,
    baseModel: round.baseModel,
    resultModel: round.resultModel,
    parameterCount: plan.parameterCount,
    interval: round.interval,
    cohort,
    quorum: round.policy.quorum,
    openedAtMs: round.openedAtMs ?? 0,
    quorumReachedAtMs: round.quorumReachedAtMs ?? 0,
    closedAtMs: round.closedAtMs ?? 0,
    contributions,
    aggregation: aggregationOf(
      round,
      contributions.reduce((sum, each) => sum + each.weight, 0),
    ),
    ...(o.scoreHistogram === null ? {} : { scoreHistogram: o.scoreHistogram }),
    privacy: plan.privacy,
  };
}

function aggregationOf(round: Round, weightTotal: number): AggregationRecord {
  const { rate, optimiser } = round.policy;
  const facts = { scaleLog2: 20, rate, weightTotal, software: SOFTWARE } as const;
  if (optimiser.rule === 'fedavg') return { ...facts, ...optimiser };
  return {
    ...facts,
    ...optimiser,
    stateBefore: round.optimiserState,
    stateAfter: round.resultOptimiserState,
  };
}

function contributionOf(
  round: Round,
  nodeId: string,
  submission: Submission | undefined,
  influencePpm: number,
): Contribution {
  const member = round.members[nodeId]!;
  const verdict = CONTRIBUTION_OUTCOMES.find((each) => each === member.state) ?? 'missing';
  const accepted = verdict === 'accepted';
  const envelope = submission === undefined ? null : decodeEnvelope(submission.envelope);
  return {
    nodeId,
    certificate: submission === undefined ? '' : sha256Hex(submission.certificate),
    envelope: member.envelope,
    update: member.update,
    weight: accepted ? EQUAL_WEIGHT : 0,
    verdict,
    reason: member.reason,
    influencePpm: accepted ? influencePpm : 0,
    ledgerHead: envelope?.ledgerHead.hash ?? '',
    dataCommitment: envelope?.dataCommitment ?? '',
  };
}
