/**
 * Sources: DPA google/differential-privacy dp_accounting (pld/*_test), OPA pytorch/opacus (tests/accountants_test,
 * prv_accountant), TFP tensorflow/privacy (compute_dp_sgd_privacy_test). Grid indices are multiples of the step.
 */
import { describe, expect, it } from 'vitest';
import { outcomePair, sampledAdd, sampledRemove } from '../src/accounting/atomic-pair.js';
import { calibrate } from '../src/accounting/calibration.js';
import { deltaOf, epsilonInterval, epsilonOf } from '../src/accounting/epsilon.js';
import { gaussianEpsilon } from '../src/accounting/gaussian.js';
import {
  deltaAt,
  dominatedGrid,
  dominatingGrid,
  type LossGrid,
} from '../src/accounting/loss-grid.js';
import { addPair, removePair, replacePair, type LossPair } from '../src/accounting/loss-pair.js';
import { pldDelta, pldEpsilon } from '../src/accounting/pld-accountant.js';
import { groupEvent } from '../src/group-event.js';
import { logNormalCdf, normalCdf } from '../src/numerics/normal-distribution.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { bucketGrid } from './buckets.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

const addRemove = { adjacency: 'add-or-remove-one' } as const;

function masses(grid: LossGrid): Record<string, number> {
  const found: Record<string, number> = {};
  grid.masses.forEach((mass, i) => {
    if (mass > 0) found[String(grid.first + i)] = mass;
  });
  return found;
}

/** ln of the mass whose half is Φ(−.9) on either side. */
const TRUNCATION = Math.LN2 + logNormalCdf(-0.9);
const half = { shifts: [0, 1], weights: [0.2, 0.8] };
const whole = { shifts: [1], weights: [1] };

describe('connect the dots, mass by mass', () => {
  const rows: [string, LossPair, number, Record<string, number>, number][] = [
    [
      'A23: q 1, REMOVE',
      removePair(whole),
      1,
      { 2: 0.167710257, 1: 0.34327019, 0: 0.319116756, '-1': 0.126282046, '-2': 0.022697115 },
      0.020923636,
    ],
    [
      'A23: q 1, ADD',
      addPair(whole),
      1,
      { 2: 0.167710257, 1: 0.34327019, 0: 0.319116756, '-1': 0.126282046, '-2': 0.022697115 },
      0.020923636,
    ],
    [
      'A24: q .8, ADD',
      addPair(half),
      1,
      { 1: 0.4480217, 0: 0.398104072, '-1': 0.115544309, '-2': 0.015193708 },
      0.02313621,
    ],
    [
      'A24: q .8, REMOVE',
      removePair(half),
      1,
      { 2: 0.112267164, 1: 0.314081995, 0: 0.398104072, '-1': 0.164817973 },
      0.010728796,
    ],
    [
      'A25: q .8, replace-one',
      replacePair(1, 0.8),
      1,
      {
        3: 0.152221152,
        2: 0.243537311,
        1: 0.256578347,
        0: 0.183992937,
        '-1': 0.094389899,
        '-2': 0.040537836,
      },
      0.028742519,
    ],
    [
      'A26: q 1, step .5',
      removePair(whole),
      0.5,
      {
        3: 0.178515818,
        2: 0.175063076,
        1: 0.195400642,
        0: 0.171573378,
        '-1': 0.11851648,
        '-2': 0.064402107,
        '-3': 0.039832263,
      },
      0.056696236,
    ],
  ];
  it.each(rows)('%s', (_, pair, step, expected, infinity) => {
    const grid = dominatingGrid(pair, step, TRUNCATION);
    const found = masses(grid);
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [index, mass] of Object.entries(expected)) expect(found[index]).toBeCloseTo(mass, 8);
    expect(grid.infinity).toBeCloseTo(infinity, 8);
  });

  it('A27: discrete Gaussian σ 3 on [−1, 1], q .1, step 1e-4', () => {
    const height = (y: number): number => (Math.abs(y) > 1 ? 0 : Math.exp((-y * y) / 18));
    const total = 1 + 2 * height(1);
    const base = outcomePair(
      [-1, 0, 1, 2].map((y) => ({ p: height(y) / total, q: height(y - 1) / total })),
    );
    // A mass between two grid points is shared by both; the source rounds it up. So sums over neighbours are compared.
    const near = (grid: LossGrid, index: number): number =>
      (masses(grid)[index] ?? 0) + (masses(grid)[index - 1] ?? 0);
    const add = dominatingGrid(sampledAdd(base, 0.1), 1e-4, -50);
    expect(near(add, -56)).toBeCloseTo(0.32710442, 5);
    expect(near(add, 55)).toBeCloseTo(0.34579116, 5);
    expect(near(add, 1054)).toBeCloseTo(0.32710442, 5);
    expect(add.infinity).toBeCloseTo(0, 12);
    const remove = dominatingGrid(sampledRemove(base, 0.1), 1e-4, -50);
    expect(near(remove, 57)).toBeCloseTo(0.32897309, 5);
    expect(near(remove, -54)).toBeCloseTo(0.34392248, 5);
    expect(near(remove, -1053)).toBeCloseTo(0.29439398, 5);
    expect(remove.infinity).toBeCloseTo(0.03271044, 8);
  });

  it('A22: rounding every loss up instead (buckets), q 1, REMOVE', () => {
    const grid = bucketGrid(removePair(whole), 1, TRUNCATION, 'up');
    const expected = { 2: 0.12447741, 1: 0.38292492, 0: 0.24173034, '-1': 0.0668072 };
    const found = masses(grid);
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [index, mass] of Object.entries(expected)) expect(found[index]).toBeCloseTo(mass, 7);
    expect(grid.infinity).toBeCloseTo(normalCdf(-0.9), 12);
  });

  it.each([
    ['REMOVE', removePair(half)],
    ['ADD', addPair(half)],
    ['replace-one', replacePair(1, 0.8)],
  ])('lies between buckets rounded down and up: %s', (_, pair) => {
    const [low, tight, high] = [
      bucketGrid(pair, 0.05, -60, 'down'),
      dominatingGrid(pair, 0.05, -60),
      bucketGrid(pair, 0.05, -60, 'up'),
    ];
    for (const epsilon of [0, 0.33, 1, 2.02]) {
      expect(deltaAt(low, epsilon)).toBeLessThanOrEqual(
        deltaAt(dominatedGrid(pair, 0.05, -60), epsilon),
      );
      expect(deltaAt(low, epsilon)).toBeLessThanOrEqual(deltaAt(tight, epsilon));
      expect(deltaAt(tight, epsilon)).toBeLessThanOrEqual(deltaAt(high, epsilon));
      if (deltaAt(tight, epsilon) > 0) {
        expect(deltaAt(high, epsilon)).toBeGreaterThan(1.01 * deltaAt(low, epsilon));
      }
    }
  });

  it('is exact at grid points and above the truth between them', () => {
    const grid = dominatingGrid(removePair(whole), 0.25, -60);
    for (let epsilon = 0; epsilon < 3; epsilon += 0.05) {
      const truth = deltaOf(gaussian(1), { epsilon });
      const difference = deltaAt(grid, epsilon) - truth;
      if (Math.abs(epsilon / 0.25 - Math.round(epsilon / 0.25)) < 1e-9) {
        expect(Math.abs(difference)).toBeLessThan(1e-13);
      } else expect(difference).toBeGreaterThan(0);
    }
  });
});

