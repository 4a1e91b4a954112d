/**
 * What θ costs in people's time. It is never shown without this.
 * @module
 */
import type { CalibrationTable } from './detector.js';

export interface AlertBudget {
  /** Holds per 1,000 guarded transactions that are all normal. */
  readonly perThousand: number;
  /** Holds a day at the given traffic. */
  readonly perDay: number;
  readonly text: string;
}

/**
 * Expected under exchangeability of calibration and use; the realised rate scatters by √(α (1 − α) / n).
 * @param guardedPerDay - guarded transactions a day, ≥ 0
 */
export function alertBudget(
  { alphaPpm, theta }: Pick<CalibrationTable, 'alphaPpm' | 'theta'>,
  guardedPerDay: number,
): AlertBudget {
  const perThousand = alphaPpm / 1_000;
  const perDay = (alphaPpm * guardedPerDay) / 1e6;
  const days = perDay >= 10 ? String(Math.round(perDay)) : perDay.toFixed(1);
  return {
    perThousand,
    perDay,
    text: `θ ${theta / 1e6} ≈ ${perThousand} holds per 1,000 guarded transactions, about ${days} a day`,
  };
}
