/**
 * What a chart needs of an arm: its ROC on a fixed grid of rates, its scores in bins, and each hospital on its own.
 * @module
 */
import type { LabelledIncident } from '@bhschain/datasets';
import { conformal, scoreOf } from '../../evaluation/conformal.js';
import { recallsAtRates, thresholdAt } from '../../evaluation/matched-rate.js';
import type { Case } from './featurise.js';
import type { ArmScores } from './judging.js';

/** Rates at which a ROC is kept, dense where anybody operates. */
export const CURVE_RATES: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.032, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1,
];

/** Width of a bin of scores: θ = 0.87 is a border. */
export const BIN_WIDTH = 0.03;
export const BIN_COUNT: number = Math.ceil(1 / BIN_WIDTH);

export interface CurveRow {
  readonly arm: string;
  /** At `CURVE_RATES`. */
  readonly recall: readonly number[];
}

export function curveOf(
  { arm, benign, incidents }: ArmScores,
  truth: readonly LabelledIncident[],
): CurveRow {
  const abnormal = truth.map(({ id }) => incidents.get(id) ?? -Infinity);
  return { arm, recall: recallsAtRates(benign, abnormal, CURVE_RATES) };
}

export interface HistogramRow {
  readonly arm: string;
  /** Counts of scores s = 1 − p^γ in bins of `BIN_WIDTH`. */
  readonly benign: readonly number[];
  readonly incidents: readonly number[];
}

/** Scores of cases against the calibration of the days before; null for an arm that has none. */
export function histogramOf({
  arm,
  benign,
  incidents,
  calibration,
}: ArmScores): HistogramRow | null {
  if (calibration === null) return null;
  const pValue = conformal(calibration);
  const bins = (scores: Iterable<number>): number[] => {
    const counts = new Array<number>(BIN_COUNT).fill(0);
    for (const score of scores) {
      // The border belongs to the bin above it, whatever floating point makes of a quotient.
      const bin = Math.floor(scoreOf(pValue(score)) / BIN_WIDTH + 1e-9);
      counts[Math.min(BIN_COUNT - 1, bin)]!++;
    }
    return counts;
  };
  return { arm, benign: bins(benign), incidents: bins(incidents.values()) };
}

export interface HospitalRow {
  readonly arm: string;
  readonly hospital: string;
  readonly benign: number;
  /** Benign actor-days above the threshold that all hospitals share. */
  readonly alerts: number;
  /** Incidents with an actor here. */
  readonly incidents: number;
  readonly found: number;
}

/** One threshold for all at the matched rate: who pays for it, and where incidents are missed. */
export function hospitalRows(
  { arm, benign, incidents }: ArmScores,
  world: Readonly<{ truth: readonly LabelledIncident[]; benignCases: readonly Case[] }>,
  alpha: number,
): HospitalRow[] {
  const threshold = thresholdAt(benign, alpha);
  const rows = new Map<
    string,
    { benign: number; alerts: number; incidents: number; found: number }
  >();
  const rowOf = (hospital: string): NonNullable<ReturnType<(typeof rows)['get']>> => {
    const row = rows.get(hospital) ?? { benign: 0, alerts: 0, incidents: 0, found: 0 };
    rows.set(hospital, row);
    return row;
  };
  world.benignCases.forEach(({ nodeId }, i) => {
    const row = rowOf(nodeId);
    row.benign++;
    if (benign[i]! > threshold) row.alerts++;
  });
  for (const { id, nodeIds } of world.truth) {
    for (const nodeId of nodeIds) {
      const row = rowOf(nodeId);
      row.incidents++;
      if ((incidents.get(id) ?? -Infinity) > threshold) row.found++;
    }
  }
  return [...rows].map(([hospital, row]) => ({ arm, hospital, ...row }));
}
