import { describe, expect, it } from 'vitest';
import { createExperimentRandom } from '@bhschain/dp';
import type { NormBounds } from '../src/aggregation/norm-bounds.js';
import { normEnvelope, screenUpdate } from '../src/aggregation/screening.js';
import { normBoundsOf } from '../src/aggregation/norm-bounds.js';

const D = 3_000;
const DIGEST = 'a'.repeat(64);

/** Gaussian integers by twelve uniforms (Irwin–Hall): good enough for norms, seeded. */
function noise(seed: string, deviation: number): Int32Array {
  const words = new Uint32Array(12 * D);
  createExperimentRandom(seed).fill(words);
  return Int32Array.from({ length: D }, (_, i) => {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += words[12 * i + k]! / 2 ** 32;
    return Math.round(sum * deviation);
  });
}

const verdict = (update: Int32Array, bounds: NormBounds): ReturnType<typeof screenUpdate> =>
  screenUpdate({
    releases: [{ name: 'update', encoding: 'int32le-2^-20', length: D, digest: DIGEST }],
    vectors: { update, scoreHistogram: null },
    parameterCount: D,
    bounds,
    histogram: null,
  });

describe('where noise dominates', () => {
  const bounds = { noiseDeviation: 1_000, signalNorm: 2_000 };

  it('accepts honest noise, with and without the largest signal', () => {
    for (let seed = 0; seed < 20; seed++) {
      const update = noise(`honest ${seed}`, 1_000);
      expect(verdict(update, bounds)).toEqual({ kind: 'accepted', reason: '' });
      update[0]! += 2_000;
      expect(verdict(update, bounds).kind).toBe('accepted');
    }
  });

  it.each([
    ['two thirds of the noise', 2 / 3, 'quarantined', 'norm-envelope'],
    ['no noise', 0, 'quarantined', 'norm-envelope'],
    ['one and a half of the noise', 1.5, 'rejected', 'norm-bound'],
    ['ten times', 10, 'rejected', 'norm-bound'],
  ])('does not accept %s', (_, factor, kind, reason) => {
    expect(verdict(noise('scaled', 1_000 * factor), bounds)).toEqual({ kind, reason });
  });

  it('has a band for people between the envelope and the bound', () => {
    const { upper, reject } = normEnvelope(D, bounds);
    const update = new Int32Array(D).fill(Math.round(Math.sqrt((upper + reject) / 2 / D)));
    expect(verdict(update, bounds)).toEqual({ kind: 'quarantined', reason: 'norm-envelope' });
  });
});

describe('shape', () => {
  const bounds = { noiseDeviation: 1_000, signalNorm: 2_000 };
  const release = { name: 'update', encoding: 'int32le-2^-20', length: D, digest: DIGEST } as const;

  it('rejects other releases, other lengths and impossible entries', () => {
    const update = noise('shape', 1_000);
    const screen = (change: Partial<Parameters<typeof screenUpdate>[0]>): unknown =>
      screenUpdate({
        releases: [release],
        vectors: { update, scoreHistogram: null },
        parameterCount: D,
        bounds,
        histogram: null,
        ...change,
      });
    expect(screen({ releases: [] })).toMatchObject({ reason: 'release-set' });
    expect(screen({ releases: [release, release] })).toMatchObject({ reason: 'release-set' });
    expect(screen({ vectors: null })).toMatchObject({ reason: 'length' });
    expect(screen({ releases: [{ ...release, length: 1 }] })).toMatchObject({ reason: 'length' });
    const wild = update.slice();
    wild[7] = -(2 ** 31);
    expect(screen({ vectors: { update: wild, scoreHistogram: null } })).toMatchObject({
      kind: 'rejected',
      reason: 'range',
    });
  });
});

describe('a histogram of scores beside the update', () => {
  const histogram = { bins: 64, noiseExponent: 4, nominalWindows: 6_000 };
  const update = noise('histogram', 1_000);
  const counts = new Int32Array(64).fill(90);
  const releases = [
    { name: 'update', encoding: 'int32le-2^-20', length: D, digest: DIGEST },
    { name: 'score-histogram', encoding: 'int32le', length: 64, digest: DIGEST },
  ] as const;
  const screen = (change: Partial<Parameters<typeof screenUpdate>[0]>): unknown =>
    screenUpdate({
      releases,
      vectors: { update, scoreHistogram: counts },
      parameterCount: D,
      bounds: { noiseDeviation: 1_000, signalNorm: 2_000 },
      histogram,
      ...change,
    });
  const withCount = (count: number): unknown => {
    const scoreHistogram = counts.slice();
    scoreHistogram[63] = count;
    return screen({ vectors: { update, scoreHistogram } });
  };

  it('is accepted where the plan releases it, with what noise can do to a count', () => {
    expect(screen({})).toEqual({ kind: 'accepted', reason: '' });
    expect(withCount(-12 * 16)).toMatchObject({ kind: 'accepted' });
    expect(withCount(4 * 6_000 + 12 * 16)).toMatchObject({ kind: 'accepted' });
  });

  it.each<[string, string, Partial<Parameters<typeof screenUpdate>[0]>]>([
    ['is missing though in the plan', 'release-set', { releases: releases.slice(0, 1) }],
    ['is there twice', 'release-set', { releases: [...releases, releases[1]] }],
    ['came instead of the update', 'release-set', { releases: [releases[1], releases[1]] }],
    ['is not in the plan', 'release-set', { histogram: null }],
    ['has another length', 'length', { releases: [releases[0], { ...releases[1], length: 63 }] }],
    ['comes in bytes of another length', 'length', { vectors: null }],
  ])('is rejected if it %s', (_, reason, change) => {
    expect(screen(change)).toEqual({ kind: 'rejected', reason });
  });

  it.each([-12 * 16 - 1, 4 * 6_000 + 12 * 16 + 1, 2 ** 31 - 1, -(2 ** 31)])(
    'is rejected with a count of %d, which no windows and noise make',
    (count) => {
      expect(withCount(count)).toEqual({ kind: 'rejected', reason: 'histogram-range' });
    },
  );
});

describe('the bounds of a plan', () => {
  const plan = {
    steps: 1,
    momentumMicro: 0,
    learningRateMicro: 44_444,
    noiseMultiplier: 7.03,
    windowClippingNorm: 0.3,
    expectedBatch: 500,
  };

  it('are η·σ·C/B for one step', () => {
    expect(normBoundsOf(plan).noiseDeviation).toBeCloseTo(
      (2 ** 20 * 0.044444 * 7.03 * 0.3) / 500,
      2,
    );
  });

  it('grow with √T for plain steps, and by the geometric sums with momentum', () => {
    const one = normBoundsOf(plan);
    const nine = normBoundsOf({ ...plan, steps: 9 });
    expect(nine.noiseDeviation / one.noiseDeviation).toBeCloseTo(3, 4);
    expect(nine.signalNorm / one.signalNorm).toBeCloseTo(9, 9);
    const momentum = normBoundsOf({ ...plan, steps: 2, momentumMicro: 500_000 });
    // g = 1.5 for the first step, 1 for the second.
    expect(momentum.signalNorm / one.signalNorm).toBeCloseTo(2.5, 9);
    expect(momentum.noiseDeviation / one.noiseDeviation).toBeCloseTo(Math.sqrt(3.25), 4);
  });
});
