import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../src/architecture/index.js';
import {
  decodeCanaries,
  decodeDetector,
  decodeTable,
  DETECTOR_BYTES_MAX,
  encodeCanaries,
  encodeDetector,
  encodeTable,
} from '../src/detector/index.js';
import { DetectorError } from '../src/errors.js';
import { makeDetector, makeSmallDetector, makeWindows } from './fixture.js';
import { seeded } from './reference.js';

const made = makeSmallDetector();
/** Few parameters too, so that every bit can be tried. */
const tiny = { ...made.detector.architecture, hidden: 1, latent: 1 };
const parameters = made.detector.parameters.slice(0, layoutOf(tiny).parameterCount);
const small = { ...made, detector: { ...made.detector, architecture: tiny, parameters } };
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

  it('with one bit flipped are refused, or are other bytes: no flip decodes to the same value', () => {
    let accepted = 0;
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const again = outcome(() => recode(flipped));
      if (again === null) continue;
      accepted++;
      if (!equal(again, flipped)) expect.fail(`bit ${bit} decodes to another encoding`);
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(8 * bytes.length);
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
    ['ERR_DETECTOR_VALUE', { normaliser: { ...detector.normaliser, scale: new Float32Array(24) } }],
    ['ERR_DETECTOR_VALUE', { normaliser: { ...detector.normaliser, clip: 0.1 } }],
    ['ERR_DETECTOR_VALUE', { strata: [] }],
    ['ERR_DETECTOR_VALUE', { strata: [...detector.strata, ...detector.strata] }],
    ['ERR_DETECTOR_VALUE', { vocabulary: { hash: '', size: 1 } }],
  ])('is refused with %s for %o', (code, change) => {
    expect(() => encodeDetector({ ...detector, ...change })).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  it('above 64 KiB is refused in both directions', () => {
    const many = Array.from({ length: 7 }, (_, i) => ({
      ...full.detector.strata[0]!,
      lengthMin: i + 1,
      lengthMax: i + 1,
    }));
    const size = expect.objectContaining({ code: 'ERR_DETECTOR_SIZE' }) as Error;
    expect(() => encodeDetector({ ...full.detector, strata: many })).toThrow(size);
    expect(() => decodeDetector(new Uint8Array(DETECTOR_BYTES_MAX + 1))).toThrow(size);
  });
});

describe('a table', () => {
  const { table } = small;
  const [stratum] = table.strata;
  it.each([
    ['scores that fall', { scores: stratum!.scores.slice().reverse() }],
    ['thresholds that do not start at 0', { thresholds: stratum!.thresholds.map((t) => t + 1) }],
    ['fewer scores than thresholds', { scores: stratum!.scores.slice(1) }],
    ['no calibration window', { n: 0 }],
    ['lengths that run backwards', { lengthMin: 3, lengthMax: 2 }],
  ])('with %s is refused', (_, change) => {
    expect(() => encodeTable({ ...table, strata: [{ ...stratum!, ...change }] })).toThrow(
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
