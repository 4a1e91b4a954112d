import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_ARCHITECTURE, layoutOf } from '../src/architecture/index.js';
import {
  cheaperNorm,
  createKernel,
  type ClippedSumReport,
  type GradientNorm,
  type WindowBatch,
} from '../src/kernel/index.js';
import { instantiateKernel } from '../src/kernel/module.js';
import { randomBatch, randomParameters, relativeError, seeded, windowOf } from './reference.js';

const a = { steps: 6, features: 7, hidden: 5, latent: 3 };
const { parameterCount } = layoutOf(a);
const kernel = createKernel(a);
kernel.setParameters(randomParameters(a, seeded(1)));

interface Clip {
  readonly clippingNorm: number;
  readonly gridScale: number;
  readonly sensitivityUnits: number;
}
const UNITS = 40_000;
const clipAt = (norm: number, units = UNITS): Clip => ({
  clippingNorm: norm,
  gridScale: units / norm,
  sensitivityUnits: units,
});

function sumOf(
  batch: WindowBatch,
  clip: Clip,
  select = new Uint8Array(batch.lengths.length).fill(1),
): { out: Float64Array; report: ClippedSumReport } {
  const out = new Float64Array(parameterCount);
  return { out, report: kernel.clippedSum({ ...batch, ...clip, select, out }) };
}

/** One window's integers from its own plain gradient, in JavaScript. */
function bruteForce(window: WindowBatch, clip: Clip): Float64Array {
  const { gradient } = kernel.gradient(window);
  const units = clip.sensitivityUnits;
  const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)) * clip.gridScale;
  const goal = Math.max(units / 2, units - 2 - parameterCount / (24 * units));
  const factor = (bound: number): number =>
    Math.fround(norm > bound ? clip.gridScale * (bound / norm) : clip.gridScale);
  const rounded = (bound: number, round: (x: number) => number): Float64Array =>
    Float64Array.from(gradient, (g) => round(Math.fround(g * factor(bound))));
  const fits = (v: Float64Array): boolean => v.reduce((sum, x) => sum + x * x, 0) <= units ** 2;
  const nearest = rounded(goal, nearestEven);
  if (fits(nearest)) return nearest;
  const down = rounded(units, Math.trunc);
  return fits(down) ? down : new Float64Array(parameterCount);
}

function nearestEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

const norms = (batch: WindowBatch): number[] =>
  Array.from(batch.lengths, (_, i) => Math.hypot(...kernel.gradient(windowOf(batch, i)).gradient));

