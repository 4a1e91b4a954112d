/** Plans for tests: the demo's, for a small vector. */
import { createPrivacyPlan, planPreset, type PrivacyPlan } from '@bhschain/dp';
import { HISTOGRAM_BINS, HISTOGRAM_SENSITIVITY } from '@bhschain/models/detector';
import { SCORE_HISTOGRAM } from '@bhschain/orchestrator/protocol';

/** @param o.histogramExponent - set, the plan releases the histogram of scores with noise of 2^this */
export function smallPlan(o: {
  readonly parameterCount: number;
  readonly steps?: number;
  readonly nominalWindows?: number;
  readonly histogramExponent?: number;
}): PrivacyPlan {
  const { histogramExponent, ...options } = o;
  const releases =
    histogramExponent === undefined
      ? []
      : [
          {
            name: SCORE_HISTOGRAM,
            length: HISTOGRAM_BINS,
            sensitivityUnits: HISTOGRAM_SENSITIVITY,
            noiseExponent: histogramExponent,
            count: 1,
          },
        ];
  return createPrivacyPlan(planPreset('demo', { ...options, releases }));
}
