import { describe, expect, it } from 'vitest';
import {
  DEFAULT_ARCHITECTURE,
  layoutOf,
  type Architecture,
  type ColumnGroup,
} from '../src/architecture/index.js';
import { KernelError } from '../src/errors.js';
import {
  createJointKernel,
  createKernel,
  STATISTICS,
  type GradientNorm,
  type Kernel,
} from '../src/kernel/index.js';
import {
  randomBatch,
  randomParameters,
  referenceWindow,
  relativeError,
  seeded,
  windowOf,
} from './reference.js';

/** The product's shape, odd sizes that fill no vector, the limits, one of each. */
const SHAPES: readonly Architecture[] = [
  DEFAULT_ARCHITECTURE,
  { steps: 5, features: 7, hidden: 5, latent: 3 },
  { steps: 1, features: 1, hidden: 1, latent: 1 },
  { steps: 64, features: 33, hidden: 6, latent: 9 },
  { steps: 3, features: 128, hidden: 128, latent: 128 },
  // Numbers before, between and after categories; beyond the 32 columns that a mask can name; nothing but categories.
  { steps: 6, features: 9, hidden: 7, latent: 3, groups: group([3, 2], [5, 3]) },
  { steps: 4, features: 40, hidden: 6, latent: 2, groups: group([0, 2], [4, 33]) },
  { steps: 5, features: 6, hidden: 3, latent: 5, groups: group([0, 2], [2, 4]) },
];

function group(...pairs: readonly (readonly [number, number])[]): ColumnGroup[] {
  return pairs.map(([first, size]) => ({ first, size }));
}

function prepared(a: Architecture, seed: number): { kernel: Kernel; parameters: Float32Array } {
  const kernel = createKernel(a);
  const parameters = randomParameters(a, seeded(seed), a.hidden > 32 ? 0.1 : 0.5);
  kernel.setParameters(parameters);
  return { kernel, parameters };
}

const maskFor = (a: Architecture): number =>
  a.features > 3 ? (a.groups?.[0]?.first === 0 ? 0b1 : 0b101) : 0;

describe.each(SHAPES)('kernel of $steps × $features, $hidden, $latent', (a) => {
  const count = 11;
  const { kernel, parameters } = prepared(a, 1);
  const batch = { ...randomBatch(a, count, seeded(2)), columnMask: maskFor(a) };
  const expected = Array.from({ length: count }, (_, i) => {
    const { windows, lengths, columnMask } = windowOf(batch, i);
    return referenceWindow(a, parameters, windows, lengths[0]!, columnMask as number);
  });

  it('reconstructs like the float64 reference', () => {
    const residuals = kernel.reconstruct(batch);
    expect(
      relativeError(
        residuals,
        expected.flatMap((e) => [...e.residuals]),
      ),
    ).toBeLessThan(3e-6);
  });

  it('measures losses like the reference', () => {
    const losses = kernel.losses(batch);
    expect(
      relativeError(
        losses,
        expected.map((e) => e.loss),
      ),
    ).toBeLessThan(3e-6);
  });

  it('has the gradient of central differences of the reference', () => {
    const { gradient, loss } = kernel.gradient(batch);
    const meanLoss = (p: Float64Array): number =>
      Array.from({ length: count }, (_, i) => {
        const { windows, lengths, columnMask } = windowOf(batch, i);
        return referenceWindow(a, p, windows, lengths[0]!, columnMask as number).loss;
      }).reduce((sum, x) => sum + x, 0) / count;
    const point = Float64Array.from(parameters);
    expect(loss).toBeCloseTo(meanLoss(point), 4);
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const step = 1e-5;
    // Some entries of every tensor.
    for (const { offset, size } of layoutOf(a).tensors) {
      for (let pick = 0; pick < Math.min(size, 4); pick++) {
        const i = offset + Math.floor((pick * size) / 4);
        const value = point[i]!;
        point[i] = value + step;
        const above = meanLoss(point);
        point[i] = value - step;
        const below = meanLoss(point);
        point[i] = value;
        expect(Math.abs(gradient[i]! - (above - below) / (2 * step))).toBeLessThan(1e-3 * largest);
      }
    }
  });
});

