/**
 * What the orchestrator reads out of a privacy plan: its identity and what manifests say of it.
 * @module
 */
import { encodePlan, planHash, type PrivacyPlan } from '@bhschain/dp';
import type { PlanFacts } from './federation.js';
import { normBoundsOf } from './aggregation/norm-bounds.js';
import type { HistogramFacts } from './aggregation/screening.js';
import { SCORE_HISTOGRAM } from './protocol/releases.js';

export function planFactsOf(plan: PrivacyPlan): PlanFacts {
  return {
    bytes: encodePlan(plan),
    hash: planHash(plan),
    parameterCount: plan.parameterCount,
    bounds: normBoundsOf(plan),
    histogram: histogramOf(plan),
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

function histogramOf({ releases, nominalWindows }: PrivacyPlan): HistogramFacts | null {
  const release = releases.find(({ name }) => name === SCORE_HISTOGRAM);
  if (release === undefined) return null;
  return { bins: release.length, noiseExponent: release.noiseExponent, nominalWindows };
}

/** Bytes of what a node hands in under this plan. */
export function submissionBytes({
  parameterCount,
  histogram,
}: Pick<PlanFacts, 'parameterCount' | 'histogram'>): number {
  return 4 * (parameterCount + (histogram?.bins ?? 0));
}
