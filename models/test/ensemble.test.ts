import { describe, expect, it } from 'vitest';
import { fromFixedPoint } from '../src/architecture/index.js';
import {
  areaUnderCurve,
  createEnsemble,
  createScorer,
  fitEnsemble,
  fitStrata,
  likelihoodRatioMember,
  standardise,
  unseenMember,
  whitenedMember,
  type Member,
  type ScoredWindow,
} from '../src/detector/index.js';
import { COLUMN, COLUMN_COUNT, PEERLESS_MASK } from '../src/features/index.js';
import { createKernel } from '../src/kernel/index.js';
import { makeDetector, makeWindows, STRATA } from './fixture.js';

const { detector, table } = makeDetector();
const { normaliser, strata } = detector;
const kernel = createKernel(detector.architecture);
kernel.setParameters(fromFixedPoint(detector.parameters));
const featureStrata = fitStrata({
  kernel,
  batch: standardise(makeWindows(2500, 1), normaliser),
  keys: STRATA,
  of: 'features',
});
const autoencoder = whitenedMember({
  name: 'autoencoder',
  kernel,
  strata,
  normaliser,
  of: 'residuals',
});
const features = whitenedMember({
  name: 'features',
  kernel,
  strata: featureStrata,
  normaliser,
  of: 'features',
});
const members: readonly Member[] = [autoencoder, features, likelihoodRatioMember(), unseenMember()];

/** Windows of full columns and, a third of them, of those without peers and clock. */
const mixed = (count: number, seed: number, shift = 0): ScoredWindow[] =>
  makeWindows(count, seed, shift).map((w, i) => ({
    ...w,
    mask: i % 3 === 0 ? STRATA[4]!.columnMask : 0,
  }));
const keys = STRATA.filter((_, i) => i !== 3);
const fit = { keys, halfA: mixed(3000, 51), halfB: mixed(3000, 52) };

const row = (entries: Record<number, number>): Int16Array =>
  Int16Array.from({ length: COLUMN_COUNT }, (_, i) => entries[i] ?? 0);

describe('members', () => {
  it('the autoencoder is the scorer’s nonconformity', () => {
    const windows = mixed(50, 53);
    const scores = createScorer(detector, table).scoreAll(windows);
    expect([...autoencoder.nonconformities(windows)]).toEqual(scores.map((s) => s.nonconformity));
    expect(features.nonconformities(windows)).not.toEqual(autoencoder.nonconformities(windows));
  });

  it('the likelihood ratio is sum and largest over the last five rows', () => {
    const rows = [900, 1, 2, 30, -4, 5].map((x) => row({ [COLUMN.logRatio]: x }));
    const member = likelihoodRatioMember();
    expect([...member.nonconformities([{ rows, mask: 0 }])]).toEqual([34 + 30]);
    expect([...member.nonconformities([{ rows, mask: PEERLESS_MASK }])]).toEqual([0]);
    const calm = [row({ [COLUMN.logRatio]: -500 })];
    expect([...member.nonconformities([{ rows: calm, mask: 0 }])]).toEqual([0]);
  });

  it('unseen counts acts and pairs', () => {
    const rows = [
      row({ [COLUMN.actUnseen]: 1, [COLUMN.pairUnseen]: 1 }),
      row({ [COLUMN.pairUnseen]: 1 }),
      row({}),
    ];
    expect([...unseenMember().nonconformities([{ rows, mask: 0 }])]).toEqual([3]);
    const mask = 1 << COLUMN.pairUnseen;
    expect([...unseenMember().nonconformities([{ rows, mask }])]).toEqual([1]);
  });
});

describe('ensemble', () => {
  const fitted = fitEnsemble({ members, ...fit });
  const ensemble = createEnsemble(members, fitted);
  const normal = ensemble.scoreAll(mixed(6000, 54));
  const strange = ensemble.scoreAll(mixed(300, 55, 4));

  it('holds its alert rate on normal windows although its members depend on each other', () => {
    const rate = normal.filter((s) => s.scoreMillionths >= 870_000).length / normal.length;
    // Five strata of 300 to 1,500 windows: √(α (1 − α) / n) of the smallest is 1 %.
    expect(rate).toBeGreaterThan(0.032 * (2 / 3));
    expect(rate).toBeLessThan(0.032 * 1.5);
  });

  it('ranks strange windows above normal ones and names the member that saw them', () => {
    const scores = (list: typeof normal): number[] => list.map((s) => s.scoreMillionths);
    expect(areaUnderCurve(scores(normal), scores(strange))).toBeGreaterThan(0.85);
    // Column 3 is "act never seen"; its shift is what the network and the count see.
    const leaders = new Set(strange.map((s) => s.leader));
    expect(leaders.has('likelihood-ratio')).toBe(false);
    for (const { leader, evidence } of strange) {
      expect(evidence[members.findIndex(({ name }) => name === leader)]).toBe(
        Math.max(...evidence),
      );
    }
  });

  it('works without any one of its members, and not with others than it was fitted for', () => {
    for (const left of members) {
      const rest = members.filter((member) => member !== left);
      const scores = createEnsemble(rest, fitEnsemble({ members: rest, ...fit })).scoreAll(
        mixed(9, 56),
      );
      expect(scores.every((s) => s.evidence.length === 3)).toBe(true);
      expect(() => createEnsemble(rest, fitted)).toThrow(
        expect.objectContaining({ code: 'ERR_DETECTOR_TABLE' }) as Error,
      );
    }
    expect(() => fitEnsemble({ members: [], ...fit })).toThrow('members: expected at least one');
  });

  it('of one member scores in the order of that member', () => {
    const alone = createEnsemble([autoencoder], fitEnsemble({ members: [autoencoder], ...fit }));
    const windows = makeWindows(300, 57).filter(({ rows }) => rows.length === 16);
    const scores = alone.scoreAll(windows).map((s) => s.scoreMillionths);
    const by = [...autoencoder.nonconformities(windows)].map((x, i) => ({ x, s: scores[i]! }));
    by.sort((a, b) => a.x - b.x);
    for (let i = 1; i < by.length; i++) expect(by[i]!.s).toBeGreaterThanOrEqual(by[i - 1]!.s);
  });

  it('refuses a window that no stratum judges', () => {
    expect(() => ensemble.scoreAll([{ rows: [], mask: 0 }])).toThrow(
      expect.objectContaining({ code: 'ERR_SCORE_STRATUM' }) as Error,
    );
  });
});
