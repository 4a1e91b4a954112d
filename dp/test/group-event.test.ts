import { describe, expect, it } from 'vitest';
import { epsilonOf, provenEpsilonOf } from '../src/accounting/epsilon.js';
import { rdpCurve } from '../src/accounting/rdp-accountant.js';
import { InvalidArgumentError, UnsupportedEventError } from '../src/errors.js';
import { groupEpsilonBound, groupEvent } from '../src/group-event.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

const delta = 1e-5;
const laplace: PrivacyEvent = { kind: 'laplace', noiseMultiplier: 3 };
const lattice: PrivacyEvent = { kind: 'discrete-gaussian', sigma: 60, sensitivity: 20 };
const capped: PrivacyEvent = {
  kind: 'truncated-poisson-gaussian',
  datasetSize: 40,
  samplingProbability: 0.1,
  batchMax: 8,
  noiseMultiplier: 3,
};
const response: PrivacyEvent = { kind: 'randomized-response', noise: 0.9, buckets: 2 };

describe('a group of k records', () => {
  it('k = 1 is the event itself; larger groups cost more', () => {
    const event = all(dpSgd(0.1, 3, 5), laplace, lattice);
    expect(groupEvent(event, 1)).toBe(event);
    let last = 0;
    for (const k of [1, 2, 3, 5]) {
      const epsilon = epsilonOf(groupEvent(event, k), { delta });
      expect(epsilon).toBeGreaterThan(last);
      last = epsilon;
    }
  });

  it.each<[string, PrivacyEvent, PrivacyEvent]>([
    ['Laplace', laplace, { kind: 'laplace', noiseMultiplier: 1 }],
    ['a lattice', lattice, { kind: 'discrete-gaussian', sigma: 60, sensitivity: 60 }],
    ['a full-data Gaussian', gaussian(6), gaussian(2)],
    ['everybody sampled', poisson(1, gaussian(6)), gaussian(2)],
    ['nobody sampled', poisson(0, gaussian(6)), { kind: 'no-op' }],
    ['a sample without noise', poisson(0.1, gaussian(0)), { kind: 'non-private' }],
    [
      'Gaussians on one sample',
      poisson(0.5, times(4, gaussian(6))),
      {
        kind: 'mixture-of-gaussians',
        sigma: 3,
        sensitivities: [0, 1, 2, 3],
        probabilities: [0.125, 0.375, 0.375, 0.125],
      },
    ],
    ['nothing', { kind: 'no-op' }, { kind: 'no-op' }],
    [
      'a pure bound',
      { kind: 'epsilon-delta', epsilon: 0.5, delta: 0 },
      { kind: 'epsilon-delta', epsilon: 1.5, delta: 0 },
    ],
    [
      'the exponential mechanism',
      { kind: 'exponential', epsilon: 0.5 },
      { kind: 'exponential', epsilon: 1.5 },
    ],
    [
      'a tree',
      { kind: 'tree-aggregation', noiseMultiplier: 6, steps: 8 },
      { kind: 'tree-aggregation', noiseMultiplier: 2, steps: 8 },
    ],
  ])('three records: %s', (_, event, expected) => {
    const found = groupEvent(event, 3);
    if (expected.kind !== 'mixture-of-gaussians') expect(found).toEqual(expected);
    else {
      expect(found).toMatchObject({ sigma: 3, sensitivities: [0, 1, 2, 3] });
      expected.probabilities.forEach((p, j) =>
        expect((found as typeof expected).probabilities[j]).toBeCloseTo(p, 13),
      );
    }
  });

  it('(ε, δ): k ε and δ (e^{kε} − 1) / (e^ε − 1)', () => {
    const found = groupEvent({ kind: 'epsilon-delta', epsilon: 0.5, delta: 1e-6 }, 3);
    expect(found).toMatchObject({ kind: 'epsilon-delta', epsilon: 1.5 });
    expect((found as { delta: number }).delta).toBeCloseTo(
      (1e-6 * Math.expm1(1.5)) / Math.expm1(0.5),
      18,
    );
    expect(groupEvent({ kind: 'epsilon-delta', epsilon: 9, delta: 0.1 }, 3)).toMatchObject({
      delta: 1,
    });
  });

  it('zCDP: nine times ρ for three records, as for the Gaussian that it describes', () => {
    const zcdp: PrivacyEvent = { kind: 'zcdp', rho: 1 / 72, xi: 0.1 };
    const curve = rdpCurve(groupEvent(zcdp, 3), 'add-or-remove-one');
    const gauss = rdpCurve(groupEvent(gaussian(6), 3), 'add-or-remove-one');
    expect(curve(4)).toBeCloseTo(gauss(4) + 0.1 * 3 * (1 + 1 / 2 + 1 / 3), 12);
  });

  it.each<[string, PrivacyEvent]>([
    ['poisson-sampled(laplace)', poisson(0.1, laplace)],
    ['poisson-sampled(discrete-gaussian)', poisson(0.1, lattice)],
    ['truncated-poisson-gaussian', capped],
    ['randomized-response', response],
    ['mixture-of-gaussians', groupEvent(dpSgd(0.1, 3, 5), 2)],
    [
      'sampled-without-replacement',
      { kind: 'sampled-without-replacement', datasetSize: 9, sampleSize: 3, event: gaussian(1) },
    ],
    ['repeat-and-select', { kind: 'repeat-and-select', event: gaussian(1), mean: 2, shape: 1 }],
  ])('refuses %s by name, with a reason', (name, event) => {
    try {
      groupEvent(all(gaussian(1), event), 2);
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedEventError);
      expect(error).toMatchObject({ event: name, adjacency: 'group of 2' });
      expect((error as Error).message.length).toBeGreaterThan(60);
      return;
    }
    throw new Error('accepted');
  });

  it.each([0, 65, 1.5, NaN])('refuses k = %s', (k) => {
    expect(() => groupEvent(gaussian(1), k)).toThrow(InvalidArgumentError);
    expect(() => groupEpsilonBound(gaussian(1), k, { delta })).toThrow(InvalidArgumentError);
  });
});

describe('the generic bound of a group', () => {
  it('holds where the exact value is known, and is looser', () => {
    for (const event of [dpSgd(0.1, 3, 5), gaussian(9), laplace]) {
      const exact = epsilonOf(groupEvent(event, 3), { delta });
      const generic = groupEpsilonBound(event, 3, { delta });
      expect(generic).toBeGreaterThanOrEqual(exact);
      expect(generic).toBeLessThan(3 * exact + 1);
    }
  });

  it('has a number for what has no exact rule', () => {
    for (const event of [capped, poisson(0.1, laplace)]) {
      const generic = groupEpsilonBound(event, 2, { delta });
      expect(generic).toBeGreaterThanOrEqual(2 * provenEpsilonOf(event, { delta }));
      expect(generic).toBeLessThan(4 * provenEpsilonOf(event, { delta }) + 0.1);
    }
    const options = { delta, adjacency: 'zero-out' } as const;
    expect(groupEpsilonBound(response, 1, options)).toBe(provenEpsilonOf(response, options));
  });

  it('is +∞ where nothing fits: little noise, many records', () => {
    expect(groupEpsilonBound(dpSgd(0.5, 0.5, 100), 20, { delta })).toBe(Infinity);
  });
});
