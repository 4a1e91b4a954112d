import { randomStream } from '@bhschain/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectorsFor, joinMembers, type Session } from '../src/detectors/index.js';
import { createNextEventNetwork } from '../src/detectors/next-event-network.js';
import { vocabularyOf } from '../src/detectors/vocabulary.js';
import { meansBySession, windowsOf } from '../src/detectors/windows.js';

let made = 0;
function session(events: string, normal = true, group: string | null = null): Session {
  return {
    id: `s${made++}`,
    normal,
    label: normal ? 'normal' : 'odd',
    events: events === '' ? [] : events.split(' '),
    group,
  };
}

const byName = new Map(detectorsFor({ groups: true }).map((detector) => [detector.name, detector]));
const training = Array.from({ length: 40 }, (_, i) =>
  session(i % 2 === 0 ? 'a b c a b c d' : 'a b c d', true, i % 2 === 0 ? 'ward' : 'desk'),
);
const usual = session('a b c d', true, 'desk');

describe('every detector', () => {
  it.each([...byName.keys()])('%s: finite scores, the same for the same seed', (name) => {
    const detector = byName.get(name)!;
    const sessions = [usual, session('z z z', false, 'nobody'), session('', true, 'desk')];
    const scores = detector.fit(training, 3).scores(sessions);
    expect(scores.every(Number.isFinite)).toBe(true);
    expect(detector.fit(training, 3).scores(sessions)).toEqual(scores);
  });

  it.each([...byName.keys()])('%s: says whether it draws', (name) => {
    const detector = byName.get(name)!;
    const random = randomStream(8, 'test');
    const varied = Array.from({ length: 60 }, () =>
      session(Array.from({ length: 8 }, () => random.pick(['a', 'b', 'c'])).join(' ')),
    );
    const sessions = [usual, session('a c d d b', false, 'ward')];
    const [one, other] = [3, 4].map((seed) => detector.fit(varied, seed).scores(sessions));
    if (detector.draws) expect(other).not.toEqual(one);
    else expect(other).toEqual(one);
  });
});

describe('a strange session scores higher than a usual one', () => {
  it.each([
    ['count-vector', 'a a a a a a d'],
    ['bag-of-events', 'a a a a a a d'],
    ['2-gram', 'd c b a'],
    ['3-gram', 'd c b a'],
    ['6-gram', 'a b d c a b c'],
    ['next-event-lstm', 'd d d d'],
    ['lstm-autoencoder', 'd a d a d a d'],
    ['lstm-autoencoder-whitened', 'd a d a d a d'],
    ['unseen-event', 'a b z d'],
    ['length', 'a b c d a b c d a b c d'],
  ])('%s', (name, strange) => {
    const fitted = byName.get(name)!.fit(training, 1);
    const [low, high] = fitted.scores([usual, session(strange, false)]);
    expect(high!).toBeGreaterThan(low!);
  });
});

describe('the isolation forest', () => {
  it('isolates a session unlike the many in fewer cuts', () => {
    const random = randomStream(2, 'test');
    const many = Array.from({ length: 200 }, () =>
      session(
        Array.from({ length: 6 + random.below(5) }, () => random.pick(['a', 'b', 'c'])).join(' '),
      ),
    );
    const fitted = byName.get('isolation-forest')!.fit(many, 1);
    const [far] = fitted.scores([session(Array<string>(30).fill('z').join(' '), false)]);
    const near = fitted.scores(many);
    expect(near.filter((score) => score >= far!).length).toBeLessThan(0.03 * near.length);
  });
});

describe('profiles of groups', () => {
  const mixed = [
    ...Array.from({ length: 20 }, () => session('read note read', true, 'nurse')),
    ...Array.from({ length: 20 }, () => session('bill claim bill', true, 'clerk')),
  ];
  it.each(['own-vs-peers-mean', 'own-vs-peers-max', 'unseen-in-group'])(
    '%s: the same events are strange under another name',
    (name) => {
      const fitted = byName.get(name)!.fit(mixed, 1);
      const [own, switched] = fitted.scores([
        session('read note read', true, 'nurse'),
        session('read note read', false, 'clerk'),
      ]);
      expect(switched!).toBeGreaterThan(own!);
    },
  );

  it('the rarity of a group knows no event', () => {
    const [common, rare, never] = byName
      .get('group-rarity')!
      .fit([...mixed, session('pay', true, 'porter')], 1)
      .scores(['nurse', 'porter', 'nobody'].map((group) => session('x y', true, group)));
    expect(common!).toBeLessThan(rare!);
    expect(rare!).toBeLessThan(never!);
  });
});

describe('windows', () => {
  it('of 32 events each, every different one once, weighted means by session', () => {
    const sessions = [session('a b'), session(Array<string>(64).fill('a').join(' ')), session('')];
    const cut = windowsOf(sessions, vocabularyOf(sessions, 9));
    expect(cut.distinct.map((window) => window.length)).toEqual([0, 32, 2]);
    expect(cut.windows).toEqual([
      { distinct: 2, session: 0 },
      { distinct: 1, session: 1 },
      { distinct: 1, session: 1 },
      { distinct: 0, session: 2 },
    ]);
    const values = [5, 64, 3];
    const weights = cut.distinct.map((window) => window.length);
    expect(meansBySession(cut, { values, weights, sessions: 3 })).toEqual([1.5, 2, 5]);
    expect(windowsOf(sessions, cut.vocabulary)).toBe(cut);
  });
});

describe('the next-event network', () => {
  it('its gradient step lowers the loss of what it is shown', () => {
    const random = randomStream(5, 'test');
    const network = createNextEventNetwork({ vocabulary: 4, hidden: 6, stepsMax: 8 }, () =>
      random.uniform(),
    );
    const windows = [Uint16Array.of(0, 1, 2, 3, 0, 1), Uint16Array.of(3, 2, 1)];
    const before = network.train(windows, 0.05);
    for (let i = 0; i < 60; i++) network.train(windows, 0.05);
    expect(network.train(windows, 0.05)).toBeLessThan(before / 4);
  });

  const created = (seed: number): ReturnType<typeof createNextEventNetwork> => {
    const random = randomStream(seed, 'test');
    return createNextEventNetwork({ vocabulary: 5, hidden: 3, stepsMax: 4 }, () =>
      random.uniform(),
    );
  };

  it('surprise is in bits: shares of every step sum to one', () => {
    const network = created(6);
    const [before, ...after] = network.surprise(
      [[1, 2], ...[0, 1, 2, 3, 4].map((last) => [1, 2, last])].map((w) => Uint16Array.from(w)),
    );
    const total = after.reduce((sum, bits) => sum + 2 ** -(bits - before!), 0);
    expect(total).toBeCloseTo(1, 5);
  });

  it('windows that begin alike are each as surprising as alone, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(4), { maxLength: 4 }), { maxLength: 20 }), (lists) => {
        const windows = lists.map((list) => Uint16Array.from(list));
        const alone = windows.map((window) => created(7).surprise([window])[0]);
        expect([...created(7).surprise(windows)]).toEqual(alone);
      }),
    );
  });
});

describe('the ensemble', () => {
  it('one member far out is enough, and none is left out by scale', () => {
    const half = Array.from({ length: 99 }, (_, i) => i);
    const joined = joinMembers([
      { half, judged: [50, 50, 1_000] },
      { half: half.map((x) => x * 1e6), judged: [50e6, 1e9, 50e6] },
    ]);
    expect(joined[0]!).toBeCloseTo(4, 9);
    expect(joined[1]!).toBeGreaterThan(50);
    expect(joined[2]!).toBeCloseTo(joined[1]!, 9);
  });
});
