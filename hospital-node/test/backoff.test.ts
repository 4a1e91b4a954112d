import { describe, expect, it } from 'vitest';
import { createBackoff } from '../src/round/backoff.js';

describe('waiting between tries', () => {
  it('doubles its ceiling up to the most, which may change meanwhile, and begins anew', () => {
    let mostMs = 3_000;
    const backoff = createBackoff({ leastMs: 500, mostMs: () => mostMs, random: () => 0.999 });
    const waits = (count: number): number[] => Array.from({ length: count }, () => backoff.next());
    expect(waits(5)).toEqual([500, 999, 1998, 2997, 2997]);
    mostMs = 100;
    expect(waits(2)).toEqual([100, 100]);
    mostMs = 3_000;
    backoff.reset();
    expect(waits(2)).toEqual([500, 999]);
  });

  it('waits anything from nothing to the ceiling', () => {
    const backoff = createBackoff({ leastMs: 500, mostMs: () => 60_000, random: () => 0 });
    expect([backoff.next(), backoff.next()]).toEqual([0, 0]);
  });
});
