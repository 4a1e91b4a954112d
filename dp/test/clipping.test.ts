import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipToGrid, type SensitivityUnits } from '../src/clipping.js';
import { InvalidArgumentError } from '../src/errors.js';

/** What only a plan derives; these tests stand in for it. */
function ball(units: number): SensitivityUnits {
  return units as SensitivityUnits;
}

const D = 85_951;
const options = { clippingNorm: 0.3, gridScale: D / 0.3, sensitivityUnits: ball(D) };

function squares(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

describe('clipping onto the grid', () => {
  it('leaves a short gradient alone, up to rounding', () => {
    const out = new Int32Array(3);
    const gradient = Float32Array.of(0.1, -0.05, 0);
    expect(clipToGrid(gradient, options, out)).toEqual({ clipped: false, contributes: true });
    expect([...out]).toEqual([...gradient].map((g) => Math.round((g * D) / 0.3) + 0));
  });

  it('brings a long one onto the ball: direction kept, norm just within D', () => {
    const out = new Int32Array(2);
    expect(clipToGrid(Float32Array.of(3, -4), options, out)).toEqual({
      clipped: true,
      contributes: true,
    });
    expect(squares(out)).toBeLessThanOrEqual(D * D);
    expect(Math.sqrt(squares(out))).toBeGreaterThan(D - 2);
    expect(out[1]! / out[0]!).toBeCloseTo(-4 / 3, 4);
  });

  it('takes all zeros as a contribution of zeros', () => {
    const out = Int32Array.of(1, 2);
    expect(clipToGrid(new Float32Array(2), options, out)).toEqual({
      clipped: false,
      contributes: true,
    });
    expect([...out]).toEqual([0, 0]);
  });

  it.each([NaN, Infinity, -Infinity])('turns a gradient with %s into zeros', (bad) => {
    const out = Int32Array.of(9, 9, 9);
    expect(clipToGrid(Float32Array.of(1, bad, 1), options, out).contributes).toBe(false);
    expect([...out]).toEqual([0, 0, 0]);
    expect(clipToGrid(Float32Array.of(0.01, bad, 0.01), options, out).contributes).toBe(false);
    expect([...out]).toEqual([0, 0, 0]);
  });

  it('survives the largest floats and denormals', () => {
    const out = new Int32Array(2);
    expect(clipToGrid(Float32Array.of(3.4e38, -3.4e38), options, out).contributes).toBe(true);
    expect(squares(out)).toBeLessThanOrEqual(D * D);
    expect(clipToGrid(Float32Array.of(1e-45, 1e-45), options, out).contributes).toBe(true);
    expect([...out]).toEqual([0, 0]);
  });

  it('contributes nothing when the scale does not belong to D and C', () => {
    const out = new Int32Array(1);
    const wrong = { ...options, gridScale: (2 * D) / 0.3 };
    expect(clipToGrid(Float32Array.of(0.3), wrong, out).contributes).toBe(false);
    expect(out[0]).toBe(0);
  });

  it.each([
    ['clippingNorm', { ...options, clippingNorm: 0 }],
    ['clippingNorm', { ...options, clippingNorm: NaN }],
    ['gridScale', { ...options, gridScale: -1 }],
    ['gridScale', { ...options, gridScale: Infinity }],
    ['sensitivityUnits', { ...options, sensitivityUnits: ball(0) }],
    ['sensitivityUnits', { ...options, sensitivityUnits: ball(NaN) }],
    ['sensitivityUnits', { ...options, sensitivityUnits: ball(1.5) }],
    ['sensitivityUnits', { ...options, sensitivityUnits: ball(2 ** 25) }],
  ])('refuses a bad %s', (argument, bad) => {
    const error = (() => {
      try {
        clipToGrid(new Float32Array(1), bad, new Int32Array(1));
        return null;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as InvalidArgumentError).argument).toBe(argument);
  });

  it('refuses an output of another length', () => {
    expect(() => clipToGrid(new Float32Array(2), options, new Int32Array(3))).toThrow('length 2');
  });

  it('never leaves the ball, whatever comes in (property)', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 2 ** 20 }),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        (gradient, units, norm) => {
          const out = new Int32Array(gradient.length);
          clipToGrid(
            gradient,
            { clippingNorm: norm, gridScale: units / norm, sensitivityUnits: ball(units) },
            out,
          );
          // BigInt, so that this test does not lean on what it tests.
          const exact = [...out].reduce((sum, value) => sum + BigInt(value) ** 2n, 0n);
          expect(exact <= BigInt(units) ** 2n).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('rounds towards zero when rounding to nearest would leave the ball', () => {
    // 4096 equal coordinates of 0.6 units each, D = 38: nearest gives norm 64, towards zero gives 0.
    const out = new Int32Array(4096);
    const gradient = new Float32Array(4096).fill(0.6);
    const result = clipToGrid(
      gradient,
      { clippingNorm: 38.5, gridScale: 1, sensitivityUnits: ball(38) },
      out,
    );
    expect(result.contributes).toBe(true);
    expect(squares(out)).toBe(0);
  });
});
