/**
 * What a federation agreed on about its rounds. Frozen into each round when it is scheduled.
 * Design: federation §2.1. All durations in milliseconds.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import { ConfigError } from '../errors.js';
import { encodeCanonical } from '../protocol/canonical.js';
import type { Rate } from '../aggregation/federated-average.js';

/** After downtime: forget the missed slots · run the newest if at least half of it is left. */
export type CatchUp = 'skip' | 'latest';

export interface RoundPolicy {
  readonly slotLengthMs: number;
  /** Time for late log lines before a round gathers. */
  readonly openDelayMs: number;
  readonly gatherMaxMs: number;
  readonly collectMaxMs: number;
  /** Starts when the quorum is met. */
  readonly graceMs: number;
  readonly sealMaxMs: number;
  /** No update is taken earlier than this after collecting starts: training time depends on private counts. */
  readonly submitNotBeforeMs: number;
  /** Accepted contributors that a round needs. */
  readonly quorum: number;
  readonly catchUp: CatchUp;
  /** Stop scheduling after this many sealed rounds; null for never. */
  readonly roundsMax: number | null;
  /** Sealed models waiting for the channel before slots are skipped. */
  readonly publicationBacklogMax: number;
  /** Server rate a/b. */
  readonly rate: Rate;
}

/** Six-hour slots, as the design document has them. */
export const DEFAULT_POLICY: Omit<RoundPolicy, 'quorum'> = Object.freeze({
  slotLengthMs: 21_600_000,
  openDelayMs: 600_000,
  gatherMaxMs: 900_000,
  collectMaxMs: 14_400_000,
  graceMs: 1_200_000,
  sealMaxMs: 1_800_000,
  submitNotBeforeMs: 0,
  catchUp: 'skip',
  roundsMax: null,
  publicationBacklogMax: 4,
  rate: [1, 1] as const,
});

/** What all phases of a round can take together. */
export function phaseBoundsMs(policy: RoundPolicy): number {
  return policy.openDelayMs + policy.gatherMaxMs + policy.collectMaxMs + policy.sealMaxMs;
}

/** ⌊N/2⌋ + 1: quorum, attestations and endorsement policy of N hospitals. */
export function majorityOf(hospitalCount: number): number {
  return Math.floor(hospitalCount / 2) + 1;
}

/**
 * Checks the relations between the values, so that a quorum larger than the roster stops the process at start and not
 * at three in the morning.
 * @throws {ConfigError} `ERR_POLICY` naming the field, what came and what was expected
 */
export function assertPolicy(policy: RoundPolicy, rosterSize: number): void {
  const refuse = (field: string, expected: string, got: number): never => {
    throw new ConfigError('ERR_POLICY', `policy.${field}: expected ${expected}, got ${got}`, {
      field,
      got,
    });
  };
  const phases = phaseBoundsMs(policy);
  if (phases > policy.slotLengthMs) {
    refuse(
      'slotLengthMs',
      `at least openDelayMs + gatherMaxMs + collectMaxMs + sealMaxMs = ${phases}`,
      policy.slotLengthMs,
    );
  }
  if (policy.quorum > rosterSize) {
    refuse('quorum', `at most the ${rosterSize} hospitals of the roster`, policy.quorum);
  }
  if (policy.submitNotBeforeMs >= policy.collectMaxMs) {
    refuse('submitNotBeforeMs', 'less than collectMaxMs', policy.submitNotBeforeMs);
  }
}

/** Digest that manifests carry. */
export function policyHash(policy: RoundPolicy): string {
  return sha256Hex(encodeCanonical(policy));
}
