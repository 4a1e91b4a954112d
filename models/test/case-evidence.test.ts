import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinCases, NO_WINDOWS, strangestOfCases, windowSurprise } from '../src/detector/index.js';

const strata = [
  { columnMask: 0, lengthMin: 1, lengthMax: 3 },
  { columnMask: 0, lengthMin: 4, lengthMax: 16 },
];
const windowOf = (length: number): { rows: number[]; mask: number } => ({
  rows: new Array<number>(length).fill(0),
  mask: 0,
});

describe('evidence of a case', () => {
  it('worked: two members, four calibration cases', () => {
    const join = joinCases([Float64Array.of(1, 2, 3, 4), Float64Array.of(0, 0, 0, 9)]);
    // p = (1 + #{≥}) / 5: of 3.5, 2/5; of 0, 5/5.
    expect(join.evidence([3.5, 0])).toBeCloseTo(5 / 2 + 1, 12);
    expect([...join.terms([3.5, 0])]).toEqual([5 / 2, 1]);
    // The last case is as strange as itself only, in both members; among the three others p = 1/4.
    expect(join.calibration[3]).toBeCloseTo(4 + 4, 12);
    expect(join.calibration[0]).toBeCloseTo(1 + 1, 12);
  });

  it('does not fall when a member grows, and does not depend on its scale', () => {
    const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.nat(60), fc.nat(60), (calibration, a, b) => {
        const join = joinCases([Float64Array.from(calibration)]);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(join.evidence([low])).toBeLessThanOrEqual(join.evidence([high]));
        const scaled = joinCases([Float64Array.from(calibration, (x) => 7 * x + 3)]);
        expect(scaled.evidence([7 * a + 3])).toBe(join.evidence([a]));
        expect([...scaled.calibration]).toEqual([...join.calibration]);
      }),
    );
  });

  it('is fair: a new case is as often the strangest of all as any calibration case', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 3, maxLength: 30 }), (values) => {
        const strangest = values.filter((value, i) => {
          const others = Float64Array.from(values.filter((_, j) => j !== i));
          const join = joinCases([others]);
          return (
            join.evidence([value]) > Math.max(...others.map((other) => join.evidence([other])))
          );
        });
        expect(strangest).toEqual([Math.max(...values)]);
      }),
    );
  });

  it('p counts the calibration cases of at least this evidence, and the case itself', () => {
    const join = joinCases([Float64Array.of(1, 2, 3, 4)]);
    expect(join.p(Infinity)).toBe(1 / 5);
    expect(join.p(join.calibration[3]!)).toBe(2 / 5);
    expect(join.p(0)).toBe(1);
  });

  it('a case without a window is below every case that has one', () => {
    const most = strangestOfCases([0.5, 0, 3, 9], 3, (i) => [0, 1, 0, null][i]!);
    expect([...most]).toEqual([3, 0, NO_WINDOWS]);
  });

  it('refuses members of unlike length with what came', () => {
    expect(() => joinCases([Float64Array.of(1, 2), Float64Array.of(1)])).toThrow(/got 2, 1/);
    expect(() => joinCases([])).toThrow(expect.objectContaining({ code: 'ERR_TABLE_CALIBRATION' }));
  });
});

describe('surprise of a window', () => {
  const windows = Array.from({ length: 1_000 }, (_, i) => windowOf(i % 2 === 0 ? 2 : 10));
  // Short windows have small values, long ones a hundred times as large.
  const nonconformities = Uint32Array.from(windows, ({ rows }, i) =>
    rows.length === 2 ? i : 100 * i,
  );

  it('compares a window with windows of its own length', () => {
    const live = [windowOf(2), windowOf(10)];
    const [short, long] = windowSurprise(
      strata,
      { windows, nonconformities },
      { windows: live, nonconformities: Uint32Array.of(5_000, 5_000) },
    );
    expect(short!).toBeGreaterThan(6);
    expect(long!).toBeLessThan(0.1);
  });
});
