import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chronologicalSplit,
  DatasetError,
  injectUserSwitch,
  partition,
  type ActorAct,
} from '../src/index.js';

interface Item {
  readonly id: number;
  readonly key: string;
  readonly time: number;
}
const items = fc
  .array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), time: fc.nat(50) }), {
    maxLength: 200,
  })
  .map((list) => list.map((each, id): Item => ({ ...each, id })));

describe('chronological split', () => {
  it('loses nothing, doubles nothing, and no stamp lies on both sides', () => {
    fc.assert(
      fc.property(items, fc.double({ min: 0, max: 1, noNaN: true }), (list, train) => {
        const shares = { train, calibrate: (1 - train) / 2, test: (1 - train) / 2 };
        const split = chronologicalSplit(list, { timeOf: (item) => item.time, shares });
        const parts = [split.train, split.calibrate, split.test];
        expect(
          parts
            .flat()
            .map((item) => item.id)
            .sort((a, b) => a - b),
        ).toEqual(list.map((item) => item.id));
        const times = parts.map((part) => part.map((item) => item.time));
        for (const [i, earlier] of times.entries()) {
          for (const later of times.slice(i + 1)) {
            if (earlier.length > 0 && later.length > 0) {
              expect(Math.max(...earlier)).toBeLessThan(Math.min(...later));
            }
          }
        }
      }),
    );
  });

  it('keeps the shares where no stamps are shared', () => {
    const list = Array.from({ length: 1_000 }, (_, time) => ({ time }));
    const split = chronologicalSplit(list, { timeOf: (item) => item.time });
    expect([split.train.length, split.calibrate.length, split.test.length]).toEqual([
      500, 200, 300,
    ]);
    expect(split.borders).toEqual([500, 700]);
  });

  it.each([
    { train: 0.5, calibrate: 0.2, test: 0.2 },
    { train: 1.5, calibrate: -0.5, test: 0 },
    { train: NaN, calibrate: 0, test: 1 },
  ])('refuses %j', (shares) => {
    expect(() => chronologicalSplit([], { timeOf: () => 0, shares })).toThrow(DatasetError);
  });
});

describe('partition', () => {
  const modes = fc.constantFrom('hash', 'sorted', 'dirichlet', 'group' as const);

  it('loses nothing and doubles nothing, and is the same for the same seed', () => {
    fc.assert(
      fc.property(
        items,
        modes,
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (list, by, nodes, seed) => {
          const options = { nodes, seed, by, keyOf: (item: Item) => item.key };
          const parts = partition(list, options);
          expect(parts.length).toBe(nodes);
          expect(
            parts
              .flat()
              .map((item) => item.id)
              .sort((a, b) => a - b),
          ).toEqual(list.map((item) => item.id));
          expect(partition(list, options)).toEqual(parts);
          for (const part of parts) {
            expect(part.map((item) => item.id)).toEqual(
              [...part.map((i) => i.id)].sort((a, b) => a - b),
            );
          }
        },
      ),
    );
  });

  const many = Array.from({ length: 8_000 }, (_, id) => ({ id, key: `key ${id % 8}` }));
  /** Mean distance of a node's shares of keys from those of all. */
  function skewOf(parts: readonly (readonly { key: string }[])[]): number {
    const distances = parts.map((part) => {
      const counts = new Map<string, number>();
      for (const { key } of part) counts.set(key, (counts.get(key) ?? 0) + 1);
      return [...Array(8).keys()].reduce(
        (sum, key) => sum + Math.abs((counts.get(`key ${key}`) ?? 0) / part.length - 1 / 8) / 2,
        0,
      );
    });
    return distances.reduce((sum, each) => sum + each, 0) / distances.length;
  }

  it('is even by the hash of an id, skewed when sorted, and between by Dirichlet', () => {
    const of = { nodes: 4, seed: 3 };
    const even = partition(many, { ...of, by: 'hash', keyOf: (item) => String(item.id) });
    for (const part of even) expect(Math.abs(part.length - 2_000)).toBeLessThan(200);
    expect(skewOf(even)).toBeLessThan(0.05);
    const keyOf = (item: { key: string }): string => item.key;
    expect(skewOf(partition(many, { ...of, by: 'sorted', keyOf }))).toBeGreaterThan(0.7);
    const mild = skewOf(partition(many, { ...of, by: 'dirichlet', alpha: 100, keyOf }));
    const strong = skewOf(partition(many, { ...of, by: 'dirichlet', alpha: 0.1, keyOf }));
    expect(mild).toBeLessThan(0.1);
    expect(strong).toBeGreaterThan(0.35);
  });

  it('keeps whole groups together and the loads near each other', () => {
    const parts = partition(many, { nodes: 4, seed: 1, by: 'group', keyOf: (item) => item.key });
    expect(parts.map((part) => new Set(part.map((item) => item.key)).size)).toEqual([2, 2, 2, 2]);
  });

  it('keeps an item where it was when others come, by hash', () => {
    const of = { nodes: 5, seed: 9, by: 'hash', keyOf: (item: Item) => String(item.id) } as const;
    const few = many.slice(0, 100).map((item) => ({ ...item, time: 0 }));
    const home = (list: readonly Item[]): Map<number, number> =>
      new Map(partition(list, of).flatMap((part, node) => part.map((item) => [item.id, node])));
    const before = home(few.slice(0, 50));
    const after = home(few);
    for (const [id, node] of before) expect(after.get(id)).toBe(node);
  });

  it.each([{ nodes: 0 }, { alpha: 0 }, { by: 'luck' as 'hash' }])('refuses %j', (change) => {
    const options = { nodes: 2, seed: 1, by: 'hash', keyOf: String, ...change } as const;
    expect(() => partition([1], options)).toThrow(
      expect.objectContaining({ code: 'ERR_DATASET_OPTION' }),
    );
  });
});

