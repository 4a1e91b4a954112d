import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromFixedPoint } from '../src/architecture/index.js';
import {
  areaUnderCurve,
  countVectorMember,
  ENSEMBLE_LAYOUT_HASH,
  ENSEMBLE_NETWORKS,
  errorFormMember,
  EVIDENCE_UNIT,
  fitTable,
  integerMember,
  joinedScores,
  membersOf,
  networksDescription,
  networksLayout,
  networksOf,
  ngramMember,
  type Member,
  type ScoredWindow,
  type Sequence,
  type StratumKey,
} from '../src/detector/index.js';
import {
  COLUMN,
  COLUMN_COUNT,
  COLUMNS,
  PEERLESS_MASK,
  VIEW_NAMES,
  VIEWS,
} from '../src/features/index.js';
import { createKernel } from '../src/kernel/index.js';
import { makeDetector, makeWindows, masked, STRATA } from './fixture.js';

const { detector, table } = makeDetector();
const members = membersOf(detector);
const strata = STRATA.filter((_, i) => i !== 3);
/** Full windows, and as many without clock and peers. */
const mixed = (count: number, seed: number, shift = 0): ScoredWindow[] =>
  masked(makeWindows(count, seed, shift), strata);
const halves = { strata: STRATA, halfA: mixed(6000, 51), halfB: mixed(6000, 52) };

const UNITS = COLUMNS.map(({ k }) => k);

const row = (entries: Record<number, number>): Int16Array =>
  Int16Array.from({ length: COLUMN_COUNT }, (_, i) => entries[i] ?? 0);

describe('networks', () => {
  it('are one a threat family, of columns in ascending order and whole lanes', () => {
    expect(ENSEMBLE_NETWORKS.map(({ name }) => name)).toEqual([...VIEW_NAMES]);
    for (const name of VIEW_NAMES) {
      const columns = VIEWS[name];
      expect(columns).toEqual([...new Set(columns)].sort((a, b) => a - b));
      expect(columns.length % 4).toBe(0);
    }
  });

  it('lie one after the other in one vector, whose layout has the committed hash', () => {
    const { parts, parameterCount } = networksLayout(ENSEMBLE_NETWORKS);
    let offset = 0;
    for (const part of parts) {
      expect(part.offset).toBe(offset);
      offset += part.parameterCount;
    }
    expect(parameterCount).toBe(offset);
    expect(networksOf(detector).parameterCount).toBe(detector.parameters.length);
    const hash = createHash('sha256').update(networksDescription(ENSEMBLE_NETWORKS)).digest('hex');
    expect(ENSEMBLE_LAYOUT_HASH).toBe(hash);
  });
});

