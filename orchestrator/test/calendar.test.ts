import { describe, expect, it } from 'vitest';
import { assertMergeFits } from '../src/assembly.js';
import {
  dueSlots,
  intervalOf,
  mergedSlotCount,
  MISSED_MAX,
  slotAt,
} from '../src/round/calendar.js';
import { assertPolicy, DEFAULT_POLICY, majorityOf, type RoundPolicy } from '../src/round/policy.js';
import { roundName } from '../src/protocol/identifiers.js';

const HOUR = 3_600_000;
const SIX_HOURS: RoundPolicy = { ...DEFAULT_POLICY, quorum: 3 };
const NOON = Date.UTC(2026, 10, 22, 12);
const slot = slotAt(NOON, SIX_HOURS.slotLengthMs);

describe('slots', () => {
  it('lie on 00, 06, 12 and 18 o’clock UTC', () => {
    const id = { federationId: 'f', slotIndex: slot, attempt: 1 };
    expect(roundName(id, SIX_HOURS.slotLengthMs)).toBe('2026-11-22T12:00:00Z');
    expect(slotAt(NOON - 1, SIX_HOURS.slotLengthMs)).toBe(slot - 1);
  });

  it('train on the six hours before their boundary', () => {
    expect(intervalOf(slot, SIX_HOURS.slotLengthMs, null)).toEqual({
      fromMs: NOON - 6 * HOUR,
      toMs: NOON,
    });
  });

  it('train on slots of an older log in replay, side by side and without gaps', () => {
    const replay = { originSlot: 100, originLogTimeMs: 1_000_000_000, logSlotMs: 6 * HOUR };
    const at = (index: number): { fromMs: number; toMs: number } =>
      intervalOf(index, 10_000, replay);
    expect(at(100)).toEqual({ fromMs: 1_000_000_000 - 6 * HOUR, toMs: 1_000_000_000 });
    expect(at(101)).toEqual({ fromMs: 1_000_000_000, toMs: 1_000_000_000 + 6 * HOUR });
  });
});

describe('dueSlots', () => {
  it('opens a slot once', () => {
    expect(dueSlots(slot - 1, NOON, SIX_HOURS)).toEqual({ open: slot, missed: [] });
    expect(dueSlots(slot, NOON + HOUR, SIX_HOURS)).toEqual({ open: null, missed: [] });
  });

  it('opens late while every phase still fits', () => {
    // The phases take 10 + 15 + 240 + 30 minutes of 360: 65 are to spare.
    const latest = NOON + 65 * 60_000;
    expect(dueSlots(slot - 1, latest, SIX_HOURS).open).toBe(slot);
    expect(dueSlots(slot - 1, latest + 1, SIX_HOURS)).toEqual({ open: null, missed: [slot] });
  });

  it('with `latest` opens while half of the slot is left', () => {
    const policy = { ...SIX_HOURS, catchUp: 'latest' as const };
    expect(dueSlots(slot - 1, NOON + 3 * HOUR, policy).open).toBe(slot);
    expect(dueSlots(slot - 1, NOON + 3 * HOUR + 1, policy).open).toBeNull();
  });

  it('never makes a burst out of an absence', () => {
    expect(dueSlots(slot - 4, NOON, SIX_HOURS)).toEqual({
      open: slot,
      missed: [slot - 3, slot - 2, slot - 1],
    });
    const long = dueSlots(slot - 1_000, NOON, SIX_HOURS);
    expect(long.open).toBe(slot);
    expect(long.missed).toHaveLength(MISSED_MAX);
    expect(long.missed.at(-1)).toBe(slot - 1);
  });

  it('does nothing when the clock stands before what is on record', () => {
    expect(dueSlots(slot + 5, NOON, SIX_HOURS)).toEqual({ open: null, missed: [] });
  });
});

describe('merged slots', () => {
  const hourly: RoundPolicy = {
    ...SIX_HOURS,
    slotLengthMs: HOUR,
    catchUp: 'merge',
    mergeSlotsMax: 4,
  };
  const hour = slotAt(NOON, HOUR);

  it.each([
    ['nothing was missed', hour, hour - 1, 1],
    ['two were missed', hour, hour - 3, 3],
    ['more were missed than one round may cover', hour, hour - 30, 4],
    ['the period of profiles is two slots old', hour + 2, hour - 30, 2],
    ['the period of profiles has just begun', hour + 1, hour - 30, 1],
  ])('where %s', (_, slotIndex, newestSealed, count) => {
    expect(mergedSlotCount(slotIndex, newestSealed, hourly, null)).toBe(count);
  });

  it('lie in one period, at prices that the plan has', () => {
    const windowing = { binMs: HOUR, windowsPerActorMax: 4, stepsMax: 16, featureScopes: [] };
    const check = (policy: RoundPolicy, windowsPerActorMax = 4): (() => void) => {
      return () =>
        assertMergeFits(
          { policy, replay: null },
          { windowing: { ...windowing, windowsPerActorMax } },
        );
    };
    expect(check(hourly)).not.toThrow();
    expect(check(hourly, 3)).toThrow(/4 slots have 4 bins, the plan allows an actor 3 windows/);
    expect(check({ ...hourly, slotLengthMs: 6 * HOUR })).toThrow(/two profile periods/);
    expect(check({ ...hourly, slotLengthMs: 6 * HOUR, catchUp: 'latest' })).not.toThrow();
  });
});

describe('a policy', () => {
  it('fits its phases into the slot and its quorum into the roster', () => {
    expect(() => assertPolicy(SIX_HOURS, 5)).not.toThrow();
    expect(() => assertPolicy(SIX_HOURS, 2)).toThrow(/policy\.quorum: expected at most the 2/);
    expect(() => assertPolicy({ ...SIX_HOURS, slotLengthMs: HOUR }, 5)).toThrow(/slotLengthMs/);
    expect(() => assertPolicy({ ...SIX_HOURS, submitNotBeforeMs: 5 * HOUR }, 5)).toThrow(
      /submitNotBeforeMs/,
    );
  });

  it.each([
    [2, 2],
    [3, 2],
    [5, 3],
    [8, 5],
  ])('asks %d hospitals for %d', (hospitals, majority) => {
    expect(majorityOf(hospitals)).toBe(majority);
  });
});
