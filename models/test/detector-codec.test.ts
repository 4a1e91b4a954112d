import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../src/detector/crc32.js';
import {
  decodeCanaries,
  decodeDetector,
  decodeTable,
  DETECTOR_BYTES_MAX,
  encodeCanaries,
  encodeDetector,
  encodeTable,
  type Detector,
} from '../src/detector/index.js';
import { DetectorError } from '../src/errors.js';
import { isOnWhiteningGrid, toWhiteningGrid } from '../src/detector/whitening-grid.js';
import { makeDetector, makeSmallDetector, makeWindows } from './fixture.js';
import { seeded } from './reference.js';

const small = makeSmallDetector();
const canaries = { windows: makeWindows(5, 9), labels: Uint8Array.of(0, 1, 0, 1, 1) };
const full = makeDetector();

const codecs = [
  [
    'detector',
    encodeDetector(small.detector),
    (b: Uint8Array) => encodeDetector(decodeDetector(b)),
  ],
  ['table', encodeTable(small.table), (b: Uint8Array) => encodeTable(decodeTable(b))],
  ['canaries', encodeCanaries(canaries), (b: Uint8Array) => encodeCanaries(decodeCanaries(b))],
] as const;

describe.each(codecs)('bytes of a %s', (_, bytes, recode) => {
  it('survive decoding and encoding', () => {
    expect(recode(bytes)).toEqual(bytes);
  });

  it('cut short anywhere are refused with a code', () => {
    for (let length = 0; length < bytes.length; length++) {
      expectCoded(() => recode(bytes.subarray(0, length)));
    }
  });

  it('with anything behind them are refused', () => {
    expectCoded(() => recode(Uint8Array.of(...bytes, 0)));
  });

  it('with any one bit flipped are refused with a code', () => {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expectCoded(() => recode(flipped));
    }
  });

  it('with one bit flipped and a checksum to match are refused, or are other bytes', () => {
    let accepted = 0;
    const end = bytes.length - 4;
    let tried = 0;
    // Eleven is prime to eight, so bits of every weight are tried.
    for (let bit = 0; bit < 8 * end; bit += 11, tried++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      new DataView(flipped.buffer).setUint32(end, crc32(flipped.subarray(0, end)), true);
      const again = outcome(() => recode(flipped));
      if (again === null) continue;
      accepted++;
      if (!equal(again, flipped)) expect.fail(`bit ${bit} decodes to another encoding`);
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(tried);
  });

  it('made of noise, or with noise in them, never crash', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(bytes.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 16 }),
        (noise, at, patch) => {
          outcome(() => recode(noise));
          const patched = bytes.slice();
          patched.set(patch.subarray(0, bytes.length - at), at);
          const again = outcome(() => recode(patched));
          if (again !== null) expect(again).toEqual(patched);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a detector', () => {
  it('of five strata fits into one transaction and keeps every field', () => {
    const bytes = encodeDetector(full.detector);
    expect(bytes.length).toBeLessThan(DETECTOR_BYTES_MAX);
    expect(decodeDetector(bytes)).toEqual(full.detector);
    expect(decodeTable(encodeTable(full.table))).toEqual(full.table);
  });

  it('without vocabulary, plan and manifest keeps that too', () => {
    const detector = { ...small.detector, vocabulary: null, planHash: '', manifestDigest: '' };
    expect(decodeDetector(encodeDetector(detector))).toEqual(detector);
  });

  const { detector } = small;
  const nan = detector.normaliser.center.map((x, i) => (i === 2 ? NaN : x));
  it.each([
    ['ERR_DETECTOR_VALUE', { version: -1 }],
    ['ERR_DETECTOR_VALUE', { round: 'é' }],
    ['ERR_DETECTOR_VALUE', { round: 'x'.repeat(65) }],
    ['ERR_DETECTOR_VALUE', { kernelHash: 'ABC' }],
    ['ERR_DETECTOR_VALUE', { planHash: '00' }],
    ['ERR_DETECTOR_VALUE', { parameters: new Int32Array(3) }],
    ['ERR_DETECTOR_VALUE', { parameters: detector.parameters.map(() => 2 ** 24) }],
    ['ERR_DETECTOR_VALUE', { normaliser: { ...detector.normaliser, center: nan } }],
    ['ERR_DETECTOR_VALUE', { normaliser: { ...detector.normaliser, scale: new Float32Array(30) } }],
    ['ERR_DETECTOR_VALUE', { normaliser: { ...detector.normaliser, clip: 0.1 } }],
    ['ERR_DETECTOR_VALUE', { members: [] }],
    ['ERR_DETECTOR_VALUE', { members: [...detector.members, detector.members[0]!] }],
    ['ERR_DETECTOR_VALUE', { members: detector.members.slice(1) }],
    ['ERR_DETECTOR_VALUE', { members: [{ kind: 'unseen' as const, name: 'Un seen' }] }],
    ['ERR_DETECTOR_VALUE', { members: withLaw({ whitening: Float32Array.of(0.1) }) }],
    ['ERR_DETECTOR_VALUE', { members: withLaw({ mean: new Float32Array(9).fill(NaN) }) }],
    ['ERR_DETECTOR_VALUE', { members: withLaw({ whitening: offGrid() }) }],
    ['ERR_DETECTOR_VALUE', { strata: [] }],
    ['ERR_DETECTOR_VALUE', { strata: [...detector.strata, ...detector.strata] }],
    ['ERR_DETECTOR_VALUE', { vocabulary: { hash: '', size: 1 } }],
  ])('is refused with %s for %o', (code, change) => {
    expect(() => encodeDetector({ ...detector, ...change })).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  it('above 64 KiB is refused in both directions', () => {
    const members = Array.from({ length: 8 }, (_, i) => ({
      ...full.detector.members[3]!,
      name: `copy-${'abcdefgh'[i]!}`,
    }));
    const size = expect.objectContaining({ code: 'ERR_DETECTOR_SIZE' }) as Error;
    const large = { ...full.detector, members: [...full.detector.members, ...members] };
    expect(() => encodeDetector(large)).toThrow(size);
    expect(() => decodeDetector(new Uint8Array(DETECTOR_BYTES_MAX + 1))).toThrow(size);
  });

  /** The network with another law. */
  function withLaw(change: object): Detector['members'] {
    return detector.members.map((member) =>
      member.kind === 'autoencoder'
        ? { ...member, laws: [{ ...member.laws[0]!, ...change }] }
        : member,
    );
  }

  function offGrid(): Float32Array {
    const [network] = detector.members;
    if (network?.kind !== 'autoencoder') throw new Error('the first member is the network');
    return network.laws[0]!.whitening.map((entry, i) => (i === 4 ? entry * (1 + 2 ** -18) : entry));
  }
});

describe('the whitening grid', () => {
  it('keeps 15 bits of a row’s largest entry, and is its own fixed point', () => {
    const entry = fc
      .float({ min: Math.fround(-1e6), max: Math.fround(1e6), noNaN: true })
      .map((x) => (Math.abs(x) < 1e-20 ? 0 : x));
    fc.assert(
      fc.property(fc.array(entry, { minLength: 6, maxLength: 6 }), (entries) => {
        const factor = Float32Array.from(entries);
        const once = toWhiteningGrid(factor, 3);
        expect(toWhiteningGrid(once, 3)).toEqual(once);
        expect(isOnWhiteningGrid(once, 3)).toBe(true);
        for (const [start, end] of [
          [0, 1],
          [1, 3],
          [3, 6],
        ] as const) {
          const largest = Math.max(...factor.subarray(start, end).map(Math.abs));
          for (let i = start; i < end; i++) {
            expect(Math.abs(once[i]! - factor[i]!)).toBeLessThanOrEqual(largest * 2 ** -15);
          }
        }
      }),
    );
  });
});

describe('CRC-32', () => {
  it('has the check value of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});

describe('a table', () => {
  const { table } = small;
  const [stratum] = table.strata;
  it.each([
    ['scores that fall', { values: stratum!.values.slice().reverse() }],
    ['thresholds that do not start at 0', { thresholds: stratum!.thresholds.map((t) => t + 1) }],
    ['fewer scores than thresholds', { values: stratum!.values.slice(1) }],
    ['no calibration window', { n: 0 }],
    ['lengths that run backwards', { lengthMin: 3, lengthMax: 2 }],
    ['windows of nobody knows whom', { pool: 'some' as never }],
  ])('with %s is refused', (_, change) => {
    expect(() => encodeTable({ ...table, strata: [{ ...stratum!, ...change }] })).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_VALUE' }) as Error,
    );
  });
});

describe('the evidence of a table', () => {
  const { table } = small;
  const [first, second] = table.evidence;
  it.each([
    ['no member', []],
    ['a member twice', [first!, first!]],
    ['a member without steps', [{ ...first!, steps: [] }]],
    ['a name that is none', [{ ...first!, member: 'é' }]],
    [
      'steps that fall',
      [{ ...first!, steps: [{ thresholds: Uint32Array.of(0, 5), values: Uint32Array.of(9, 9) }] }],
    ],
    [
      'thresholds that start late',
      [
        second!,
        { ...first!, steps: [{ thresholds: Uint32Array.of(5), values: Uint32Array.of(9) }] },
      ],
    ],
  ])('with %s is refused', (_, evidence) => {
    expect(() => encodeTable({ ...table, evidence })).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_VALUE' }) as Error,
    );
  });
});

describe('canaries', () => {
  it.each([
    ['labels of one kind', { ...canaries, labels: new Uint8Array(5) }],
    ['a label too few', { ...canaries, labels: Uint8Array.of(0, 1) }],
    ['no window', { windows: [], labels: new Uint8Array(0) }],
  ])('with %s are refused', (_, value) => {
    expect(() => encodeCanaries(value)).toThrow(
      expect.objectContaining({ code: 'ERR_CANARIES_VALUE' }) as Error,
    );
  });
});

it('random fields of a detector survive', () => {
  const hash = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
  fc.assert(
    fc.property(
      fc.record({
        version: fc.nat(),
        round: fc.string({ maxLength: 64, unit: 'grapheme-ascii' }),
        planHash: fc.oneof(hash, fc.constant('')),
        manifestDigest: fc.oneof(hash, fc.constant('')),
        layoutHash: hash,
        vocabulary: fc.option(fc.record({ hash, size: fc.nat() })),
        parameters: fc.nat().map((seed) => {
          const random = seeded(seed);
          return small.detector.parameters.map(() => Math.floor((2 * random() - 1) * 2 ** 24));
        }),
      }),
      (fields) => {
        const detector = { ...small.detector, ...fields };
        expect(decodeDetector(encodeDetector(detector))).toEqual(detector);
      },
    ),
    { numRuns: 50 },
  );
});

/** The result, or null if it was refused with a code; anything else fails the test. */
function outcome(call: () => Uint8Array): Uint8Array | null {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof DetectorError)) throw error;
    expect(error.code).toMatch(/^ERR_(DETECTOR|TABLE|CANARIES)_(BYTES|VALUE|SIZE)$/);
    return null;
  }
}

function expectCoded(call: () => Uint8Array): void {
  if (outcome(call) !== null) expect.fail('expected a refusal');
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