describe('members', () => {
  it('of windows one by one are what they are of all windows', () => {
    const windows = mixed(40, 53);
    for (const member of members) {
      const alone = windows.map((window) => member.nonconformities([window])[0]!);
      expect([...member.nonconformities(windows)], member.name).toEqual(alone);
    }
  });

  it('the likelihood ratio is sum and largest over the last five rows', () => {
    const rows = [900, 1, 2, 30, -4, 5].map((x) => row({ [COLUMN.logRatio]: x }));
    const member = integerMember('likelihood-ratio');
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
    expect([...integerMember('unseen').nonconformities([{ rows, mask: 0 }])]).toEqual([3]);
    const mask = 1 << COLUMN.pairUnseen;
    expect([...integerMember('unseen').nonconformities([{ rows, mask }])]).toEqual([1]);
  });

  it('trigrams are the surprisal of the last five calls after the two before each', () => {
    const rows = [15, 0, 3, 15, 1, 2].map((x) => row({ [COLUMN.trigramSurprisal]: x }));
    expect([...integerMember('trigrams').nonconformities([{ rows, mask: 0 }])]).toEqual([21 + 15]);
  });

  it('have older score forms as arms: mean and worst five steps, or current and last five', () => {
    const [part] = networksOf(detector).parts;
    const { spec, architecture, parameterCount } = part!;
    const kernel = createKernel(architecture);
    kernel.setParameters(fromFixedPoint(detector.parameters.slice(0, parameterCount)));
    const options = { spec, kernel, normaliser: detector.normaliser, strata: STRATA };
    const windowed = errorFormMember({ ...options, form: 'windowed' });
    const recent = errorFormMember({ ...options, form: 'recent' });
    for (const window of makeWindows(20, 58)) {
      // The kernel's loss is 3 × the mean Huber error of all cells: here by hand, step by step.
      const { rows } = window;
      const losses = rows.map((_, step) => stepError(window, step));
      const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b) / of.length;
      const moving = losses.map((_, end) => mean(losses.slice(Math.max(0, end - 4), end + 1)));
      const whole = moving.slice(Math.min(5, rows.length) - 1);
      const close = (got: number, expected: number): void =>
        expect(Math.abs(got / 65_536 - expected)).toBeLessThan(1e-3);
      close(windowed.nonconformities([window])[0]!, mean(losses) + 0.5 * Math.max(...whole));
      close(recent.nonconformities([window])[0]!, losses.at(-1)! + mean(losses.slice(-5)));
    }

    function stepError(window: ScoredWindow, step: number): number {
      const { center, scale, clip } = detector.normaliser;
      const inputs = new Float32Array(16 * spec.columns.length);
      window.rows.forEach((each, at) => {
        spec.columns.forEach((column, i) => {
          const unit = 2 ** -UNITS[column]!;
          const x = Math.fround(
            Math.fround(each[column]! * unit - center[column]!) * scale[column]!,
          );
          inputs[at * spec.columns.length + i] = Math.max(-clip, Math.min(clip, x));
        });
      });
      const residuals = kernel.reconstruct({
        windows: inputs,
        lengths: Uint8Array.of(window.rows.length),
      });
      let sum = 0;
      for (let i = 0; i < spec.columns.length; i++) {
        const size = Math.abs(residuals[step * spec.columns.length + i]!);
        sum += size <= 1 ? (size * size) / 2 : size - 0.5;
      }
      return sum / spec.columns.length;
    }
  });
});

