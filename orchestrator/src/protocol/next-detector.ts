/**
 * The detector of a sealed round: its predecessor's public parts with new parameters. A pure function of public
 * inputs, so that every node builds the same bytes and compares hashes before it attests.
 * @module
 */
import type { Detector } from '@bhschain/models/detector';

export interface NextDetectorFacts {
  readonly version: number;
  /** `roundName` of the round. */
  readonly round: string;
  readonly planHash: string;
  readonly manifestDigest: string;
  /** θ of the sealed model, all networks one after the other, units of 2^-20. */
  readonly parameters: Int32Array;
}

/** Members with their networks and laws, normaliser, role tables, vocabulary and strata stay as they are. */
export function nextDetector(previous: Detector, facts: NextDetectorFacts): Detector {
  return {
    ...previous,
    version: facts.version,
    round: facts.round,
    planHash: facts.planHash,
    manifestDigest: facts.manifestDigest,
    parameters: facts.parameters,
  };
}
