import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, NoisePoolError } from '../src/errors.js';
import { createNoisePool, type NoisePool } from '../src/noise-pool.js';
import { meanGradient, releaseSum, sumClipped, sumFromKernel } from '../src/noisy-step.js';
import { planHash } from '../src/plan-codec.js';
import { planPreset } from '../src/plan-presets.js';
import { appendRecord, verifyLedger, type LedgerRecord } from '../src/privacy-ledger.js';
import { createPrivacyPlan, type PrivacyPlan } from '../src/privacy-plan.js';
import { createExperimentRandom, createSecureRandom } from '../src/random-source.js';
import { meanSquare } from './statistics.js';

const plan = createPrivacyPlan(planPreset('large', { parameterCount: 40, steps: 59 }));
const AT = '2026-03-01T06:00:00.000Z';

/** Fixed words behind the secure type: this is a test. */
function secure(seed: string): ReturnType<typeof createSecureRandom> {
  const seeded = createExperimentRandom(seed);
  return createSecureRandom((bytes) =>
    seeded.fill(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)),
  );
}

function debitOf(of: PrivacyPlan, kind: 'debited' | 'sent' = 'debited'): LedgerRecord {
  const opened = appendRecord(null, 'opened', AT, {});
  const next = appendRecord(opened.head, kind, AT, { planHash: planHash(of) });
  return verifyLedger(opened.line + next.line).records[1]!;
}

function openPool(seed: string): NoisePool {
  const pool = createNoisePool(plan, secure(seed));
  pool.open(debitOf(plan));
  return pool;
}

describe('noise pool', () => {
  it('hands out one vector a step, after the debit', () => {
    const pool = createNoisePool(plan, secure('pool'));
    expect(pool.remaining).toBe(59);
    expect(() => pool.next()).toThrow(/debit comes first/);
    pool.open(debitOf(plan));
    for (let step = 0; step < 59; step++) pool.next();
    expect(pool.remaining).toBe(0);
    expect(() => pool.next()).toThrow(NoisePoolError);
  });

  it('is opened by a true debit of its own plan, once', () => {
    const pool = createNoisePool(plan, secure('pool'));
    const other = createPrivacyPlan(planPreset('demo', { parameterCount: 40 }));
    expect(() => pool.open(debitOf(other))).toThrow(/another plan/);
    expect(() => pool.open(debitOf(plan, 'sent'))).toThrow(/expected a debit/);
    expect(() => pool.open({ ...debitOf(plan), seq: 9 })).toThrow(/own hash/);
    pool.open(debitOf(plan));
    expect(() => pool.open(debitOf(plan))).toThrow(/already/);
  });

  it('draws everything before it is opened: nothing is drawn while data is read', () => {
    let drawn = 0;
    const source = secure('count');
    const pool = createNoisePool(plan, {
      kind: 'secure',
      fill(words) {
        drawn++;
        source.fill(words);
      },
    });
    const before = drawn;
    pool.open(debitOf(plan));
    while (pool.remaining > 0) releaseSum(sumClipped(plan, [], new Uint8Array(0)), pool.next());
    expect(drawn).toBe(before);
  });

  it('gives nothing after it was closed', () => {
    const pool = openPool('closed');
    pool.close();
    expect(() => pool.next()).toThrow(NoisePoolError);
  });
});

describe('a noised step', () => {
  const gradient = (value: number): Float32Array => new Float32Array(40).fill(value);

  it('adds the selected windows and nothing else', () => {
    const sum = sumClipped(
      plan,
      [gradient(0.01), gradient(9), gradient(0.02)],
      Uint8Array.of(1, 0, 1),
    );
    const unit = (value: number): number => Math.round(Math.fround(value) * plan.gridScale);
    expect(sum.units[0]).toBe(unit(0.01) + unit(0.02));
  });

  it('one window more moves the sum by at most D, whatever it holds', () => {
    for (const extra of [gradient(1e30), gradient(NaN), gradient(0), gradient(-0.4)]) {
      const base = [gradient(0.01), gradient(0.3)];
      const a = sumClipped(plan, base, new Uint8Array(2).fill(1)).units;
      const b = sumClipped(plan, [...base, extra], new Uint8Array(3).fill(1)).units;
      const distance = Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
      expect(distance).toBeLessThanOrEqual(plan.sensitivityUnits);
    }
  });

  it('an empty batch is a noise-only step of the full scale', () => {
    const pool = openPool('empty');
    const values: number[] = [];
    while (pool.remaining > 0) {
      values.push(...releaseSum(sumClipped(plan, [], new Uint8Array(0)), pool.next()).units);
    }
    // 59 · 40 values: standard error of the variance 2.9 %.
    const ratio = meanSquare(values) / 4 ** plan.noiseExponent;
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it('the noise has the scale of the plan in units of gradient: s C / expected batch on the mean', () => {
    const pool = openPool('scale');
    const values: number[] = [];
    while (pool.remaining > 0) {
      values.push(
        ...meanGradient(releaseSum(sumClipped(plan, [], new Uint8Array(0)), pool.next())),
      );
    }
    const due = (plan.noiseMultiplier * plan.windowClippingNorm) / plan.expectedBatch;
    const found = Math.sqrt(meanSquare(values));
    expect(found / due).toBeGreaterThan(0.93);
    expect(found / due).toBeLessThan(1.07);
  });

  it('stays on the lattice: released units are integers', () => {
    const release = releaseSum(
      sumClipped(plan, [gradient(0.123)], Uint8Array.of(1)),
      openPool('lattice').next(),
    );
    expect(release.units.every(Number.isSafeInteger)).toBe(true);
  });

  it('the divisor is the public expected batch, however many windows there are', () => {
    const many = Array.from({ length: 50 }, () => gradient(0.001));
    const a = meanGradient(
      releaseSum(sumClipped(plan, many, new Uint8Array(50).fill(1)), openPool('same').next()),
    );
    const b = meanGradient(
      releaseSum(sumClipped(plan, [], new Uint8Array(0)), openPool('same').next()),
    );
    const shift =
      (50 * Math.round(Math.fround(0.001) * plan.gridScale)) / plan.gridScale / plan.expectedBatch;
    expect(a[0]! - b[0]!).toBeCloseTo(shift, 12);
  });

  it('uses a vector once', () => {
    const noise = openPool('once').next();
    const sum = sumClipped(plan, [], new Uint8Array(0));
    releaseSum(sum, noise);
    expect(() => releaseSum(sum, noise)).toThrow(/used before/);
  });

  it('refuses noise of another plan', () => {
    const other = createPrivacyPlan(planPreset('demo', { parameterCount: 40 }));
    const sum = sumClipped(other, [], new Uint8Array(0));
    expect(() => releaseSum(sum, openPool('other').next())).toThrow(/another plan/);
  });

  it('takes the sums of the kernel when they are integers of the right length', () => {
    expect(sumFromKernel(plan, new Float64Array(40)).units).toHaveLength(40);
    expect(() => sumFromKernel(plan, new Float64Array(39))).toThrow(InvalidArgumentError);
    expect(() => sumFromKernel(plan, new Float64Array(40).fill(0.5))).toThrow(InvalidArgumentError);
    expect(() => sumFromKernel(plan, new Float64Array(40).fill(NaN))).toThrow(InvalidArgumentError);
    expect(() => sumClipped(plan, [gradient(0)], new Uint8Array(2))).toThrow(InvalidArgumentError);
  });
});
