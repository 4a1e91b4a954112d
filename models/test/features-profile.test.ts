import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeProfile,
  EMPTY_HISTOGRAM,
  emptyProfile,
  encodeProfile,
  FeatureError,
  foldSession,
  joinHistograms,
  PROFILE_BYTES_MAX,
  type Profile,
  type SessionHistogram,
} from '../src/features/index.js';
import { T0 } from './features-fixture.js';

const DAY = 86_400_000;

function session(acts: [number, number][], pairs: [number, number][] = []): SessionHistogram {
  return {
    ...EMPTY_HISTOGRAM,
    eventCount: acts.reduce((sum, [, count]) => sum + count, 0),
    acts,
    pairs,
  };
}

function days(count: number, of: SessionHistogram): Profile {
  let profile = emptyProfile();
  for (let day = 0; day <= count; day++) profile = foldSession(profile, of, T0 + day * DAY);
  return profile;
}

const anyCounts = (
  keysMax: number,
  keyMax: number,
  countMax: number,
): fc.Arbitrary<[number, number][]> =>
  fc
    .uniqueArray(fc.nat({ max: keyMax }), { maxLength: keysMax })
    .chain((keys) =>
      fc.tuple(
        ...keys
          .sort((a, b) => a - b)
          .map((key) => fc.tuple(fc.constant(key), fc.integer({ min: 1, max: countMax }))),
      ),
    );
const anySession: fc.Arbitrary<SessionHistogram> = fc
  .record({
    acts: anyCounts(64, 65_535, 16_383),
    pairs: anyCounts(64, 2_047, 127),
    hours: anyCounts(48, 47, 16_383),
    gapLogSum: fc.nat({ max: 100_000 }),
    gapCount: fc.nat({ max: 50 }),
  })
  .map((parts) => ({
    ...parts,
    eventCount: parts.acts.reduce((sum, [, count]) => sum + count, 0),
  }));

describe('profile', () => {
  it('learns a session only when a later day begins', () => {
    const morning = foldSession(emptyProfile(), session([[5, 4]]), T0);
    const noon = foldSession(morning, session([[9, 1]]), T0 + 3_600_000);
    expect(noon.acts).toEqual(morning.acts);
    expect(noon.pending.acts).toEqual([[9, 1]]);
    const tomorrow = foldSession(noon, EMPTY_HISTOGRAM, T0 + DAY);
    expect(tomorrow.acts.map(([act]) => act)).toEqual([5, 9]);
  });

  it('lets one day add at most 5 % of max(mass, 200 events)', () => {
    const first = days(1, session([[5, 1_000]]));
    expect(first.massQ8).toBeLessThanOrEqual((2 * 200 * 256) / 20 + 256);
    let settled = days(400, session([[5, 1_000]]));
    const before = settled.massQ8;
    settled = foldSession(settled, session([[9, 16_000]]), T0 + 401 * DAY);
    const flooded = foldSession(settled, EMPTY_HISTOGRAM, T0 + 402 * DAY);
    const share = (flooded.acts.find(([act]) => act === 9)?.[1] ?? 0) / Math.max(before, 200 * 256);
    expect(share).toBeGreaterThan(0.04);
    expect(share).toBeLessThanOrEqual(0.051);
  });

  it('forgets half in thirty days', () => {
    const settled = days(40, session([[5, 8]]));
    const later = foldSession(settled, EMPTY_HISTOGRAM, T0 + (40 + 30) * DAY);
    expect(later.massQ8).toBe(Math.floor(settled.massQ8 / 2));
    const years = foldSession(settled, EMPTY_HISTOGRAM, T0 + 4_000 * DAY);
    expect(years.acts).toEqual([]);
    expect(years.massQ8).toBe(0);
  });

  it('knows the entropy of what it holds', () => {
    const two = days(
      3,
      session([
        [1, 4],
        [2, 4],
      ]),
    );
    expect(Math.abs(two.entropyQ8 - 256)).toBeLessThanOrEqual(4);
    expect(days(3, session([[1, 8]])).entropyQ8).toBe(0);
  });

  it('reads back what it wrote, within 2 KB, whatever was folded', () => {
    fc.assert(
      fc.property(fc.array(anySession, { minLength: 1, maxLength: 6 }), (sessions) => {
        let profile = emptyProfile();
        sessions.forEach((of, i) => {
          profile = foldSession(profile, of, T0 + (i >> 1) * 5 * DAY);
          const bytes = encodeProfile(profile);
          expect(bytes.length).toBeLessThanOrEqual(PROFILE_BYTES_MAX);
          expect(decodeProfile(bytes)).toEqual(profile);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('says after idle weeks what its bytes say', () => {
    let profile = days(
      30,
      session([
        [1, 5],
        [2, 3],
        [7, 1],
      ]),
    );
    for (let week = 1; week < 12; week++) {
      profile = foldSession(profile, EMPTY_HISTOGRAM, T0 + (30 + 7 * week) * DAY);
      expect(decodeProfile(encodeProfile(profile))).toEqual(profile);
    }
  });

  it('stays within 2 KB when everything is as full as it can be', () => {
    const full = (offset: number): SessionHistogram => ({
      eventCount: 1_000_000,
      acts: Array.from({ length: 64 }, (_, i) => [offset + i * 300, 16_383]),
      pairs: Array.from({ length: 64 }, (_, i) => [i * 32 + 31, 127]),
      hours: Array.from({ length: 48 }, (_, i) => [i, 16_383]),
      gapLogSum: 2 ** 40,
      gapCount: 2 ** 20,
    });
    let profile = emptyProfile();
    for (let day = 0; day < 200; day++)
      profile = foldSession(profile, full(day % 5), T0 + day * DAY);
    expect(profile.acts.length).toBe(176);
    expect(encodeProfile(profile).length).toBeLessThanOrEqual(PROFILE_BYTES_MAX);
  });

  it('refuses every truncation, left-over bytes and long forms of integers', () => {
    const bytes = encodeProfile(
      days(
        3,
        session(
          [
            [1, 4],
            [200, 4],
          ],
          [[7, 1]],
        ),
      ),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeProfile(bytes.slice(0, length))).toThrow(FeatureError);
    }
    expect(() => decodeProfile(Uint8Array.of(...bytes, 0))).toThrow(/no further byte/);
    expect(() => decodeProfile(Uint8Array.of(0x81, 0x00, ...bytes.slice(1)))).toThrow(/shortest/);
    expect(() => decodeProfile(new Uint8Array(PROFILE_BYTES_MAX + 1))).toThrow(/at most/);
  });

  it('joins sessions in any order to the same whole', () => {
    fc.assert(
      fc.property(anyCounts(20, 60, 50), anyCounts(20, 60, 50), (a, b) => {
        const [x, y] = [session(a), session(b)];
        expect(joinHistograms(x, y)).toEqual(joinHistograms(y, x));
      }),
    );
  });

  it('decays by the exact powers of two to the last unit', () => {
    for (let d = 1; d < 30; d++) {
      const settled = {
        ...days(1, session([[5, 8]])),
        massQ8: 65_536,
        acts: [[5, 65_536]] as const,
      };
      const day = settled.day + d;
      const faded = foldSession(
        { ...settled, pending: EMPTY_HISTOGRAM },
        EMPTY_HISTOGRAM,
        day * DAY,
      );
      expect(faded.massQ8).toBe(Math.round(65_536 * 2 ** (-d / 30)));
    }
  });
});
