/**
 * The autoencoder written out in float64, one window at a time: slow, and simple enough to be checked by eye.
 * @module
 */
import { layoutOf, type Architecture, type ColumnGroup } from '../src/architecture/index.js';
import type { WindowBatch } from '../src/kernel/index.js';

/** mulberry32: a seeded stream in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomParameters(a: Architecture, random: () => number, size = 0.5): Float32Array {
  return Float32Array.from({ length: layoutOf(a).parameterCount }, () => (2 * random() - 1) * size);
}

/** Windows in ± 2, in a group one 1 or (a row in eight) none; lengths from 1 to steps. */
export function randomBatch(
  a: Architecture,
  count: number,
  random: () => number,
): { windows: Float32Array; lengths: Uint8Array } {
  const windows = Float32Array.from(
    { length: count * a.steps * a.features },
    () => 4 * random() - 2,
  );
  for (const { first, size } of a.groups ?? []) {
    for (let row = 0; row < windows.length; row += a.features) {
      windows.fill(0, row + first, row + first + size);
      if (random() > 1 / 8) windows[row + first + Math.floor(random() * size)] = 1;
    }
  }
  const lengths = Uint8Array.from({ length: count }, () => 1 + Math.floor(random() * a.steps));
  return { windows, lengths };
}

export function windowOf(batch: WindowBatch, index: number): WindowBatch {
  const cells = batch.windows.length / batch.lengths.length;
  const mask = batch.columnMask;
  return {
    windows: batch.windows.slice(index * cells, (index + 1) * cells),
    lengths: batch.lengths.slice(index, index + 1),
    columnMask: mask instanceof Uint32Array ? mask[index]! : (mask ?? 0),
  };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Residuals `[steps, features]` and loss of one window. */
export function referenceWindow(
  a: Architecture,
  parameters: ArrayLike<number>,
  window: ArrayLike<number>,
  length: number,
  mask = 0,
): { residuals: Float64Array; loss: number } {
  const { tensors } = layoutOf(a);
  type Read = (row: number, column: number) => number;
  const read = Object.fromEntries(
    tensors.map(({ name, offset, shape }): [string, Read] => {
      const width = shape.at(-1)!;
      return [name, (row, column) => parameters[offset + row * width + column]!];
    }),
  );
  const { features: F, hidden: H, latent: Z, groups = [] } = a;
  const columns = ({ first, size }: ColumnGroup): number[] =>
    Array.from({ length: size }, (_, i) => first + i);
  const masked = (column: number): boolean => column < 32 && ((mask >>> column) & 1) === 1;
  // A group that lacks a column is absent as a whole.
  const lost = new Set(groups.map(columns).flatMap((g) => (g.some(masked) ? g : [])));
  const absent = (column: number): boolean => masked(column) || lost.has(column);
  const numeric = (column: number): boolean => !groups.some((g) => columns(g).includes(column));

  function lstm(name: string, inputs: number[][]): number[][] {
    const [bias, input, recurrent] = ['bias', 'input', 'recurrent'].map(
      (part) => read[`${name}/${part}`]!,
    ) as [Read, Read, Read];
    let h = new Array<number>(H).fill(0);
    let c = new Array<number>(H).fill(0);
    return inputs.map((x) => {
      const gate = (g: number, j: number): number => {
        const k = g * H + j;
        let sum = bias(0, k);
        for (let i = 0; i < x.length; i++) sum += x[i]! * input(i, k);
        for (let i = 0; i < H; i++) sum += h[i]! * recurrent(i, k);
        return sum;
      };
      const next = c.map((before, j) => {
        const [i, f, g, o] = [0, 1, 2, 3].map((which) => gate(which, j)) as [
          number,
          number,
          number,
          number,
        ];
        const cell = sigmoid(f) * before + sigmoid(i) * Math.tanh(g);
        return { cell, state: sigmoid(o) * Math.tanh(cell) };
      });
      c = next.map(({ cell }) => cell);
      h = next.map(({ state }) => state);
      return h;
    });
  }

  const rows = Array.from({ length }, (_, t) =>
    Array.from({ length: F }, (__, f) => (absent(f) ? 0 : window[t * F + f]!)),
  );
  const last = lstm('encoder', rows).at(-1)!;
  const code = Array.from({ length: Z }, (_, z) =>
    last.reduce(
      (sum, value, i) => sum + value * read['latent/weights']!(i, z),
      read['latent/bias']!(0, z),
    ),
  );
  const states = lstm(
    'decoder',
    rows.map(() => code),
  );
  const residuals = new Float64Array(a.steps * F);
  let loss = 0;
  let cells = 0;
  states.forEach((state, t) => {
    const output = (f: number): number =>
      state.reduce(
        (sum, value, i) => sum + value * read['output/weights']!(i, f),
        read['output/bias']!(0, f),
      );
    for (const group of groups) {
      if (absent(group.first)) continue;
      const chances = columns(group).map((f) => Math.exp(output(f)));
      const total = chances.reduce((sum, x) => sum + x, 0);
      const said = columns(group).some((f) => rows[t]![f] === 1);
      columns(group).forEach((f, i) => {
        const p = chances[i]! / total;
        residuals[t * F + f] = rows[t]![f]! - (said ? p : 0);
        if (rows[t]![f] === 1) loss -= Math.log(p);
      });
      cells++;
    }
    for (let f = 0; f < F; f++) {
      if (absent(f) || !numeric(f)) continue;
      const r = rows[t]![f]! - output(f);
      residuals[t * F + f] = r;
      loss += Math.abs(r) <= 1 ? 0.5 * r * r : Math.abs(r) - 0.5;
      cells++;
    }
  });
  return { residuals, loss: (3 * loss) / cells };
}

/** Largest absolute difference ÷ largest absolute value of the second; 0 where nothing differs, be it from nothing. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / size;
}
