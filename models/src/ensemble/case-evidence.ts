/**
 * Ranking of cases at a node (a case: all that one account did on a day). Calls are judged by windows; a day has hundreds of
 * them, and the largest of hundreds is large for everybody. So each member's strangest window is compared with that of other
 * days, not of other windows, and only then are the members joined: by the sum of 1 / p, the harmonic mean up to a constant.
 * Sources: Wilson 2019, PNAS 116; Vovk et al. 2005, ch. 2 (a case of the calibration is compared with the others).
 * @module
 */
import { lowerBound } from '../detector/sorted.js';
import { fitTail } from '../detector/tail.js';
import { DetectorError } from '../errors.js';
import type { StratumKey } from '../detector/detector.js';
import { groupByStratum, type Judged } from './member.js';

/**
 * −ln p of each window by a member, comparable between strata and beyond the calibration (peaks over threshold).
 * @param calibration - nonconformities of normal windows, and the windows
 * @param live - the same of the windows to be judged
 */
export function windowSurprise(
  strata: readonly StratumKey[],
  calibration: Readonly<{ windows: readonly Judged[]; nonconformities: Uint32Array }>,
  live: Readonly<{ windows: readonly Judged[]; nonconformities: Uint32Array }>,
): Float64Array {
  const known = groupByStratum(strata, calibration.windows);
  const surprises = new Float64Array(live.windows.length);
  for (const [stratum, indexes] of groupByStratum(strata, live.windows)) {
    const own = known.get(stratum) ?? [...calibration.windows.keys()];
    const tail = fitTail({
      nonconformities: Float64Array.from(own, (index) => calibration.nonconformities[index]!),
    });
    for (const index of indexes) surprises[index] = -Math.log(tail.p(live.nonconformities[index]!));
  }
  return surprises;
}

/** Of a case without a judged window: below every surprise. */
export const NO_WINDOWS = -1;

/**
 * Each case's strangest window, `NO_WINDOWS` for a case that has none.
 * @param caseOf - index of the case that window `i` belongs to; null: of none
 */
export function strangestOfCases(
  surprises: ArrayLike<number>,
  cases: number,
  caseOf: (i: number) => number | null,
): Float64Array {
  const most = new Float64Array(cases).fill(NO_WINDOWS);
  for (let i = 0; i < surprises.length; i++) {
    const of = caseOf(i);
    if (of !== null) most[of] = Math.max(most[of]!, surprises[i]!);
  }
  return most;
}

export interface CaseJoin {
  /** Evidence of a new case, one value a member; higher is stranger. */
  evidence(values: ArrayLike<number>): number;
  /** Each member's part of it: 1 / p among the calibration cases. */
  terms(values: ArrayLike<number>): Float64Array;
  /** Evidence of each calibration case among the others. */
  readonly calibration: Float64Array;
  /** Split-conformal p of an evidence: (1 + #{calibration ≥ evidence}) / (n + 1). */
  p(evidence: number): number;
}

/**
 * @param calibration - `[members][cases]` of normal cases, higher is stranger, any scale
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for no member, fewer than two cases, or members of unlike length
 */
export function joinCases(calibration: readonly Float64Array[]): CaseJoin {
  const cases = calibration[0]?.length ?? 0;
  if (cases < 2 || calibration.some(({ length }) => length !== cases)) {
    throw new DetectorError(
      'ERR_TABLE_CALIBRATION',
      `calibration: expected members of at least two cases each, got ${calibration.map(({ length }) => length).join(', ') || 'none'}`,
      { members: calibration.length, cases },
    );
  }
  const sorted = calibration.map((values) => values.toSorted());
  const atLeast = (member: number, value: number): number =>
    cases - lowerBound(sorted[member]!, value);
  // A case is at least as strange as itself: that is the 1 of 1 + #{others ≥ x}.
  const among = Float64Array.from({ length: cases }, (_, i) =>
    calibration.reduce((sum, values, m) => sum + cases / atLeast(m, values[i]!), 0),
  );
  const ordered = among.toSorted();
  const terms = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(sorted, (_, m) => (cases + 1) / (1 + atLeast(m, values[m]!)));
  return {
    evidence: (values) => terms(values).reduce((sum, term) => sum + term, 0),
    terms,
    calibration: among,
    p: (evidence) => (1 + cases - lowerBound(ordered, evidence)) / (cases + 1),
  };
}
