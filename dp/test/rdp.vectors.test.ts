/**
 * Sources: DPA google/differential-privacy dp_accounting (rdp/rdp_privacy_accountant_test), TFP tensorflow/privacy
 * (compute_dp_sgd_privacy_test). Rows in which they take |binom| are asserted at the exact value instead.
 */
import { describe, expect, it } from 'vitest';
import { deltaOf, epsilonOf } from '../src/accounting/epsilon.js';
import { rdpCurve, rdpEpsilonOfLattice } from '../src/accounting/rdp-accountant.js';
import {
  bestRdpDelta,
  bestRdpEpsilon,
  epsilonFromRdp,
  sampledGaussianRdp,
} from '../src/accounting/rdp.js';
import { groupEpsilonBound, groupEvent } from '../src/group-event.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';
import { logMomentByQuadrature } from './quadrature.js';

const rdp = { accountant: 'rdp' } as const;

function logA(q: number, s: number, order: number): number {
  return sampledGaussianRdp(q, s, order) * (order - 1);
}

describe('Poisson-sampled Gaussian', () => {
  it('A7: q .01, s 2.5, T 50', () => {
    const curve = rdpCurve(dpSgd(0.01, 2.5, 50), 'add-or-remove-one');
    expect(curve(1.5) / 6.50070897e-4).toBeCloseTo(1, 6); // exact; 6.70579741e-4 with |binom|
    expect(curve(2.5) / 1.08541806e-3).toBeCloseTo(1, 6);
    expect(curve(5) / 2.18075656e-3).toBeCloseTo(1, 7);
    expect(curve(50) / 2.38460375e-2).toBeCloseTo(1, 7);
    expect(curve(100) / 167.416308).toBeCloseTo(1, 7);
    expect(curve(Infinity)).toBe(Infinity);
  });

  it('the signed series, not |binom|: q .04, s 1.5, a 3.9', () => {
    expect(logA(0.04, 1.5, 3.9)).toBeCloseTo(0.00531628637879, 12);
  });

  it('A9: ln A > 0 around order 59 for q .4, s 12', () => {
    for (let order = 58.5; order <= 59.5; order += 0.1)
      expect(logA(0.4, 12, order)).toBeGreaterThan(0);
  });

  it.each([
    [1e-7, 0.1, 1.01, 4.00341232e-8],
    [1e-6, 0.1, 256, 3260463.2293],
    [1e-5, 0.1, 256.1, 3263607.0398],
    [1e-6, 1, 27, 8.76951131e-10],
    [1e-4, 1, 1.5, 6.44268695e-9],
    [1e-3, 1, 2, 1.71828035e-6],
    [0.01, 10, 20, 1.91296999e-4],
    [0.1, 100, 20.5, 1.99918185e-4],
    [0.99, 0.1, 256, 3263997.4271],
    [0.999, 100, 256.1, 3.26010804],
  ])('A10: q %d, s %d, order %d: ln A = %d', (q, s, order, expected) => {
    expect(Math.abs(logA(q, s, order) - expected)).toBeLessThan(1e-8 + 1e-4 * Math.abs(expected));
  });

  it.each([
    [0.04, 1.5, 3.9],
    [0.0512, 3.05, 27],
    [0.0512, 3.05, 26.5],
    [0.2, 2, 7.3],
    [0.5, 5, 2.2],
    [0.01, 1.1, 12],
    [0.9, 10, 40.5],
  ])('agrees with quadrature at q %d, s %d, order %d', (q, s, order) => {
    expect(logA(q, s, order) / logMomentByQuadrature(q, s, order)).toBeCloseTo(1, 7);
  });

  it('is continuous across integer orders', () => {
    for (const order of [2, 5, 30]) {
      expect(logA(0.05, 2, order + 1e-7) / logA(0.05, 2, order)).toBeCloseTo(1, 5);
    }
  });
});

