/** The intervals of `evaluate`: the same as by the plain bootstrap, one figure after the other, over the same draws. */
import { randomStream } from '@bhschain/datasets';
import { describe, expect, it } from 'vitest';
import { draw, DRAWS, unitCount, type Judged } from '../src/evaluate/draws.js';
import { bootstrap, wilson, type Interval } from '../src/evaluation/intervals.js';
import {
  aucOfRanks,
  aucWithinGroups,
  densely,
  OPERATING_RATES,
  recallAt,
  shareOf,
} from '../src/evaluation/ranking.js';

/** Scores tie often; abnormal ones are higher, those of one group are alike. */
function judgedOf(seed: number, groups: number, labels = ['normal', 'worm', 'thief']): Judged[] {
  const random = randomStream(seed, 'sessions');
  const sessions = Array.from({ length: 240 }, (_, i) => {
    const label = labels[i % 4] ?? 'normal';
    const group = groups === 0 ? null : `u${i % groups}`;
    return { id: `s${i}`, events: ['a'], label, normal: label === 'normal', group };
  });
  const scores = sessions.map(
    ({ normal, group }) =>
      random.below(20) + (normal ? 0 : 6) + 2 * Number(group?.slice(1) ?? random.below(5)),
  );
  const ranks = densely(scores);
  return sessions.map((session, i) => {
    const score = scores[i]!;
    return { session, normal: session.normal, score, rank: ranks[i]!, alarm: score > 24 };
  });
}

/** As whole groups, in the order in which they are met. */
function grouped(judged: readonly Judged[]): Judged[][] {
  const parts = new Map<string, Judged[]>();
  for (const one of judged) {
    const { id, group, label } = one.session;
    const name = group === null ? id : `${group}/${label}`;
    parts.set(name, [...(parts.get(name) ?? []), one]);
  }
  return [...parts.values()];
}

describe.each([
  ['groups', 6],
  ['single sessions', 0],
])('intervals over draws of %s', (_name, groups) => {
  const seeds = [1, 2, 3].map((seed) => judgedOf(seed, groups));
  const draws = draw(seeds, 'detector');
  const plain = (statistic: (sample: readonly Judged[]) => number): Interval =>
    bootstrap({ groupsOfSeeds: seeds.map(grouped), seed: 'detector', statistic, draws: DRAWS });
  const scoresOf = (sample: readonly Judged[], normal: boolean): number[] =>
    sample.filter((one) => one.normal === normal).map(({ score }) => score);
  const alarm = ({ alarm: alarms }: Judged): boolean => alarms;

  it('are those of the plain bootstrap', () => {
    expect(draws.interval(({ auc }) => auc)).toEqual(plain(aucOfRanks));
    OPERATING_RATES.forEach((rate, i) => {
      expect(draws.shareInterval(({ recallAt: recalls }) => recalls[i]!, null)).toEqual(
        plain((sample) => recallAt(scoresOf(sample, true), scoresOf(sample, false), rate)),
      );
    });
    expect(draws.shareInterval(({ falsePositiveRate }) => falsePositiveRate, 'normal')).toEqual(
      plain((sample) =>
        shareOf(
          sample.filter(({ normal }) => normal),
          alarm,
        ),
      ),
    );
    expect(draws.shareInterval(({ recall }) => recall, null)).toEqual(
      plain((sample) =>
        shareOf(
          sample.filter(({ normal }) => !normal),
          alarm,
        ),
      ),
    );
    for (const label of ['worm', 'thief']) {
      const own = (sample: readonly Judged[]): Judged[] =>
        sample.filter(({ session }) => session.label === label);
      expect(draws.interval(({ classes }) => classes.get(label)?.auc ?? Number.NaN)).toEqual(
        plain((sample) => aucOfRanks([...sample.filter(({ normal }) => normal), ...own(sample)])),
      );
      expect(
        draws.shareInterval(({ classes }) => classes.get(label)?.recall ?? Number.NaN, label),
      ).toEqual(plain((sample) => shareOf(own(sample), alarm)));
    }
    if (groups === 0) return;
    const within = draws.interval((drawn) => drawn.aucWithinGroups);
    const expected = plain((sample) => aucWithinGroups(sample, ({ session }) => session.group!));
    expect(within.low).toBeCloseTo(expected.low, 12);
    expect(within.high).toBeCloseTo(expected.high, 12);
  });
});

describe('a share', () => {
  it('that is one group’s doing is as uncertain as whether that group is there', () => {
    // Six groups of forty normal sessions; all of one alarm, none of the others.
    const judged = judgedOf(1, 6, []).map((one) => ({ ...one, alarm: one.session.group === 'u0' }));
    const { low, high } = draw([judged], 'one').shareInterval((d) => d.falsePositiveRate, 'normal');
    const sessionsAlone = wilson(40, 240);
    expect(high - low).toBeGreaterThan(2 * (sessionsAlone.high - sessionsAlone.low));
  });

  it('of none in every draw is not known to be 0: each group counts once', () => {
    const judged = judgedOf(1, 6).map((one) => ({ ...one, alarm: !one.normal }));
    const draws = draw([judged], 'all');
    const normals = unitCount(judged.filter(({ normal }) => normal).map(({ session }) => session));
    expect(draws.shareInterval((d) => d.falsePositiveRate, 'normal')).toEqual(wilson(0, normals));
    const worms = unitCount(
      judged.filter(({ session }) => session.label === 'worm').map(({ session }) => session),
    );
    const recall = draws.shareInterval((d) => d.classes.get('worm')?.recall ?? Number.NaN, 'worm');
    expect(recall).toEqual(wilson(worms, worms));
  });
});