describe('user switch', () => {
  function logOf(actors: Readonly<Record<string, readonly string[]>>, length: number): ActorAct[] {
    return Array.from({ length }, (_, time) =>
      Object.entries(actors).map(([actor, acts]) => ({
        actor,
        act: acts[time % acts.length]!,
        time,
      })),
    ).flat();
  }
  const log = logOf({ ann: ['a', 'b'], bob: ['b', 'c'], eve: ['x', 'y'] }, 1_000);

  it('has windows that are as they were, and windows of the other one under the own name', () => {
    const { pairs, profile, calibrate, test } = injectUserSwitch(log, {
      seed: 1,
      windowActs: 10,
      cosine: [0.1, 0.9],
    });
    expect(pairs.map((pair) => pair.actors)).toEqual([['ann', 'bob']]);
    expect(pairs[0]!.cosine).toBeCloseTo(0.5, 6);
    expect(profile.length).toBe(3 * 50);
    expect(calibrate.length).toBe(3 * 20);
    const own = test.filter((window) => window.foreign === null);
    const switched = test.filter((window) => window.foreign !== null);
    expect([own.length, switched.length]).toEqual([3 * 30, 2 * 30]);
    const ann = switched.filter((window) => window.actor === 'ann');
    expect(ann.every((w) => w.foreign === 'bob' && w.acts.every((act) => 'bc'.includes(act)))).toBe(
      true,
    );
  });

  it('a full switch moves each window once, a partial one changes each own window', () => {
    const busy = log.flatMap((row) => (row.actor === 'ann' ? [row, row, row] : [row]));
    const options = { seed: 1, windowActs: 10, cosine: [0.1, 0.9] } as const;
    const counts = (share: number): number[] => {
      const { test } = injectUserSwitch(busy, { ...options, share });
      const under = (actor: string): number =>
        test.filter((window) => window.foreign !== null && window.actor === actor).length;
      return [under('ann'), under('bob')];
    };
    expect(counts(1)).toEqual([30, 90]);
    expect(counts(0.5)).toEqual([90, 30]);
    const { test } = injectUserSwitch(busy, options);
    const actsOf = (name: 'actor' | 'foreign', who: string, foreign: boolean): string[][] =>
      test
        .filter((window) => window[name] === who && (window.foreign !== null) === foreign)
        .map(({ acts }) => [...acts]);
    expect(actsOf('foreign', 'ann', true)).toEqual(actsOf('actor', 'ann', false));
  });

  it('puts in exactly the share it is told to', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 1, noNaN: true }), fc.nat(), (share, seed) => {
        const { test } = injectUserSwitch(log, { seed, share, cosine: [0, 0.05] });
        for (const window of test) {
          if (window.foreign === null) continue;
          expect(window.foreignCount).toBe(Math.max(1, Math.round(share * 20)));
          expect(window.acts.length).toBe(20);
          if (window.actor !== 'eve') continue;
          const foreign = window.acts.filter((act) => !'xy'.includes(act)).length;
          expect(foreign).toBe(window.foreignCount);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('takes natural borders instead of shares', () => {
    const { profile, calibrate, test } = injectUserSwitch(log, { seed: 1, borders: [600, 600] });
    expect(calibrate).toEqual([]);
    expect(profile.length).toBe(3 * 30);
    expect(test.filter((w) => w.foreign === null).length).toBe(3 * 20);
  });

  it('refuses options, and a log in which nobody resembles anybody', () => {
    expect(() => injectUserSwitch(log, { seed: 1, cosine: [0.95, 1] })).toThrow(
      expect.objectContaining({ code: 'ERR_EVENT_LOG_TOO_SMALL' }),
    );
    for (const change of [{ share: 0 }, { windowActs: 0 }, { cosine: [0.5, 0.1] as const }]) {
      expect(() => injectUserSwitch(log, { seed: 1, ...change })).toThrow(
        expect.objectContaining({ code: 'ERR_DATASET_OPTION' }),
      );
    }
  });
});
