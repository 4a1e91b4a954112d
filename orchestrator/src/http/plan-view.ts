/**
 * The privacy plan as people approve it: what leaves a hospital, what it costs, and who has said yes on the channel.
 * @module
 */
import type { PrivacyPlanSpec } from '@bhschain/dp';
import { SAMPLING_DENOMINATOR } from '@bhschain/dp';
import type { ChannelVote } from '../store/store.js';
import type { DashboardOptions } from './dashboard-options.js';

export interface PlanView {
  readonly hash: string;
  /** What leaves and what it costs, each a fact in plain words; empty for a plan of a schema that this release cannot read. */
  readonly words: readonly (readonly [what: string, value: string])[];
  /** Votes of different hospitals that approve it. */
  readonly needed: number;
  /** MSPs whose votes approved it on the channel; null: not approved, or not known. */
  readonly approvers: readonly string[] | null;
  /** Why it is not known; empty if the channel answered. */
  readonly problem: string;
  /** Votes for it, wherever they were cast, newest first. */
  readonly votes: readonly ChannelVote[];
}

const SCHEMA = 'bhschain/privacy-plan/1';
const VOTES = 100;

export async function planView(o: DashboardOptions): Promise<PlanView> {
  const { plan } = o.federation;
  let approvers: readonly string[] | null = null;
  let problem = '';
  try {
    approvers = await o.planApprovers(plan.hash);
  } catch (cause) {
    problem = cause instanceof Error ? cause.message : 'the channel does not answer';
  }
  const votes = await o.store.votes.newest('plans', VOTES);
  return {
    hash: plan.hash,
    words: wordsOf(plan.bytes),
    needed: o.attestations,
    approvers,
    problem,
    votes: votes.filter((each) => each.about === plan.hash),
  };
}

function wordsOf(bytes: Uint8Array): PlanView['words'] {
  const { schema, spec } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    readonly schema?: string;
    readonly spec: PrivacyPlanSpec;
  };
  if (schema !== SCHEMA) return [];
  const { windowing } = spec;
  const hours = windowing.binMs / 3_600_000;
  const rate = (spec.samplingNumerator / SAMPLING_DENOMINATOR) * 100;
  return [
    [
      'What leaves a hospital',
      `each round one noised update of ${spec.parameterCount} numbers` +
        spec.releases.map((each) => `, ${each.name} (${each.length} noised counts)`).join(''),
    ],
    ['Who is protected', `one ${spec.unit}: one actor in ${hours} h (${spec.adjacency})`],
    ['What a round costs it', `ε ${spec.epsilonMicro / 1e6} at δ 1e-${spec.deltaExponent}`],
    ['Windows of one actor in a round', `${windowing.windowsPerActorMax} at most`],
    [
      'How a round is trained',
      `${spec.steps} ${spec.steps === 1 ? 'step' : 'steps'}, each on ${Number(rate.toPrecision(4))} % of the windows`,
    ],
    ['Bound on one window', `${spec.windowClippingNormMicro / 1e6} (L2 norm of its gradient)`],
    ['Windows a hospital is taken to have', `${spec.nominalWindows}, a public number`],
  ];
}
