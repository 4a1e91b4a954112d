import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACT_COUNT,
  decodeRing,
  emptyProfile,
  emptyRing,
  encodeRing,
  featureRow,
  FeatureError,
  GUARDED_FUNCTIONS,
  LAYOUT,
  pushRow,
  scoringWindow,
  type GuardedCall,
  type Ring,
  type RowOutcome,
} from '../src/features/index.js';
import { callOf, T0 } from './features-fixture.js';

const anyCall: fc.Arbitrary<readonly [GuardedCall, RowOutcome]> = fc.tuple(
  fc
    .record({
      act: fc.nat({ max: ACT_COUNT - 1 }),
      functionName: fc.constantFrom(...GUARDED_FUNCTIONS),
      recordTag: fc.nat({ max: 0xffffffff }),
      step: fc.integer({ min: -5_000, max: 600_000 }),
    })
    .map(({ step, ...fields }) => callOf({ ...fields, timeMs: T0 + step })),
  fc.constantFrom<RowOutcome>(0, 1, 2),
);

function play(calls: readonly (readonly [GuardedCall, RowOutcome])[]): Ring {
  return calls.reduce((ring, [call, outcome]) => {
    const { columns } = featureRow({
      call,
      ring,
      profile: emptyProfile(),
      roles: null,
      vocabularySize: ACT_COUNT,
      sessionsLastHour: 0,
    });
    const { recordTag, act } = call;
    return pushRow(ring, { columns, recordTag, act, outcome }, call);
  }, emptyRing());
}

describe('ring', () => {
  it('reads back what it wrote and refuses every truncation', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 25 }), (calls) => {
        const ring = play(calls);
        const bytes = encodeRing(ring);
        expect(decodeRing(bytes)).toEqual(ring);
        const cut = bytes.slice(0, Math.floor(bytes.length / 2));
        expect(() => decodeRing(cut)).toThrow(FeatureError);
      }),
    );
  });

  it('keeps the last 16 calls, the newest last', () => {
    const calls = Array.from({ length: 20 }, (_, i) => [callOf({ recordTag: i + 1 }), 0] as const);
    const ring = play(calls);
    expect(ring.rows.map((row) => row.recordTag)).toEqual(
      Array.from({ length: 16 }, (_, i) => i + 5),
    );
    expect(ring.callCount).toBe(20);
  });

  it('judges a call by the fifteen before it and itself', () => {
    const ring = play(Array.from({ length: 20 }, () => [callOf(), 0] as const));
    const own = new Int16Array(24).fill(7);
    const window = scoringWindow(ring, own);
    expect(window.length).toBe(LAYOUT.steps);
    expect(window.at(-1)).toBe(own);
    expect(window[0]).toBe(ring.rows[1]!.columns);
    expect(scoringWindow(emptyRing(), own)).toEqual([own]);
  });

  it('learns nothing from a diverted call but remembers that there was one', () => {
    const ring = play([
      [callOf({ act: 1 }), 0],
      [callOf({ act: 2 }), 2],
    ]);
    expect(ring.histogram.acts).toEqual([[1, 1]]);
    expect(ring.rows.at(-1)?.outcome).toBe(2);
  });
});
