/**
 * One LSTM layer over a block, forward and back through time (Hochreiter & Schmidhuber 1997, with forget gate).
 * A window that has ended keeps its state, and passes its gradients on unchanged.
 */
import { sigmoid, tanh } from './activations';
import { gates, hidden, padded, ROW, valid } from './plan';
import { product } from './product';

/**
 * From pre-activations `gate` of one step to its state. `cell` is the state before, the row block after it the state
 * after; `state` is h before, `next` where h after goes.
 */
export function lstmStep(gate: usize, cell: usize, squashed: usize, state: usize, next: usize, t: i32): void {
  const across = <usize>hidden * ROW;
  const v = valid + <usize>t * ROW;
  for (let half: usize = 0; half < ROW; half += 16) {
    const inside = v128.load(v + half);
    for (let at = half; at < across; at += ROW) {
      const g = gate + at;
      const i = sigmoid(v128.load(g));
      const f = sigmoid(v128.load(g + across));
      const n = tanh(v128.load(g + 2 * across));
      const o = sigmoid(v128.load(g + 3 * across));
      const before = v128.load(cell + at);
      const after = f32x4.add(f32x4.mul(f, before), f32x4.mul(i, n));
      const s = tanh(after);
      v128.store(g, i);
      v128.store(g + across, f);
      v128.store(g + 2 * across, n);
      v128.store(g + 3 * across, o);
      v128.store(squashed + at, s);
      v128.store(cell + across + at, v128.bitselect(after, before, inside));
      v128.store(next + at, v128.bitselect(f32x4.mul(o, s), v128.load(state + at), inside));
    }
  }
}

/**
 * Turns the gates of step t into the gradients of their pre-activations, given the gradients of h and c after the step,
 * and leaves in both the gradients before it.
 */
export function lstmStepBack(
  gate: usize, cell: usize, squashed: usize, stateSlope: usize, cellSlope: usize, back: usize, t: i32,
): void {
  const across = <usize>hidden * ROW;
  const one = f32x4.splat(1);
  const v = valid + <usize>t * ROW;
  for (let half: usize = 0; half < ROW; half += 16) {
    const inside = v128.load(v + half);
    for (let at = half; at < across; at += ROW) {
      const g = gate + at;
      const i = v128.load(g);
      const f = v128.load(g + across);
      const n = v128.load(g + 2 * across);
      const o = v128.load(g + 3 * across);
      const s = v128.load(squashed + at);
      const dh = v128.load(stateSlope + at);
      const dc0 = v128.load(cellSlope + at);
      const dc = f32x4.add(dc0, f32x4.mul(f32x4.mul(dh, o), f32x4.sub(one, f32x4.mul(s, s))));
      const di = f32x4.mul(f32x4.mul(dc, n), f32x4.mul(i, f32x4.sub(one, i)));
      const df = f32x4.mul(f32x4.mul(dc, v128.load(cell + at)), f32x4.mul(f, f32x4.sub(one, f)));
      const dn = f32x4.mul(f32x4.mul(dc, i), f32x4.sub(one, f32x4.mul(n, n)));
      const d0 = f32x4.mul(f32x4.mul(dh, s), f32x4.mul(o, f32x4.sub(one, o)));
      v128.store(g, v128.and(di, inside));
      v128.store(g + across, v128.and(df, inside));
      v128.store(g + 2 * across, v128.and(dn, inside));
      v128.store(g + 3 * across, v128.and(d0, inside));
      v128.store(cellSlope + at, v128.bitselect(f32x4.mul(dc, f), dc0, inside));
      v128.store(stateSlope + at, v128.andnot(dh, inside));
    }
  }
  product(back, gates, padded(hidden) >> 2, gate, stateSlope, stateSlope);
}
