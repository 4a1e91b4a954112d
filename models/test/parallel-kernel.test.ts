import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createJointKernel,
  createParallelKernel,
  shareBatch,
  type ClippedSumReport,
  type KernelTask,
} from '../src/kernel/index.js';
import { randomBatch, randomParameters, relativeError, seeded } from './reference.js';

const SHAPES = [
  { steps: 6, features: 7, hidden: 5, latent: 3 },
  { steps: 4, features: 6, hidden: 4, latent: 2, groups: [{ first: 1, size: 3 }] },
];
const COUNT = 203;
const joint = createJointKernel(SHAPES);
const parameters = Float32Array.from(
  SHAPES.flatMap((a, i) => [...randomParameters(a, seeded(i + 1))]),
);
const batches = SHAPES.map((a, i) => ({ ...randomBatch(a, COUNT, seeded(i + 11)) }));
const select = Uint8Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? 0 : 1));
const clip = { clippingNorm: 0.3, gridScale: 1e5, sensitivityUnits: 30_000 };

const pools = [1, 2, 3].map(
  (threads) =>
    new Piscina<KernelTask, ClippedSumReport | undefined>({
      filename: fileURLToPath(new URL('../dist/kernel/kernel-worker.js', import.meta.url)),
      minThreads: threads,
      maxThreads: threads,
    }),
);
afterAll(() => Promise.all(pools.map((pool) => pool.destroy())));

describe('parallel kernel', () => {
  it('has the same bits for one, two and three workers, in private and in plain work', async () => {
    joint.setParameters(parameters);
    const exact = new Float64Array(joint.parameterCount).fill(7);
    const report = joint.clippedSum({ ...clip, batches, select, out: exact });
    const plain = joint.gradient(batches);
    const gradients: Float32Array[] = [];
    for (const pool of pools) {
      const kernel = createParallelKernel(SHAPES, pool);
      kernel.setParameters(parameters);
      const out = new Float64Array(joint.parameterCount).fill(7);
      expect(await kernel.clippedSum({ ...clip, batches, select, out })).toEqual(report);
      expect(out).toEqual(exact);
      const { gradient, loss } = await kernel.gradient(batches.map(shareBatch));
      expect(loss).toBeCloseTo(plain.loss, 6);
      expect(relativeError(gradient, plain.gradient)).toBeLessThan(1e-5);
      gradients.push(gradient);
    }
    expect(gradients[1]).toEqual(gradients[0]);
    expect(gradients[2]).toEqual(gradients[0]);
  });

  it('follows a change of parameters, and a second kernel on the same pool', async () => {
    const [pool] = pools;
    const first = createParallelKernel(SHAPES, pool!);
    const second = createParallelKernel(SHAPES, pool!);
    first.setParameters(parameters);
    const before = await first.gradient(batches);
    second.setParameters(parameters.map((p) => p / 2));
    expect((await second.gradient(batches)).gradient).not.toEqual(before.gradient);
    expect(await first.gradient(batches)).toEqual(before);
    first.setParameters(parameters.map((p) => p / 2));
    expect(await first.gradient(batches)).toEqual(await second.gradient(batches));
  });

  it('refuses batches of different sizes, in plain work too: none is cut', async () => {
    const kernel = createParallelKernel(SHAPES, pools[0]!);
    kernel.setParameters(parameters);
    const sized = (i: number, count: number): (typeof batches)[number] => ({
      ...randomBatch(SHAPES[i]!, count, seeded(i + 11)),
    });
    for (const [first, second] of [
      [COUNT, COUNT + 8],
      [COUNT + 8, COUNT],
    ] as const) {
      await expect(kernel.gradient([sized(0, first), sized(1, second)])).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_KERNEL_BATCH',
          message: `batches[1]: expected ${first} windows, got ${second}`,
        }) as Error,
      );
    }
  });

  it('adds nothing for an empty batch, and refuses at its own door', async () => {
    const kernel = createParallelKernel(SHAPES, pools[0]!);
    const empty = { windows: new Float32Array(0), lengths: new Uint8Array(0) };
    const out = new Float64Array(joint.parameterCount);
    const none = { ...clip, batches: [empty, empty], select: new Uint8Array(0), out };
    expect(await kernel.clippedSum(none)).toEqual({ contributing: 0, clipped: 0, nonFinite: 0 });
    await expect(kernel.gradient([batches[0]!])).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_KERNEL_BATCH' }) as Error,
    );
    await expect(kernel.clippedSum({ ...none, batches })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_KERNEL_SUM' }) as Error,
    );
  });
});
