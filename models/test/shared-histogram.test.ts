/** What hospitals share of their calibration, and the table that follows from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  binOf,
  binsOf,
  createScorer,
  DETECTOR_ZERO,
  encodeTable,
  federatedTable,
  HISTOGRAM_BINS,
  ORDINARY_SHARE_PPM,
  PUBLIC_CANARIES,
  sharedThreshold,
  TAIL_NOISE_MAX,
  tailNoise,
} from '../src/detector/index.js';
import { seeded } from './reference.js';

const refused = expect.objectContaining({ code: 'ERR_TABLE_CALIBRATION' }) as Error;
const { detector, table } = DETECTOR_ZERO;

function histogramOf(bins: ArrayLike<number>): number[] {
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (let i = 0; i < bins.length; i++) counts[bins[i]!]!++;
  return counts;
}

describe('the bin of a window', () => {
  it('has vectors: a border is in the lower bin', () => {
    expect([1 / 64, 1 / 63, 0.5, 1, 1e-9].map(binOf)).toEqual([0, 1, 31, 63, 0]);
  });

  it('is at or below that of α exactly if the window is held, up to the width of a bin', () => {
    const scorer = createScorer(detector, table);
    const { windows } = PUBLIC_CANARIES;
    const bins = binsOf(scorer, windows);
    expect(bins).toHaveLength(windows.length);
    const scores = scorer.scoreAll(windows);
    const last = binOf(table.alphaPpm / 1e6);
    scores.forEach(({ scoreMillionths }, i) => {
      if (scoreMillionths >= table.theta) expect(bins[i]).toBeLessThanOrEqual(last);
      else expect(bins[i]).toBeGreaterThanOrEqual(last);
    });
  });

  it('is the last for a window that no stratum judges, and shifts nobody else’s', () => {
    const scorer = createScorer(detector, table);
    const windows = PUBLIC_CANARIES.windows.slice(0, 20);
    const alone = binsOf(scorer, windows);
    const unjudged = { rows: windows[0]!.rows, mask: 0xffffffff };
    const among = binsOf(scorer, [unjudged, ...windows.slice(0, 7), unjudged, ...windows.slice(7)]);
    expect(among[0]).toBe(HISTOGRAM_BINS - 1);
    expect(among[8]).toBe(HISTOGRAM_BINS - 1);
    expect([...among].filter((_, i) => i !== 0 && i !== 8)).toEqual([...alone]);
  });
});

describe('a shared threshold', () => {
  const even = new Array<number>(HISTOGRAM_BINS).fill(100);

  it('has vectors', () => {
    expect(sharedThreshold(even, 32_000)).toEqual({ pPpm: 32_000, windows: 6_400 });
    // A hospital whose tail is twice as heavy must judge at half the p.
    const heavy = even.map((count, bin) => (bin < 4 ? 2 * count : count));
    expect(sharedThreshold(heavy, 32_000)).toEqual({ pPpm: 17_000, windows: 6_800 });
    // Noise may leave a hole; the cumulative count does not fall into it.
    const noised = even.map((count, bin) => (bin === 1 ? -30 : count));
    expect(sharedThreshold(noised, 32_000)).toEqual({ pPpm: 51_663, windows: 6_270 });
  });

  it('is α again under noise of 50 counts, as closely as the noise allows', () => {
    const random = seeded(9);
    const gauss = (): number =>
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const errors = Array.from({ length: 300 }, () => {
      const bins = Array.from({ length: 18_000 }, () => binOf(random()));
      const noised = histogramOf(bins).map((count) => count + Math.round(50 * gauss()));
      return sharedThreshold(noised, 32_000).pPpm / 1e6 - 0.032;
    });
    const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    // Two to three bins of noise 50 and √(α (1 − α) n) counts, over 18,000 windows: some half a point.
    expect(deviation).toBeGreaterThan(0.001);
    expect(deviation).toBeLessThan(0.008);
  });

  it.each([
    ['too few bins', even.slice(1)],
    ['too many', [...even, 1]],
    ['none', []],
    ['NaN', even.map((count, bin) => (bin === 3 ? Number.NaN : count))],
    ['infinity', even.map((count, bin) => (bin === 3 ? Infinity : count))],
    ['half a count', even.map((count, bin) => (bin === 3 ? 0.5 : count))],
    ['nothing above the noise', even.map(() => -1)],
  ])('refuses %s', (_, counts) => {
    expect(() => sharedThreshold(counts, 32_000)).toThrow(refused);
  });

  it('refuses an α out of range', () => {
    expect(() => sharedThreshold(even, 0)).toThrow(refused);
  });
});

describe('a federated table', () => {
  const shared = (counts: readonly number[], noiseExponent = 4) => ({
    counts,
    contributors: 3,
    noiseExponent,
    binMs: 3_600_000,
  });
  /** 20,000 windows of which `share` lie at or below p = 3.2 %, evenly on either side. */
  const tail = (share: number): number[] =>
    Array.from({ length: HISTOGRAM_BINS }, (_, bin) =>
      Math.round(bin < 2 ? (20_000 * share) / 2.048 : (20_000 * (1 - share)) / 62),
    );

  it('is the public one where the noise drowns the tail, at every count', () => {
    const small = tail(0.1).map((count) => Math.round(count / 20));
    expect(tailNoise(shared(small), table)).toBeGreaterThan(TAIL_NOISE_MAX);
    expect(federatedTable(table, shared(small))).toBe(table);
    expect(federatedTable(table, shared(small.map(() => -5)))).toBe(table);
    expect(federatedTable(table, shared(tail(0.1), 8))).toBe(table);
  });

  it('holds fewer where more windows lie in the tail, and more where fewer do', () => {
    const { alphaPpm } = table;
    expect(federatedTable(table, shared(tail(0.15))).alphaPpm).toBeLessThan(alphaPpm);
    expect(federatedTable(table, shared(tail(0.06))).alphaPpm).toBeGreaterThan(alphaPpm);
    // As many as in ordinary hospitals: α stays where it is, up to the straight line through the bin that it lies in.
    const ordinary = federatedTable(table, shared(tail(ORDINARY_SHARE_PPM.get(3_600_000)! / 1e6)));
    expect(Math.abs(ordinary.alphaPpm / alphaPpm - 1)).toBeLessThan(0.06);
  });

  it('is the public one for bins of a length of which nobody knows what is ordinary', () => {
    expect(federatedTable(table, { ...shared(tail(0.3)), binMs: 7_200_000 })).toBe(table);
  });

  it('stays within half and double of α whatever comes, and its bytes are those of a table', () => {
    const count = fc.integer({ min: -5_000, max: 1_000_000 });
    fc.assert(
      fc.property(
        fc.array(count, { minLength: HISTOGRAM_BINS, maxLength: HISTOGRAM_BINS }),
        (counts) => {
          const made = federatedTable(table, shared(counts));
          expect(made.alphaPpm).toBeGreaterThanOrEqual(table.alphaPpm / 2);
          expect(made.alphaPpm).toBeLessThanOrEqual(2 * table.alphaPpm);
          expect(encodeTable(made)).toEqual(encodeTable(federatedTable(table, shared(counts))));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses counts that are none', () => {
    expect(() => federatedTable(table, shared([1, 2, 3]))).toThrow(refused);
    expect(() => federatedTable(table, shared(tail(0.03).map(() => Number.NaN)))).toThrow(refused);
  });
});
