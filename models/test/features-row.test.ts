import { describe, expect, it } from 'vitest';
import {
  ACT_COUNT,
  actOf,
  COLUMN,
  COLUMN_COUNT,
  COLUMNS,
  emptyProfile,
  emptyRing,
  featureRow,
  FeatureError,
  flatRoleTables,
  foldSession,
  PEERLESS_MASK,
  pushRow,
  TIMELESS_MASK,
  TRIGRAM_BITS_MAX,
  trigramTable,
  type GuardedCall,
  type Profile,
  type Ring,
} from '../src/features/index.js';
import { callOf, T0 } from './features-fixture.js';

const roles = flatRoleTables();

function rowOf(call: GuardedCall, ring: Ring = emptyRing(), profile: Profile = emptyProfile()) {
  return featureRow({
    call,
    ring,
    profile,
    roles,
    vocabularySize: ACT_COUNT,
    sessionsLastHour: 2,
  });
}

function ringOf(calls: readonly GuardedCall[], outcome: 0 | 1 | 2 = 0): Ring {
  return calls.reduce((ring, call) => {
    const { columns } = rowOf(call, ring);
    return pushRow(ring, { columns, recordTag: call.recordTag, act: call.act, outcome }, call);
  }, emptyRing());
}

/** A profile of one who reads results, by sessions on many days. */
function reader(act: number): Profile {
  let profile = emptyProfile();
  for (let day = 0; day < 30; day++) {
    const calls = Array.from({ length: 10 }, (_, i) =>
      callOf({ act, timeMs: T0 + day * 86_400_000 + i * 30_000 }),
    );
    profile = foldSession(profile, ringOf(calls).histogram, T0 + (day + 1) * 86_400_000);
  }
  return profile;
}

describe('layout', () => {
  it('has 30 columns at the places that COLUMN names', () => {
    expect(COLUMNS.length).toBe(COLUMN_COUNT);
    expect(Object.values(COLUMN)).toEqual(COLUMNS.map((_, i) => i));
    expect(new Set(COLUMNS.map((column) => column.name)).size).toBe(COLUMN_COUNT);
    expect(COLUMNS[COLUMN.gap]?.name).toBe('gap');
    expect(COLUMNS[COLUMN.position]?.name).toBe('position in session');
  });

  it('masks five columns without a clock and five without peers', () => {
    const bits = (mask: number): number => mask.toString(2).replaceAll('0', '').length;
    expect(bits(TIMELESS_MASK)).toBe(5);
    expect(bits(PEERLESS_MASK)).toBe(5);
    expect(TIMELESS_MASK & PEERLESS_MASK).toBe(0);
  });
});

