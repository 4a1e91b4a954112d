import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRoleTables,
  encodeRoleTables,
  featureSchemaDescription,
  featureSchemaHash,
  FeatureError,
  flatRoleTables,
  ROLE_TABLE_LENGTHS,
  sharesOf,
  TRIGRAM_CELLS,
  type RoleTables,
} from '../src/features/index.js';
import { seeded } from './reference.js';

describe('feature schema', () => {
  it('has the hash that is committed; after a change of meaning commit the new one and raise the version', () => {
    const hash = createHash('sha256').update(featureSchemaDescription()).digest('hex');
    expect(featureSchemaHash).toBe(hash);
  });
});

const anyTable = (length: number): fc.Arbitrary<Uint16Array> =>
  fc
    .array(fc.tuple(fc.nat({ max: length - 1 }), fc.integer({ min: 1, max: 65_535 })), {
      maxLength: 40,
    })
    .map((entries) => {
      const table = new Uint16Array(length).fill(1);
      for (const [at, share] of entries) table[at] = share;
      return table;
    });

describe('role tables', () => {
  it('read back what they wrote', () => {
    const tables: fc.Arbitrary<RoleTables> = fc.record({
      actShares: anyTable(ROLE_TABLE_LENGTHS.actShares),
      hourShares: anyTable(ROLE_TABLE_LENGTHS.hourShares),
      purposeShares: anyTable(ROLE_TABLE_LENGTHS.purposeShares),
      actorShares: anyTable(ROLE_TABLE_LENGTHS.actorShares),
      trigrams: fc.nat().map((seed) => {
        const random = seeded(seed);
        return Uint8Array.from({ length: TRIGRAM_CELLS }, () => Math.floor(16 * random()));
      }),
    });
    fc.assert(
      fc.property(tables, (value) => {
        expect(decodeRoleTables(encodeRoleTables(value))).toEqual(value);
      }),
    );
  });

  it('are refused when cut short, prolonged or written another way', () => {
    const bytes = encodeRoleTables(flatRoleTables());
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRoleTables(bytes.slice(0, length))).toThrow(FeatureError);
    }
    expect(() => decodeRoleTables(Uint8Array.of(...bytes, 1))).toThrow(FeatureError);
  });

  it('make shares that are never 0 and sum to about 1', () => {
    const shares = sharesOf([900, 90, 10, 0], 4);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
    expect(shares.reduce((a, b) => a + b)).toBeGreaterThan(65_500);
    expect(shares[0]! / 65_536).toBeCloseTo(901 / 1004, 3);
    expect(sharesOf([5], 0)[0]).toBe(65_535);
  });
});
