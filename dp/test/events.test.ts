import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rdpCurve } from '../src/accounting/rdp-accountant.js';
import { gaussianMuOf, truePositiveRateOf } from '../src/accounting/attack-power.js';
import { deltaOf, epsilonInterval, epsilonOf, provenEpsilonOf } from '../src/accounting/epsilon.js';
import { zcdpDelta, zcdpEpsilon, gaussianRho } from '../src/accounting/zcdp.js';
import { gaussianDelta } from '../src/accounting/gaussian.js';
import { addPair, removePair } from '../src/accounting/loss-pair.js';
import { pldEpsilon } from '../src/accounting/pld-accountant.js';
import { canonicalJson } from '../src/canonical-json.js';
import {
  EventFormatError,
  GridTooLargeError,
  InvalidArgumentError,
  UnsupportedEventError,
} from '../src/errors.js';
import { decodeEvent, encodeEvent } from '../src/event-codec.js';
import { groupEvent } from '../src/group-event.js';
import type { Adjacency, PrivacyEvent } from '../src/privacy-event.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

const leaf: fc.Arbitrary<PrivacyEvent> = fc.oneof(
  fc.constant<PrivacyEvent>({ kind: 'no-op' }),
  fc.constant<PrivacyEvent>({ kind: 'non-private' }),
  fc.double({ min: 0.01, max: 1e6, noNaN: true }).map(gaussian),
  fc
    .double({ min: 0.01, max: 1e6, noNaN: true })
    .map((noiseMultiplier): PrivacyEvent => ({ kind: 'laplace', noiseMultiplier })),
  fc.record({
    kind: fc.constant('epsilon-delta' as const),
    epsilon: fc.double({ min: 0, max: 10, noNaN: true }),
    delta: fc.double({ min: 0, max: 0.1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('zcdp' as const),
    rho: fc.double({ min: 0, max: 1, noNaN: true }),
    xi: fc.constant(0),
  }),
);
const tree: fc.Arbitrary<PrivacyEvent> = fc.letrec<{ event: PrivacyEvent }>((tie) => ({
  event: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record({
      kind: fc.constant('self-composed' as const),
      event: tie('event'),
      count: fc.nat(100),
    }),
    fc.record({
      kind: fc.constant('poisson-sampled' as const),
      event: tie('event'),
      samplingProbability: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant('composed' as const),
      events: fc.array(tie('event'), { maxLength: 3 }),
    }),
  ),
})).event;

describe('event codec', () => {
  it('comes back equal through canonical JSON, frozen (property)', () => {
    fc.assert(
      fc.property(tree, (event) => {
        const decoded = decodeEvent(JSON.parse(canonicalJson(encodeEvent(event))));
        expect(decoded).toEqual(event);
        expect(Object.isFrozen(decoded)).toBe(true);
      }),
    );
  });

  it('takes plain numbers, for files that people write', () => {
    expect(decodeEvent({ kind: 'gaussian', noiseMultiplier: 2.5 })).toEqual(gaussian(2.5));
  });

  it.each<[string, unknown]>([
    ['$', null],
    ['$', 'gaussian'],
    ['$', []],
    ['$.kind', {}],
    ['$.kind', { kind: 'gausian' }],
    ['$.kind', { kind: 'toString' }],
    ['$.noiseMultiplier', { kind: 'gaussian' }],
    ['$.noiseMultiplier', { kind: 'gaussian', noiseMultiplier: -1 }],
    ['$.noiseMultiplier', { kind: 'gaussian', noiseMultiplier: 'NaN' }],
    ['$.noiseMultiplier', { kind: 'gaussian', noiseMultiplier: Infinity }],
    ['$.noiseMultiplier', { kind: 'gaussian', noiseMultiplier: '0x10' }],
    ['$.sigma', { kind: 'gaussian', noiseMultiplier: 1, sigma: 2 }],
    [
      '$.samplingProbability',
      { kind: 'poisson-sampled', samplingProbability: 1.1, event: gaussian(1) },
    ],
    [
      '$.event.noiseMultiplier',
      { kind: 'poisson-sampled', samplingProbability: 0.1, event: { kind: 'gaussian' } },
    ],
    ['$.count', { kind: 'self-composed', count: 1.5, event: gaussian(1) }],
    ['$.count', { kind: 'self-composed', count: -1, event: gaussian(1) }],
    ['$.events', { kind: 'composed', events: {} }],
    ['$.events[1].kind', { kind: 'composed', events: [gaussian(1), {}] }],
    ['$.sigma', { kind: 'mixture-of-gaussians', sigma: 0, sensitivities: [1], probabilities: [1] }],
    [
      '$.probabilities',
      { kind: 'mixture-of-gaussians', sigma: 1, sensitivities: [1], probabilities: [0.5] },
    ],
    [
      '$.probabilities',
      { kind: 'mixture-of-gaussians', sigma: 1, sensitivities: [0, 1], probabilities: [1] },
    ],
    [
      '$.probabilities',
      {
        kind: 'mixture-of-gaussians',
        sigma: 1,
        sensitivities: [0, 1],
        probabilities: [0.5, 0.5 - 9e-10],
      },
    ],
    [
      '$.probabilities',
      {
        kind: 'mixture-of-gaussians',
        sigma: 1,
        sensitivities: [0, 1],
        probabilities: [0.5, 0.5 + 2e-12],
      },
    ],
    [
      '$.sensitivities',
      {
        kind: 'mixture-of-gaussians',
        sigma: 1,
        sensitivities: Array.from({ length: 1025 }, (_, i) => i),
        probabilities: Array.from({ length: 1025 }, (_, i) => (i === 0 ? 1 : 0)),
      },
    ],
    [
      '$.sampleSize',
      { kind: 'sampled-without-replacement', datasetSize: 3, sampleSize: 4, event: gaussian(1) },
    ],
    ['$.buckets', { kind: 'randomized-response', noise: 0.5, buckets: 1 }],
  ])('refuses with the path %s', (path, value) => {
    try {
      decodeEvent(value);
    } catch (error) {
      expect(error).toBeInstanceOf(EventFormatError);
      expect((error as EventFormatError).path).toBe(path);
      return;
    }
    throw new Error('accepted');
  });

  it('takes probabilities whose sum is 1 but for round-off: what groups of every size have', () => {
    for (const q of [1e-9, 0.0512, 1 / 3, 0.999]) {
      for (let k = 2; k <= 64; k++) {
        const group = groupEvent(poisson(q, gaussian(3)), k);
        expect(decodeEvent(group)).toEqual(group);
      }
    }
  });

  it('refuses nesting without end', () => {
    let event: PrivacyEvent = gaussian(1);
    for (let i = 0; i < 40; i++) event = times(1, event);
    expect(() => decodeEvent(event)).toThrow(EventFormatError);
  });
});

describe('neighbouring relations', () => {
  const laplace: PrivacyEvent = { kind: 'laplace', noiseMultiplier: 1 };
  const response: PrivacyEvent = { kind: 'randomized-response', noise: 0.5, buckets: 2 };
  const treeEvent: PrivacyEvent = { kind: 'tree-aggregation', noiseMultiplier: 1, steps: 8 };
  const without: PrivacyEvent = {
    kind: 'sampled-without-replacement',
    datasetSize: 9,
    sampleSize: 3,
    event: gaussian(1),
  };
  it.each<[string, string, PrivacyEvent, Adjacency, 'pld' | 'rdp']>([
    [
      'Poisson sampling under replace-one by RDP',
      'poisson-sampled(gaussian)',
      dpSgd(0.1, 1, 1),
      'replace-one',
      'rdp',
    ],
    [
      'sampled Laplace by RDP',
      'poisson-sampled(laplace)',
      poisson(0.1, laplace),
      'add-or-remove-one',
      'rdp',
    ],
    [
      'sampled Laplace under replace-one',
      'poisson-sampled(laplace)',
      poisson(0.1, laplace),
      'replace-one',
      'pld',
    ],
    [
      'fixed-size samples under add-or-remove',
      'sampled-without-replacement',
      without,
      'add-or-remove-one',
      'rdp',
    ],
    ['fixed-size samples by PLD', 'sampled-without-replacement', without, 'replace-one', 'pld'],
    [
      'randomized response under add-or-remove',
      'randomized-response',
      response,
      'add-or-remove-one',
      'pld',
    ],
    ['a tree under add-or-remove', 'tree-aggregation', treeEvent, 'add-or-remove-one', 'rdp'],
    [
      'groups under replace-one',
      'mixture-of-gaussians',
      groupEvent(dpSgd(0.1, 1, 1), 2),
      'replace-one',
      'pld',
    ],
    ['zCDP by PLD', 'zcdp', { kind: 'zcdp', rho: 0.1, xi: 0 }, 'add-or-remove-one', 'pld'],
    [
      'the exponential mechanism by PLD',
      'exponential',
      { kind: 'exponential', epsilon: 1 },
      'add-or-remove-one',
      'pld',
    ],
    [
      'repeat-and-select by PLD',
      'repeat-and-select',
      { kind: 'repeat-and-select', event: gaussian(1), mean: 2, shape: 1 },
      'add-or-remove-one',
      'pld',
    ],
    [
      'sampling of a composition with Laplace',
      'composed',
      poisson(0.1, all(gaussian(1), laplace)),
      'add-or-remove-one',
      'pld',
    ],
    [
      'a fractional lattice shift',
      'discrete-gaussian',
      { kind: 'discrete-gaussian', sigma: 10, sensitivity: 0.5 },
      'add-or-remove-one',
      'pld',
    ],
    [
      'truncated Poisson by RDP',
      'truncated-poisson-gaussian',
      {
        kind: 'truncated-poisson-gaussian',
        datasetSize: 4,
        samplingProbability: 0.5,
        batchMax: 2,
        noiseMultiplier: 1,
      },
      'zero-out',
      'rdp',
    ],
    [
      'what was declared unsupported',
      'unsupported',
      { kind: 'unsupported', reason: 'legacy' },
      'zero-out',
      'rdp',
    ],
  ])('refuses %s by name: %s', (_, named, event, adjacency, accountant) => {
    try {
      epsilonOf(event, { delta: 1e-5, adjacency, accountant });
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedEventError);
      expect(error).toMatchObject({ event: named, adjacency, accountant });
      return;
    }
    throw new Error('accepted');
  });

  it('refuses before it composes: one bad part of many', () => {
    expect(() => rdpCurve(all(gaussian(1), treeEvent), 'add-or-remove-one')).toThrow(
      UnsupportedEventError,
    );
  });

  it('replace-one is twice as far for a Gaussian, zero-out as far as add-or-remove', () => {
    const options = { delta: 1e-5 } as const;
    expect(epsilonOf(gaussian(4), { ...options, adjacency: 'replace-one' })).toBe(
      epsilonOf(gaussian(2), options),
    );
    const lattice = (sensitivity: number): PrivacyEvent =>
      times(3, { kind: 'discrete-gaussian', sigma: 300, sensitivity });
    expect(epsilonOf(lattice(50), { ...options, adjacency: 'replace-one' })).toBe(
      epsilonOf(lattice(100), options),
    );
    expect(epsilonOf(dpSgd(0.1, 2, 9), { ...options, adjacency: 'zero-out' })).toBe(
      epsilonOf(dpSgd(0.1, 2, 9), options),
    );
  });
});

