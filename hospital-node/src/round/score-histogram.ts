/**
 * The second release of a round, where the federation has agreed on it: how strange the detector in force finds this hospital's
 * windows, as a noised histogram of p-values. Each window adds one to one bin; noise of the same plan goes onto the counts,
 * from the pool that the round's one debit has opened.
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countByBin, releaseCounts, type NoisePool, type PrivacyPlan } from '@bhschain/dp';
import { binsOf, type ScoredWindow, type Scorer } from '@bhschain/models/detector';
import { SCORE_HISTOGRAM } from '@bhschain/orchestrator/protocol';

/** Windows scored before the node's thread does something else. */
const WINDOWS_PER_TURN = 128;

/**
 * @param o.windows - all but those that people confirmed as attacks. Held windows that wait for a decision count: without
 *   them the tail would be missing from its own count, and the rate would run away (detection.md §5)
 * @returns `[64]`, noised: what may leave
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` if the noise was used up, or is of another plan or round
 */
export async function releaseScoreHistogram(
  plan: PrivacyPlan,
  noise: NoisePool,
  o: {
    readonly scorer: Scorer;
    readonly windows: readonly ScoredWindow[];
  },
): Promise<Int32Array> {
  const bins = new Uint8Array(o.windows.length);
  for (let start = 0; start < bins.length; start += WINDOWS_PER_TURN) {
    bins.set(binsOf(o.scorer, o.windows.slice(start, start + WINDOWS_PER_TURN)), start);
    await nextTurn();
  }
  const released = releaseCounts(
    countByBin(plan, SCORE_HISTOGRAM, bins),
    noise.nextFor(SCORE_HISTOGRAM),
  );
  bins.fill(0);
  return released;
}