describe('conversion to ε and δ', () => {
  it('A4: s = 4.530877117, orders 1.000 … 99.999', () => {
    const orders = Array.from({ length: 99_000 }, (_, i) => 1 + i / 1000);
    const curve = rdpCurve(gaussian(4.530877117), 'add-or-remove-one');
    expect(bestRdpEpsilon(curve, 1e-6, orders, false).epsilon).toBeCloseTo(1, 7);
    expect(bestRdpDelta(curve, 1, orders).delta / 1e-6).toBeCloseTo(1, 7);
  });

  it('A8: a constant 1.1 at orders 2 … 32', () => {
    const orders = Array.from({ length: 31 }, (_, i) => i + 2);
    const best = bestRdpEpsilon(() => 1.1, 1e-5, orders, false);
    expect(best.epsilon).toBeCloseTo(1.32783806176, 7);
    expect(best.order).toBe(32);
  });

  it('A35: n 60000, batch 150, s 1.3, 15 epochs, δ 1e-5', () => {
    const steps = Math.ceil((15 * 60_000) / 150);
    const curve = rdpCurve(dpSgd(150 / 60_000, 1.3, steps), 'add-or-remove-one');
    const orders = Array.from({ length: 62 }, (_, i) => i + 2);
    const best = bestRdpEpsilon(curve, 1e-5, orders, false);
    expect(best.order).toBe(19);
    expect(best.epsilon).toBeCloseTo(0.7242234026109595, 9);
    expect(epsilonOf(dpSgd(150 / 60_000, 1.3, steps), { delta: 1e-5, ...rdp })).toBeLessThanOrEqual(
      best.epsilon,
    );
  });

  it('A36: n 1e8, batch 1024, s .1, 10 epochs: no overflow', () => {
    const steps = Math.ceil((10 * 1e8) / 1024);
    const curve = rdpCurve(dpSgd(1024 / 1e8, 0.1, steps), 'add-or-remove-one');
    expect(epsilonFromRdp(curve(1.25), 1.25, 1e-7) / 5907982.3113984).toBeCloseTo(1, 6);
    const free = epsilonOf(dpSgd(1024 / 1e8, 0.1, steps), { delta: 1e-7, ...rdp });
    expect(free).toBeLessThan(8e3);
    expect(free).toBeGreaterThan(0);
  });

  it.each([
    ['no sampling', times(2, gaussian(0.7)), 10.8602036],
    ['s halved', times(2, gaussian(0.35)), 26.2880374],
    ['q .01', dpSgd(0.01, 0.7, 120), 3.2391922],
    ['q .01 and s halved', dpSgd(0.01, 0.35, 120), 22.5970358],
  ])('A37: s .7, 1.2 epochs, δ 1e-5, %s', (_, event, expected) => {
    const found = epsilonOf(event, { delta: 1e-5, ...rdp });
    // Ours searches finer orders than the source, so it may only be lower, and by little.
    expect(found).toBeLessThanOrEqual(expected + 1e-6);
    expect(found).toBeGreaterThan(0.985 * expected);
  });

  const training = dpSgd(64 / 10_000, 1, Math.ceil((5 * 10_000) / 64));
  it('A39: n 10000, batch 64, 5 epochs, s 1, δ 1e-6: 13.376 once per epoch, 1.616 sampled', () => {
    expect(epsilonOf(times(5, gaussian(1)), { delta: 1e-6, ...rdp })).toBeCloseTo(13.376, 2);
    expect(epsilonOf(training, { delta: 1e-6, ...rdp })).toBeCloseTo(1.616, 3);
  });

  it('A40: three or ten records of one user: 56.224 / 6.425 and 366.374 / ∞', () => {
    const once = (k: number): number =>
      epsilonOf(groupEvent(times(5, gaussian(1)), k), { delta: 1e-6, ...rdp });
    expect(once(3) / 56.224).toBeCloseTo(1, 2);
    expect(once(10) / 366.374).toBeCloseTo(1, 2);
    // What follows from (ε, δ) alone. Mixtures of Gaussians are tighter.
    const generic = (k: number): number => groupEpsilonBound(training, k, { delta: 1e-6, ...rdp });
    const three = generic(3);
    expect(three).toBeCloseTo(6.425, 1);
    expect(generic(10)).toBe(Infinity);
    const mixture = epsilonOf(groupEvent(training, 3), { delta: 1e-6 });
    expect(mixture).toBeLessThan(three);
  });

  it('agrees with the search at public orders: .1 and .112 where a short grid ends, not .136', () => {
    expect(epsilonOf(gaussian(30.75), { delta: 1e-5, ...rdp })).toBeLessThan(0.1115);
  });

  it('two directions of one formula: δ(ε(δ)) = δ', () => {
    const event = dpSgd(0.0512, 3.05, 59);
    const epsilon = epsilonOf(event, { delta: 1e-5, ...rdp });
    expect(deltaOf(event, { epsilon, ...rdp }) / 1e-5).toBeCloseTo(1, 5);
  });
});