describe('laws of accounting', () => {
  const event = fc.record({
    q: fc.double({ min: 0.001, max: 0.9, noNaN: true }),
    s: fc.double({ min: 0.8, max: 20, noNaN: true }),
    steps: fc.integer({ min: 1, max: 60 }),
  });

  it('compose(e, n) is n × compose(e, 1), for every event with a curve', () => {
    for (const one of [
      gaussian(3),
      dpSgd(0.1, 2, 3),
      { kind: 'laplace', noiseMultiplier: 2 },
      { kind: 'exponential', epsilon: 0.4 },
      { kind: 'zcdp', rho: 0.1, xi: 0.01 },
      { kind: 'epsilon-delta', epsilon: 0.3, delta: 0 },
    ] as PrivacyEvent[]) {
      for (const order of [1.5, 2, 11]) {
        const [single, seven] = [
          rdpCurve(one, 'add-or-remove-one')(order),
          rdpCurve(times(7, one), 'add-or-remove-one')(order),
        ];
        expect(seven).toBeCloseTo(7 * single, 12);
      }
    }
  });

  it('order and grouping do not matter (property)', () => {
    fc.assert(
      fc.property(event, event, (a, b) => {
        const [x, y] = [dpSgd(a.q, a.s, a.steps), dpSgd(b.q, b.s, b.steps)];
        const options = { delta: 1e-5 } as const;
        const forward = epsilonOf(all(x, y), options);
        expect(epsilonOf(all(y, x), options)).toBeCloseTo(forward, 8);
        expect(epsilonOf(all(all(y), times(1, x)), options)).toBeCloseTo(forward, 8);
      }),
      { numRuns: 8 },
    );
  });

  it('PLD lies below RDP, more noise costs less, more steps and a higher rate cost more (property)', () => {
    fc.assert(
      fc.property(event, ({ q, s, steps }) => {
        const options = { delta: 1e-5 } as const;
        const epsilon = epsilonOf(dpSgd(q, s, steps), options);
        expect(epsilon).toBeLessThanOrEqual(
          epsilonOf(dpSgd(q, s, steps), { ...options, accountant: 'rdp' }) + 1e-5,
        );
        expect(epsilonOf(dpSgd(q, s * 1.1, steps), options)).toBeLessThanOrEqual(epsilon + 1e-5);
        expect(epsilonOf(dpSgd(q, s, steps + 5), options)).toBeGreaterThanOrEqual(epsilon - 1e-5);
        expect(epsilonOf(dpSgd(q * 1.1, s, steps), options)).toBeGreaterThanOrEqual(epsilon - 1e-5);
      }),
      { numRuns: 25 },
    );
  });

  it('the certified interval holds the value (property)', () => {
    fc.assert(
      fc.property(event, ({ q, s, steps }) => {
        const { lower, upper } = epsilonInterval(dpSgd(q, s, steps), { delta: 1e-5 });
        const value = epsilonOf(dpSgd(q, s, steps), { delta: 1e-5 });
        expect(lower).toBeLessThanOrEqual(value);
        expect(upper).toBeGreaterThanOrEqual(value);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    [0.001, 0.8, 11],
    [1e-6, 1, 1000],
    [1e-9, 0.5, 10],
    [0.999999, 3, 4],
  ])('has an interval at the edge of the losses: q %d, s %d, T %i', (q, s, steps) => {
    const { lower, upper } = epsilonInterval(dpSgd(q, s, steps), { delta: 1e-5 });
    expect(lower).toBeLessThanOrEqual(upper);
    expect(upper - lower).toBeLessThan(1e-3);
  });

  it('weight that a mixture lacks, or has too much, is charged to δ in the proven value', () => {
    const weights = [0.5, 0.5 - 9e-13];
    const event = times(2000, {
      kind: 'mixture-of-gaussians',
      sigma: 1e5,
      sensitivities: [0, 1],
      probabilities: weights,
    });
    expect(removePair({ shifts: [0, 1], weights }).roundOff).toBeCloseTo(9e-13, 15);
    expect(addPair({ shifts: [0, 1], weights }).roundOff).toBeCloseTo(9e-13, 15);
    // 2000 × 9e-13 is above this δ, so that nothing is proved; the exact half is.
    expect(provenEpsilonOf(event, { delta: 1.7e-9 })).toBe(Infinity);
    expect(provenEpsilonOf(dpSgd(0.5, 1e5, 2000), { delta: 1.7e-9 })).toBeLessThan(0.01);
  });

  it('the worse direction is taken: ADD alone would say .425 for the default plan', () => {
    expect(epsilonOf(dpSgd(0.0512, 3.0499, 59), { delta: 1e-5 })).toBeGreaterThan(0.4999);
  });

  it('and sometimes ADD is the worse one: two sampled Laplace releases (Lebeda et al. 2024)', () => {
    const [q, b, epsilon] = [0.3, 2, 0.05];
    const event = times(2, poisson(q, { kind: 'laplace', noiseMultiplier: b }));
    // δ of both directions by a plain double sum over the two outputs.
    const cells = 1500;
    const [low, high] = [-40, 41];
    const h = (high - low) / cells;
    const without: number[] = [];
    const mixed: number[] = [];
    for (let i = 0; i < cells; i++) {
      const x = low + (i + 0.5) * h;
      const density = (at: number): number => Math.exp(-Math.abs(x - at) / b) / (2 * b);
      without.push(density(0) * h);
      mixed.push(((1 - q) * density(0) + q * density(1)) * h);
    }
    const stick = (p: number[], r: number[]): number => {
      let sum = 0;
      for (let i = 0; i < cells; i++) {
        for (let j = 0; j < cells; j++) {
          sum += Math.max(0, p[i]! * p[j]! - Math.exp(epsilon) * r[i]! * r[j]!);
        }
      }
      return sum;
    };
    const [add, remove] = [stick(without, mixed), stick(mixed, without)];
    expect(add).toBeGreaterThan(1.1 * remove);
    expect(deltaOf(event, { epsilon })).toBeCloseTo(add, 3);
  });

  it('Gaussians on one sample collapse: s_eff = (Σ s^−2)^(−1/2)', () => {
    const pair = times(9, poisson(0.1, all(gaussian(3), gaussian(4))));
    expect(epsilonOf(pair, { delta: 1e-5 })).toBeCloseTo(
      epsilonOf(dpSgd(0.1, 2.4, 9), { delta: 1e-5 }),
      9,
    );
    const apart = all(dpSgd(0.1, 3, 9), dpSgd(0.1, 4, 9));
    expect(epsilonOf(apart, { delta: 1e-5 })).not.toBeCloseTo(epsilonOf(pair, { delta: 1e-5 }), 3);
  });

  it('edges: nothing, everything, no noise', () => {
    const options = { delta: 1e-5 } as const;
    for (const accountant of ['pld', 'rdp'] as const) {
      expect(epsilonOf({ kind: 'no-op' }, { ...options, accountant })).toBe(0);
      expect(epsilonOf(all(), { ...options, accountant })).toBe(0);
      expect(epsilonOf(dpSgd(0, 1, 10), { ...options, accountant })).toBe(0);
      expect(epsilonOf(times(0, { kind: 'non-private' }), { ...options, accountant })).toBe(0);
      expect(epsilonOf({ kind: 'non-private' }, { ...options, accountant })).toBe(Infinity);
      expect(epsilonOf(dpSgd(0.1, 0, 1), { ...options, accountant })).toBe(Infinity);
      expect(epsilonOf(gaussian(0), { ...options, accountant })).toBe(Infinity);
    }
    expect(epsilonOf(dpSgd(1, 7.0318266756, 1), options)).toBeCloseTo(0.5, 9);
  });

  it.each<[string, PrivacyEvent]>([
    ['$.event.samplingProbability', dpSgd(NaN, 1, 1)],
    ['$.event.samplingProbability', dpSgd(2, 1, 1)],
    ['$.event.samplingProbability', dpSgd(-0.1, 1, 1)],
    ['$.event.event.noiseMultiplier', dpSgd(0.1, NaN, 1)],
    ['$.event.event.noiseMultiplier', dpSgd(0.1, -1, 1)],
    ['$.event.event.noiseMultiplier', dpSgd(0.1, Infinity, 1)],
    ['$.count', dpSgd(0.1, 1, NaN)],
    ['$.count', dpSgd(0.1, 1, -5)],
    ['$.count', dpSgd(0.1, 1, Infinity)],
  ])('refuses an event whose %s is out of range, at every door (%#)', (path, event) => {
    for (const ask of [
      () => epsilonOf(event, { delta: 1e-5 }),
      () => epsilonOf(event, { delta: 1e-5, accountant: 'rdp' }),
      () => provenEpsilonOf(event, { delta: 1e-5 }),
      () => epsilonInterval(event, { delta: 1e-5 }),
      () => deltaOf(event, { epsilon: 1 }),
      () => truePositiveRateOf(event, { falsePositiveRate: 0.1 }),
      () => gaussianMuOf(event),
    ]) {
      expect(ask).toThrow(EventFormatError);
      expect(ask).toThrow(path);
    }
  });

  it.each([
    [0.5, 0.03, 1],
    [0.01, 0.02, 1],
    [0.9, 0.05, 4],
  ])('losses beyond e^709 have an answer: q %d, s %d, T %i', (q, s, steps) => {
    const { lower, upper } = epsilonInterval(dpSgd(q, s, steps), { delta: 1e-5 });
    const all = epsilonOf(times(steps, gaussian(s)), { delta: 1e-5 });
    expect(lower).toBeGreaterThan(0.6 * all);
    expect(upper).toBeLessThan(1.01 * all);
    expect(upper - lower).toBeLessThan(0.01 * all);
  });

  it.each([NaN, -1])('refuses ε = %s', (epsilon) => {
    expect(() => deltaOf(gaussian(1), { epsilon })).toThrow(InvalidArgumentError);
  });

  it.each([NaN, 0, 1, -1, Infinity])('refuses δ = %s', (delta) => {
    expect(() => epsilonOf(gaussian(1), { delta })).toThrow(InvalidArgumentError);
    expect(() => epsilonInterval(gaussian(1), { delta })).toThrow(InvalidArgumentError);
  });
});

describe('bounded memory', () => {
  it('refuses a discrete Gaussian with too many outcomes', () => {
    const event: PrivacyEvent = { kind: 'discrete-gaussian', sigma: 1e9, sensitivity: 1 };
    expect(() => epsilonOf(event, { delta: 1e-5 })).toThrow(GridTooLargeError);
  });

  it('refuses a step that was asked for and does not fit, with the reason', () => {
    try {
      pldEpsilon(dpSgd(0.5, 0.5, 1000), 1e-5, { adjacency: 'add-or-remove-one', step: 2e-6 });
    } catch (error) {
      expect(error).toBeInstanceOf(GridTooLargeError);
      expect((error as GridTooLargeError).bytesMax).toBeLessThanOrEqual(200e6);
      expect((error as GridTooLargeError).message).toMatch(/in steps of 0.000002/);
      return;
    }
    throw new Error('accepted');
  });
});

describe('zCDP', () => {
  it('A41: exact doubles of opendp cdp_delta', () => {
    expect(zcdpDelta(0.05, 0.25) / 8.17727531036956e-2).toBeCloseTo(1, 12);
    expect(zcdpDelta(5e-30, 1e-13) / 2.619676329730346e-234).toBeCloseTo(1, 8);
    expect(zcdpDelta(Infinity, 1)).toBe(1);
    expect(zcdpDelta(0.1, Infinity)).toBe(0);
    expect(zcdpDelta(0, 1)).toBe(0);
  });

  it('bounds the Gaussian from above, and inverts', () => {
    for (const s of [1, 3, 10]) {
      expect(zcdpDelta(gaussianRho(s), 1)).toBeGreaterThan(gaussianDelta(s, 1));
      expect(zcdpDelta(gaussianRho(s), zcdpEpsilon(gaussianRho(s), 1e-6))).toBeLessThanOrEqual(
        1e-6,
      );
    }
    expect(zcdpEpsilon(Infinity, 1e-5)).toBe(Infinity);
    expect(zcdpEpsilon(0, 1e-5)).toBe(0);
  });

  it('refuses what is not a number', () => {
    expect(() => zcdpDelta(-1, 1)).toThrow(InvalidArgumentError);
    expect(() => zcdpDelta(1, NaN)).toThrow(InvalidArgumentError);
    expect(() => gaussianRho(0)).toThrow(InvalidArgumentError);
    expect(() => zcdpEpsilon(1, 0)).toThrow(InvalidArgumentError);
  });
});
