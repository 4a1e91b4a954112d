/**
 * The conformal p-value between two steps of a table. A step holds the p at its threshold exactly; between thresholds p falls
 * along a straight line, which is right to a third of a percent for steps that are a factor of 1.15 apart. A score never
 * reads this: it is for counting windows and for finding where a given p lies. +, −, × and ÷ only but for γ.
 * @module
 */
import type { CalibrationTable, TableStratum } from './detector.js';
import { naturalLog, realPower } from './real-power.js';

/** γ of `s = 1 − p^γ`, so that p = α gives θ. */
export function gammaOf({ theta, alphaPpm }: Pick<CalibrationTable, 'theta' | 'alphaPpm'>): number {
  return naturalLog(1 - theta / 1e6) / naturalLog(alphaPpm / 1e6);
}

/** Conformal ranks behind a stratum's scores, descending: whole numbers, so what rounding took is put back. */
export function ranksOf(
  { n, values }: Pick<TableStratum, 'n' | 'values'>,
  table: Pick<CalibrationTable, 'theta' | 'alphaPpm'>,
): Float64Array {
  const inverse = 1 / gammaOf(table);
  return Float64Array.from(values, (value) => {
    if (value >= 1_000_000) return 1;
    const p = value <= 0 ? 1 : realPower(1 - value / 1e6, inverse);
    return Math.min(n + 1, Math.max(1, Math.round(p * (n + 1))));
  });
}

/** p-values of a stratum's nonconformities, in (0, 1]; beyond the last threshold the least rank stays. */
export function pValues(
  stratum: TableStratum,
  table: Pick<CalibrationTable, 'theta' | 'alphaPpm'>,
): (nonconformity: number) => number {
  const ranks = ranksOf(stratum, table);
  const { thresholds, n } = stratum;
  return (nonconformity) => {
    let step = thresholds.length - 1;
    while (step > 0 && thresholds[step]! > nonconformity) step--;
    const [rank, next] = [ranks[step]!, ranks[step + 1]];
    if (next === undefined) return rank / (n + 1);
    const [from, to] = [thresholds[step]!, thresholds[step + 1]!];
    return (rank - ((rank - next) * (nonconformity - from)) / (to - from)) / (n + 1);
  };
}

/** The least nonconformity with p ≤ `p`: the inverse of `pValues`; null where p is below the last step's. */
export function nonconformityAt(
  stratum: TableStratum,
  table: Pick<CalibrationTable, 'theta' | 'alphaPpm'>,
  p: number,
): number | null {
  const ranks = ranksOf(stratum, table);
  const { thresholds, n } = stratum;
  const due = p * (n + 1);
  const after = ranks.findIndex((rank) => rank <= due);
  if (after < 0) return null;
  if (after === 0) return thresholds[0]!;
  const [rank, next] = [ranks[after - 1]!, ranks[after]!];
  const [from, to] = [thresholds[after - 1]!, thresholds[after]!];
  return Math.min(to, from + Math.ceil(((to - from) * (rank - due)) / (rank - next)));
}
