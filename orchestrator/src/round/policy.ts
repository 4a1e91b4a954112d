/**
 * What a federation agreed on about its rounds. Frozen into each round when it is scheduled.
 * Design: federation §2.1. All durations in milliseconds.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import { ConfigError } from '../errors.js';
import { encodeCanonical } from '../protocol/canonical.js';
import type { Rate } from '../aggregation/federated-average.js';
import { assertOptimiser, type ServerRule } from '../aggregation/server-optimiser.js';

/**
 * After downtime: forget the missed slots · run the newest if at least half of it is left · train the next round on the
 * union of what was missed.
 */
export type CatchUp = 'skip' | 'latest' | 'merge';

export const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** An agreed pause, every week, in UTC: slots that begin in it are skipped. */
export interface QuietHours {
  readonly days: readonly (typeof WEEKDAYS)[number][];
  /** Minutes after midnight, half open; `toMinute` at most 1440. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

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
  /** Slots of log time that one round may cover under `merge`. */
  readonly mergeSlotsMax: number;
  /** 2: a round that missed its quorum is tried once more in its slot, if all phases still fit. */
  readonly attemptsPerSlot: number;
  readonly quietHours: readonly QuietHours[];
  /** Stop scheduling after this many sealed rounds; null for never. */
  readonly roundsMax: number | null;
  /** Sealed models waiting for the channel before slots are skipped. */
  readonly publicationBacklogMax: number;
  /** Server rate a/b. */
  readonly rate: Rate;
  /** What the server makes of the mean update. */
  readonly optimiser: ServerRule;
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
  mergeSlotsMax: 4,
  attemptsPerSlot: 1,
  quietHours: [],
  roundsMax: null,
  publicationBacklogMax: 4,
  rate: [1, 1] as const,
  optimiser: Object.freeze({ rule: 'fedavg' }),
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
  for (const { fromMinute, toMinute } of policy.quietHours) {
    if (fromMinute >= toMinute) refuse('quietHours', `toMinute after ${fromMinute}`, toMinute);
  }
  assertOptimiser({ ...policy.optimiser, rate: policy.rate });
  if (policy.submitNotBeforeMs >= policy.collectMaxMs) {
    refuse('submitNotBeforeMs', 'less than collectMaxMs', policy.submitNotBeforeMs);
  }
}

/** Digest that manifests carry. */
export function policyHash(policy: RoundPolicy): string {
  return sha256Hex(encodeCanonical(policy));
}
