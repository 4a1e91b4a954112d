/**
 * What each round of a training did and cost, as rows and as `rounds.csv`.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { epsilonOf, groupEvent, type PrivacyPlan } from '@bhschain/dp';
import type { RoundPlan, RoundReport } from './federation.js';

export interface RoundRow {
  readonly arm: string;
  /** From 1. */
  readonly round: number;
  /** Of all hospitals. */
  readonly windows: number;
  /** Share of contributions that were cut to the clipping norm. */
  readonly clippedShare: number;
  /** L2 norm of the averaged update. */
  readonly updateNorm: number;
  /** ε of a window, which is in one round only; null without noise. */
  readonly windowEpsilon: number | null;
  /** ε so far of an actor who was in every round with as many windows as the plan allows; null without noise. */
  readonly actorEpsilonSoFar: number | null;
}

/** The rounds that a training left in its stage's folder. */
export function roundRows(arm: string, dir: string, { plan, noisy }: RoundPlan): RoundRow[] {
  const lines = readFileSync(join(dir, 'rounds.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line): RoundRow => {
    const { round, windows, clipped, contributing, updateNorm } = JSON.parse(line) as RoundReport;
    return {
      arm,
      round: round + 1,
      windows: windows.reduce((sum, count) => sum + count, 0),
      clippedShare: clipped / Math.max(1, contributing),
      updateNorm,
      windowEpsilon: noisy ? plan.certified.pld : null,
      actorEpsilonSoFar: noisy ? actorEpsilon(plan, round + 1) : null,
    };
  });
}

function actorEpsilon({ event, windowing, target }: PrivacyPlan, rounds: number): number {
  const events = new Array(rounds).fill(groupEvent(event, windowing.windowsPerActorMax));
  return epsilonOf({ kind: 'composed', events }, { delta: target.delta });
}

export function roundsCsv(rows: readonly RoundRow[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const names = Object.keys(first) as (keyof RoundRow)[];
  const lines = rows.map((row) => names.map((name) => row[name] ?? '').join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}