describe('clipped sum', () => {
  const batch = { ...randomBatch(a, 21, seeded(2)), columnMask: 0b10 };
  const median = norms(batch).sort((x, y) => x - y)[10]!;

  it.each([
    ['at the median norm', clipAt(median)],
    ['far below every norm', clipAt(median / 1e6)],
    ['far above every norm', clipAt(median * 1e3)],
    ['on a grid as coarse as the bound', clipAt(median, 3)],
    ['of one unit', clipAt(median, 1)],
  ])('%s is the sum of each window alone', (_, clip) => {
    const expected = new Float64Array(parameterCount);
    for (let i = 0; i < 21; i++) {
      bruteForce(windowOf(batch, i), clip).forEach((v, k) => (expected[k]! += v));
    }
    const { out, report } = sumOf(batch, clip);
    expect(out).toEqual(expected.map((x) => x + 0));
    expect(report.contributing + report.nonFinite).toBeLessThanOrEqual(21);
  });

  it('counts the clipped windows', () => {
    expect(sumOf(batch, clipAt(median * 1.0001)).report.clipped).toBe(10);
    expect(sumOf(batch, clipAt(median * 1e3)).report.clipped).toBe(0);
    expect(sumOf(batch, clipAt(median * 1e3)).report.contributing).toBe(21);
  });

  it('without a bound is the plain gradient of the batch, on the grid', () => {
    const clip = { clippingNorm: 1e3, gridScale: 2 ** 21 / 1e3, sensitivityUnits: 2 ** 21 };
    const { out } = sumOf(batch, clip);
    const { gradient } = kernel.gradient(batch);
    out.forEach((sum, i) => {
      // 21 roundings of at most half a unit, and float32 in the plain sum.
      expect(Math.abs(sum / clip.gridScale / 21 - gradient[i]!)).toBeLessThan(
        0.5 / clip.gridScale + 1e-6,
      );
    });
  });

  it('leaves no window above the bound', () => {
    for (const units of [1, 2, 5, 17, 1000, UNITS]) {
      for (let i = 0; i < 21; i++) {
        const { out } = sumOf(windowOf(batch, i), clipAt(median / 10, units));
        expect(out.reduce((sum, x) => sum + x * x, 0)).toBeLessThanOrEqual(units * units);
        if (units >= 1000) expect(Math.hypot(...out)).toBeGreaterThan(0.99 * units);
      }
    }
  });

  it('takes only the selected windows', () => {
    const select = Uint8Array.from({ length: 21 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const expected = new Float64Array(parameterCount);
    for (let i = 0; i < 21; i += 3) {
      sumOf(windowOf(batch, i), clipAt(median)).out.forEach((v, k) => (expected[k]! += v));
    }
    const { out, report } = sumOf(batch, clipAt(median), select);
    expect(out).toEqual(expected);
    expect(report.contributing).toBe(7);
  });

  it('of nothing adds nothing', () => {
    const empty = { windows: new Float32Array(0), lengths: new Uint8Array(0) };
    expect(sumOf(empty, clipAt(1)).out.every((x) => x === 0)).toBe(true);
    const none = sumOf(batch, clipAt(1), new Uint8Array(21));
    expect(none.out.every((x) => x === 0)).toBe(true);
    expect(none.report).toEqual({ contributing: 0, clipped: 0, nonFinite: 0 });
  });

  it('adds to what is there', () => {
    const out = new Float64Array(parameterCount).fill(7);
    kernel.clippedSum({ ...batch, ...clipAt(median), select: new Uint8Array(21).fill(1), out });
    expect(out).toEqual(sumOf(batch, clipAt(median)).out.map((x) => x + 7));
  });

  it.each([NaN, Infinity, -Infinity, 3e38])(
    'takes a window with %s as zero or bounded',
    (value) => {
      const windows = batch.windows.slice();
      const cell = 3 * a.steps * a.features;
      windows[cell] = value;
      const select = new Uint8Array(21).fill(1);
      const { out, report } = sumOf({ ...batch, windows }, clipAt(median), select);
      expect(report.nonFinite).toBe(Math.abs(value) < Infinity ? 0 : 1);
      select[3] = 0;
      const others = sumOf(batch, clipAt(median), select).out;
      const own = out.map((x, i) => x - others[i]!);
      expect(Math.hypot(...own)).toBeLessThanOrEqual(Math.abs(value) < Infinity ? UNITS : 0);
    },
  );

  it('stays exact beyond 32-bit sums', () => {
    const units = 2 ** 22 - 1;
    const one = windowOf(batch, 0);
    const single = sumOf(one, clipAt(median / 100, units)).out;
    const count = 4000;
    const cells = a.steps * a.features;
    const windows = new Float32Array(count * cells);
    for (let i = 0; i < count; i++) windows.set(one.windows, i * cells);
    const many = {
      windows,
      lengths: new Uint8Array(count).fill(one.lengths[0]!),
      columnMask: 0b10,
    };
    const { out } = sumOf(many, clipAt(median / 100, units));
    expect(Math.max(...out.map(Math.abs))).toBeGreaterThan(2 ** 31);
    expect(out).toEqual(single.map((x) => x * count));
  });

  it('takes out what no bound proves, whatever the factor, and leaves nothing behind', () => {
    const wasm = instantiateKernel();
    const needed = wasm.plan(a.steps, a.features, a.hidden, a.latent);
    wasm.memory.grow(Math.ceil((needed - wasm.memory.buffer.byteLength) / 65_536));
    const { buffer } = wasm.memory;
    wasm.setGroups(0);
    new Float32Array(buffer, wasm.parametersAt(), parameterCount).set(
      randomParameters(a, seeded(1)),
    );
    wasm.packParameters();
    const cells = a.steps * a.features;
    new Float32Array(buffer, wasm.windowsAt(), cells).set(batch.windows.subarray(0, cells));
    new Uint8Array(buffer, wasm.lengthsAt(), 1).set([a.steps]);
    wasm.differentiate(1, 0);
    expect(wasm.formWindow(0, 0)).toBeGreaterThan(0);
    const sums = new Float64Array(buffer, wasm.sumsAt(), parameterCount);
    fc.assert(
      fc.property(fc.float(), fc.boolean(), (factor, towardsZero) => {
        const down = towardsZero ? 1 : 0;
        wasm.beginSum();
        wasm.addRounded(1000, 0);
        wasm.flush();
        const alone = sums.slice();
        wasm.addRounded(factor, down);
        wasm.takeRounded(factor, down);
        wasm.flush();
        expect(sums).toEqual(alone);
      }),
    );
    wasm.beginSum();
    // No sensitivity reaches 2^22, so the bound refuses each of these.
    for (const factor of [1e12, 3e38, Infinity, NaN]) {
      expect(wasm.addRounded(factor, 0) < 2 ** 44).toBe(false);
    }
  });

  it('is invariant under permutation, and a changed window changes only its own part', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...Array(21).keys()], { minLength: 21 }),
        fc.nat(20),
        fc.float({ min: -4, max: 4, noNaN: true }),
        (order, changed, value) => {
          const cells = a.steps * a.features;
          const windows = new Float32Array(21 * cells);
          order.forEach((from, to) => {
            windows.set(batch.windows.subarray(from * cells, (from + 1) * cells), to * cells);
          });
          const lengths = Uint8Array.from(order, (i) => batch.lengths[i]!);
          const shuffled = { windows, lengths, columnMask: 0b10 };
          const whole = sumOf(batch, clipAt(median)).out;
          expect(sumOf(shuffled, clipAt(median)).out).toEqual(whole);
          const before = sumOf(windowOf(batch, changed), clipAt(median)).out;
          const edited = { ...batch, windows: batch.windows.slice() };
          edited.windows[changed * cells] = value;
          const after = sumOf(windowOf(edited, changed), clipAt(median)).out;
          expect(sumOf(edited, clipAt(median)).out).toEqual(
            whole.map((x, i) => x - before[i]! + after[i]!),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('with Gram norms is the same but for the last bits of a factor', () => {
    const wide = { steps: 2, features: 9, hidden: 11, latent: 4, groups: [{ first: 2, size: 4 }] };
    expect(cheaperNorm(layoutOf(wide))).toBe('gram');
    expect(cheaperNorm(layoutOf(DEFAULT_ARCHITECTURE))).toBe('direct');
    for (const shape of [wide, a, DEFAULT_ARCHITECTURE]) {
      const own = createKernel(shape);
      own.setParameters(randomParameters(shape, seeded(5)));
      const windows = randomBatch(shape, 13, seeded(6));
      const sum = (norms: GradientNorm | undefined, units: number): Float64Array => {
        const out = new Float64Array(layoutOf(shape).parameterCount);
        own.clippedSum({
          ...windows,
          ...clipAt(1e-3, units),
          ...(norms === undefined ? {} : { norms }),
          select: new Uint8Array(13).fill(1),
          out,
        });
        return out;
      };
      const direct = sum('direct', 2 ** 22 - 1);
      const gram = sum('gram', 2 ** 22 - 1);
      expect(sum(undefined, 2 ** 22 - 1)).toEqual(shape === wide ? gram : direct);
      expect(relativeError(gram, direct)).toBeLessThan(2e-6);
      // So different that the two cannot be one and the same.
      expect(gram).not.toEqual(direct);
      expect(Math.hypot(...direct)).toBeGreaterThan(1e6);
    }
  });

  it('with automatic clipping gives a gradient of norm n the norm C n / (n + γ)', () => {
    const stability = 0.01;
    for (const at of [median / 100, median, median * 100]) {
      for (let i = 0; i < 21; i++) {
        const window = windowOf(batch, i);
        const out = new Float64Array(parameterCount);
        const clip = { ...clipAt(at), automaticStability: stability };
        kernel.clippedSum({ ...window, ...clip, select: Uint8Array.of(1), out });
        const [norm] = norms(window) as [number];
        expect(Math.hypot(...out)).toBeLessThanOrEqual(UNITS);
        // Half a unit of rounding an entry, 2 units of the bound kept back.
        const expected = (UNITS * norm) / (norm + stability);
        expect(Math.abs(Math.hypot(...out) - expected)).toBeLessThan(4);
      }
    }
  });

  it('holds at the shape of the product too', () => {
    const own = createKernel(DEFAULT_ARCHITECTURE);
    own.setParameters(randomParameters(DEFAULT_ARCHITECTURE, seeded(3)));
    const windows = randomBatch(DEFAULT_ARCHITECTURE, 9, seeded(4));
    const total = new Float64Array(layoutOf(DEFAULT_ARCHITECTURE).parameterCount);
    const parts = total.slice();
    const select = new Uint8Array(9).fill(1);
    own.clippedSum({ ...windows, ...clipAt(0.3, 37_279), select, out: total });
    for (let i = 0; i < 9; i++) {
      own.clippedSum({
        ...windowOf(windows, i),
        ...clipAt(0.3, 37_279),
        select: Uint8Array.of(1),
        out: parts,
      });
    }
    expect(parts).toEqual(total);
  });
});
