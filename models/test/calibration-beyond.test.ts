import { describe, expect, it } from 'vitest';
import { alertBudget, createAdaptiveAlpha, fitTail } from '../src/detector/index.js';
import { seeded } from './reference.js';

const refused = expect.objectContaining({ code: 'ERR_TABLE_CALIBRATION' }) as Error;

describe('tail', () => {
  /** Inverse of the generalised Pareto law above 100. */
  const draw = (random: () => number, shape: number, scale: number): number => {
    const u = 1 - random();
    return 100 + (shape === 0 ? -scale * Math.log(u) : (scale * (u ** -shape - 1)) / shape);
  };

  it.each([-0.3, 0, 0.25])('recovers a generalised Pareto law of shape %d', (shape) => {
    const random = seeded(40);
    // The excess of a generalised Pareto variable over u has the same shape, and scale σ + ξ (u − 100).
    const sample = Float64Array.from({ length: 60_000 }, () => draw(random, shape, 7));
    const tail = fitTail({ nonconformities: sample, quantile: 0.95 });
    expect(tail.law).toBe('generalised-pareto');
    // Asymptotic standard error of PWM at n = 3,000 is below 0.03.
    expect(Math.abs(tail.shape - shape)).toBeLessThan(0.1);
    const expected = 7 + shape * (tail.threshold - 100);
    expect(Math.abs(tail.scale / expected - 1)).toBeLessThan(0.15);
    const far = draw(() => 1 - 1e-5, shape, 7);
    expect(Math.abs(Math.log(tail.p(far) / 1e-5))).toBeLessThan(1);
  });

  it('orders what lies beyond every calibration window, and never rises', () => {
    const random = seeded(41);
    const sample = Float64Array.from({ length: 20_000 }, () => draw(random, 0.1, 5));
    const tail = fitTail({ nonconformities: sample });
    const largest = Math.max(...sample);
    expect(tail.p(largest * 1.5)).toBeLessThan(tail.p(largest));
    expect(tail.p(largest * 2)).toBeLessThan(tail.p(largest * 1.5));
    let before = 1;
    for (let x = 90; x < 3 * largest; x += 0.25) {
      const p = tail.p(x);
      expect(p).toBeLessThanOrEqual(before);
      expect(p).toBeGreaterThan(0);
      before = p;
    }
  });

  it('falls back to the conformal p below 200 exceedances, and for a shape out of range', () => {
    const random = seeded(42);
    const few = Float64Array.from({ length: 3_000 }, () => draw(random, 0.1, 5));
    const tail = fitTail({ nonconformities: few, quantile: 0.95 });
    expect(tail).toMatchObject({ law: 'empirical', exceedances: 149 });
    expect(tail.p(1e9)).toBe(1 / 3_001);
    expect(tail.p(0)).toBe(1);
    const heavy = Float64Array.from({ length: 30_000 }, () => draw(random, 1.5, 5));
    expect(fitTail({ nonconformities: heavy }).law).toBe('empirical');
  });

  it('refuses what is no calibration', () => {
    expect(() => fitTail({ nonconformities: [] })).toThrow(refused);
    expect(() => fitTail({ nonconformities: [1, NaN] })).toThrow(refused);
    expect(() => fitTail({ nonconformities: [1], quantile: 0.5 })).toThrow(refused);
  });
});

