import { describe, expect, it } from 'vitest';
import { instantiateKernel } from '../src/kernel/module.js';

const wasm = instantiateKernel();
wasm.memory.grow(64);
wasm.plan(64, 128, 4, 4);

/** Applies function 0 exp, 1 sigmoid, 2 tanh, 3 log of the kernel. */
function apply(which: number, inputs: Float32Array): Float32Array {
  const view = new Float32Array(wasm.memory.buffer, wasm.windowsAt(), inputs.length);
  view.set(inputs);
  wasm.activate(which, inputs.length);
  return view.slice();
}

/** 40,000 floats: even steps over the range, and magnitudes down to 1e-6. */
function inputsWithin(limit: number): Float32Array {
  const inputs = new Float32Array(40_000);
  for (let i = 0; i < 20_000; i++) {
    inputs[i] = (2 * (i / 19_999) - 1) * limit;
    inputs[20_000 + i] = (i % 2 === 0 ? 1 : -1) * limit * 10 ** ((-6 * i) / 20_000);
  }
  return inputs;
}

describe.each([
  ['exp', 0, 87, 3e-7, (x: number) => Math.exp(x)],
  ['sigmoid', 1, 87, 3e-7, (x: number) => 1 / (1 + Math.exp(-x))],
  ['tanh', 2, 20, 5e-7, (x: number) => Math.tanh(x)],
])('%s', (_, which, limit, bound, reference) => {
  it(`stays within a relative error of ${bound}`, () => {
    const inputs = inputsWithin(limit);
    const outputs = apply(which, inputs);
    let worst = 0;
    inputs.forEach((x, i) => {
      const expected = reference(x);
      if (expected !== 0) worst = Math.max(worst, Math.abs(outputs[i]! / expected - 1));
    });
    expect(worst).toBeLessThan(bound);
    // Not a bound that nothing could miss.
    expect(worst).toBeGreaterThan(bound / 20);
  });

  it('stays finite beyond the range, and keeps NaN', () => {
    const [low, high, nan] = apply(which, Float32Array.of(-1e30, 1e30, NaN, 0));
    expect(Number.isFinite(low)).toBe(true);
    expect(Number.isFinite(high)).toBe(true);
    expect(nan).toBeNaN();
  });
});

it('log stays within a relative error of 3e-7', () => {
  // Magnitudes from 1e-30 to 1e30, even steps around 1.
  const inputs = Float32Array.from({ length: 40_000 }, (_, i) =>
    i < 20_000 ? 10 ** ((i - 10_000) / 333) : 0.5 + (i - 20_000) / 13_333,
  );
  let worst = 0;
  apply(3, inputs).forEach((y, i) => {
    const expected = Math.log(inputs[i]!);
    worst = Math.max(worst, Math.abs(y - expected) / Math.max(Math.abs(expected), 1e-30));
  });
  expect(worst).toBeLessThan(3e-7);
  expect(worst).toBeGreaterThan(3e-7 / 20);
  expect(apply(3, Float32Array.of(1, 1, 1, 1))).toEqual(new Float32Array(4));
});
