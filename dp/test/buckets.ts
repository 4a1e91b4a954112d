/**
 * The older discretisation, as an oracle for the one in use: every loss is rounded to the grid, up or down.
 * Source: Meiser, Mohammadi 2018, "Tight on Budget?" (privacy buckets).
 * @module
 */
import type { LossGrid } from '../src/accounting/loss-grid.js';
import type { LossPair, LossSplit } from '../src/accounting/loss-pair.js';

/** Rounding up is pessimistic; rounding down is optimistic, and what lies outside of the range is then left out. */
export function bucketGrid(
  pair: LossPair,
  step: number,
  logTailMass: number,
  rounding: 'up' | 'down',
): LossGrid {
  const { lower, upper } = pair.range(logTailMass);
  const [from, to] = [Math.floor(lower / step), Math.ceil(upper / step)];
  const shift = rounding === 'up' ? 1 : 0;
  const masses = new Float64Array(to - from + 1);
  const split: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  const below = (loss: number): number => {
    pair.split(loss, split);
    return split.pBelow;
  };
  let last = rounding === 'up' ? 0 : below(lower);
  for (let i = 0; i < to - from; i++) {
    const next = below(Math.min(upper, (from + i + 1) * step));
    masses[i + shift] = next - last;
    last = next;
  }
  const infinity = rounding === 'up' ? 1 - last : 0;
  return { step, first: from, masses, infinity, aliasing: 0, shift: 0, roundOff: 0 };
}