describe('results', () => {
  const a = { steps: 6, features: 7, hidden: 5, latent: 3 };
  const { kernel, parameters } = prepared(a, 3);
  const batch = randomBatch(a, 13, seeded(4));

  it('of a window do not depend on its neighbours, bit for bit', () => {
    const together = kernel.reconstruct(batch);
    for (let i = 0; i < 13; i++) {
      const cells = a.steps * a.features;
      const alone = kernel.reconstruct(windowOf(batch, i));
      expect(alone).toEqual(together.subarray(i * cells, (i + 1) * cells));
    }
  });

  it('do not depend on what stands after a window or in an absent column', () => {
    const columnMask = Uint32Array.from({ length: 13 }, (_, i) => (i % 2 === 0 ? 0b10 : 0));
    const expected = kernel.reconstruct({ ...batch, columnMask });
    const spoilt = batch.windows.map((value, cell) => {
      const window = Math.floor(cell / (a.steps * a.features));
      const step = Math.floor(cell / a.features) % a.steps;
      const absent = window % 2 === 0 && cell % a.features === 1;
      return absent || step >= batch.lengths[window]! ? NaN : value;
    });
    expect(kernel.reconstruct({ ...batch, windows: spoilt, columnMask })).toEqual(expected);
    expect(kernel.gradient({ ...batch, windows: spoilt, columnMask }).gradient).toEqual(
      kernel.gradient({ ...batch, columnMask }).gradient,
    );
  });

  it('are zero in padding and in absent columns', () => {
    const residuals = kernel.reconstruct({ ...batch, columnMask: 0b11 });
    residuals.forEach((residual, cell) => {
      const window = Math.floor(cell / (a.steps * a.features));
      const step = Math.floor(cell / a.features) % a.steps;
      if (cell % a.features < 2 || step >= batch.lengths[window]!) expect(residual).toBe(0);
    });
  });

  it('are the same from a second kernel, and survive another shape beside it', () => {
    const expected = kernel.reconstruct(batch);
    const second = createKernel(a);
    second.setParameters(parameters);
    prepared(DEFAULT_ARCHITECTURE, 5).kernel.losses(
      randomBatch(DEFAULT_ARCHITECTURE, 3, seeded(6)),
    );
    expect(second.reconstruct(batch)).toEqual(expected);
    expect(kernel.reconstruct(batch)).toEqual(expected);
  });
});

describe('summary', () => {
  const a = { steps: 9, features: 6, hidden: 4, latent: 2 };
  const { kernel } = prepared(a, 7);
  const batch = randomBatch(a, 10, seeded(8));

  it.each(['residuals', 'features'] as const)(
    'of %s: mean, largest and deviation of a column',
    (of) => {
      const columnMask = 0b100;
      const summaries = kernel.summary({ ...batch, columnMask }, of);
      const values =
        of === 'features' ? batch.windows : kernel.reconstruct({ ...batch, columnMask });
      for (let window = 0; window < 10; window++) {
        const length = batch.lengths[window]!;
        for (let column = 0; column < a.features; column++) {
          const series = Array.from({ length }, (_, step) =>
            column === 2 ? 0 : values[(window * a.steps + step) * a.features + column]!,
          );
          const mean = series.reduce((sum, x) => sum + x, 0) / length;
          const largest = Math.max(...series.map(Math.abs));
          const deviation = Math.sqrt(series.reduce((sum, x) => sum + (x - mean) ** 2, 0) / length);
          const at = window * 3 * a.features + column;
          expect(summaries[at]).toBeCloseTo(mean, 5);
          expect(summaries[at + a.features]).toBeCloseTo(largest, 5);
          expect(summaries[at + 2 * a.features]).toBeCloseTo(deviation, 5);
        }
      }
    },
  );

  it.each([
    [STATISTICS, undefined],
    [
      ['mean', 'largest'],
      ['largest', 'mean'],
    ],
    [['deviation'], ['deviation']],
  ] as const)(
    'under a whitening of %s gives the squared length of L⁻¹ (u − μ)',
    (taken, statistics) => {
      const columnMask = 0b100;
      const random = seeded(9);
      const entries = [...Array(3 * a.features).keys()].filter(
        (i) =>
          i % a.features !== 2 &&
          (taken as readonly string[]).includes(STATISTICS[Math.floor(i / a.features)]!),
      );
      const width = entries.length;
      const mean = Float32Array.from({ length: width }, random);
      const whitening = Float32Array.from({ length: (width * (width + 1)) / 2 }, random);
      const distances = kernel.squaredDistances(batch, {
        columnMask,
        mean,
        whitening,
        ...(statistics === undefined ? {} : { statistics }),
      });
      const summaries = kernel.summary(batch);
      distances.forEach((distance, window) => {
        let expected = 0;
        for (let i = 0; i < width; i++) {
          let y = 0;
          for (let j = 0; j <= i; j++) {
            const u = summaries[window * 3 * a.features + entries[j]!]!;
            y += whitening[(i * (i + 1)) / 2 + j]! * (u - mean[j]!);
          }
          expected += y * y;
        }
        expect(Math.abs(distance / expected - 1)).toBeLessThan(1e-5);
      });
    },
  );
});

