/**
 * Members joined through conformal p-values (detection.md §5). Each member's nonconformity becomes evidence, `2^12 / p`;
 * evidences are added (their sum is the harmonic-mean p up to a constant: indifferent to how the members depend on each
 * other, which Fisher's sum of logarithms is not). Look-ups, integer sums and comparisons only.
 * Source: Wilson 2019, "The harmonic mean p-value for combining dependent tests", PNAS 116.
 * @module
 */
import { fitSteps, pool, valueAt } from '../detector/calibration-table.js';
import type { MemberEvidence, ScoredWindow, Steps, StratumKey } from '../detector/detector.js';
import { DetectorError } from '../errors.js';
import { groupByStratum, type Judged, type Member } from './member.js';

/** Evidence of a p-value of 1. */
export const EVIDENCE_UNIT = 4096;
/** Steps of a member's table; half of a score's, for there are many and no border hangs on one. */
const EVIDENCE_STEPS = 32;

/**
 * Step tables of each member from normal windows that the final table will not see.
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if there is no member
 */
export function fitEvidence<W extends Judged = ScoredWindow>(
  members: readonly Member<W>[],
  strata: readonly StratumKey[],
  windows: readonly W[],
): MemberEvidence[] {
  if (members.length === 0) {
    throw new DetectorError('ERR_TABLE_CALIBRATION', 'members: expected at least one, got 0');
  }
  return evidenceTables(
    members.map(({ name }) => name),
    strata,
    members.map((member) => member.nonconformities(windows)),
    windows,
  );
}

/** The same from nonconformities that are known already, `[members][windows]`. */
export function evidenceTables(
  names: readonly string[],
  strata: readonly StratumKey[],
  series: readonly Uint32Array[],
  windows: readonly Judged[],
): MemberEvidence[] {
  const groups = groupByStratum(strata, windows);
  return names.map((member, m) => {
    const samples = strata.map((key, i) => ({
      ...key,
      nonconformities: Uint32Array.from(groups.get(i) ?? [], (index) => series[m]![index]!),
    }));
    return { member, steps: pool(samples).map((sample) => evidenceSteps(sample.nonconformities)) };
  });
}

function evidenceSteps(nonconformities: Uint32Array): Steps {
  const n = nonconformities.length;
  return fitSteps(nonconformities, {
    steps: EVIDENCE_STEPS,
    valueOf: (rank) => Math.min(0xffffffff, Math.round((EVIDENCE_UNIT * (n + 1)) / rank)),
  });
}

/** Evidence of each member for each window, `[members][windows]`. */
export function evidenceOf<W extends Judged>(
  members: readonly Member<W>[],
  evidence: readonly MemberEvidence[],
  strata: readonly StratumKey[],
  windows: readonly W[],
): Uint32Array[] {
  const groups = groupByStratum(strata, windows);
  return members.map((member, m) => {
    const nonconformities = member.nonconformities(windows);
    const series = new Uint32Array(windows.length);
    for (const [stratum, indexes] of groups) {
      const steps = evidence[m]!.steps[stratum]!;
      for (const index of indexes) series[index] = valueAt(steps, nonconformities[index]!);
    }
    return series;
  });
}

/** Sum over the members, saturated at 2^32 − 1, `[windows]`. */
export function sumOfEvidence(series: readonly Uint32Array[]): Uint32Array {
  return Uint32Array.from(series[0]!, (_, window) => {
    let sum = 0;
    for (const evidence of series) sum += evidence[window]!;
    return Math.min(0xffffffff, sum);
  });
}
