import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson, parseJsonObject, type JsonValue } from '../src/canonical-json.js';
import { contentCache } from '../src/content-cache.js';
import { callDigest } from '../src/function-call.js';
import { ledgerKey, parseLedgerKey, reviewIndexKey } from '../src/ledger-keys.js';

const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

describe('canonical JSON', () => {
  it('is JSON, and has one spelling whatever the order of insertion', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json, { noNullPrototype: true }), (object) => {
        const text = canonicalJson(object);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(object)));
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(reversed)).toBe(text);
        expect(canonicalJson(parseJsonObject(text, 'x'))).toBe(text);
      }),
    );
  });

  it.each([0.5, NaN, Infinity, 2 ** 53, -(2 ** 53)])('refuses the number %s', (number) => {
    expect(() => canonicalJson({ number })).toThrow('ERR_LEDGER_VALUE');
  });

  it.each([1n, Symbol('x'), () => 1])('refuses what is not JSON', (value) => {
    expect(() => canonicalJson([value as never])).toThrow('ERR_LEDGER_VALUE');
  });

  it('drops what is undefined, and writes one zero', () => {
    expect(canonicalJson({ b: undefined, a: -0 })).toBe('{"a":0}');
  });

  it.each(['', '[]', 'null', '1', '{'])('an object is not read from %j', (text) => {
    expect(() => parseJsonObject(text, 'thing')).toThrow('ERR_LEDGER_VALUE: thing: ');
  });
});

const part = fc.string({ minLength: 1 }).filter((text) => !text.includes('\u0000'));

describe('ledger keys', () => {
  it('give their parts back', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        expect(parseLedgerKey(ledgerKey(...parts))).toEqual(parts);
      }),
    );
  });

  it('never begin like the key of other parts', () => {
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        fc.pre(one.length === two.length && one.join('\u0000') !== two.join('\u0000'));
        expect(ledgerKey(...one)).not.toBe(ledgerKey(...two));
      }),
    );
  });

  it.each([[''], ['a', ''], ['a\u0000b']])('refuse the parts %j', (...parts) => {
    expect(() => ledgerKey(...parts)).toThrow('ERR_ARGUMENT');
  });

  it('of the review index sort by deadline', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        fc.pre(a < b);
        expect(reviewIndexKey('open', a, 'f') < reviewIndexKey('open', b, '0')).toBe(true);
      }),
    );
  });
});

describe('the digest of a call', () => {
  const args = fc.array(fc.stringMatching(/^[a-z0-9]{0,6}$/), { minLength: 3, maxLength: 6 });

  it('ignores session and context, and nothing else', () => {
    fc.assert(
      fc.property(args, args, fc.string(), fc.string(), (one, two, session, context) => {
        const elsewhere = [session, ...one.slice(1, -1), context];
        expect(callDigest('C:f', elsewhere)).toBe(callDigest('C:f', one));
        const sameRequest = one.slice(1, -1).join('\u001f') === two.slice(1, -1).join('\u001f');
        expect(callDigest('C:f', one) === callDigest('C:f', two)).toBe(sameRequest);
        expect(callDigest('C:g', one)).not.toBe(callDigest('C:f', one));
      }),
    );
  });
});

describe('the content cache', () => {
  it('makes a value once while it is among the most recent', () => {
    const cache = contentCache<string>(2);
    const made: string[] = [];
    const get = (content: string): string =>
      cache(content, () => {
        made.push(content);
        return content.toUpperCase();
      });
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map(get)).toEqual(['A', 'B', 'A', 'C', 'A', 'B']);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
  });

  it('does not remember a failure', () => {
    const cache = contentCache<string>(2);
    const fail = (): string => {
      throw new Error('no');
    };
    expect(() => cache('a', fail)).toThrow('no');
    expect(cache('a', () => 'yes')).toBe('yes');
  });
});
