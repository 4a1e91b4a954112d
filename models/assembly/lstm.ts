/**
 * One step of an LSTM layer over a block, forward and back (Hochreiter & Schmidhuber 1997, with forget gate).
 * A window that has ended keeps its state, and passes its gradients on unchanged.
 */
import { sigmoid, tanh } from './activations';
import { gates, hidden, padded, ROW, span, valid } from './plan';
import { product } from './product';

/**
 * Turns the pre-activations of step t into gates, and writes the state after it: h and c stand at t + 1 of their series.
 * All but t are series.
 */
export function lstmStep(
  gate: usize,
  cell: usize,
  squashed: usize,
  state: usize,
  t: i32,
  width: usize,
): void {
  const across = <usize>hidden * span;
  const now = <usize>t * ROW;
  for (let half = now; half < now + width; half += 16) {
    const inside = v128.load(valid + half);
    let g = gate + half,
      c = cell + half,
      s = squashed + half,
      h = state + half;
    const end = g + across;
    for (; g < end; g += span) {
      const i = sigmoid(v128.load(g));
      const f = sigmoid(v128.load(g + across));
      const n = tanh(v128.load(g + 2 * across));
      const o = sigmoid(v128.load(g + 3 * across));
      const before = v128.load(c);
      const after = f32x4.add(f32x4.mul(f, before), f32x4.mul(i, n));
      const squash = tanh(after);
      v128.store(g, i);
      v128.store(g + across, f);
      v128.store(g + 2 * across, n);
      v128.store(g + 3 * across, o);
      v128.store(s, squash);
      v128.store(c, v128.bitselect(after, before, inside), ROW);
      v128.store(h, v128.bitselect(f32x4.mul(o, squash), v128.load(h), inside), ROW);
      c += span;
      s += span;
      h += span;
    }
  }
}

/**
 * Turns the gates of step t into the gradients of their pre-activations, given the gradients of h and c after the step
 * (rows), and leaves in both the gradients before it. `back` are the panels of the transposed recurrent weights.
 */
export function lstmStepBack(
  gate: usize,
  cell: usize,
  squashed: usize,
  stateSlopes: usize,
  cellSlopes: usize,
  back: usize,
  t: i32,
): void {
  const across = <usize>hidden * span;
  const now = <usize>t * ROW;
  const one = f32x4.splat(1);
  for (let half: usize = 0; half < ROW; half += 16) {
    const inside = v128.load(valid + now + half);
    let g = gate + now + half,
      c = cell + now + half,
      s = squashed + now + half;
    let dState = stateSlopes + half,
      dCell = cellSlopes + half;
    const end = g + across;
    for (; g < end; g += span) {
      const i = v128.load(g);
      const f = v128.load(g + across);
      const n = v128.load(g + 2 * across);
      const o = v128.load(g + 3 * across);
      const squash = v128.load(s);
      const dh = v128.load(dState);
      const dcAfter = v128.load(dCell);
      const dc = f32x4.add(
        dcAfter,
        f32x4.mul(f32x4.mul(dh, o), f32x4.sub(one, f32x4.mul(squash, squash))),
      );
      const di = f32x4.mul(f32x4.mul(dc, n), f32x4.mul(i, f32x4.sub(one, i)));
      const df = f32x4.mul(f32x4.mul(dc, v128.load(c)), f32x4.mul(f, f32x4.sub(one, f)));
      const dn = f32x4.mul(f32x4.mul(dc, i), f32x4.sub(one, f32x4.mul(n, n)));
      const d0 = f32x4.mul(f32x4.mul(dh, squash), f32x4.mul(o, f32x4.sub(one, o)));
      v128.store(g, v128.and(di, inside));
      v128.store(g + across, v128.and(df, inside));
      v128.store(g + 2 * across, v128.and(dn, inside));
      v128.store(g + 3 * across, v128.and(d0, inside));
      v128.store(dCell, v128.bitselect(f32x4.mul(dc, f), dcAfter, inside));
      v128.store(dState, v128.andnot(dh, inside));
      c += span;
      s += span;
      dState += ROW;
      dCell += ROW;
    }
  }
  product(back, gates, padded(hidden) >> 2, gate + now, span, stateSlopes, ROW, stateSlopes, ROW);
}
