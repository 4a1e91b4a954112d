import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jointClippedSum, type SummingKernel } from '../src/kernel/clipped-sum.js';
import {
  createJointKernel,
  createKernel,
  type Kernel,
  type WindowBatch,
} from '../src/kernel/index.js';
import { randomBatch, randomParameters, seeded, windowOf } from './reference.js';

/** Three networks of different width, depth in time and heads. */
const SHAPES = [
  { steps: 6, features: 7, hidden: 5, latent: 3 },
  { steps: 4, features: 6, hidden: 4, latent: 2, groups: [{ first: 1, size: 3 }] },
  { steps: 5, features: 3, hidden: 6, latent: 1 },
];
const COUNT = 13;
const joint = createJointKernel(SHAPES);
const parts = SHAPES.map((a, i) => randomParameters(a, seeded(i + 1)));
const flat = Float32Array.from(parts.flatMap((part) => [...part]));
joint.setParameters(flat);
const batches = SHAPES.map((a, i) => ({ ...randomBatch(a, COUNT, seeded(i + 11)), columnMask: i }));

const gradientOf = (window: number): Float32Array =>
  joint.gradient(batches.map((batch) => windowOf(batch, window))).gradient;
const norms = Array.from({ length: COUNT }, (_, i) => Math.hypot(...gradientOf(i)));
const median = norms.toSorted((x, y) => x - y)[6]!;

function sumOf(
  of: readonly WindowBatch[],
  clip: { clippingNorm: number; sensitivityUnits: number; automaticStability?: number },
): { out: Float64Array; report: object } {
  const out = new Float64Array(joint.parameterCount);
  const select = new Uint8Array(of[0]!.lengths.length).fill(1);
  const gridScale = clip.sensitivityUnits / clip.clippingNorm;
  return { out, report: joint.clippedSum({ ...clip, gridScale, batches: of, select, out }) };
}

/** A network whose gradient has `count` equal entries, since those of real ones hardly ever round up together. */
function even(count: number): Kernel {
  const architecture = { steps: 1, features: 1, hidden: 1, latent: 1 };
  const sums = new Float64Array(count);
  const rounded = (factor: number, towardsZero: boolean): number =>
    towardsZero ? Math.trunc(factor) : Math.round(factor);
  const kernel: SummingKernel & Pick<Kernel, 'architecture' | 'layout'> = {
    architecture,
    layout: { architecture, tensors: [], parameterCount: count },
    windowGradients: {
      begin: () => sums.fill(0),
      differentiate: () => undefined,
      form: () => count,
      add: (factor, towardsZero) => {
        sums.forEach((sum, i) => (sums[i] = sum + rounded(factor, towardsZero)));
        return count * rounded(factor, towardsZero) ** 2;
      },
      take: (factor, towardsZero) => {
        sums.forEach((sum, i) => (sums[i] = sum - rounded(factor, towardsZero)));
      },
      flush: () => sums,
    },
  };
  return kernel as unknown as Kernel;
}

const lengthOf = (v: Float64Array): number => Math.hypot(...v);

describe('joint kernel', () => {
  it('is its networks side by side', () => {
    expect(joint.parameterCount).toBe(flat.length);
    const { gradient, loss } = joint.gradient(batches);
    const single = SHAPES.map((a, i) => {
      const kernel = createKernel(a);
      kernel.setParameters(parts[i]!);
      return kernel.gradient(batches[i]!);
    });
    expect([...gradient]).toEqual(single.flatMap((part) => [...part.gradient]));
    expect(loss).toBe(single.reduce((sum, part) => sum + part.loss, 0));
  });

  it('clips a window’s gradient over all networks with one factor', () => {
    // A little above the median, so that six of the thirteen are clipped.
    const clip = { clippingNorm: 1.001 * median, sensitivityUnits: 40_000 };
    for (let i = 0; i < COUNT; i++) {
      const gradient = gradientOf(i);
      const factor = Math.min(1, clip.clippingNorm / norms[i]!) * (40_000 / clip.clippingNorm);
      const { out } = sumOf(
        batches.map((batch) => windowOf(batch, i)),
        clip,
      );
      // Half a unit of rounding, and 2 units of the bound kept back.
      out.forEach((x, k) => expect(Math.abs(x - gradient[k]! * factor)).toBeLessThan(3));
      expect(lengthOf(out)).toBeLessThanOrEqual(40_000);
    }
    expect(sumOf(batches, clip).report).toEqual({ contributing: COUNT, clipped: 6, nonFinite: 0 });
  });

  it('keeps the bound for all networks together, at any bound', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 22 - 1 }),
        fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
        fc.option(fc.double({ min: 1e-4, max: 10, noNaN: true }), { nil: undefined }),
        fc.nat(COUNT - 1),
        (units, scale, stability, i) => {
          const { out } = sumOf(
            batches.map((batch) => windowOf(batch, i)),
            {
              clippingNorm: median * scale,
              sensitivityUnits: units,
              ...(stability === undefined ? {} : { automaticStability: stability }),
            },
          );
          const squares = out.reduce((sum, x) => sum + BigInt(x) ** 2n, 0n);
          expect(squares <= BigInt(units) ** 2n).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves nothing of a window whose integers all together break the bound', () => {
    // 400 entries of norm 10.8 are .54 each and round to 1: a norm of 20 where 14 is allowed, 10 and 17 in either network.
    for (const sizes of [[400], [100, 300], [300, 100]]) {
      const out = new Float64Array(400);
      const batch = { windows: Float32Array.of(0), lengths: Uint8Array.of(1) };
      const report = jointClippedSum(
        sizes.map((size) => ({ kernel: even(size), batch })),
        { clippingNorm: 1, gridScale: 14, sensitivityUnits: 14, select: Uint8Array.of(1), out },
      );
      expect(lengthOf(out)).toBeLessThanOrEqual(14);
      expect(out.every((x) => x === 0)).toBe(true);
      expect(report).toEqual({ contributing: 1, clipped: 1, nonFinite: 0 });
    }
  });

  it('adds what its windows add alone, in any order', () => {
    const clip = { clippingNorm: median, sensitivityUnits: 1000 };
    const expected = new Float64Array(joint.parameterCount);
    for (let i = COUNT - 1; i >= 0; i--) {
      const alone = sumOf(
        batches.map((batch) => windowOf(batch, i)),
        clip,
      );
      alone.out.forEach((x, k) => (expected[k]! += x));
    }
    expect(sumOf(batches, clip).out).toEqual(expected);
  });

  it('takes a window that one network cannot digest as zero in all of them', () => {
    const windows = batches[1]!.windows.slice();
    windows[2 * SHAPES[1]!.steps * SHAPES[1]!.features + 4] = NaN;
    const spoilt = [batches[0]!, { ...batches[1]!, windows }, batches[2]!];
    const clip = { clippingNorm: median, sensitivityUnits: 1000 };
    const { out, report } = sumOf(spoilt, clip);
    expect(report).toMatchObject({ contributing: COUNT - 1, nonFinite: 1 });
    const others = sumOf(batches, clip).out;
    const alone = sumOf(
      batches.map((batch) => windowOf(batch, 2)),
      clip,
    ).out;
    expect(out).toEqual(others.map((x, k) => x - alone[k]!));
  });
});