describe('feature row', () => {
  it('finds a habitual act unsurprising and a foreign one surprising', () => {
    const results = actOf('read', 'results');
    const profile = reader(results);
    const usual = rowOf(callOf({ act: results }), emptyRing(), profile).columns;
    const odd = rowOf(callOf({ act: actOf('export', 'billing') }), emptyRing(), profile).columns;
    expect(usual[COLUMN.ownSurprisal]).toBeLessThan(64);
    expect(usual[COLUMN.actUnseen]).toBe(0);
    expect(odd[COLUMN.ownSurprisal]).toBeGreaterThan(10 * 256);
    expect(odd[COLUMN.actUnseen]).toBe(1);
    expect(odd[COLUMN.surprisalExcess]).toBeGreaterThan(usual[COLUMN.surprisalExcess]!);
    expect(odd[COLUMN.logRatio]).toBeGreaterThan(0);
  });

  it('gives a newcomer the surprisal of the peers', () => {
    const { columns } = rowOf(callOf());
    expect(Math.abs(columns[COLUMN.logRatio]!)).toBeLessThanOrEqual(2);
  });

  it('excuses a newcomer for what peers do, and for nothing else', () => {
    const rare = roles.actShares.slice();
    const export_ = actOf('export', 'billing');
    rare[callOf().role * ACT_COUNT + export_] = 10;
    const tables = { ...roles, actShares: rare };
    const unseen = (call: GuardedCall, profile: Profile): number =>
      featureRow({
        call,
        ring: emptyRing(),
        profile,
        roles: tables,
        vocabularySize: ACT_COUNT,
        sessionsLastHour: 0,
      }).columns[COLUMN.actUnseen]!;
    const young = emptyProfile();
    const settled = reader(actOf('read', 'results'));
    expect(unseen(callOf({ act: actOf('read', 'notes') }), young)).toBe(0);
    expect(unseen(callOf({ act: export_ }), young)).toBe(1);
    expect(unseen(callOf({ act: actOf('read', 'notes') }), settled)).toBe(1);
  });

  it('excuses a coded newcomer only below twenty events', () => {
    const coded = (profile: Profile): number =>
      featureRow({
        call: callOf({ act: 1024 + 5 }),
        ring: emptyRing(),
        profile,
        roles: null,
        vocabularySize: 300,
        sessionsLastHour: 0,
      }).columns[COLUMN.actUnseen]!;
    expect(coded(emptyProfile())).toBe(0);
    expect(coded(reader(1024 + 6))).toBe(1);
    expect(coded(reader(1024 + 5))).toBe(0);
  });

  it('knows the pairs of the profile', () => {
    const results = actOf('read', 'results');
    const profile = reader(results);
    const ring = ringOf([callOf({ act: results })]);
    expect(rowOf(callOf({ act: results }), ring, profile).columns[COLUMN.pairUnseen]).toBe(0);
    expect(rowOf(callOf({ act: 3 }), ring, profile).columns[COLUMN.pairUnseen]).toBe(1);
    expect(rowOf(callOf({ act: 3 })).columns[COLUMN.pairUnseen]).toBe(0);
  });

  it('counts records and functions of the ring', () => {
    const ring = ringOf([
      callOf({ recordTag: 1 }),
      callOf({ recordTag: 2 }),
      callOf({ recordTag: 0, functionName: 'openSession' }),
    ]);
    const again = rowOf(callOf({ recordTag: 2 }), ring).columns;
    expect(again[COLUMN.recordInRing]).toBe(1);
    expect(again[COLUMN.distinctRecords]).toBe(2);
    expect(again[COLUMN.distinctShare]).toBe(Math.floor((2 * 256) / 3));
    expect(again[COLUMN.distinctFunctions]).toBe(2);
    const fresh = rowOf(callOf({ recordTag: 3 }), ring).columns;
    expect(fresh[COLUMN.recordInRing]).toBe(0);
    expect(fresh[COLUMN.distinctRecords]).toBe(3);
    expect(fresh[COLUMN.distinctShare]).toBe(256);
  });

  it('counts what is written, and what was read before it', () => {
    const amend = (recordTag: number) => callOf({ functionName: 'amend', recordTag });
    const ring = ringOf([callOf({ recordTag: 1 }), callOf({ recordTag: 2 }), amend(1), amend(3)]);
    const { columns } = rowOf(amend(2), ring);
    expect(columns[COLUMN.write]).toBe(1);
    expect(columns[COLUMN.erase]).toBe(0);
    expect(columns[COLUMN.distinctWritten]).toBe(3);
    expect(columns[COLUMN.readThenWritten]).toBe(2);
    expect(columns[COLUMN.writeShare]).toBe(Math.floor((256 * 3) / 5));
    const erased = rowOf(callOf({ functionName: 'erase', recordTag: 2 }), ring).columns;
    expect([erased[COLUMN.write], erased[COLUMN.erase]]).toEqual([0, 1]);
    expect(erased[COLUMN.readThenWritten]).toBe(2);
    const read = rowOf(callOf({ recordTag: 3 }), ring).columns;
    // Written before it was read: an order that is not ransomware's.
    expect(read[COLUMN.readThenWritten]).toBe(1);
    const none = rowOf(amend(0)).columns;
    expect([none[COLUMN.distinctWritten], none[COLUMN.writeShare]]).toEqual([0, 256]);
  });

  it('finds an act surprising after the two before it, though each alone is usual', () => {
    const [grant, read, revert] = [1, 2, 3].map((act) => callOf({ act }));
    const often = { count: 90 };
    const trigrams = trigramTable([
      { acts: [null, null, 1], ...often },
      { acts: [null, 1, 2], ...often },
      { acts: [1, 2, 2], ...often },
      { acts: [1, 2, 1], count: 10 },
      { acts: [null, null, 3], count: 30 },
    ]);
    const after = (calls: readonly GuardedCall[], call: GuardedCall): number =>
      featureRow({
        call,
        ring: ringOf(calls),
        profile: emptyProfile(),
        roles: { ...roles, trigrams },
        vocabularySize: ACT_COUNT,
        sessionsLastHour: 0,
      }).columns[COLUMN.trigramSurprisal]!;
    expect(after([], grant!)).toBe(0);
    expect(after([grant!], read!)).toBe(0);
    expect(after([grant!, read!], read!)).toBe(0);
    expect(after([grant!, read!], grant!)).toBe(3);
    expect(after([grant!, read!], revert!)).toBe(TRIGRAM_BITS_MAX);
    expect(after([], revert!)).toBe(2);
  });

  it('tells a metronome from random arrivals and ignores equal stamps', () => {
    const at = (times: readonly number[]): Int16Array => {
      const calls = times.map((ms) => callOf({ timeMs: T0 + ms }));
      return rowOf(calls[calls.length - 1]!, ringOf(calls.slice(0, -1))).columns;
    };
    expect(at([0, 500, 1000, 1500, 2000, 2500])[COLUMN.gapIrregularity]).toBe(0);
    expect(at([0, 100, 9000, 9100, 60000, 61000])[COLUMN.gapIrregularity]).toBeGreaterThan(256);
    expect(at([0, 0, 0, 0, 0, 0])[COLUMN.gapIrregularity]).toBe(256);
    expect(at([0, 500])[COLUMN.gapIrregularity]).toBe(256);
  });

  it('sees a pace above the own one', () => {
    const profile = reader(1);
    const fast = Array.from({ length: 8 }, (_, i) => callOf({ timeMs: T0 + i * 500 }));
    const usual = Array.from({ length: 8 }, (_, i) => callOf({ timeMs: T0 + i * 30_000 }));
    const pace = (calls: readonly GuardedCall[]): number =>
      rowOf(calls[calls.length - 1]!, ringOf(calls.slice(0, -1)), profile).columns[COLUMN.pace]!;
    expect(pace(fast)).toBeGreaterThan(4 * 256);
    expect(Math.abs(pace(usual))).toBeLessThan(16);
  });

  it('remembers what was denied or diverted, up to four', () => {
    const calls = Array.from({ length: 6 }, () => callOf());
    expect(rowOf(callOf(), ringOf(calls, 2)).columns[COLUMN.deniedOrDiverted]).toBe(4);
    expect(rowOf(callOf(), ringOf(calls, 0)).columns[COLUMN.deniedOrDiverted]).toBe(0);
  });

  it('puts the declared facts through', () => {
    const { columns } = rowOf(
      callOf({ functionName: 'export', recordCount: 256, sensitivity: 2, homeRecord: false }),
    );
    expect(columns[COLUMN.recordCount]).toBe(8 * 256);
    expect(columns[COLUMN.exportFlag]).toBe(1);
    expect(columns[COLUMN.sensitivity]).toBe(2);
    expect(columns[COLUMN.foreignRecord]).toBe(1);
    expect(columns[COLUMN.sessionsLastHour]).toBe(2);
  });

  it('masks time without a clock, and leaves the masked columns 0', () => {
    const call = callOf({ timeGranularity: 'day' });
    const { columns, mask } = rowOf(call, ringOf([call, call]));
    expect(mask).toBe(TIMELESS_MASK);
    COLUMNS.forEach((spec, i) => {
      if (spec.timeDependent) expect(columns[i]).toBe(0);
    });
  });

  it('masks peers for a coded source, whatever role tables there are', () => {
    expect(rowOf(callOf({ act: 1024 + 5 })).mask).toBe(PEERLESS_MASK);
    const withoutRoles = featureRow({
      call: callOf(),
      ring: emptyRing(),
      profile: emptyProfile(),
      roles: null,
      vocabularySize: 16,
      sessionsLastHour: 0,
    });
    expect(withoutRoles.mask).toBe(PEERLESS_MASK);
  });

  it('refuses an empty vocabulary', () => {
    expect(() =>
      featureRow({
        call: callOf(),
        ring: emptyRing(),
        profile: emptyProfile(),
        roles,
        vocabularySize: 0,
        sessionsLastHour: 0,
      }),
    ).toThrow(FeatureError);
  });
});