describe('other mechanisms', () => {
  const at = (
    event: PrivacyEvent,
    order: number,
    relation: 'zero-out' | 'replace-one' | 'add-or-remove-one' = 'add-or-remove-one',
  ): number => rdpCurve(event, relation)(order);

  it('A11: exponential mechanism, ε 1', () => {
    expect(at({ kind: 'exponential', epsilon: 1 }, 1)).toBeCloseTo(0.123301561, 8);
    expect(at({ kind: 'exponential', epsilon: 1 }, 1000)).toBeCloseTo(1, 1);
    expect(at({ kind: 'exponential', epsilon: 1 }, 1e7)).toBeCloseTo(1, 5);
  });

  it('ten exponential mechanisms cost ten times one, not once (.248)', () => {
    const one: PrivacyEvent = { kind: 'exponential', epsilon: 1 };
    expect(at(times(10, one), 3)).toBeCloseTo(10 * at(one, 3), 12);
  });

  const response: PrivacyEvent = { kind: 'randomized-response', noise: 0.3, buckets: 10 };
  it.each([
    [
      'A12',
      'zero-out',
      [1.5030552584, 1.7801182479, 1.9091969257, 1.9814516799, 1.9846954517, 1.9878743482],
    ],
    [
      'A13',
      'replace-one',
      [2.6946320227, 2.983865364, 3.1131697007, 3.1854244842, 3.1886682561, 3.1918471525],
    ],
  ] as const)('%s: randomized response p .3, k 10, %s', (_, relation, expected) => {
    [1.5, 2.5, 5, 50, 100, Infinity].forEach((order, i) => {
      expect(at(response, order, relation)).toBeCloseTo(expected[i]!, 9);
    });
  });

  it.each([
    [1.13, 19.74],
    [8.83, 2.04],
  ])('A17: tree of 1600 steps, s %d: ε(1e-6) < %d, zero-out', (noiseMultiplier, bound) => {
    const event: PrivacyEvent = { kind: 'tree-aggregation', noiseMultiplier, steps: 1600 };
    const epsilon = epsilonOf(event, { delta: 1e-6, adjacency: 'zero-out', ...rdp });
    expect(epsilon).toBeLessThan(bound);
    expect(epsilon).toBeGreaterThan(0.85 * bound);
  });

  it('A18: the tree costs a ceil(log2(T+1)) / (2 s²)', () => {
    const event: PrivacyEvent = { kind: 'tree-aggregation', noiseMultiplier: 2, steps: 7 };
    expect(at(event, 5, 'zero-out')).toBeCloseTo((5 * 3) / 8, 12);
    expect(at({ ...event, steps: 8 }, 5, 'zero-out')).toBeCloseTo((5 * 4) / 8, 12);
  });

  it.each([0, 0.5, 1, 2])(
    'A19: repeat-and-select with shape %d costs (2 + shape) ε for pure ε',
    (shape) => {
      const event: PrivacyEvent = {
        kind: 'repeat-and-select',
        event: { kind: 'epsilon-delta', epsilon: 0.1, delta: 0 },
        mean: 5,
        shape,
      };
      expect(at(event, 1e9)).toBeCloseTo(0.1 * (2 + shape), 5);
      expect(at(event, Infinity)).toBeCloseTo(0.1 * (2 + shape), 9);
    },
  );

  it.each<[PrivacyEvent, number]>([
    [{ kind: 'laplace', noiseMultiplier: 2 }, 0.5],
    [{ kind: 'exponential', epsilon: 0.7 }, 0.7],
    [{ kind: 'epsilon-delta', epsilon: 0.3, delta: 0 }, 0.3],
    [{ kind: 'zcdp', rho: 0, xi: 0.2 }, 0.2],
    [{ kind: 'zcdp', rho: 1e-9, xi: 0.2 }, Infinity],
    [gaussian(100), Infinity],
    [{ kind: 'discrete-gaussian', sigma: 1000, sensitivity: 1 }, Infinity],
    [groupEvent(dpSgd(0.1, 3, 1), 2), Infinity],
  ])('order ∞ is the largest loss, and large orders come near it: %j', (event, expected) => {
    expect(at(event, Infinity)).toBe(expected);
    const near = at(event, 1e7);
    if (Number.isFinite(expected)) expect(near).toBeCloseTo(expected, 5);
    else expect(near).toBeGreaterThan(1e-3);
  });

  it('Laplace: the curve reaches ε = 1/b at large orders', () => {
    const event: PrivacyEvent = { kind: 'laplace', noiseMultiplier: 2 };
    expect(at(event, 1e7)).toBeCloseTo(0.5, 5);
    expect(at(times(3, event), 4)).toBeCloseTo(3 * at(event, 4), 12);
  });

  it('without replacement, replace-one: never worse than no sampling, equal at q = 1', () => {
    const sampled = (sampleSize: number): PrivacyEvent => ({
      kind: 'sampled-without-replacement',
      datasetSize: 1000,
      sampleSize,
      event: gaussian(4),
    });
    for (const order of [1.5, 2, 7, 64, 300]) {
      expect(at(sampled(10), order, 'replace-one')).toBeLessThan(
        at(gaussian(4), order, 'replace-one'),
      );
      expect(at(sampled(1000), order, 'replace-one')).toBeCloseTo(
        at(gaussian(4), order, 'replace-one'),
        12,
      );
      expect(at(sampled(10), order, 'replace-one')).toBeLessThan(
        at(sampled(20), order, 'replace-one'),
      );
    }
  });

  it('a discrete Gaussian in a Poisson sample equals the continuous one at integer orders and lies above between', () => {
    const lattice = poisson(0.05, { kind: 'discrete-gaussian', sigma: 300, sensitivity: 100 });
    const smooth = poisson(0.05, gaussian(3));
    expect(at(lattice, 8)).toBeCloseTo(at(smooth, 8), 14);
    expect(at(lattice, 8.5)).toBeGreaterThan(at(smooth, 8.5));
    expect(rdpEpsilonOfLattice(times(59, lattice), 1e-5, 'add-or-remove-one')).toBeCloseTo(
      rdpEpsilonOfLattice(times(59, smooth), 1e-5, 'add-or-remove-one'),
      10,
    );
  });

  it('(0, δ) parts come off δ: 1 − Π(1 − δ_i)', () => {
    const catastrophe: PrivacyEvent = { kind: 'epsilon-delta', epsilon: 0, delta: 1e-6 };
    const event = all(times(4, catastrophe), gaussian(7));
    const rest = 1 - (1 - 1e-5) / (1 - 1e-6) ** 4;
    expect(epsilonOf(event, { delta: 1e-5, ...rdp })).toBeCloseTo(
      epsilonOf(gaussian(7), { delta: rest, ...rdp }),
      9,
    );
    expect(epsilonOf(times(11, catastrophe), { delta: 1e-5, ...rdp })).toBe(Infinity);
  });
});
