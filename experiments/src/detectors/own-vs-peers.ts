/**
 * For logs with a group column (a user, a department): how much stranger a session's events are for its own group than
 * for everybody else. Mean and maximum see different attacks, hence both (detection.md §8.3).
 * @module
 */
import {
  each,
  type FittedDetector,
  type SequenceDetector,
  type Session,
} from './sequence-detector.js';

/** Weight of the peers' shares in a group's own profile, in events (detection.md §4). */
const KAPPA = 0.5;

interface Profile {
  readonly counts: Map<string, number>;
  total: number;
}

type Ratio = (event: string, group: string) => number;

function fitRatio(training: readonly Session[]): Ratio {
  const all: Profile = { counts: new Map(), total: 0 };
  const groups = new Map<string, Profile>();
  for (const { events, group } of training) {
    const own = profileOf(groups, group ?? '');
    for (const event of events) {
      for (const profile of [all, own]) {
        profile.counts.set(event, (profile.counts.get(event) ?? 0) + 1);
        profile.total++;
      }
    }
  }
  const vocabulary = all.counts.size + 1;
  return (event, group) => {
    const own = groups.get(group) ?? { counts: new Map<string, number>(), total: 0 };
    const ownCount = own.counts.get(event) ?? 0;
    const peers =
      ((all.counts.get(event) ?? 0) - ownCount + KAPPA / vocabulary) /
      (all.total - own.total + KAPPA);
    const mine = (ownCount + KAPPA * peers) / (own.total + KAPPA);
    return Math.log2(peers / mine);
  };
}

function profileOf(groups: Map<string, Profile>, group: string): Profile {
  const known = groups.get(group);
  if (known !== undefined) return known;
  const fresh: Profile = { counts: new Map(), total: 0 };
  groups.set(group, fresh);
  return fresh;
}

function byRatio(
  name: string,
  about: string,
  join: (ratios: readonly number[]) => number,
): SequenceDetector {
  return {
    name,
    standing: 'ours',
    about,
    draws: false,
    fit(training): FittedDetector {
      const ratio = fitRatio(training);
      return each(({ events, group }) =>
        events.length === 0 ? 0 : join(events.map((event) => ratio(event, group ?? ''))),
      );
    },
  };
}

export const ownVsPeersMean: SequenceDetector = byRatio(
  'own-vs-peers-mean',
  'mean log-likelihood ratio of peers against own profile',
  (ratios) => ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
);

export const ownVsPeersMax: SequenceDetector = byRatio(
  'own-vs-peers-max',
  'largest log-likelihood ratio of peers against own profile',
  (ratios) => Math.max(...ratios),
);

/** Share of events that the session's own group has never shown. */
export const unseenInGroup: SequenceDetector = {
  name: 'unseen-in-group',
  standing: 'ours',
  about: 'share of events that the own group never showed in training',
  draws: false,
  fit(training) {
    const known = new Map<string, Set<string>>();
    for (const { events, group } of training) {
      const own = known.get(group ?? '') ?? new Set();
      events.forEach((event) => own.add(event));
      known.set(group ?? '', own);
    }
    return each(({ events, group }) => {
      const own = known.get(group ?? '');
      const strange = events.filter((event) => !(own?.has(event) ?? false)).length;
      return strange / Math.max(1, events.length);
    });
  },
};

/** What the name alone gives away: where the abnormal sessions stand under rare names, this ranks well and has seen no event. */
export const groupRarity: SequenceDetector = {
  name: 'group-rarity',
  standing: 'control',
  about: 'how seldom training shows the group; knows no event',
  draws: false,
  fit(training) {
    const counts = new Map<string, number>();
    for (const { group } of training) counts.set(group ?? '', (counts.get(group ?? '') ?? 0) + 1);
    return each(({ group }) => 1 / (1 + (counts.get(group ?? '') ?? 0)));
  },
};
