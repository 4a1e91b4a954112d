/** The histogram that leaves beside an update: what is counted, and that noise of the plan is on it. */
import {
  appendRecord,
  createExperimentRandom,
  createNoisePool,
  createSecureRandom,
  planHash,
  verifyLedger,
  type NoisePool,
  type SecureRandom,
} from '@bhschain/dp';
import {
  binsOf,
  createScorer,
  DETECTOR_ZERO,
  PUBLIC_CANARIES,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { describe, expect, it } from 'vitest';
import { releaseScoreHistogram } from '../src/round/score-histogram.js';
import { smallPlan } from './small-plan.js';

const AT = '2026-03-01T06:00:00.000Z';
const plan = smallPlan({ parameterCount: 4, histogramExponent: 3 });
const scorer = createScorer(DETECTOR_ZERO.detector, DETECTOR_ZERO.table);
const { windows } = PUBLIC_CANARIES;

function seeded(seed: string): SecureRandom {
  const stream = createExperimentRandom(seed);
  return createSecureRandom((bytes) =>
    stream.fill(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)),
  );
}

function openedPool(seed: string): NoisePool {
  const pool = createNoisePool(plan, seeded(seed));
  const first = appendRecord(null, 'opened', AT, {});
  const debit = appendRecord(first.head, 'debited', AT, { planHash: planHash(plan) });
  pool.open(verifyLedger(first.line + debit.line).records[1]!);
  return pool;
}

const release = (of: readonly ScoredWindow[], seed: string): Promise<Int32Array> =>
  releaseScoreHistogram(plan, openedPool(seed), { scorer, windows: of });

describe('the released histogram of scores', () => {
  it('is the count of the bins with discrete Gaussian noise of the plan: neither two thirds nor one and a half of it', async () => {
    const exact = new Int32Array(64);
    for (const bin of binsOf(scorer, windows)) exact[bin]!++;
    const noise: number[] = [];
    for (let i = 0; i < 20; i++) {
      const released = await release(windows, `noise ${i}`);
      released.forEach((count, bin) => noise.push(count - exact[bin]!));
    }
    // 1,280 draws: the deviation is known to 2 %.
    const deviation = Math.sqrt(noise.reduce((sum, each) => sum + each * each, 0) / noise.length);
    expect(deviation / 8).toBeGreaterThan(0.9);
    expect(deviation / 8).toBeLessThan(1.1);
    const mean = noise.reduce((sum, each) => sum + each, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(1.2);
  });

  it('moves by one in one bin when a window comes or goes, whatever the window', async () => {
    const all = PUBLIC_CANARIES.windows.slice(0, 40);
    const before = await release(all.slice(0, 39), 'same');
    const after = await release(all, 'same');
    const moved = after.map((count, bin) => count - before[bin]!);
    expect(moved.filter((each) => each !== 0)).toEqual(Int32Array.of(1));
  });

  it('is noise alone in a hospital without a window: whether there were any is not told', async () => {
    const released = await release([], 'none');
    expect(released).toHaveLength(64);
    expect(released.some((count) => count !== 0)).toBe(true);
  });

  it('is not made without the debit, nor twice for one', async () => {
    const closed = createNoisePool(plan, seeded('closed'));
    const from = (pool: NoisePool): Promise<Int32Array> =>
      releaseScoreHistogram(plan, pool, { scorer, windows: windows.slice(0, 3) });
    await expect(from(closed)).rejects.toMatchObject({ code: 'ERR_DP_NOISE_POOL' });
    const pool = openedPool('once');
    await from(pool);
    await expect(from(pool)).rejects.toMatchObject({ code: 'ERR_DP_NOISE_POOL' });
  });
});
