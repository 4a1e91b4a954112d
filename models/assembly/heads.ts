/**
 * Heads of categorical groups: softmax over a group's outputs, cross-entropy against what was observed there, a one-hot
 * row or zeros for "none". With s the sum of the observed row y and p the softmax of the outputs z, the loss is
 * s · log Σ exp z − y · z, and its gradient by z is s · p − y: the negative residual, as for a number's squared error.
 */
import { exp, log } from './activations';
import * as m from './plan';
import { ROW } from './plan';

/** Turns the groups' outputs into residuals y − s · p (0 in padding and absent groups), and sums the losses. */
export function crossEntropies(duration: usize, width: usize): void {
  const zero = f32x4.splat(0);
  for (let half: usize = 0; half < width; half += 16) {
    let total = zero;
    for (let g = 0; g < m.groupCount; g++) {
      const first = m.groupStart(g);
      const output = m.residuals + <usize>first * m.span;
      const observed = m.encoderInputs + <usize>first * m.span;
      const across = <usize>m.groupSize(g) * m.span;
      const present = v128.load(m.present + <usize>first * ROW + half);
      for (let at = half; at < duration; at += ROW) {
        const cell = v128.and(v128.load(m.valid + at), present);
        total = f32x4.add(total, v128.and(oneCell(output + at, observed + at, across, cell), cell));
      }
    }
    v128.store(m.groupLosses + half, total);
  }
}

/** One group at one step. Outputs are taken relative to their largest, so that no exponential is above 1. */
function oneCell(output: usize, observed: usize, across: usize, cell: v128): v128 {
  let largest = v128.load(output);
  for (let i = m.span; i < across; i += m.span) {
    largest = f32x4.pmax(largest, v128.load(output + i));
  }
  let mass = f32x4.splat(0),
    sum = mass,
    loss = mass;
  for (let i: usize = 0; i < across; i += m.span) {
    const below = f32x4.sub(v128.load(output + i), largest);
    const y = v128.load(observed + i);
    const e = exp(below);
    sum = f32x4.add(sum, e);
    mass = f32x4.add(mass, y);
    loss = f32x4.sub(loss, f32x4.mul(y, below));
    v128.store(output + i, e);
  }
  const scale = f32x4.div(mass, sum);
  for (let i: usize = 0; i < across; i += m.span) {
    const r = f32x4.sub(v128.load(observed + i), f32x4.mul(v128.load(output + i), scale));
    v128.store(output + i, v128.and(r, cell));
  }
  return f32x4.add(loss, f32x4.mul(mass, log(sum)));
}
