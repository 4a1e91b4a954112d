/** Sources: OPA pytorch/opacus (tests/accountants_test, tolerance .01 in ε); the table of our own, checked by grid and by closed form. */
import { describe, expect, it } from 'vitest';
import { calibrate, calibrateNoiseMultiplier } from '../src/accounting/calibration.js';
import {
  deltaInterval,
  deltaOf,
  epsilonInterval,
  epsilonOf,
  provenEpsilonOf,
} from '../src/accounting/epsilon.js';
import { CalibrationError, InvalidArgumentError } from '../src/errors.js';
import { all, dpSgd, gaussian, times } from './events.js';

const target = { epsilon: 0.5, delta: 1e-5, adjacency: 'add-or-remove-one' } as const;

describe('calibration', () => {
  it.each([
    [1, 1, 7.032, 14.064],
    [1, 3, 12.18, 24.359],
    [1, 10, 22.237, 44.473],
    [0.256, 4, 4.209, 7.211],
    [0.0512, 20, 2.072, 3.242],
    [0.0512, 59, 3.05, 5.532],
    [0.0512, 195, 5.188, 10.054],
    [0.2048, 15, 5.945, 11.153],
    [0.8192, 4, 11.671, 23.036],
    [0.0128, 78, 1.229, 1.629],
    [0.00256, 391, 0.84, 0.888],
    [0.01024, 293, 1.506, 2.471],
  ])('q %d, T %i: s = %d, replace-one %d', (samplingRate, steps, addRemove, replace) => {
    expect(calibrateNoiseMultiplier({ ...target, samplingRate, steps })).toBeCloseTo(addRemove, 2);
    const found = calibrateNoiseMultiplier({
      ...target,
      adjacency: 'replace-one',
      samplingRate,
      steps,
    });
    expect(Math.abs(found - replace)).toBeLessThan(1.5e-3);
  });

  it('σ = 3.0499 ± .001 by PLD and 3.330 by RDP for q .0512, T 59', () => {
    const o = { ...target, samplingRate: 0.0512, steps: 59 };
    expect(Math.abs(calibrateNoiseMultiplier(o) - 3.0499)).toBeLessThan(1e-3);
    expect(Math.abs(calibrateNoiseMultiplier({ ...o, accountant: 'rdp' }) - 3.33)).toBeLessThan(
      1e-3,
    );
  });

  it.each([
    [Math.ceil(90 / 0.04), 1.416],
    [2000, 1.3562],
  ])('A34: ε 8, q .04, %i steps by RDP: %d', (steps, s) => {
    const found = calibrateNoiseMultiplier({
      ...target,
      epsilon: 8,
      samplingRate: 0.04,
      steps,
      accountant: 'rdp',
    });
    expect(Math.abs(found / s - 1)).toBeLessThan(3e-3);
  });

  it('returns the safe side, and not far on it', () => {
    for (const steps of [1, 10, 100]) {
      const s = calibrateNoiseMultiplier({ ...target, samplingRate: 0.1, steps });
      expect(provenEpsilonOf(dpSgd(0.1, s, steps), { delta: 1e-5 })).toBeLessThanOrEqual(0.5);
      expect(epsilonOf(dpSgd(0.1, s * 0.9999, steps), { delta: 1e-5 })).toBeGreaterThan(0.5);
    }
  });

  it('ε = 0 and ε far below the grid have a tight answer too', () => {
    for (const epsilon of [0, 1e-9]) {
      const s = calibrateNoiseMultiplier({ ...target, epsilon, samplingRate: 0.1, steps: 10 });
      expect(provenEpsilonOf(dpSgd(0.1, s, 10), { delta: 1e-5 })).toBeLessThanOrEqual(epsilon);
      expect(provenEpsilonOf(dpSgd(0.1, 0.99 * s, 10), { delta: 1e-5 })).toBeGreaterThan(epsilon);
    }
  });

  it('calibrates any family: training beside a release', () => {
    const s = calibrate((x) => all(dpSgd(0.0512, x, 59), gaussian(30)), target);
    // The table of releases: a histogram with std 30 counts raises 3.050 to 3.123.
    expect(s).toBeCloseTo(3.123, 2);
  });

  it('needs nothing when nothing is sampled', () => {
    expect(calibrateNoiseMultiplier({ ...target, samplingRate: 0, steps: 5 })).toBe(0);
    expect(calibrateNoiseMultiplier({ ...target, samplingRate: 0.5, steps: 0 })).toBe(0);
  });

  it.each([
    ['samplingRate', { samplingRate: -0.1 }],
    ['samplingRate', { samplingRate: NaN }],
    ['samplingRate', { samplingRate: 1.1 }],
    ['steps', { steps: -1 }],
    ['steps', { steps: Infinity }],
    ['epsilon', { epsilon: NaN }],
    ['delta', { delta: 0 }],
    ['delta', { delta: 1 }],
  ])('refuses a bad %s', (argument, change) => {
    const call = (): number =>
      calibrateNoiseMultiplier({ ...target, samplingRate: 0.1, steps: 1, ...change });
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(argument);
  });

  it.each([
    ['epsilon', { epsilon: NaN }],
    ['epsilon', { epsilon: -1 }],
    ['delta', { delta: NaN }],
    ['delta', { delta: 1 }],
  ])('refuses a bad %s for any family (%#)', (argument, change) => {
    const call = (): number => calibrate(gaussian, { ...target, ...change });
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(argument);
  });

  it('says so when no noise can do it', () => {
    expect(() => calibrate(() => ({ kind: 'non-private' }), target)).toThrow(CalibrationError);
  });
});

