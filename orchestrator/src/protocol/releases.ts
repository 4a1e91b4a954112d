/**
 * What a hospital hands in for a round, as one object: the vectors that its plan releases, one after the other, int32
 * little-endian. One digest covers them all, so that neither can be exchanged alone.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { Release } from './envelope.js';
import { decodeParameters, encodeParameters } from './parameters.js';

/** Name, in the plan and in the envelope, of the noised histogram of the windows' p-values. */
export const SCORE_HISTOGRAM = 'score-histogram';

export interface ReleasedVectors {
  /** `[parameterCount]`, units of 2^-20. */
  readonly update: Int32Array;
  /** `[bins]`, noised counts; null where the plan has none. */
  readonly scoreHistogram: Int32Array | null;
}

export function encodeReleases({ update, scoreHistogram }: ReleasedVectors): Uint8Array {
  if (scoreHistogram === null) return encodeParameters(update);
  const all = new Int32Array(update.length + scoreHistogram.length);
  all.set(update);
  all.set(scoreHistogram, update.length);
  return encodeParameters(all);
}

/**
 * @param o.histogramBins - 0 where the plan has no histogram
 * @throws {VerificationError} `ERR_VECTOR_LENGTH` if the bytes are of another length
 */
export function decodeReleases(
  bytes: Uint8Array,
  o: Readonly<{ parameterCount: number; histogramBins: number }>,
): ReleasedVectors {
  const { parameterCount, histogramBins } = o;
  const all = decodeParameters(bytes, parameterCount + histogramBins);
  return {
    update: all.subarray(0, parameterCount),
    scoreHistogram: histogramBins === 0 ? null : all.subarray(parameterCount),
  };
}

/** What an envelope says of such bytes: what lies beyond the parameters is the histogram. */
export function describeReleases(bytes: Uint8Array, parameterCount: number): readonly Release[] {
  const digest = sha256Hex(bytes);
  const histogramBins = bytes.length / 4 - parameterCount;
  const update: Release = {
    name: 'update',
    encoding: 'int32le-2^-20',
    length: parameterCount,
    digest,
  };
  if (histogramBins === 0) return [update];
  return [update, { name: SCORE_HISTOGRAM, encoding: 'int32le', length: histogramBins, digest }];
}