describe('ε and δ of whole mechanisms', () => {
  it('A31: s 3, q .001, T 50000 at a step of 1e-4 is .301900; a finer step shows how much of that was the grid', () => {
    const event = dpSgd(0.001, 3, 50_000);
    expect(pldEpsilon(event, 1e-6, { ...addRemove, step: 1e-4 })).toBeCloseTo(0.3019, 5);
    expect(epsilonOf(event, { delta: 1e-6 })).toBeCloseTo(0.29966, 4);
  });

  it('A5: smallest s for ε 1, δ 1e-5, one query, q .01', () => {
    const s = calibrate((x) => poisson(0.01, gaussian(x)), {
      epsilon: 1,
      delta: 1e-5,
      ...addRemove,
    });
    expect(s).toBeCloseTo(0.67379289, 5); // closed form
  });

  it('A6: q .2, s .5, three times: δ(1) = .15594', () => {
    expect(deltaOf(dpSgd(0.2, 0.5, 3), { epsilon: 1 })).toBeCloseTo(0.15594, 4);
    expect(epsilonOf(dpSgd(0.2, 0.5, 3), { delta: 0.15594 })).toBeCloseTo(1, 3);
  });

  it('A14: Laplace(1) three times and Laplace(2) twice: 4 at δ → 0', () => {
    const laplace = (noiseMultiplier: number): PrivacyEvent => ({
      kind: 'laplace',
      noiseMultiplier,
    });
    const event = all(times(3, laplace(1)), times(2, laplace(2)));
    expect(Math.abs(pldEpsilon(event, 1e-14, { ...addRemove, step: 1e-4 }) - 4)).toBeLessThan(1e-6);
    expect(epsilonOf(event, { delta: 1e-14 })).toBe(4); // never above the largest loss
  });

  it('A15: Poisson q .2, Laplace b .5, three times: 2.46964', () => {
    const event = times(3, poisson(0.2, { kind: 'laplace', noiseMultiplier: 0.5 }));
    expect(pldEpsilon(event, 1e-14, { ...addRemove, step: 1e-4 })).toBeCloseTo(2.46964, 5);
    expect(epsilonOf(event, { delta: 1e-14 })).toBeCloseTo(2.46964, 5);
  });

  it('A30: ε 3 in ten queries of sensitivity 21 needs scale 70: the supremum of the loss bounds it', () => {
    const b = calibrate(
      (noiseMultiplier) => times(10, { kind: 'laplace', noiseMultiplier }),
      { epsilon: 3, delta: 1e-9, ...addRemove },
      1e-5,
    );
    expect(21 * b).toBeLessThanOrEqual(70 + 1e-2);
    expect(21 * b).toBeGreaterThan(70 - 0.1);
  });

  it.each([
    [1, 1e-4, 20, 13.6],
    [1, 1e-4, 500, 71],
  ])('A30: ε %d, δ %d, %i Laplace queries need b = %d', (epsilon, delta, count, b) => {
    const found = calibrate(
      (noiseMultiplier) => times(count, { kind: 'laplace', noiseMultiplier }),
      { epsilon, delta, ...addRemove },
      1e-4,
    );
    expect(found).toBeGreaterThan(b - 0.1);
    expect(found).toBeLessThan(b + 0.1);
  });

  it.each([
    [0.8, 0.001, 100, 1e-6, 0.260338],
    [1.5, 0.05, 1000, 1e-6, 6.199695],
    [1.5, 0.04, 2249, 1e-5, 6.767051],
  ])('A31, A32 (PLD beside PRV): s %d, q %d, T %i, δ %d: %d', (s, q, steps, delta, expected) => {
    expect(epsilonOf(dpSgd(q, s, steps), { delta })).toBeCloseTo(expected, 5);
  });

  it.each([
    [0.8, 0.001, 100, 1e-6, 0.270403364],
    [1.5, 0.05, 1000, 1e-6, 6.209969247],
    [3, 0.2, 100, 1e-6, 3.38122051],
    [2, 0.001, 20_000, 1e-6, 0.30583794],
    [1.5, 0.05, 20_000, 1e-6, 38.306617914],
    [3, 0.05, 50_000, 1e-6, 24.942005644],
    [0.8, 0.001, 50_000, 1e-6, 2.034514808],
    [3, 0.001, 1000, 1e-6, 0.047615931],
    [1.5, 0.04, 2249, 1e-5, 6.777395712],
  ])('A31, A32: s %d, q %d, T %i: δ %d: PRV, with its fixed .01 on top, is %d', (...row) => {
    const [s, q, steps, delta, prv] = row;
    const above = prv - epsilonOf(dpSgd(q, s, steps), { delta });
    expect(above).toBeGreaterThan(0.01);
    expect(above).toBeLessThan(0.0112);
  });

  it('A33: the central limit says 6.59 … 6.60 for that, less than what is certain: never reported', () => {
    const mu = 0.04 * Math.sqrt(2249 * Math.expm1(1 / 1.5 ** 2));
    const limit = gaussianEpsilon(1 / mu, 1e-5);
    expect(limit).toBeGreaterThan(6.59);
    expect(limit).toBeLessThan(6.6);
    expect(epsilonInterval(dpSgd(0.04, 1.5, 2249), { delta: 1e-5 }).lower).toBeGreaterThan(limit);
  });

  it.each([
    [2250, 1.34765625],
    [2000, 1.2915],
  ])('A34: ε 8, q .04, %i steps: PRV needs %d, ε to within .01', (steps, prv) => {
    const s = calibrate((x) => dpSgd(0.04, x, steps), { epsilon: 8, delta: 1e-5, ...addRemove });
    expect(s).toBeLessThanOrEqual(prv);
    expect(s).toBeGreaterThan(prv - 0.003);
  });

  it.each([
    ['no sampling', times(2, gaussian(0.7)), 10.1224946],
    ['s halved', times(2, gaussian(0.35)), 24.7160779],
    ['q .01', dpSgd(0.01, 0.7, 120), 2.4612381],
  ])('A38: s .7, 1.2 epochs, δ 1e-5: %s', (_, event, expected) => {
    expect(epsilonOf(event, { delta: 1e-5 })).toBeCloseTo(expected, 4);
  });

  it('A39: n 10000, batch 64, 5 epochs, s 1, δ 1e-6', () => {
    expect(epsilonOf(times(5, gaussian(1)), { delta: 1e-6 })).toBeCloseTo(12.595, 3);
    const steps = Math.ceil((5 * 10_000) / 64);
    expect(epsilonOf(dpSgd(64 / 10_000, 1, steps), { delta: 1e-6 })).toBeCloseTo(1.199, 3);
  });

  it('A40: two records of one user: 30.579 once per epoch; 2.532 with Poisson sampling (mixture)', () => {
    expect(epsilonOf(groupEvent(times(5, gaussian(1)), 2), { delta: 1e-6 })).toBeCloseTo(30.579, 3);
    const steps = Math.ceil((5 * 10_000) / 64);
    const user = groupEvent(dpSgd(64 / 10_000, 1, steps), 2);
    expect(epsilonOf(user, { delta: 1e-6 })).toBeCloseTo(2.532, 3);
  });

  it.each([
    [0.0512, 59, 3.0499, 0.5],
    [0.0512, 59, 3.0499, 0.961],
  ])('the default plan: q %d, T %i, s %d', (q, steps, s, expected) => {
    const adjacency = expected === 0.5 ? 'add-or-remove-one' : 'replace-one';
    expect(
      Math.abs(epsilonOf(dpSgd(q, s, steps), { delta: 1e-5, adjacency }) - expected),
    ).toBeLessThan(1e-3);
  });

  it.each([
    [1e-2, 0.5123, 4],
    [1e-3, 0.50012, 5],
    [1e-4, 0.499994, 5],
    [1e-5, 0.4999926, 6],
  ])('discretisation of the default plan: step %d gives %d', (step, expected, digits) => {
    expect(pldEpsilon(dpSgd(0.0512, 3.0499, 59), 1e-5, { ...addRemove, step })).toBeCloseTo(
      expected,
      digits,
    );
  });

  it.each([
    [1000, 1.5153622494],
    [10_000, 5.1925849247],
  ])('q .01, s 1.1, %i steps: within 1e-5 above a grid of 2e-5', (steps, fine) => {
    const epsilon = epsilonOf(dpSgd(0.01, 1.1, steps), { delta: 1e-5 });
    expect(epsilon).toBeLessThan(fine + 1e-5);
    expect(epsilon).toBeGreaterThan(fine - 1e-5);
  });

  it('an actor with k windows: 1.07, 1.68, 3.68, 8.32, 19.95 for k 2, 3, 6, 12, 24', () => {
    const rows: [number, number, number][] = [
      [2, 1.07, 2],
      [3, 1.68, 2],
      [6, 3.68, 2],
      [12, 8.32, 2],
      [24, 19.95, 1],
    ];
    for (const [k, expected, digits] of rows) {
      const epsilon = epsilonOf(groupEvent(dpSgd(0.0512, 3.05, 59), k), { delta: 1e-5 });
      expect(epsilon).toBeCloseTo(expected, digits);
    }
  });

  it.each([
    [4, 1.03],
    [28, 2.96],
    [120, 6.82],
  ])('an actor over %i rounds: %d', (rounds, expected) => {
    expect(epsilonOf(times(rounds, dpSgd(0.0512, 3.05, 59)), { delta: 1e-5 })).toBeCloseTo(
      expected,
      1,
    );
  });

  it('discrete → continuous: ε moves by 6.8e-5 at m = 4 and 1.3e-7 at m = 8', () => {
    const lattice = (m: number): PrivacyEvent => {
      const sensitivity = Math.floor(2 ** m / 3.05);
      return { kind: 'discrete-gaussian', sigma: 2 ** m, sensitivity };
    };
    for (const [m, bound] of [
      [4, 2e-4],
      [8, 2e-6],
    ] as const) {
      const sensitivity = Math.floor(2 ** m / 3.05);
      const gap = Math.abs(
        pldEpsilon(times(2, lattice(m)), 1e-5, { ...addRemove, accuracy: 1e-8 }) -
          epsilonOf(times(2, gaussian(2 ** m / sensitivity)), { delta: 1e-5 }),
      );
      expect(gap).toBeLessThan(bound);
    }
  });

  it('the lattice that a plan executes, m 18: the value of the continuous law', () => {
    const executed: PrivacyEvent = {
      kind: 'discrete-gaussian',
      sigma: 2 ** 18,
      sensitivity: 85_951,
    };
    const found = epsilonOf(times(59, poisson(0.0512, executed)), { delta: 1e-5 });
    expect(found).toBeCloseTo(epsilonOf(dpSgd(0.0512, 2 ** 18 / 85_951, 59), { delta: 1e-5 }), 7);
  });

  it('δ at the ε that belongs to it', () => {
    const event = dpSgd(0.0512, 3.0499, 59);
    expect(pldDelta(event, epsilonOf(event, { delta: 1e-5 }), addRemove) / 1e-5).toBeCloseTo(1, 4);
  });
});
