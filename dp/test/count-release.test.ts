/** A histogram beside the update: what one window can change, whose noise it gets, and what it costs the gradient. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countByBin, releaseCounts } from '../src/count-release.js';
import { InvalidArgumentError, NoisePoolError } from '../src/errors.js';
import { createNoisePool, type NoisePool } from '../src/noise-pool.js';
import { decodePlan, encodePlan, planHash, statedSpec } from '../src/plan-codec.js';
import { privacyStatement } from '../src/privacy-statement.js';
import { planPreset } from '../src/plan-presets.js';
import { appendRecord, verifyLedger } from '../src/privacy-ledger.js';
import { createPrivacyPlan, type PrivacyPlan } from '../src/privacy-plan.js';
import { createExperimentRandom, createSecureRandom } from '../src/random-source.js';
import { meanSquare } from './statistics.js';

const AT = '2026-03-01T06:00:00.000Z';
const BINS = 64;
const spec = planPreset('demo', { parameterCount: 4 });
const release = {
  name: 'calibration',
  length: BINS,
  sensitivityUnits: 1,
  noiseExponent: 5,
  count: 1,
};
const plan = createPrivacyPlan({
  ...spec,
  epsilonMicro: 8_000_000,
  releases: [{ ...release, count: 200 }],
});
const single = createPrivacyPlan({ ...spec, releases: [release] });

function poolOf(of: PrivacyPlan, seed: string): NoisePool {
  const seeded = createExperimentRandom(seed);
  const secure = createSecureRandom((bytes) =>
    seeded.fill(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)),
  );
  return createNoisePool(of, secure);
}

function opened(of: PrivacyPlan, seed: string): NoisePool {
  const pool = poolOf(of, seed);
  const first = appendRecord(null, 'opened', AT, {});
  const debit = appendRecord(first.head, 'debited', AT, { planHash: planHash(of) });
  pool.open(verifyLedger(first.line + debit.line).records[1]!);
  return pool;
}

describe('a plan with a release', () => {
  it('states it in its bytes, where one reads it without deriving the plan again', () => {
    expect(statedSpec(encodePlan(single))).toEqual(single.spec);
    expect(statedSpec(encodePlan(single)).releases).toEqual([release]);
    for (const bytes of ['{}', '{"plan":"of a test"}', 'no JSON']) {
      expect(() => statedSpec(new TextEncoder().encode(bytes))).toThrow(
        expect.objectContaining({ code: 'ERR_DP_PLAN' }) as Error,
      );
    }
  });

  it('says so in its statement, and only then', () => {
    const said = (of: PrivacyPlan): boolean =>
      privacyStatement(of, { roundsSoFar: 0 }).text.some((each) => each.includes('"calibration"'));
    expect([said(single), said(createPrivacyPlan(spec))]).toEqual([true, false]);
  });
});

describe('counts of a release', () => {
  it('move by one in one bin when a window comes or goes', () => {
    const bin = fc.integer({ min: 0, max: BINS - 1 });
    fc.assert(
      fc.property(fc.array(bin), bin, (bins, more) => {
        const before = countByBin(plan, 'calibration', bins).counts;
        const after = countByBin(plan, 'calibration', [...bins, more]).counts;
        const moved = after.map((count, i) => count - before[i]!);
        expect(moved.reduce((squares, each) => squares + each * each, 0)).toBe(1);
        expect(moved[more]).toBe(1);
      }),
    );
  });

  it.each([
    ['a release that the plan does not have', 'other', [0]],
    ['a bin beyond the last', 'calibration', [BINS]],
    ['a bin before the first', 'calibration', [-1]],
    ['half a bin', 'calibration', [0.5]],
  ])('refuse %s', (_, name, bins) => {
    expect(() => countByBin(plan, name, bins)).toThrow(InvalidArgumentError);
  });

  it('leave with discrete Gaussian noise of the plan’s scale, no more and no less', () => {
    const pool = opened(plan, 'scale');
    const noise: number[] = [];
    for (let i = 0; i < 200; i++) {
      const released = releaseCounts(
        countByBin(plan, 'calibration', [7, 7]),
        pool.nextFor('calibration'),
      );
      expect(released).toHaveLength(BINS);
      released[7]! -= 2;
      noise.push(...released);
    }
    // 12,800 draws: the standard error of the variance ratio is 1.3 %.
    const ratio = meanSquare(noise) / 32 ** 2;
    expect(Math.abs(ratio - 1)).toBeLessThan(0.06);
    for (const wrong of [2 / 3, 3 / 2])
      expect(Math.abs(ratio / wrong ** 2 - 1)).toBeGreaterThan(0.3);
  });
});

describe('noise of a release', () => {
  it('is handed out after the debit, for the named release, as often as the plan says', () => {
    const early = poolOf(single, 'early');
    expect(() => early.nextFor('calibration')).toThrow(/debit comes first/);
    const pool = opened(single, 'once');
    expect(() => pool.nextFor('other')).toThrow(/nothing named "other"/);
    pool.nextFor('calibration');
    expect(() => pool.nextFor('calibration')).toThrow(/all vectors/);
    expect(pool.remaining).toBe(single.steps);
  });

  it('goes onto its own release of its own plan, once', () => {
    const pool = opened(single, 'own');
    const noise = pool.nextFor('calibration');
    const two = createPrivacyPlan({ ...spec, releases: [release, { ...release, name: 'second' }] });
    expect(() => releaseCounts(countByBin(two, 'calibration', []), noise)).toThrow(/another plan/);
    const both = opened(two, 'both');
    const second = countByBin(two, 'second', []);
    expect(() => releaseCounts(second, both.nextFor('calibration'))).toThrow(/another release/);
    const counts = countByBin(single, 'calibration', []);
    releaseCounts(counts, noise);
    expect(() => releaseCounts(counts, noise)).toThrow(NoisePoolError);
  });
});

describe('a plan with a histogram', () => {
  it('stays within the target together with the gradient, and its length is part of its hash', () => {
    expect(single.certified.pld).toBeLessThanOrEqual(0.5);
    expect(decodePlan(encodePlan(single))).toEqual(single);
    const longer = createPrivacyPlan({ ...spec, releases: [{ ...release, length: 65 }] });
    expect(planHash(longer)).not.toBe(planHash(single));
    for (const length of [0, 1.5, 65_537]) {
      expect(() => createPrivacyPlan({ ...spec, releases: [{ ...release, length }] })).toThrow(
        /releases\.length/,
      );
    }
  });

  it('costs a full-batch gradient at ε = .5 what two Gaussians on one sample cost', () => {
    const alone = createPrivacyPlan(spec).requiredNoiseMultiplier;
    // s⁻² = s_gradient⁻² + 32⁻²: 7.03 becomes 7.21, 2.5 % more noise on the update.
    const expected = (alone ** -2 - 32 ** -2) ** -0.5;
    expect(Math.abs(single.requiredNoiseMultiplier / expected - 1)).toBeLessThan(1e-4);
    expect(single.requiredNoiseMultiplier / alone).toBeGreaterThan(1.02);
  });
});
