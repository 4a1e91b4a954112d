import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardValues } from '../src/store/value-guard.js';

describe('the value guard', () => {
  it('lets scalars and bytes through as they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constant(null),
          fc.bigInt(),
          fc.boolean(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.string().filter((text) => !text.includes('\0')),
          fc.uint8Array(),
        ),
        (value) => {
          expect(guardValues([value])).toEqual([value]);
        },
      ),
    );
  });

  it.each([
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a NUL character', 'a\0b'],
    ['a Date', new Date(0)],
    ['a plain object', { a: 1 }],
    ['an array', [1]],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a Map', new Map()],
  ])('refuses %s and says which parameter', (_, value) => {
    expect(() => guardValues([1, value])).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_VALUE', facts: { index: 1 } }),
    );
  });
});
