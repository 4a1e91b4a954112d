/**
 * What the orchestrator reads out of a privacy plan: its identity and what manifests say of it.
 * @module
 */
import { encodePlan, planHash, type PrivacyPlan } from '@bhschain/dp';
import type { PlanFacts } from './federation.js';
import { normBoundsOf } from './aggregation/norm-bounds.js';

export function planFactsOf(plan: PrivacyPlan): PlanFacts {
  return {
    bytes: encodePlan(plan),
    hash: planHash(plan),
    parameterCount: plan.parameterCount,
    bounds: normBoundsOf(plan),
    privacy: {
      differentiallyPrivate: true,
      unit: plan.unit,
      adjacency: plan.adjacency,
      epsilonMicro: plan.spec.epsilonMicro,
      deltaExponent: plan.spec.deltaExponent,
      mechanism: plan.samplingRate === 1 ? 'discrete-gaussian' : 'poisson-discrete-gaussian',
      accountant: 'pld',
    },
  };
}