describe('certified interval', () => {
  it.each([
    [0.0512, 3.0499, 59],
    [0.01, 1.1, 1000],
    [0.01, 1.1, 10_000],
    [0.1707, 5.45, 18],
  ])('q %d, s %d, T %i: narrower than 1e-3 and around the value', (q, s, steps) => {
    const event = dpSgd(q, s, steps);
    const { lower, upper } = epsilonInterval(event, { delta: 1e-5 });
    const value = epsilonOf(event, { delta: 1e-5 });
    expect(lower).toBeLessThanOrEqual(value);
    expect(value).toBeLessThanOrEqual(upper);
    expect(upper - lower).toBeLessThan(1e-3);
  });

  it('contains the closed form where there is one: Gaussians sampled with q → 1', () => {
    // q = 1 − 2^−40 differs from the full batch by less than the bracket.
    const almost = dpSgd(1 - 2 ** -40, 8, 3);
    const { lower, upper } = epsilonInterval(almost, { delta: 1e-5 });
    const truth = epsilonOf(times(3, gaussian(8)), { delta: 1e-5 });
    expect(lower).toBeLessThanOrEqual(truth + 1e-9);
    expect(upper).toBeGreaterThanOrEqual(truth - 1e-9);
    expect(upper - lower).toBeLessThan(1e-3);
  });

  it.each([0, 0.1, 0.5, 1])(
    'of δ at ε = %d contains the closed form, and is the same bracket as of ε',
    (epsilon) => {
      const almost = dpSgd(1 - 2 ** -40, 8, 3);
      const { lower, upper } = deltaInterval(almost, { epsilon });
      const truth = deltaOf(times(3, gaussian(8)), { epsilon });
      expect(lower).toBeLessThanOrEqual(truth + 1e-11);
      expect(upper).toBeGreaterThanOrEqual(truth - 1e-11);
      expect(upper - lower).toBeLessThan(1e-4);
      // What is certified at ε for δ is certified at δ for ε.
      const back = epsilonInterval(almost, { delta: upper });
      expect(back.lower).toBeLessThanOrEqual(epsilon + 1e-9);
      expect(back.upper).toBeLessThanOrEqual(epsilon + 1e-5);
    },
  );

  it('RDP never proves less than the lower end', () => {
    for (const [q, s, steps] of [
      [0.0512, 3.05, 59],
      [0.01, 1.1, 1000],
      [0.3, 4, 7],
    ] as const) {
      const event = dpSgd(q, s, steps);
      expect(epsilonOf(event, { delta: 1e-5, accountant: 'rdp' })).toBeGreaterThanOrEqual(
        epsilonInterval(event, { delta: 1e-5 }).lower,
      );
    }
  });

  it('cannot certify what lies below round-off, and says ∞ instead of a number', () => {
    expect(provenEpsilonOf(dpSgd(0.01, 1.1, 10_000), { delta: 1e-12 })).toBe(Infinity);
  });
});
