import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/embedded-peer/key-order.js';
import { WorldState, type StateView } from '../../src/embedded-peer/world-state.js';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'ü', '\u{10ffff}');
const write = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 2 })) });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('block' as const), writes: fc.array(write) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat() }) },
);

type Snapshot = Map<string, string>;

function contentsOf(view: Pick<StateView, 'get' | 'range'>): Snapshot {
  const contents: Snapshot = new Map();
  for (const [found, { value, version }] of view.range('', '')) {
    contents.set(found, `${Buffer.from(value).toString('hex')}@${version.block}.${version.tx}`);
    expect(view.get(found)?.version).toEqual(version);
  }
  return contents;
}

describe('world state', () => {
  it('shows every open view the state of its height, whatever is committed meanwhile', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = new WorldState();
        const now: Snapshot = new Map();
        const views: { view: StateView; expected: Snapshot }[] = [];
        for (const one of steps) {
          if (one.kind === 'block') {
            const block = state.height;
            const writes = one.writes.map((each, tx) => ({ ...each, tx }));
            state.applyBlock(block, writes);
            for (const { key: written, value, tx } of writes) {
              if (value === null) now.delete(written);
              else now.set(written, `${Buffer.from(value).toString('hex')}@${block}.${tx}`);
            }
          } else if (one.kind === 'open') {
            views.push({ view: state.view(), expected: new Map(now) });
          } else if (views.length > 0) {
            views.splice(one.which % views.length, 1)[0]!.view.close();
          }
          expect(contentsOf(state)).toEqual(now);
          for (const { view, expected } of views) expect(contentsOf(view)).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('gives ranges in key order, start included, end excluded', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ maxLength: 3 })), key, key, (keys, start, end) => {
        const state = new WorldState();
        state.applyBlock(
          0,
          keys.map((each, tx) => ({ key: each, value: Buffer.of(1), tx })),
        );
        const found = [...state.range(start, end)].map(([each]) => each);
        const expected = keys
          .filter((each) => compareKeys(each, start) >= 0 && compareKeys(each, end) < 0)
          .sort(compareKeys);
        expect(found).toEqual(expected);
      }),
    );
  });

  it('remembers where a key was written', () => {
    const state = new WorldState();
    state.applyBlock(0, [{ key: 'k', value: Buffer.of(1), tx: 3 }]);
    state.applyBlock(1, []);
    state.applyBlock(2, [{ key: 'k', value: null, tx: 0 }]);
    expect(state.writesOf('k')).toEqual([
      { block: 0, tx: 3 },
      { block: 2, tx: 0 },
    ]);
    expect(state.get('k')).toBeNull();
  });
});
