import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/embedded-peer/key-order.js';
import {
  decodeReadWriteSet,
  encodeReadWriteSet,
  type ReadWriteSet,
} from '../../src/embedded-peer/read-write-set.js';
import { Simulator } from '../../src/embedded-peer/simulator.js';
import { WorldState } from '../../src/embedded-peer/world-state.js';

const NAMESPACE = 'plain';

/** Keys k0 … k9, written by block 0. */
function simulator(): Simulator {
  const state = new WorldState();
  const keys = Array.from({ length: 10 }, (_, tx) => ({ key: `k${tx}`, value: Buffer.of(tx), tx }));
  state.applyBlock(0, keys);
  return new Simulator(state.view());
}

const setOf = (simulation: Simulator): ReadWriteSet =>
  decodeReadWriteSet(NAMESPACE, simulation.results(NAMESPACE));

describe('a simulation', () => {
  it('gives the same bytes in whatever order the contract asked', () => {
    const step = fc.record({
      key: fc.constantFrom('k1', 'k2', 'absent', '\u{10ffff}', '\uffff'),
      value: fc.option(fc.uint8Array({ maxLength: 3 })),
    });
    const steps = fc.uniqueArray(step, { selector: ({ key }) => key });
    fc.assert(
      fc.property(
        steps.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([original, shuffled]) => {
          const run = (order: typeof original): Uint8Array => {
            const simulation = simulator();
            for (const { key } of order) simulation.getState(key);
            for (const { key, value } of order) simulation.putState(key, value);
            return simulation.results(NAMESPACE);
          };
          expect(Buffer.compare(run(original), run(shuffled))).toBe(0);
        },
      ),
    );
  });

  it('records a read once, with its version, and what is absent as absent', () => {
    const simulation = simulator();
    expect(simulation.getState('k3')).toEqual(Buffer.of(3));
    simulation.getState('k3');
    expect(simulation.getState('absent')).toBeNull();
    expect(setOf(simulation).reads).toEqual([
      { key: 'absent', version: null },
      { key: 'k3', version: { block: 0, tx: 3 } },
    ]);
  });

  it('does not see its own writes, and keeps the last one', () => {
    const simulation = simulator();
    simulation.putState('k1', Buffer.from('new'));
    expect(simulation.getState('k1')).toEqual(Buffer.of(1));
    simulation.putState('k1', null);
    expect(setOf(simulation).writes).toEqual([{ key: 'k1', value: null }]);
  });

  it('records a range to its end, or to the last key that it gave', () => {
    const simulation = simulator();
    const whole = simulation.openRange('k2', 'k5');
    expect(whole.take(100).map(([key]) => key)).toEqual(['k2', 'k3', 'k4']);
    expect(whole.done).toBe(true);
    const part = simulation.openRange('k2', 'k9');
    part.take(2);
    expect(part.done).toBe(false);
    const untouched = simulation.openRange('k0', 'k9');
    expect(untouched.done).toBe(false);
    expect(setOf(simulation).ranges).toMatchObject([
      { startKey: 'k2', endKey: 'k5', exhausted: true, reads: [{}, {}, {}] },
      { startKey: 'k2', endKey: 'k3', exhausted: false, reads: [{ key: 'k2' }, { key: 'k3' }] },
    ]);
  });

  it('records an empty range, since a key may join it', () => {
    const simulation = simulator();
    simulation.openRange('x', 'y').take(1);
    expect(setOf(simulation).ranges).toEqual([
      { startKey: 'x', endKey: 'y', exhausted: true, reads: [] },
    ]);
  });

  it('refuses an empty key, and writing together with pages, whichever comes first', () => {
    expect(() => simulator().putState('', Buffer.of(1))).toThrow('empty string');
    const paged = simulator();
    expect(paged.page('k0', 'k9', { pageSize: 2, bookmark: '' }).bookmark).toBe('k2');
    expect(() => paged.putState('k', Buffer.of(1))).toThrow('paginated');
    const written = simulator();
    written.putState('k', Buffer.of(1));
    expect(() => written.page('k0', 'k9', { pageSize: 2, bookmark: '' })).toThrow('paginated');
  });

  it('turns pages without gap or repetition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), (pageSize) => {
        const simulation = simulator();
        const keys: string[] = [];
        let bookmark = '';
        do {
          const page = simulation.page('k0', '', { pageSize, bookmark });
          keys.push(...page.results.map(([key]) => key));
          bookmark = page.bookmark;
        } while (bookmark !== '');
        expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}`));
      }),
    );
  });
});

describe('the bytes of a read-write set', () => {
  const version = fc.option(fc.record({ block: fc.nat(), tx: fc.nat() }));
  const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
  const read = fc.record({ key, version });
  const set: fc.Arbitrary<ReadWriteSet> = fc.record({
    reads: fc.array(read),
    ranges: fc.array(
      fc.record({ startKey: key, endKey: key, exhausted: fc.boolean(), reads: fc.array(read) }),
    ),
    writes: fc.array(fc.record({ key, value: fc.option(fc.uint8Array({ minLength: 1 })) })),
  });

  it('give the set back', () => {
    fc.assert(
      fc.property(set, (original) => {
        const decoded = decodeReadWriteSet(NAMESPACE, encodeReadWriteSet(NAMESPACE, original));
        expect(decoded).toEqual(original);
      }),
    );
  });

  it('give an empty value back as a deletion, as a peer takes it', () => {
    const written: ReadWriteSet = {
      reads: [],
      ranges: [],
      writes: [{ key: 'k', value: new Uint8Array() }],
    };
    const decoded = decodeReadWriteSet(NAMESPACE, encodeReadWriteSet(NAMESPACE, written));
    expect(decoded.writes).toEqual([{ key: 'k', value: null }]);
  });

  it('are refused for another namespace', () => {
    const bytes = encodeReadWriteSet('other', { reads: [], ranges: [], writes: [] });
    expect(() => decodeReadWriteSet(NAMESPACE, bytes)).toThrow('namespace other is not plain');
  });

  it('keep keys in the order of the ledger', () => {
    const simulation = simulator();
    for (const each of ['\u{10ffff}', '\uffff', 'a', 'ü']) simulation.putState(each, Buffer.of(1));
    const keys = setOf(simulation).writes.map((write) => write.key);
    expect(keys).toEqual([...keys].sort(compareKeys));
  });
});
