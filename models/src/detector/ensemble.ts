/**
 * Members joined through conformal p-values (detection.md §5). Each member's nonconformity becomes evidence, `2^12 / p`
 * from calibration half A; evidences are added (their sum is the harmonic-mean p up to a constant: indifferent to how the
 * members depend on each other); half B turns the sum into a score that is valid again. Look-ups, integer sums and
 * comparisons only.
 * Source: Wilson 2019, "The harmonic mean p-value for combining dependent tests", PNAS 116.
 * @module
 */
import { DetectorError } from '../errors.js';
import { fitSteps, fitTable, scoreOf, valueAt, type Steps } from './calibration-table.js';
import type { CalibrationTable, ScoredWindow, StratumKey, TableStratum } from './detector.js';
import { groupByStratum, type Member } from './members.js';

/** Evidence of a p-value of 1. */
export const EVIDENCE_UNIT = 4096;

interface MemberSteps extends StratumKey {
  readonly steps: Steps;
}

export interface EnsembleTable {
  /** By the member's name, in the order of the sum. */
  readonly evidence: readonly {
    readonly member: string;
    readonly strata: readonly MemberSteps[];
  }[];
  /** From the sum of evidences to the score. */
  readonly final: CalibrationTable;
}

export interface EnsembleFit {
  /** Switch a member off by leaving it out. */
  readonly members: readonly Member[];
  readonly keys: readonly StratumKey[];
  /** Normal windows for the members' evidence … */
  readonly halfA: readonly ScoredWindow[];
  /** … and others, for the final table. */
  readonly halfB: readonly ScoredWindow[];
  readonly alphaPpm?: number;
  readonly theta?: number;
}

/**
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if a half has too few windows of a stratum, or there is no member
 */
export function fitEnsemble(fit: EnsembleFit): EnsembleTable {
  const { members, keys, halfA, halfB, alphaPpm, theta } = fit;
  if (members.length === 0) {
    throw new DetectorError('ERR_TABLE_CALIBRATION', 'members: expected at least one, got 0');
  }
  const groupsA = groupByStratum(keys, halfA);
  const evidence = members.map((member) => {
    const nonconformities = member.nonconformities(halfA);
    const strata = keys.map((key): MemberSteps => {
      const own = Uint32Array.from(groupsA.get(key) ?? [], (index) => nonconformities[index]!);
      const { columnMask, lengthMin, lengthMax } = key;
      return { columnMask, lengthMin, lengthMax, steps: evidenceSteps(own) };
    });
    return { member: member.name, strata };
  });
  const sums = sumOfEvidence(evidenceOf(members, evidence, halfB));
  const groupsB = groupByStratum(keys, halfB);
  const final = fitTable({
    strata: keys.map((key) => ({
      columnMask: key.columnMask,
      lengthMin: key.lengthMin,
      lengthMax: key.lengthMax,
      nonconformities: Uint32Array.from(groupsB.get(key) ?? [], (index) => sums[index]!),
    })),
    ...(alphaPpm === undefined ? {} : { alphaPpm }),
    ...(theta === undefined ? {} : { theta }),
  });
  return { evidence, final };
}

function evidenceSteps(nonconformities: Uint32Array): Steps {
  const n = nonconformities.length;
  return fitSteps(nonconformities, 1, (rank) =>
    Math.min(0xffffffff, Math.round((EVIDENCE_UNIT * (n + 1)) / rank)),
  );
}

export interface EnsembleScore {
  readonly scoreMillionths: number;
  /** The member with the largest evidence: it names the kind of strangeness. */
  readonly leader: string;
  /** In the order of the members. */
  readonly evidence: readonly number[];
}

export interface Ensemble {
  scoreAll(windows: readonly ScoredWindow[]): EnsembleScore[];
}

/**
 * @throws {DetectorError} `ERR_DETECTOR_TABLE` if the table was fitted for other members
 */
export function createEnsemble(members: readonly Member[], table: EnsembleTable): Ensemble {
  const got = members.map(({ name }) => name).join(', ');
  const expected = table.evidence.map(({ member }) => member).join(', ');
  if (got !== expected) {
    throw new DetectorError('ERR_DETECTOR_TABLE', `members: expected ${expected}, got ${got}`, {
      expected,
      got,
    });
  }
  return {
    scoreAll(windows) {
      const evidence = evidenceOf(members, table.evidence, windows);
      const sums = sumOfEvidence(evidence);
      const scores = new Array<EnsembleScore>(windows.length);
      for (const [stratum, indexes] of groupByStratum<TableStratum>(table.final.strata, windows)) {
        for (const index of indexes) {
          const own = evidence.map((series) => series[index]!);
          scores[index] = {
            scoreMillionths: scoreOf(stratum, sums[index]!),
            leader: members[own.indexOf(Math.max(...own))]!.name,
            evidence: own,
          };
        }
      }
      return scores;
    },
  };
}

/** One series a member, one entry a window. */
function evidenceOf(
  members: readonly Member[],
  tables: EnsembleTable['evidence'],
  windows: readonly ScoredWindow[],
): Uint32Array[] {
  return members.map((member, m) => {
    const nonconformities = member.nonconformities(windows);
    const evidence = new Uint32Array(windows.length);
    for (const [{ steps }, indexes] of groupByStratum(tables[m]!.strata, windows)) {
      for (const index of indexes) evidence[index] = valueAt(steps, nonconformities[index]!);
    }
    return evidence;
  });
}

function sumOfEvidence(series: readonly Uint32Array[]): Uint32Array {
  return Uint32Array.from(series[0]!, (_, index) =>
    Math.min(
      0xffffffff,
      series.reduce((sum, evidence) => sum + evidence[index]!, 0),
    ),
  );
}
