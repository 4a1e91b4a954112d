/**
 * The histogram of scores that a manifest states, with what its plan says of the noise: all that the next detector's table
 * follows from.
 * @module
 */
import { DpError, statedSpec, type PrivacyPlanSpec } from '@bhschain/dp';
import type { SharedHistogram } from '@bhschain/models/detector';
import { VerificationError } from '../errors.js';
import type { Manifest } from './manifest.js';
import { SCORE_HISTOGRAM } from './releases.js';

/**
 * @param objectOf - returns the bytes of the plan under its digest
 * @returns null where the manifest states none
 * @throws {VerificationError} `ERR_REPLAY` for a histogram that the plan does not release
 */
export async function sharedHistogramOf(
  { scoreHistogram: counts, planHash, contributions, roundId }: Manifest,
  objectOf: (digest: string) => Promise<Uint8Array>,
): Promise<SharedHistogram | null> {
  if (counts === undefined) return null;
  const spec = specIn(await objectOf(planHash));
  const release = spec?.releases.find(({ name }) => name === SCORE_HISTOGRAM);
  if (spec === null || release?.length !== counts.length) {
    throw new VerificationError(
      'ERR_REPLAY',
      `round ${roundId.slotIndex}: the manifest has a histogram of ${counts.length} bins, the plan ${release === undefined ? 'releases none' : `one of ${release.length}`}`,
      { slotIndex: roundId.slotIndex },
    );
  }
  const contributors = contributions.filter(({ verdict }) => verdict === 'accepted').length;
  const { noiseExponent } = release;
  return { counts, contributors, noiseExponent, binMs: spec.windowing.binMs };
}

function specIn(plan: Uint8Array): PrivacyPlanSpec | null {
  try {
    return statedSpec(plan);
  } catch (cause) {
    if (cause instanceof DpError) return null;
    throw cause;
  }
}