describe('the door', () => {
  const a = { steps: 4, features: 3, hidden: 2, latent: 2 };
  const { kernel } = prepared(a, 10);
  const good = randomBatch(a, 2, seeded(11));
  const sum = {
    ...good,
    select: Uint8Array.of(1, 1),
    clippingNorm: 1,
    gridScale: 100,
    sensitivityUnits: 100,
    out: new Float64Array(layoutOf(a).parameterCount),
  };
  const bad = good.windows.slice();
  bad[0] = Infinity;

  it.each([
    ['ERR_KERNEL_PARAMETERS', () => kernel.setParameters(new Float32Array(3))],
    [
      'ERR_KERNEL_PARAMETERS',
      () => kernel.setParameters(new Float32Array(layoutOf(a).parameterCount).fill(NaN)),
    ],
    [
      'ERR_KERNEL_BATCH',
      () => kernel.losses({ windows: new Float32Array(0), lengths: new Uint8Array(0) }),
    ],
    ['ERR_KERNEL_BATCH', () => kernel.losses({ ...good, lengths: Uint8Array.of(1) })],
    ['ERR_KERNEL_BATCH', () => kernel.losses({ ...good, lengths: Uint8Array.of(0, 1) })],
    ['ERR_KERNEL_BATCH', () => kernel.losses({ ...good, lengths: Uint8Array.of(1, 5) })],
    ['ERR_KERNEL_BATCH', () => kernel.losses({ ...good, windows: bad })],
    ['ERR_KERNEL_BATCH', () => kernel.losses({ ...good, columnMask: new Uint32Array(3) })],
    [
      'ERR_KERNEL_WHITENING',
      () =>
        kernel.squaredDistances(good, {
          columnMask: 1,
          mean: new Float32Array(9),
          whitening: new Float32Array(45),
        }),
    ],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, select: Uint8Array.of(1) })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, clippingNorm: NaN })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, gridScale: 0 })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, sensitivityUnits: 2 ** 22 })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, out: new Float64Array(3) })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, automaticStability: 0 })],
    ['ERR_KERNEL_SUM', () => kernel.clippedSum({ ...sum, norms: 'ghost' as GradientNorm })],
    ['ERR_KERNEL_BATCH', () => createJointKernel([])],
    ['ERR_KERNEL_BATCH', () => createJointKernel([a, a]).clippedSum({ ...sum, batches: [good] })],
    [
      'ERR_KERNEL_BATCH',
      () => createJointKernel([a, a]).clippedSum({ ...sum, batches: [good, windowOf(good, 0)] }),
    ],
    ['ERR_KERNEL_PARAMETERS', () => createJointKernel([a, a]).setParameters(sum.windows)],
  ])('%s', (code, call) => {
    expect(call).toThrow(KernelError);
    expect(call).toThrow(expect.objectContaining({ code }) as Error);
  });
});
