/**
 * A small LSTM that predicts the next event: forward pass, backpropagation through time and Adam, in plain loops over
 * typed arrays. A rival only; the product's networks are autoencoders and live in the kernel.
 * Sources: Hochreiter & Schmidhuber 1997; Kingma & Ba 2015, algorithm 1.
 * @module
 */

export interface NextEventShape {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly stepsMax: number;
}

export interface NextEventNetwork {
  /**
   * Surprise of each window in bits: its events, each given those before it, summed. What a window has in common with the one
   * before it in the list is not computed again, so lexicographic order is the cheapest.
   */
  surprise(windows: readonly Uint16Array[]): Float64Array;
  /** One Adam step on the mean loss of the windows; returns that loss in bits. */
  train(windows: readonly Uint16Array[], learningRate: number): number;
}

export function createNextEventNetwork(
  shape: NextEventShape,
  uniform: () => number,
): NextEventNetwork {
  const { vocabulary: V, hidden: H, stepsMax: T } = shape;
  const G = 4 * H; // gates in the order input, forget, candidate, output
  const inputAt = 0; // [V + 1, G]; row V is the start of a window
  const recurrentAt = inputAt + (V + 1) * G; // [H, G]
  const biasAt = recurrentAt + H * G; // [G]
  const outputAt = biasAt + G; // [V, H]
  const outputBiasAt = outputAt + V * H; // [V]
  const count = outputBiasAt + V;
  const p = new Float64Array(count);
  const scale = Math.sqrt(6 / (H + G));
  for (let i = 0; i < biasAt; i++) p[i] = (2 * uniform() - 1) * scale;
  p.fill(1, biasAt + H, biasAt + 2 * H);
  for (let i = outputAt; i < outputBiasAt; i++) p[i] = (2 * uniform() - 1) * scale;

  const gates = new Float64Array(T * G);
  const cells = new Float64Array((T + 1) * H);
  const states = new Float64Array((T + 1) * H);
  const shares = new Float64Array(T * V);
  const gradient = new Float64Array(count);
  const first = new Float64Array(count);
  const second = new Float64Array(count);
  const dState = new Float64Array(H);
  const dCell = new Float64Array(H);
  const dGates = new Float64Array(G);
  const bits = new Float64Array(T);
  let updates = 0;

  /** Fills `bits` from step `from` on; what lies before is of the same events. Returns their sum. */
  function forward(events: Uint16Array, from = 0): number {
    for (let t = from; t < events.length; t++) {
      const g = t * G;
      const row = inputAt + (t === 0 ? V : events[t - 1]!) * G;
      // Four of the 4 H gates side by side: four sums that do not wait for each other.
      for (let j = 0; j < G; j += 4) {
        let a = p[biasAt + j]! + p[row + j]!;
        let b = p[biasAt + j + 1]! + p[row + j + 1]!;
        let c = p[biasAt + j + 2]! + p[row + j + 2]!;
        let d = p[biasAt + j + 3]! + p[row + j + 3]!;
        for (let k = 0, at = recurrentAt + j; k < H; k++, at += G) {
          const state = states[t * H + k]!;
          a += state * p[at]!;
          b += state * p[at + 1]!;
          c += state * p[at + 2]!;
          d += state * p[at + 3]!;
        }
        gates[g + j] = a;
        gates[g + j + 1] = b;
        gates[g + j + 2] = c;
        gates[g + j + 3] = d;
      }
      for (let k = 0; k < H; k++) {
        const i = (gates[g + k] = sigmoid(gates[g + k]!));
        const f = (gates[g + H + k] = sigmoid(gates[g + H + k]!));
        const c = (gates[g + 2 * H + k] = Math.tanh(gates[g + 2 * H + k]!));
        const o = (gates[g + 3 * H + k] = sigmoid(gates[g + 3 * H + k]!));
        const cell = f * cells[t * H + k]! + i * c;
        cells[(t + 1) * H + k] = cell;
        states[(t + 1) * H + k] = o * Math.tanh(cell);
      }
      bits[t] = softmax(t, events[t]!);
    }
    let sum = 0;
    for (let t = 0; t < events.length; t++) sum += bits[t]!;
    return sum;
  }

  /** Fills the shares of step t; returns the surprise of `target` in bits. */
  function softmax(t: number, target: number): number {
    let largest = -Infinity;
    const stateAt = (t + 1) * H;
    let v = 0;
    // Four events side by side, each sum in its own order.
    for (; v + 4 <= V; v += 4) {
      let a = p[outputBiasAt + v]!;
      let b = p[outputBiasAt + v + 1]!;
      let c = p[outputBiasAt + v + 2]!;
      let d = p[outputBiasAt + v + 3]!;
      const at = outputAt + v * H;
      for (let k = 0; k < H; k++) {
        const state = states[stateAt + k]!;
        a += p[at + k]! * state;
        b += p[at + H + k]! * state;
        c += p[at + 2 * H + k]! * state;
        d += p[at + 3 * H + k]! * state;
      }
      shares[t * V + v] = a;
      shares[t * V + v + 1] = b;
      shares[t * V + v + 2] = c;
      shares[t * V + v + 3] = d;
      largest = Math.max(largest, a, b, c, d);
    }
    for (; v < V; v++) {
      let logit = p[outputBiasAt + v]!;
      for (let k = 0; k < H; k++) logit += p[outputAt + v * H + k]! * states[stateAt + k]!;
      shares[t * V + v] = logit;
      largest = Math.max(largest, logit);
    }
    let total = 0;
    for (v = 0; v < V; v++) total += shares[t * V + v] = Math.exp(shares[t * V + v]! - largest);
    for (v = 0; v < V; v++) shares[t * V + v]! /= total;
    return -Math.log2(Math.max(1e-12, shares[t * V + target]!));
  }

  function backward(events: Uint16Array, weight: number): void {
    dState.fill(0);
    dCell.fill(0);
    for (let t = events.length - 1; t >= 0; t--) {
      for (let v = 0; v < V; v++) {
        const d = weight * (shares[t * V + v]! - (v === events[t] ? 1 : 0));
        gradient[outputBiasAt + v]! += d;
        const weights = outputAt + v * H;
        for (let k = 0; k < H; k++) {
          gradient[weights + k]! += d * states[(t + 1) * H + k]!;
          dState[k]! += d * p[weights + k]!;
        }
      }
      backwardCell(t);
      const row = inputAt + (t === 0 ? V : events[t - 1]!) * G;
      for (let j = 0; j < G; j++) {
        gradient[biasAt + j]! += dGates[j]!;
        gradient[row + j]! += dGates[j]!;
      }
      for (let k = 0; k < H; k++) {
        const state = states[t * H + k]!;
        const weights = recurrentAt + k * G;
        let sum = 0;
        for (let j = 0; j < G; j++) {
          gradient[weights + j]! += state * dGates[j]!;
          sum += p[weights + j]! * dGates[j]!;
        }
        dState[k] = sum;
      }
    }
  }

  function backwardCell(t: number): void {
    const g = t * G;
    for (let k = 0; k < H; k++) {
      const [i, f] = [gates[g + k]!, gates[g + H + k]!];
      const [c, o] = [gates[g + 2 * H + k]!, gates[g + 3 * H + k]!];
      const squashed = Math.tanh(cells[(t + 1) * H + k]!);
      const d = dCell[k]! + dState[k]! * o * (1 - squashed * squashed);
      dGates[k] = d * c * i * (1 - i);
      dGates[H + k] = d * cells[t * H + k]! * f * (1 - f);
      dGates[2 * H + k] = d * i * (1 - c * c);
      dGates[3 * H + k] = dState[k]! * squashed * o * (1 - o);
      dCell[k] = d * f;
    }
  }

  function adam(learningRate: number): void {
    updates++;
    const [b1, b2] = [0.9, 0.999];
    const rate = (learningRate * Math.sqrt(1 - b2 ** updates)) / (1 - b1 ** updates);
    for (let i = 0; i < count; i++) {
      const g = gradient[i]!;
      first[i] = b1 * first[i]! + (1 - b1) * g;
      second[i] = b2 * second[i]! + (1 - b2) * g * g;
      p[i]! -= (rate * first[i]!) / (Math.sqrt(second[i]!) + 1e-8);
    }
  }

  return {
    surprise(windows) {
      let last: Uint16Array = new Uint16Array(0);
      return Float64Array.from(windows, (window) => {
        let common = 0;
        while (common < window.length && window[common] === last[common]) common++;
        last = window;
        return forward(window, common);
      });
    },
    train(windows, learningRate) {
      gradient.fill(0);
      const events = windows.reduce((sum, window) => sum + window.length, 0);
      let surprise = 0;
      for (const window of windows) {
        surprise += forward(window);
        backward(window, 1 / events);
      }
      adam(learningRate);
      return surprise / events;
    },
  };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
