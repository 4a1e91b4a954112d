import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACT_COUNT,
  createWindowCutter,
  emptyProfile,
  FeatureError,
  flatRoleTables,
  type ActorCall,
  type Window,
} from '../src/features/index.js';
import { callOf, T0 } from './features-fixture.js';

const BIN = 6 * 3_600_000;
const roles = flatRoleTables();
const profile = emptyProfile();

function cut(calls: readonly ActorCall[], beforeMs = T0 + 100 * BIN): Window[] {
  const cutter = createWindowCutter({
    binMs: BIN,
    stepsMax: 16,
    profileOf: () => profile,
    roles,
    vocabularySize: ACT_COUNT,
  });
  for (const call of calls) cutter.push(call);
  return cutter.flush(beforeMs);
}

const anyCall: fc.Arbitrary<ActorCall> = fc
  .record({
    actor: fc.constantFrom('a', 'b', 'c'),
    session: fc.constantFrom('s1', 's2'),
    offsetMs: fc.nat({ max: 4 * BIN }),
    act: fc.nat({ max: ACT_COUNT - 1 }),
    recordTag: fc.nat({ max: 5 }),
  })
  .map(({ actor, session, offsetMs, act, recordTag }) => ({
    actor,
    session,
    outcome: 0,
    call: callOf({ act, recordTag, timeMs: T0 + offsetMs }),
  }));
// Distinct times, so that order inside a bin does not depend on arrival.
const anyCalls = fc.uniqueArray(anyCall, { maxLength: 120, selector: (c) => c.call.timeMs });

describe('window cutter', () => {
  it('gives one window per actor and bin, of at most 16 rows, and loses only what is beyond', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        const windows = cut(calls);
        expect(new Set(windows.map((w) => w.id)).size).toBe(windows.length);
        for (const window of windows) {
          const mine = calls.filter(
            (c) =>
              c.actor === window.actor &&
              c.call.timeMs >= window.binStartMs &&
              c.call.timeMs < window.binStartMs + BIN,
          );
          expect(window.length).toBe(Math.min(16, mine.length));
          expect(window.rows.length).toBe(window.length);
          expect(window.binStartMs % BIN).toBe(0);
        }
        const bins = new Set(
          calls.map((c) => `${c.actor}/${c.call.timeMs - (c.call.timeMs % BIN)}`),
        );
        expect(windows.length).toBe(bins.size);
      }),
    );
  });

  it('changes no other actor’s windows when one actor is removed', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        const without = cut(calls.filter((c) => c.actor !== 'a'));
        expect(without).toEqual(cut(calls).filter((w) => w.actor !== 'a'));
      }),
    );
  });

  it('changes no other bin when the calls of one bin are removed', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        const windows = cut(calls);
        const gone = windows[0]?.binStartMs;
        const without = cut(calls.filter((c) => c.call.timeMs - (c.call.timeMs % BIN) !== gone));
        expect(without).toEqual(windows.filter((w) => w.binStartMs !== gone));
      }),
    );
  });

  it('does not depend on the order of arrival', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        expect(cut([...calls].reverse())).toEqual(cut(calls));
      }),
    );
  });

  it('does not reopen a bin that was cut', () => {
    const cutter = createWindowCutter({
      binMs: BIN,
      stepsMax: 16,
      profileOf: () => profile,
      roles,
      vocabularySize: ACT_COUNT,
    });
    const binStartMs = T0 - (T0 % BIN);
    const call: ActorCall = { actor: 'a', session: 's', call: callOf(), outcome: 0 };
    expect(cutter.push(call)).toBe(true);
    expect(cutter.flush(binStartMs + BIN - 1)).toEqual([]);
    expect(cutter.flush(binStartMs + BIN).length).toBe(1);
    expect(cutter.push(call)).toBe(false);
    expect(cutter.flush(binStartMs + 2 * BIN)).toEqual([]);
  });

  it.each([
    [7_000_000_000, 16],
    [0, 16],
    [BIN, 0],
    [BIN, 17],
    [BIN, 1.5],
  ])('refuses a bin of %d ms with %d steps', (binMs, stepsMax) => {
    expect(() =>
      createWindowCutter({ binMs, stepsMax, profileOf: () => profile, roles, vocabularySize: 1 }),
    ).toThrow(FeatureError);
  });
});
