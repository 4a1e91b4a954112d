import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_LAYOUT_HASH,
  fromFixedPoint,
  initialParameters,
  layoutDescription,
  layoutOf,
  toFixedPoint,
} from '../src/architecture/index.js';
import { ArchitectureError } from '../src/errors.js';
import { seeded } from './reference.js';

const sizes = fc.record({
  steps: fc.integer({ min: 1, max: 64 }),
  features: fc.integer({ min: 1, max: 128 }),
  hidden: fc.integer({ min: 1, max: 128 }),
  latent: fc.integer({ min: 1, max: 128 }),
});

describe('layout', () => {
  it('of the default network has 2,956 parameters', () => {
    expect(layoutOf(DEFAULT_ARCHITECTURE).parameterCount).toBe(2956);
  });

  it('places tensors side by side, without gap', () => {
    fc.assert(
      fc.property(sizes, (a) => {
        const layout = layoutOf(a);
        let offset = 0;
        for (const tensor of layout.tensors) {
          expect(tensor.offset).toBe(offset);
          expect(tensor.size).toBe(tensor.shape.reduce((x, y) => x * y, 1));
          offset += tensor.size;
        }
        expect(layout.parameterCount).toBe(offset);
      }),
    );
  });

  it('has a description whose hash is the committed one, and other sizes have another', () => {
    const text = layoutDescription(layoutOf(DEFAULT_ARCHITECTURE));
    expect(createHash('sha256').update(text).digest('hex')).toBe(DEFAULT_LAYOUT_HASH);
    expect(layoutDescription(layoutOf({ ...DEFAULT_ARCHITECTURE, hidden: 13 }))).not.toBe(text);
    expect(layoutDescription(layoutOf({ ...DEFAULT_ARCHITECTURE, steps: 9 }))).toBe(text);
  });

  it.each([
    ['steps', 0],
    ['steps', 65],
    ['features', 129],
    ['hidden', 1.5],
    ['latent', NaN],
  ])('refuses %s = %s', (field, value) => {
    const call = (): unknown => layoutOf({ ...DEFAULT_ARCHITECTURE, [field]: value });
    expect(call).toThrow(ArchitectureError);
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARCHITECTURE' }) as Error);
    expect(call).toThrow(`${field}: expected an integer from 1 to`);
  });
});

describe('fixed point', () => {
  it('grid → float32 → grid is the identity', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 24) + 1, max: 2 ** 24 - 1 }), (grid) => {
        const there = fromFixedPoint(Int32Array.of(grid));
        expect(toFixedPoint(there)).toEqual(Int32Array.of(grid));
        expect(there[0]).toBe(grid / 2 ** 20);
      }),
    );
  });

  it('rounds to nearest, ties to even', () => {
    const half = 2 ** -21;
    expect(toFixedPoint(Float32Array.of(half, 3 * half, -half, -3 * half, 2.9 * half, 0))).toEqual(
      Int32Array.of(0, 2, 0, -2, 1, 0),
    );
  });

  it.each([16, -16, NaN, Infinity, 15.9999999])('refuses %s', (value) => {
    expect(() => toFixedPoint(Float32Array.of(0, value))).toThrow('parameters[1]');
    expect(() => toFixedPoint(Float32Array.of(value))).toThrow(
      expect.objectContaining({ code: 'ERR_PARAMETER_RANGE' }) as Error,
    );
  });

  it('refuses a grid point of 16 or more', () => {
    expect(() => fromFixedPoint(Int32Array.of(2 ** 24))).toThrow(ArchitectureError);
  });
});

describe('initial parameters', () => {
  it('are seeded, bounded, with forget bias 1 and no other bias', () => {
    const a = DEFAULT_ARCHITECTURE;
    const parameters = initialParameters(a, seeded(1));
    expect(initialParameters(a, seeded(1))).toEqual(parameters);
    expect(initialParameters(a, seeded(2))).not.toEqual(parameters);
    for (const { name, offset, size, shape } of layoutOf(a).tensors) {
      const values = [...parameters.subarray(offset, offset + size)];
      if (name === 'encoder/bias' || name === 'decoder/bias') {
        expect(values).toEqual(values.map((_, i) => (i >= 12 && i < 24 ? 1 : 0)));
      } else if (shape.length === 1) expect(values.every((x) => x === 0)).toBe(true);
      else {
        const largest = Math.max(...values.map(Math.abs));
        expect(largest).toBeLessThan(1);
        expect(largest).toBeGreaterThan(0.1);
      }
    }
  });
});
