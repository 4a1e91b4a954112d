import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countSurprise,
  createChannelSightings,
  createDayCounter,
  createDayNormals,
  DAY_MEMBERS,
  daySurprises,
  negativeBinomialTail,
  type AccessEvent,
  type CareKnowledge,
} from '../src/features/index.js';
import { eventOf } from './features-fixture.js';

const MINUTE_MS = 60_000;
const knowledge: CareKnowledge = {
  isExplained: ({ patient }) => patient === null || !patient.startsWith('stranger'),
  isAcquainted: ({ patient }) => patient === 'stranger-vip',
  leftMs: (actor) => (actor === 'gone' ? 1 : null),
};

function counted(
  events: readonly AccessEvent[],
): ReturnType<ReturnType<typeof createDayCounter>['days']> {
  const sightings = createChannelSightings();
  const counter = createDayCounter(knowledge);
  for (const event of events) counter.see(event, 0, sightings.see(event));
  return counter.days();
}

describe('counts of a day', () => {
  it('patients once each, those without a reason apart, and who else was there', () => {
    const days = counted([
      eventOf({ actor: 'a', patient: 'own' }),
      eventOf({ actor: 'a', patient: 'own' }),
      eventOf({ actor: 'a', patient: 'stranger-vip' }),
      eventOf({ actor: 'b', patient: 'stranger-vip', outcome: 'denied' }),
    ]);
    expect(days.map(({ actor, columns }) => [actor, columns])).toEqual([
      ['a', expect.objectContaining({ patients: 2, unexplained: 1, acquainted: 1, crowd: 0 })],
      ['b', expect.objectContaining({ patients: 1, unexplained: 1, crowd: 1, refused: 1 })],
    ]);
  });

  it('a move between hospitals and a device in several hands are read off the blocks', () => {
    const days = counted([
      eventOf({ actor: 'a', nodeId: 'H1', device: 'd', timeMs: 10 * MINUTE_MS }),
      eventOf({ actor: 'a', nodeId: 'H2', device: 'd', timeMs: 39 * MINUTE_MS }),
      eventOf({ actor: 'b', nodeId: 'H2', device: 'd', timeMs: 40 * MINUTE_MS }),
    ]);
    expect(days.map(({ columns: { moves, shared } }) => [moves, shared])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('a query counts for the records that it declares', () => {
    const [day] = counted([
      eventOf({ actor: 'a', action: 'search', recordCount: 201 }),
      eventOf({ actor: 'a', action: 'export', recordCount: 1 }),
    ]);
    expect(day!.columns).toMatchObject({ records: 200, taken: 1 });
  });

  it('a first device is not strange, another one is; so is an account after its end', () => {
    const days = counted([
      eventOf({ actor: 'a', device: 'old' }),
      eventOf({ actor: 'a', device: 'new' }),
      eventOf({ actor: 'gone', device: 'old' }),
    ]);
    expect(days.map(({ columns: { strange, departed } }) => [strange, departed])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe('counting that goes on elsewhere', () => {
  const MINUTES = 8 * 24 * 60;
  const anyEvent = fc.record({
    actor: fc.constantFrom('a', 'b', 'gone'),
    patient: fc.constantFrom(null, 'own', 'stranger-1', 'stranger-vip'),
    device: fc.constantFrom(null, 'd1', 'd2', 'd3'),
    nodeId: fc.constantFrom('H1', 'H2'),
    minute: fc.integer({ min: 0, max: MINUTES }),
    action: fc.constantFrom('read' as const, 'export' as const),
  });

  it('comes to the same counts, wherever it was cut in two and its state went through JSON', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat(60), (drawn, cut) => {
        const events = drawn
          .toSorted((x, y) => x.minute - y.minute)
          .map(({ minute, ...more }) => eventOf({ ...more, timeMs: minute * MINUTE_MS }));
        let sightings = createChannelSightings();
        let counter = createDayCounter(knowledge);
        events.forEach((event, i) => {
          if (i === cut) {
            const kept = JSON.stringify([
              sightings.state(event.timeMs),
              counter.state(event.timeMs),
            ]);
            const [first, second] = JSON.parse(kept) as [never, never];
            sightings = createChannelSightings(first);
            counter = createDayCounter(knowledge, second);
          }
          counter.see(event, Math.floor(event.timeMs / 86_400_000), sightings.see(event));
        });
        const whole = createChannelSightings();
        const expected = createDayCounter(knowledge);
        for (const event of events) {
          expected.see(event, Math.floor(event.timeMs / 86_400_000), whole.see(event));
        }
        const plain = (of: typeof counter): unknown =>
          of.days().map(({ actor, day, columns, acts }) => [actor, day, columns, [...acts]]);
        expect(plain(counter)).toEqual(plain(expected));
      }),
    );
  });

  it('keeps no day that is over', () => {
    const counter = createDayCounter(knowledge);
    for (const day of [1, 2]) {
      counter.see(eventOf({ actor: 'a' }), day, { moved: false, othersOnDevice: 0 });
    }
    counter.forgetBefore(2);
    expect(counter.days().map(({ day }) => day)).toEqual([2]);
    expect(counter.state(0).days).toHaveLength(1);
  });

  it('keeps who opened a record without a reason for a week, and no longer', () => {
    const counter = createDayCounter(knowledge);
    const see = (actor: string, day: number): void => {
      const event = eventOf({ actor, patient: 'stranger-1', timeMs: day * 86_400_000 });
      counter.see(event, day, { moved: false, othersOnDevice: 0 });
    };
    see('a', 1);
    counter.forgetBefore(7);
    see('b', 7);
    expect(counter.days().at(-1)!.columns.crowd).toBe(1);
    counter.forgetBefore(14);
    expect(counter.state(-Infinity).crowds).toEqual([]);
  });
});

describe('surprise of a count', () => {
  it('is −ln of the negative binomial tail, against its masses summed one by one', () => {
    const [shape, days] = [2.5, 4];
    const mass = (k: number): number => {
      let value = (days / (days + 1)) ** shape;
      for (let i = 1; i <= k; i++) value *= (shape + i - 1) / i / (days + 1);
      return value;
    };
    for (const count of [1, 2, 5, 9]) {
      const below = Array.from({ length: count }, (_, k) => mass(k)).reduce((a, b) => a + b);
      expect(Math.exp(-negativeBinomialTail(count, shape, days))).toBeCloseTo(1 - below, 12);
    }
  });

  it('grows with the count and falls with what the account did before', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.nat(60),
        fc.nat(40),
        fc.integer({ min: 1, max: 30 }),
        (x, sum, more, days) => {
          const role = { sum: 3 * days, squares: 20 * days, days: 5 * days };
          const own = { sum, days };
          expect(countSurprise(x + 1, own, role)).toBeGreaterThanOrEqual(
            countSurprise(x, own, role) - 1e-9,
          );
          expect(countSurprise(x, { sum: sum + more, days }, role)).toBeLessThanOrEqual(
            countSurprise(x, own, role) + 1e-9,
          );
        },
      ),
    );
  });

  it('nothing is no surprise, and what nobody of the role ever did is a large one', () => {
    const past = { sum: 0, squares: 0, days: 1_000 };
    expect(countSurprise(0, { sum: 0, days: 10 }, past)).toBe(0);
    expect(countSurprise(1, { sum: 0, days: 10 }, past)).toBeGreaterThan(7);
  });
});

describe('days judged by the days before', () => {
  const dayOf = (day: number, taken: number): Parameters<typeof daySurprises>[0][number] => {
    const [empty] = counted([eventOf({ actor: 'a' })]);
    return { ...empty!, day, columns: { ...empty!.columns, taken }, acts: new Map() };
  };

  it('do not know of themselves or of later days', () => {
    const days = [dayOf(1, 2), dayOf(2, 3), dayOf(3, 40)];
    const taken = DAY_MEMBERS.indexOf('taken');
    const before = daySurprises(days.slice(0, 2))[1]!.surprises[taken];
    const all = daySurprises(days, 2);
    expect(all.map(({ day }) => day)).toEqual([2, 3]);
    expect(all[0]!.surprises[taken]).toBe(before);
    expect(all[1]!.surprises[taken]!).toBeGreaterThan(8);
  });

  it('come with the figures behind them', () => {
    const normals = createDayNormals();
    for (const day of [1, 2]) normals.learn(dayOf(day, 2));
    normals.learn({ ...dayOf(2, 8), actor: 'b' });
    const reasons = normals.reasons({ ...dayOf(3, 40), acts: new Map([[7, 5]]) });
    expect(reasons.map(({ member }) => member)).toEqual(DAY_MEMBERS);
    expect(reasons.find(({ member }) => member === 'taken')).toMatchObject({
      count: 40,
      act: null,
      own: { mean: 2, days: 2 },
      peers: { mean: 4, days: 3 },
    });
    expect(reasons.at(-1)).toMatchObject({ member: 'acts', act: 7, count: 5, own: { mean: 0 } });
  });
});
