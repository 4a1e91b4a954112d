import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../src/store/sqlite-adapter.js';
import { guardValues } from '../src/store/value-guard.js';

describe('the value guard', () => {
  it('lets through only what SQLite gives back unchanged', () => {
    const database = openSqlite(':memory:', { readOnly: false });
    database.exec('CREATE TABLE t (v ANY) STRICT');
    const insert = database.prepare('INSERT INTO t (v) VALUES (?)');
    const read = database.prepare('SELECT v FROM t ORDER BY rowid DESC LIMIT 1');
    read.setReadBigInts(true);
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }),
        (value) => {
          let guarded: ReturnType<typeof guardValues>;
          try {
            guarded = guardValues([value]);
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
            return;
          }
          insert.run(...guarded);
          const back = (read.get() as { v: unknown }).v;
          if (typeof value === 'number') expect(Number(back)).toBe(value === 0 ? 0 : value);
          else if (typeof value === 'boolean') expect(Number(back)).toBe(value ? 1 : 0);
          else if (value instanceof Uint8Array)
            expect(new Uint8Array(back as Uint8Array)).toEqual(new Uint8Array(value));
          else expect(back).toStrictEqual(value);
        },
      ),
      { numRuns: 2_000 },
    );
    database.close();
  });

  it.each([
    ['undefined', undefined],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['a fraction that the driver would round', 1e-20],
    ['an integer beyond 2^53', 2 ** 53],
    ['a date', new Date(0)],
    ['an object', { a: 1 }],
    ['an array', [1]],
    ['a symbol', Symbol('s')],
    ['a string with NUL', 'a\0b'],
    ['a bigint beyond 64 bits', 1n << 63n],
  ])('refuses %s and names its position', (_, value) => {
    expect(() => guardValues([1, value])).toThrow(/^SQL parameter 2: /);
  });
});
