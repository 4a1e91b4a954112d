import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { layoutOf } from '../src/architecture/index.js';
import { createKernel } from '../src/kernel/index.js';
import { instantiateKernel } from '../src/kernel/module.js';
import { randomBatch, randomParameters, seeded, windowOf } from './reference.js';

const a = { steps: 4, features: 5, hidden: 3, latent: 2 };
const batch = randomBatch(a, 3, seeded(1));

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** Twice: what the first leaves to a thread in the background, the second finishes. */
function collectGarbage(): void {
  gc();
  gc();
}

it('keeps its memory over 100,000 calls of every kind', () => {
  const kernel = createKernel(a);
  kernel.setParameters(randomParameters(a, seeded(2)));
  const out = new Float64Array(layoutOf(a).parameterCount);
  const select = Uint8Array.of(1, 1, 1);
  const clip = { clippingNorm: 1, gridScale: 1000, sensitivityUnits: 1000 };
  const one = windowOf(batch, 0);
  const round = (): void => {
    kernel.losses(one);
    kernel.summary(batch);
    kernel.reconstruct(batch);
    kernel.gradient(batch);
    kernel.clippedSum({ ...batch, ...clip, select, out });
  };
  for (let i = 0; i < 500; i++) round();
  const expected = kernel.losses(one);
  collectGarbage();
  const before = process.memoryUsage();
  for (let i = 0; i < 20_000; i++) round();
  collectGarbage();
  const after = process.memoryUsage();
  // The outputs of these calls are 80 MB together.
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8 * 2 ** 20);
  expect(kernel.losses(one)).toEqual(expected);
});

it('takes no more memory for more windows: no gradient of a window is kept', () => {
  const count = 50_000;
  const kernel = createKernel(a);
  kernel.setParameters(randomParameters(a, seeded(2)));
  const { parameterCount } = layoutOf(a);
  const many = {
    windows: new Float32Array(count * a.steps * a.features).fill(0.5),
    lengths: new Uint8Array(count).fill(a.steps),
    clippingNorm: 1,
    gridScale: 1000,
    sensitivityUnits: 1000,
    select: new Uint8Array(count).fill(1),
    out: new Float64Array(parameterCount),
  };
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  kernel.clippedSum(many);
  const grown = process.memoryUsage().arrayBuffers - before;
  // All gradients together would be sixty times as much.
  expect(count * parameterCount * 4).toBeGreaterThan(25 * 2 ** 20);
  expect(grown).toBeLessThan(2 ** 20);
});

it('is planned once: a module never grows after its shape is laid out', () => {
  const wasm = instantiateKernel();
  const needed = wasm.plan(64, 128, 128, 128);
  wasm.memory.grow(Math.ceil((needed - wasm.memory.buffer.byteLength) / 65_536));
  const { buffer } = wasm.memory;
  wasm.setGroups(0);
  wasm.packParameters();
  new Uint8Array(buffer, wasm.lengthsAt(), 8).fill(64);
  // Calls at every limit write up to the end of the plan, and nothing behind it.
  const rest = new Uint8Array(buffer, needed).fill(0xa5);
  wasm.addGradient(8, 1);
  wasm.endGradient(1);
  wasm.beginSum();
  wasm.differentiate(8, 1);
  wasm.formWindow(7, 0);
  wasm.addRounded(1, 0);
  wasm.flush();
  wasm.measureSummaries(8, 0);
  wasm.reconstruct(1);
  expect(wasm.memory.buffer).toBe(buffer);
  expect(rest.every((byte) => byte === 0xa5)).toBe(true);
});
