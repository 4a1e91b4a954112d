/**
 * The same table at another α: what a threshold that several hospitals found together (`sharedThreshold`) does to a published
 * table. Thresholds stay; every step's p is read back from its score and mapped anew, `s = 1 − p^γ'` with γ' of the new α.
 *
 * The new border lies on a step of the old table, on the side of fewer alerts: the realised share is at most the new α, and
 * less than it by no more than one step (geometric, a factor of about 1.15). Integers and `realPower` only, so every member
 * makes the same bytes.
 * @module
 */
import { DetectorError } from '../errors.js';
import type { CalibrationTable, TableStratum } from './detector.js';
import { naturalLog, realPower } from './real-power.js';

/**
 * @param alphaPpm - within half and double of the table's own: beyond that people decide, not arithmetic (detection.md §5)
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if α is out of that range, or below what a stratum's windows can show
 */
export function retargetedTable(table: CalibrationTable, alphaPpm: number): CalibrationTable {
  const [least, most] = [Math.ceil(table.alphaPpm / 2), 2 * table.alphaPpm];
  if (!Number.isInteger(alphaPpm) || alphaPpm < least || alphaPpm > most) {
    throw new DetectorError(
      'ERR_TABLE_CALIBRATION',
      `alphaPpm: expected ${least} … ${most}, got ${alphaPpm}`,
      { field: 'alphaPpm', expected: `${least} … ${most}`, got: alphaPpm },
    );
  }
  if (alphaPpm === table.alphaPpm) return table;
  return {
    ...table,
    alphaPpm,
    strata: Object.freeze(table.strata.map((stratum) => retargeted(stratum, table, alphaPpm))),
  };
}

function retargeted(
  stratum: TableStratum,
  { theta, alphaPpm: before }: CalibrationTable,
  alphaPpm: number,
): TableStratum {
  const { n } = stratum;
  const gammaOf = (ppm: number): number => naturalLog(1 - theta / 1e6) / naturalLog(ppm / 1e6);
  const [inverse, gamma] = [1 / gammaOf(before), gammaOf(alphaPpm)];
  const borderRank = Math.floor((alphaPpm * (n + 1)) / 1e6);
  if (borderRank < 1) {
    const expected = `at least ${Math.ceil(1e6 / alphaPpm) - 1}`;
    throw new DetectorError(
      'ERR_TABLE_CALIBRATION',
      `nonconformities: expected ${expected}, got ${n}`,
      {
        field: 'nonconformities',
        expected,
        got: n,
      },
    );
  }
  const values = stratum.values.map((value) => {
    const rank = rankOf(value, n, inverse);
    const score = Math.round(1e6 * (1 - realPower(rank / (n + 1), gamma)));
    return rank <= borderRank ? Math.max(score, theta) : Math.min(score, theta - 1);
  });
  return Object.freeze({ ...stratum, values });
}

/** The conformal rank behind a score: a whole number, so what rounding took is put back. */
function rankOf(value: number, n: number, inverse: number): number {
  if (value >= 1_000_000) return 1;
  const p = value <= 0 ? 1 : realPower(1 - value / 1e6, inverse);
  return Math.min(n + 1, Math.max(1, Math.round(p * (n + 1))));
}
