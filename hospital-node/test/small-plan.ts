/** Plans for tests: the demo's, for a small vector. */
import { createPrivacyPlan, planPreset, type PrivacyPlan } from '@bhschain/dp';

export function smallPlan(o: {
  readonly parameterCount: number;
  readonly steps?: number;
  readonly nominalWindows?: number;
}): PrivacyPlan {
  return createPrivacyPlan(planPreset('demo', o));
}
