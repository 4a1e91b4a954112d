/**
 * The joined score of windows by any members and the table that was fitted for them.
 * @module
 */
import { valueAt } from '../detector/calibration-table.js';
import type { CalibrationTable, ScoredWindow } from '../detector/detector.js';
import { DetectorError } from '../errors.js';
import { evidenceOf, sumOfEvidence } from './evidence.js';
import { stratumIndexOf, type Judged, type Member } from './member.js';

export interface Score {
  /** Sum of the members' evidence, saturated at 2^32 − 1; higher is stranger. */
  readonly nonconformity: number;
  /** `1 − p^γ` in millionths; ≥ θ ⇔ p ≤ α. */
  readonly scoreMillionths: number;
  /** In the order of the members; 4096 is a p-value of 1. */
  readonly evidence: readonly number[];
  /** The member with the largest evidence, the first of equals: it names the threat family. */
  readonly leader: string;
}

/**
 * @throws {DetectorError} `ERR_DETECTOR_TABLE` if the table was fitted for other members, `ERR_SCORE_STRATUM`,
 *   `ERR_SCORE_WINDOW`, `ERR_SCORE_NOT_FINITE`
 */
export function joinedScores<W extends Judged = ScoredWindow>(
  members: readonly Member<W>[],
  table: CalibrationTable,
  windows: readonly W[],
): Score[] {
  checkMembers(members, table);
  const series = evidenceOf(members, table.evidence, table.strata, windows);
  const sums = windows.length === 0 ? new Uint32Array(0) : sumOfEvidence(series);
  return windows.map((window, index) => {
    const evidence = series.map((of) => of[index]!);
    const nonconformity = sums[index]!;
    const stratum = table.strata[stratumIndexOf(table.strata, window)]!;
    return {
      nonconformity,
      scoreMillionths: valueAt(stratum, nonconformity),
      evidence,
      leader: members[evidence.indexOf(Math.max(...evidence))]!.name,
    };
  });
}

export function checkMembers(
  members: readonly { readonly name: string }[],
  { evidence }: CalibrationTable,
): void {
  const got = evidence.map(({ member }) => member).join(', ');
  const expected = members.map(({ name }) => name).join(', ');
  if (got === expected) return;
  throw new DetectorError('ERR_DETECTOR_TABLE', `table: expected members ${expected}, got ${got}`, {
    expected,
    got,
  });
}
