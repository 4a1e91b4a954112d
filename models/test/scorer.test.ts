import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  areaUnderCurve,
  canaryReport,
  createScorer,
  DETECTOR_ZERO,
  nonconformityOf,
  PUBLIC_CANARIES,
  standardise,
} from '../src/detector/index.js';
import { COLUMN_COUNT, LAYOUT, TIMELESS_MASK } from '../src/features/index.js';
import { makeDetector, makeWindows } from './fixture.js';

const { detector, table } = makeDetector();
const scorer = createScorer(detector, table);
const windows = makeWindows(400, 11);

describe('scorer', () => {
  it('gives the same score alone and among others', () => {
    const masked = windows.map((w, i) => ({ ...w, mask: i % 3 === 0 ? TIMELESS_MASK : 0 }));
    expect(scorer.scoreAll(masked)).toEqual(masked.map((window) => scorer.score(window)));
    expect(scorer.scoreAll([])).toEqual([]);
  });

  it('does not look at masked columns', () => {
    const [window] = windows;
    const spoilt = window!.rows.map((row) =>
      row.map((x, column) => ((TIMELESS_MASK >>> column) & 1 ? 32_767 : x)),
    );
    const plain = scorer.score({ ...window!, mask: TIMELESS_MASK });
    expect(scorer.score({ rows: spoilt, mask: TIMELESS_MASK })).toEqual(plain);
    expect(scorer.score({ rows: spoilt, mask: 0 })).not.toEqual(plain);
  });

  it('uses the smallest stratum that leaves out all that a window lacks', () => {
    const [window] = windows;
    const one = TIMELESS_MASK & -TIMELESS_MASK;
    expect(scorer.score({ ...window!, mask: one })).toEqual(
      scorer.score({ ...window!, mask: TIMELESS_MASK }),
    );
  });

  it('ranks strange windows above normal ones, and holds its alert rate on normal ones', () => {
    const normal = scorer.scoreAll(makeWindows(4000, 12));
    const strange = scorer.scoreAll(makeWindows(400, 13, 4));
    const auc = areaUnderCurve(
      normal.map((s) => s.scoreMillionths),
      strange.map((s) => s.scoreMillionths),
    );
    expect(auc).toBeGreaterThan(0.9);
    const rate = normal.filter((s) => s.scoreMillionths >= 870_000).length / 4000;
    expect(rate).toBeGreaterThan(0.015);
    expect(rate).toBeLessThan(0.06);
  });

  it.each([
    ['ERR_SCORE_STRATUM', { rows: [], mask: 0 }],
    ['ERR_SCORE_STRATUM', { rows: windows[0]!.rows, mask: 1 << 30 }],
    [
      'ERR_SCORE_STRATUM',
      { rows: Array.from({ length: 17 }, () => windows[0]!.rows[0]!), mask: 0 },
    ],
    ['ERR_SCORE_WINDOW', { rows: [new Int16Array(3)], mask: 0 }],
  ])('refuses with %s', (code, window) => {
    expect(() => scorer.score(window)).toThrow(expect.objectContaining({ code }) as Error);
    expect(() => scorer.scoreAll([windows[0]!, window])).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  it.each([
    ['ERR_DETECTOR_KERNEL', { kernelHash: '00'.repeat(32) }],
    ['ERR_DETECTOR_SCHEMA', { featureSchemaHash: '00'.repeat(32) }],
    ['ERR_DETECTOR_SCHEMA', { featureSchemaVersion: 9 }],
    ['ERR_DETECTOR_LAYOUT', { layoutHash: '00'.repeat(32) }],
    [
      'ERR_DETECTOR_LAYOUT',
      { normaliser: { ...detector.normaliser, center: detector.normaliser.center.slice(1) } },
    ],
  ])('is not made for another world: %s', (code, change) => {
    expect(() => createScorer({ ...detector, ...change }, table)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  it.each([
    ['lacks a stratum', { strata: table.strata.slice(1) }],
    ['lacks a member', { evidence: table.evidence.slice(1) }],
    ['has the members in another order', { evidence: table.evidence.toReversed() }],
  ])('is not made with a table that %s', (_, change) => {
    expect(() => createScorer(detector, { ...table, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_DETECTOR_TABLE' }) as Error,
    );
  });

  it('turns distances into fixed point, and refuses those that are none', () => {
    expect(nonconformityOf(1.5)).toBe(98_304);
    expect(nonconformityOf(2 ** -17)).toBe(0);
    expect(nonconformityOf(1e30)).toBe(0xffffffff);
    for (const bad of [NaN, Infinity]) {
      expect(() => nonconformityOf(bad)).toThrow(
        expect.objectContaining({ code: 'ERR_SCORE_NOT_FINITE' }) as Error,
      );
    }
  });
});

describe('standardise', () => {
  it('gives exact float32 of the formula, within the clip', () => {
    fc.assert(
      fc.property(fc.nat(399), (index) => {
        const window = windows[index]!;
        const { windows: inputs, lengths } = standardise([window], detector.normaliser);
        expect(lengths[0]).toBe(window.rows.length);
        window.rows.forEach((row, step) => {
          LAYOUT.columns.forEach(({ k }, column) => {
            const { center, scale } = detector.normaliser;
            const x = Math.fround(
              Math.fround(row[column]! / 2 ** k - center[column]!) * scale[column]!,
            );
            const held = Math.max(-6, Math.min(6, x));
            expect(inputs[step * COLUMN_COUNT + column]).toBe(held);
          });
        });
        expect(inputs.subarray(window.rows.length * COLUMN_COUNT).every((x) => x === 0)).toBe(true);
      }),
    );
  });
});

describe('explanation', () => {
  const strange = makeWindows(60, 14, 5);

  it('has shares by step and column that sum to 1', () => {
    for (const window of [...strange, ...windows.slice(0, 60)]) {
      const { shares, columns, steps } = scorer.explain(window);
      expect(shares).toHaveLength(window.rows.length * COLUMN_COUNT);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      for (const { index, share } of columns) {
        const own = shares.filter((_, cell) => cell % COLUMN_COUNT === index);
        expect(own.reduce((sum, part) => sum + part, 0)).toBeCloseTo(share, 9);
      }
      for (const { step, share } of steps) {
        const own = shares.subarray(step * COLUMN_COUNT, (step + 1) * COLUMN_COUNT);
        expect(own.reduce((sum, part) => sum + part, 0)).toBeCloseTo(share, 9);
      }
    }
  });

  it('names the planted column among the first three, with numbers', () => {
    const found = strange.filter((window) => {
      const { columns } = scorer.explain(window);
      return columns.slice(0, 3).some(({ index }) => index === 3);
    });
    expect(found.length / strange.length).toBeGreaterThan(0.9);
    const { sentences, columns, leader } = scorer.explain(strange[0]!);
    const at = columns.findIndex(({ index }) => index === 3);
    expect(sentences[at]).toContain(LAYOUT.columns[3]!.name);
    expect(sentences[at]).toMatch(/\d+(\.\d+)? times the normal one, \d+ % of the strangeness/);
    expect(sentences.at(-1)).toContain(`the member ${leader}: seen in at most 1 of`);
  });

  it('names the threat family whose network saw most', () => {
    // What moved is a column that only the insider's network sees.
    const families = strange.map((window) => scorer.explain(window).family);
    const right = families.filter((family) => family === 'insider').length;
    expect(right / strange.length).toBeGreaterThan(0.8);
  });

  it('gives the score that the counterfactual window really gets', () => {
    for (const window of strange.slice(0, 10)) {
      const explained = scorer.explain(window);
      expect(explained).toMatchObject(scorer.score(window));
      for (const { index, usual, scoreWithoutMillionths } of explained.columns) {
        const normal = Math.round(usual * 2 ** LAYOUT.columns[index]!.k);
        const rows = window.rows.map((row) => row.with(index, normal));
        expect(scorer.score({ ...window, rows }).scoreMillionths).toBe(scoreWithoutMillionths);
      }
      for (const { step, scoreWithoutMillionths } of explained.steps) {
        const rows = window.rows.toSpliced(step, 1);
        if (rows.length === 0) expect(scoreWithoutMillionths).toBeNull();
        else expect(scorer.score({ ...window, rows }).scoreMillionths).toBe(scoreWithoutMillionths);
      }
    }
  });

  it('compares with the peers’ usual value and with the session’s other calls', () => {
    const window = strange.find(({ rows }) => rows.length > 4)!;
    for (const { index, step, usual, ownUsual } of scorer.explain(window).columns) {
      const { k } = LAYOUT.columns[index]!;
      expect(usual).toBe(detector.normaliser.center[index]);
      const others = window.rows.toSpliced(step, 1).map((row) => row[index]! / 2 ** k);
      expect(others).toContain(ownUsual);
      expect(others.filter((x) => x < ownUsual!).length).toBeLessThanOrEqual(others.length / 2);
    }
  });

  it('has errors per step that are the sums of those per column', () => {
    for (const window of strange) {
      const { errors, stepErrors, length } = scorer.explain(window);
      expect(length).toBe(window.rows.length);
      expect(errors).toHaveLength(length * COLUMN_COUNT);
      const total = errors.reduce((sum, x) => sum + x, 0);
      expect(total).toBeGreaterThan(0);
      expect(stepErrors.reduce((sum, x) => sum + x, 0)).toBeCloseTo(total, 3);
    }
  });
});

describe('canary report', () => {
  const canaries = {
    windows: [...makeWindows(300, 15), ...makeWindows(100, 16, 4)],
    labels: Uint8Array.from({ length: 400 }, (_, i) => (i < 300 ? 0 : 1)),
  };

  it('measures ranking and alert rate, and gives the bytes of all scores', () => {
    const report = canaryReport(detector, table, canaries);
    expect(report.auc).toBeGreaterThan(0.9);
    const scores = scorer.scoreAll(canaries.windows).map((s) => s.scoreMillionths);
    const view = new DataView(report.scoreBytes.buffer);
    expect(scores.map((_, i) => view.getUint32(4 * i, true))).toEqual(scores);
    const alerts = scores.slice(0, 300).filter((s) => s >= 870_000).length;
    expect(report.alertRatePpm).toBe(Math.round((1e6 * alerts) / 300));
  });

  it('of other parameters has other bytes', () => {
    const other = makeDetector({ parameterSeed: 99 }).detector;
    expect(
      canaryReport({ ...detector, parameters: other.parameters }, table, canaries).scoreBytes,
    ).not.toEqual(canaryReport(detector, table, canaries).scoreBytes);
  });

  it('counts ties as half, like the pairwise definition', () => {
    const side = fc.array(fc.nat(6), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(side, side, (normal, attacks) => {
        let wins = 0;
        for (const a of attacks) for (const b of normal) wins += a > b ? 1 : a === b ? 0.5 : 0;
        expect(areaUnderCurve(normal, attacks)).toBeCloseTo(
          wins / (normal.length * attacks.length),
          12,
        );
      }),
    );
  });
});

describe('detector 0', () => {
  it('fits this kernel and schema, and judges the public canaries', () => {
    const report = canaryReport(DETECTOR_ZERO.detector, DETECTOR_ZERO.table, PUBLIC_CANARIES);
    expect(report.auc).toBeGreaterThan(0.75);
    // Within [α / 2, 2 α], the band that activation asks of every version.
    expect(report.alertRatePpm).toBeGreaterThan(16_000);
    expect(report.alertRatePpm).toBeLessThan(64_000);
    expect(DETECTOR_ZERO.detector.version).toBe(0);
    expect(DETECTOR_ZERO.detectorBytes.length).toBeLessThan(65_536);
  });
});
