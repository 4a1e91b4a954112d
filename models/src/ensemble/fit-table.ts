/**
 * Calibration of an ensemble: half A of the held-out normal windows gives each member its evidence, half B turns the sum of
 * evidences into a score that is valid again, whatever the members have in common.
 * @module
 */
import { fitScores } from '../detector/calibration-table.js';
import type { CalibrationTable, ScoredWindow, StratumKey } from '../detector/detector.js';
import { evidenceOf, fitEvidence, sumOfEvidence } from './evidence.js';
import { groupByStratum, type Judged, type Member } from './member.js';

export interface TableOptions<W extends Judged = ScoredWindow> {
  /** Switch a member off by leaving it out. */
  readonly members: readonly Member<W>[];
  readonly strata: readonly StratumKey[];
  /** Normal windows of some actors … */
  readonly halfA: readonly W[];
  /** … and of others. */
  readonly halfB: readonly W[];
  /** Share of normal windows that may reach θ, in millionths. */
  readonly alphaPpm?: number;
  readonly theta?: number;
}

/**
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if half B has too few windows to reach α, there is no member, or α or θ
 *   is out of range
 */
export function fitTable<W extends Judged = ScoredWindow>(
  options: TableOptions<W>,
): CalibrationTable {
  const { members, halfA, halfB, alphaPpm, theta } = options;
  const strata = options.strata.map(({ columnMask, lengthMin, lengthMax }) => ({
    columnMask,
    lengthMin,
    lengthMax,
  }));
  const evidence = fitEvidence(members, strata, halfA);
  const sums = sumOfEvidence(evidenceOf(members, evidence, strata, halfB));
  const groups = groupByStratum(strata, halfB);
  const scores = fitScores({
    strata: strata.map((key, i) => ({
      ...key,
      nonconformities: Uint32Array.from(groups.get(i) ?? [], (index) => sums[index]!),
    })),
    ...(alphaPpm === undefined ? {} : { alphaPpm }),
    ...(theta === undefined ? {} : { theta }),
  });
  return Object.freeze({ formatVersion: 2, ...scores, evidence });
}