describe('adaptive α', () => {
  const ALPHA = 0.032;
  const noise = (random: () => number): number => random() + random() + random() + random();
  const past = (seed: number): Float64Array => {
    const random = seeded(seed);
    return Float64Array.from({ length: 2_000 }, () => noise(random));
  };

  it('brings the rate of a shifted stream back to within a point, where a static threshold does not', () => {
    const adaptive = createAdaptiveAlpha({ alpha: ALPHA, past: past(1) });
    const random = seeded(2);
    const fixed = past(1).sort();
    const threshold = fixed[Math.floor((1 - ALPHA) * fixed.length)]!;
    const late = { adaptive: 0, fixed: 0 };
    const count = 8_000;
    for (let i = 0; i < count; i++) {
      const x = noise(random) + 0.5;
      const { alert } = adaptive.judge(x);
      if (i < 2_000) continue;
      if (alert) late.adaptive++;
      if (x > threshold) late.fixed++;
    }
    expect(late.fixed / (count - 2_000)).toBeGreaterThan(3 * ALPHA);
    expect(Math.abs(late.adaptive / (count - 2_000) - ALPHA)).toBeLessThan(0.01);
    expect(adaptive.realisedRate).toBeCloseTo(late.adaptive / (count - 2_000), 1);
  });

  it('wins over recalibrating on unflagged windows only, which flags ever more', () => {
    const random = seeded(3);
    const adaptive = createAdaptiveAlpha({ alpha: ALPHA, past: past(4) });
    const naive = [...past(4)].sort((a, b) => a - b);
    const queue = [...past(4)];
    const alerts = { adaptive: 0, naive: 0 };
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const x = noise(random);
      if (adaptive.judge(x).alert) alerts.adaptive++;
      const p = (1 + naive.filter((y) => y >= x).length) / (naive.length + 1);
      if (p <= ALPHA) {
        alerts.naive++;
        continue;
      }
      queue.push(x);
      naive.splice(naive.indexOf(queue.shift()!), 1);
      const at = naive.findIndex((y) => y >= x);
      naive.splice(at === -1 ? naive.length : at, 0, x);
    }
    expect(alerts.naive / count).toBeGreaterThan(3 * ALPHA);
    expect(Math.abs(alerts.adaptive / count - ALPHA)).toBeLessThan(0.01);
  });

  it('stops at its bounds and asks people, when the stream runs away or goes silent', () => {
    const adaptive = createAdaptiveAlpha({ alpha: ALPHA, past: past(5) });
    const random = seeded(6);
    const asked = new Set<string | null>();
    for (let i = 0; i < 3_000; i++) {
      const { governance, alpha } = adaptive.judge(noise(random) + i / 100);
      expect(alpha).toBeGreaterThanOrEqual(ALPHA / 2);
      asked.add(governance);
    }
    expect(asked).toContain('narrow');
    expect(adaptive.alpha).toBeGreaterThanOrEqual(ALPHA / 2);
    const silent = createAdaptiveAlpha({ alpha: ALPHA, past: past(5) });
    const said = Array.from({ length: 1_000 }, () => silent.judge(0).governance);
    expect(said).toContain('widen');
    expect(silent.alpha).toBe(2 * ALPHA);
  });

  it('forgets what an analyst confirmed', () => {
    const adaptive = createAdaptiveAlpha({ alpha: ALPHA, past: past(7) });
    const first = adaptive.judge(100);
    expect(first).toMatchObject({ alert: true, p: 1 / 2_001, alpha: ALPHA });
    adaptive.forget(100);
    adaptive.forget(12_345);
    expect(adaptive.judge(100).p).toBe(1 / 2_000);
    expect(adaptive.judge(100).p).toBe(2 / 2_001);
  });

  it('refuses a short past, and bounds that are none', () => {
    expect(() => createAdaptiveAlpha({ alpha: ALPHA, past: new Float64Array(1_999) })).toThrow(
      refused,
    );
    expect(() => createAdaptiveAlpha({ alpha: 0, past: past(8) })).toThrow(refused);
    expect(() => createAdaptiveAlpha({ alpha: ALPHA, stepSize: 0.5, past: past(8) })).toThrow(
      refused,
    );
    expect(() => createAdaptiveAlpha({ alpha: ALPHA, past: past(8) }).judge(NaN)).toThrow(refused);
  });
});

describe('alert budget', () => {
  it('says in holds what θ costs', () => {
    const table = { alphaPpm: 32_000, theta: 870_000 };
    expect(alertBudget(table, 5_000)).toEqual({
      perThousand: 32,
      perDay: 160,
      text: 'θ 0.87 ≈ 32 holds per 1,000 guarded transactions, about 160 a day',
    });
    expect(alertBudget({ ...table, alphaPpm: 1_000 }, 100).text).toContain('about 0.1 a day');
  });
});
