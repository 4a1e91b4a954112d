import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareKeys, lowerBound } from '../../src/embedded-peer/key-order.js';

/** Well-formed strings, with many of the characters where UTF-16 and UTF-8 disagree. */
const key = fc
  .array(
    fc.constantFrom('\0', '\u0001', 'a', 'ü', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
    {
      maxLength: 5,
    },
  )
  .map((characters) => characters.join(''));

it('orders keys as their UTF-8 bytes', () => {
  fc.assert(
    fc.property(key, key, (left, right) => {
      const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
      expect(Math.sign(compareKeys(left, right))).toBe(expected);
    }),
  );
});

it('puts the end of a composite range behind everything below its prefix', () => {
  const prefix = '\0type\0';
  expect(compareKeys(`${prefix}\uffff`, `${prefix}\u{10ffff}`)).toBeLessThan(0);
});

it('finds the first key that is not below another', () => {
  fc.assert(
    fc.property(fc.array(key), key, (keys, wanted) => {
      const sorted = [...keys].sort(compareKeys);
      const index = lowerBound(sorted, wanted);
      expect(sorted.slice(0, index).every((one) => compareKeys(one, wanted) < 0)).toBe(true);
      expect(sorted.slice(index).every((one) => compareKeys(one, wanted) >= 0)).toBe(true);
    }),
  );
});
