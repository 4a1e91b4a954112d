/**
 * The same table at another α: what a threshold that several hospitals found together (`sharedThreshold`) does to a published
 * table. Thresholds stay, and one is put in where p becomes the new α; every step's p is read back from its score and mapped
 * anew, `s = 1 − p^γ'` with γ' of the new α. Every member makes the same bytes.
 * @module
 */
import { calibrationFault } from './calibration-fault.js';
import type { CalibrationTable, Steps, TableStratum } from './detector.js';
import { gammaOf, nonconformityAt, ranksOf } from './p-value.js';
import { realPower } from './real-power.js';

/**
 * @param alphaPpm - within half and double of the table's own: beyond that people decide, not arithmetic (detection.md §5)
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if α is out of that range, or below what a stratum's windows can show
 */
export function retargetedTable(table: CalibrationTable, alphaPpm: number): CalibrationTable {
  const [least, most] = [Math.ceil(table.alphaPpm / 2), 2 * table.alphaPpm];
  if (!Number.isInteger(alphaPpm) || alphaPpm < least || alphaPpm > most) {
    throw calibrationFault('alphaPpm', `${least} … ${most}`, alphaPpm);
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
  table: CalibrationTable,
  alphaPpm: number,
): TableStratum {
  const { n, thresholds } = stratum;
  const { theta } = table;
  const border = nonconformityAt(stratum, table, alphaPpm / 1e6);
  if (border === null) {
    throw calibrationFault('nonconformities', `at least ${Math.ceil(1e6 / alphaPpm) - 1}`, n);
  }
  const gamma = gammaOf({ theta, alphaPpm });
  const ranks = ranksOf(stratum, table);
  const steps = new Map<number, number>();
  thresholds.forEach((threshold, i) => {
    const score = Math.round(1e6 * (1 - realPower(ranks[i]! / (n + 1), gamma)));
    steps.set(threshold, threshold >= border ? Math.max(score, theta) : Math.min(score, theta - 1));
  });
  if (!steps.has(border)) steps.set(border, theta);
  return Object.freeze({ ...stratum, ...rising(steps) });
}

/** Steps in order; of those that rounding made equal, the first. */
function rising(steps: ReadonlyMap<number, number>): Steps {
  const thresholds: number[] = [];
  const values: number[] = [];
  for (const [threshold, value] of [...steps].sort(([a], [b]) => a - b)) {
    if (values.length > 0 && value <= values.at(-1)!) continue;
    thresholds.push(threshold);
    values.push(value);
  }
  return { thresholds: Uint32Array.from(thresholds), values: Uint32Array.from(values) };
}
