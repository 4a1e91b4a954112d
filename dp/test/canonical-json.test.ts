import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseCanonicalJson, type JsonValue } from '../src/canonical-json.js';
import { CanonicalJsonError } from '../src/errors.js';
import { sha256Hex } from '../src/sha256.js';

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe('canonical JSON', () => {
  it('sorts keys by code unit at every level and writes no white space', () => {
    expect(canonicalJson({ b: [1, { z: null, a: true }], a: 'x', B: -3 })).toBe(
      '{"B":-3,"a":"x","b":[1,{"a":true,"z":null}]}',
    );
  });

  it('hashes the empty string as FIPS 180-4 says', () => {
    expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256Hex(new Uint8Array(0))).toBe(sha256Hex(''));
  });

  it.each([
    ['a fraction', 0.5],
    ['NaN', NaN],
    ['infinity', Infinity],
    ['minus zero', -0],
    ['an integer above 2^53 − 1', 2 ** 53],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a function', () => 0],
    ['a date', new Date(0)],
    ['a lone surrogate', '\ud800'],
    ['a hole', [1, undefined]],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson({ x: value } as never)).toThrow(CanonicalJsonError);
  });

  it('refuses a cycle by its depth', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(() => canonicalJson(loop as never)).toThrow(/nested deeper/);
  });

  it('names the path of what it refuses', () => {
    expect(() => canonicalJson({ a: [0, { b: 0.1 }] })).toThrow('$.a[1].b');
  });

  it.each([
    '{"b":1,"a":2}',
    '{"a": 1}',
    '{"a":1.0}',
    '{"a":1e2}',
    '{"a":1,"a":2}',
    '"\\u0041"',
    'x',
    '',
  ])('reading refuses %s', (text) => {
    expect(() => parseCanonicalJson(text)).toThrow(CanonicalJsonError);
  });

  it('reads back what it wrote, byte for byte (property)', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(parseCanonicalJson(text))).toBe(text);
      }),
    );
  });

  it('does not depend on the order in which keys were set (property)', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true }), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      }),
    );
  });
});