describe('ensemble', () => {
  const fitted = fitTable({ members, ...halves });
  const normal = joinedScores(members, fitted, mixed(6000, 54));
  const strange = joinedScores(members, fitted, mixed(300, 55, 4));

  it('holds its alert rate on normal windows although its members depend on each other', () => {
    const rate = normal.filter((s) => s.scoreMillionths >= 870_000).length / normal.length;
    expect(rate).toBeGreaterThan(0.032 * (2 / 3));
    expect(rate).toBeLessThan(0.032 * 1.5);
  });

  it('adds evidence, and names the member that has most of it', () => {
    for (const { leader, evidence, nonconformity } of [...normal, ...strange]) {
      expect(nonconformity).toBe(evidence.reduce((sum, each) => sum + each, 0));
      expect(Math.min(...evidence)).toBeGreaterThanOrEqual(EVIDENCE_UNIT);
      expect(evidence[members.findIndex(({ name }) => name === leader)]).toBe(
        Math.max(...evidence),
      );
    }
  });

  it('ranks strange windows above normal ones; what moved is what insider, features and unseen see', () => {
    const scores = (list: typeof normal): number[] => list.map((s) => s.scoreMillionths);
    expect(areaUnderCurve(scores(normal), scores(strange))).toBeGreaterThan(0.85);
    const seeing = strange.filter(({ leader }) =>
      ['insider', 'features', 'unseen'].includes(leader),
    );
    expect(seeing.length / strange.length).toBeGreaterThan(0.8);
  });

  it('works without any one of its members, and not with others than it was fitted for', () => {
    for (const left of members) {
      const rest = members.filter((member) => member !== left);
      const scores = joinedScores(rest, fitTable({ members: rest, ...halves }), mixed(9, 56));
      expect(scores.every((s) => s.evidence.length === members.length - 1)).toBe(true);
      expect(() => joinedScores(rest, fitted, mixed(9, 56))).toThrow(
        expect.objectContaining({ code: 'ERR_DETECTOR_TABLE' }) as Error,
      );
    }
    expect(() => fitTable({ members: [], ...halves })).toThrow('members: expected at least one');
  });

  it('of one member scores in the order of that member', () => {
    const [insider] = members;
    const alone = fitTable({ members: [insider!], ...halves });
    const windows = makeWindows(300, 57).filter(({ rows }) => rows.length === 16);
    const scores = joinedScores([insider!], alone, windows).map((s) => s.scoreMillionths);
    const by = [...insider!.nonconformities(windows)].map((x, i) => ({ x, s: scores[i]! }));
    by.sort((a, b) => a.x - b.x);
    for (let i = 1; i < by.length; i++) expect(by[i]!.s).toBeGreaterThanOrEqual(by[i - 1]!.s);
  });

  it('joins members of any kind of window', () => {
    const stratum: StratumKey = { columnMask: 0, lengthMin: 1, lengthMax: 64 };
    const sequences = (count: number, base: number) =>
      Array.from({ length: count }, (_, i) => ({ rows: [base + (i % 97)], mask: 0 }));
    const member: Member<{ rows: number[]; mask: number }> = {
      name: 'first',
      nonconformities: (windows) => Uint32Array.from(windows, ({ rows }) => rows[0]!),
    };
    const of = fitTable({
      members: [member],
      strata: [stratum],
      halfA: sequences(970, 0),
      halfB: sequences(970, 0),
    });
    const [calm, wild] = joinedScores([member], of, [
      { rows: [5], mask: 0 },
      { rows: [500], mask: 0 },
    ]);
    expect(calm!.scoreMillionths).toBeLessThan(870_000);
    expect(wild!.scoreMillionths).toBeGreaterThan(980_000);
  });

  it('refuses a window that no stratum judges', () => {
    expect(() => joinedScores(members, table, [{ rows: [], mask: 0 }])).toThrow(
      expect.objectContaining({ code: 'ERR_SCORE_STRATUM' }) as Error,
    );
    expect(joinedScores(members, table, [])).toEqual([]);
  });
});

describe('members of sequences', () => {
  const of = (...rows: number[]): Sequence => ({ rows, mask: 0 });
  const training = [of(1, 2, 3, 4), of(1, 2, 3, 4), of(2, 3)];

  it('n-grams: the share that training never showed, in millionths', () => {
    const member = ngramMember({ training, n: 2 });
    expect(member.name).toBe('2-gram');
    expect([...member.nonconformities([of(1, 2, 3), of(3, 2, 3), of(9), of(2)])]).toEqual([
      0, 500_000, 1_000_000, 1_000_000,
    ]);
    expect([...ngramMember({ training, n: 1 }).nonconformities([of(1, 9)])]).toEqual([500_000]);
    expect(() => ngramMember({ training, n: 0 })).toThrow('n: expected 1 … 16, got 0');
  });

  it('count vectors: the distance to the nearest training sequence', () => {
    const counts = countVectorMember({ training, of: 'counts', vocabularySize: 10 });
    expect([...counts.nonconformities([of(4, 3, 2, 1), of(3, 2, 2), of(9)])]).toEqual([0, 1, 3]);
    const shares = countVectorMember({ training, of: 'shares', vocabularySize: 10 });
    // Twice as long, the same mix; and a mix with nothing in common.
    expect([...shares.nonconformities([of(2, 3, 2, 3), of(9)])]).toEqual([0, 1_000_000]);
    expect(() => counts.nonconformities([of(10)])).toThrow('event: expected 0 … 9, got 10');
    expect(() => countVectorMember({ training: [], of: 'counts', vocabularySize: 1 })).toThrow(
      'training: expected at least one sequence',
    );
  });
});
