import fc from 'fast-check';
import { expect, it } from 'vitest';
import { layoutOf, type Architecture, type ColumnGroup } from '../src/architecture/index.js';
import { createKernel } from '../src/kernel/index.js';
import {
  randomBatch,
  randomParameters,
  referenceWindow,
  relativeError,
  seeded,
  windowOf,
} from './reference.js';

const shape = fc
  .record({
    steps: fc.integer({ min: 1, max: 12 }),
    features: fc.integer({ min: 1, max: 40 }),
    hidden: fc.integer({ min: 1, max: 21 }),
    latent: fc.integer({ min: 1, max: 11 }),
    gaps: fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 2, max: 7 })), { maxLength: 4 }),
  })
  .map(({ gaps, ...sizes }): Architecture => {
    // As many groups as fit, each some numbers after the last.
    const groups: ColumnGroup[] = [];
    let next = 0;
    for (const [gap, size] of gaps) {
      if (next + gap + size > sizes.features) break;
      groups.push({ first: next + gap, size });
      next += gap + size;
    }
    return { ...sizes, groups };
  });

/** One window whose only group lacks a column: every residual is 0. */
const EVERYTHING_MASKED: [Architecture, number, number, number] = [
  { steps: 4, features: 2, hidden: 5, latent: 3, groups: [{ first: 0, size: 2 }] },
  1,
  4,
  1,
];

it('any shape, batch and mask: the reference’s residuals, and the plain gradient in the exact sum', () => {
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 1, max: 19 }),
      fc.nat(),
      fc.nat(),
      (a, count, seed, mask) => {
        const random = seeded(seed);
        const parameters = randomParameters(a, random);
        const kernel = createKernel(a);
        kernel.setParameters(parameters);
        const some = a.features > 1 ? mask % 2 ** Math.min(a.features - 1, 31) : 0;
        const columnMask = Uint32Array.from({ length: count }, (_, i) => (i % 2 === 0 ? some : 0));
        const batch = { ...randomBatch(a, count, random), columnMask };

        const residuals = kernel.reconstruct(batch);
        const expected = Array.from({ length: count }, (_, i) => {
          const { windows, lengths } = windowOf(batch, i);
          return [...referenceWindow(a, parameters, windows, lengths[0]!, columnMask[i]).residuals];
        });
        expect(relativeError(residuals, expected.flat())).toBeLessThan(1e-5);

        const { parameterCount } = layoutOf(a);
        const out = new Float64Array(parameterCount);
        const clip = { clippingNorm: 1000, gridScale: 4000, sensitivityUnits: 4_000_000 };
        const select = new Uint8Array(count).fill(1);
        const norms = seed % 2 === 0 ? 'gram' : 'direct';
        const report = kernel.clippedSum({ ...batch, ...clip, norms, select, out });
        expect(report).toEqual({ contributing: count, clipped: 0, nonFinite: 0 });
        const { gradient } = kernel.gradient(batch);
        for (let i = 0; i < parameterCount; i++) {
          // Half a unit a window, and float32 in the plain sum.
          const difference = Math.abs(out[i]! / 4000 / count - gradient[i]!);
          if (difference > 0.5 / 4000 + 1e-5) expect.fail(`parameter ${i}: off by ${difference}`);
        }
      },
    ),
    { numRuns: 40, examples: [EVERYTHING_MASKED] },
  );
});
