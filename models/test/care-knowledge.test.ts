import { describe, expect, it } from 'vitest';
import {
  CARE_SLACK_MS,
  createAcquaintances,
  createCareKnowledge,
  createRelationIndex,
  createSessionDays,
} from '../src/features/index.js';
import { eventOf } from './features-fixture.js';

const DAY_MS = 86_400_000;
const at = 100 * DAY_MS;
const relation = { patient: 'p', ward: 'w', actor: null, fromMs: at, untilMs: at + DAY_MS };
const staff = [
  { actor: 'a', surname: 'Lind', household: 'h1', leftMs: null },
  { actor: 'gone', surname: 'Berg', household: 'h2', leftMs: at },
];

describe('reasons to open a record', () => {
  it('hold for their ward or their person, from the first instant to before the last, with slack on both sides', () => {
    const ask = { patient: 'p', ward: 'w', actor: 'a', timeMs: at };
    const index = createRelationIndex([relation]);
    expect(index(ask)).toBe(true);
    expect(index({ ...ask, ward: 'other' })).toBe(false);
    expect(index({ ...ask, timeMs: at - 1 })).toBe(false);
    expect(index({ ...ask, timeMs: at + DAY_MS })).toBe(false);
    const wide = createRelationIndex([relation], CARE_SLACK_MS);
    expect(wide({ ...ask, timeMs: at - CARE_SLACK_MS })).toBe(true);
    expect(wide({ ...ask, timeMs: at - CARE_SLACK_MS - 1 })).toBe(false);
    const own = createRelationIndex([{ ...relation, ward: null, actor: 'b' }]);
    expect([own(ask), own({ ...ask, actor: 'b' })]).toEqual([false, true]);
  });
});

describe('acquaintances', () => {
  const patient = { patient: 'p', surname: 'x', household: 'h9', employee: null, vip: false };
  it.each([
    ['self', { employee: 'a' }],
    ['family', { surname: 'Lind' }],
    ['family', { household: 'h1' }],
    ['co-worker', { employee: 'gone' }],
    ['VIP', { vip: true }],
    [null, {}],
  ])('%s', (expected, more) => {
    const of = createAcquaintances({ staff, patients: [{ ...patient, ...more }] });
    expect(of({ actor: 'a', patient: 'p' })).toBe(expected);
    expect(of({ actor: 'a', patient: null })).toBeNull();
  });
});

describe('what the hospital’s systems answer', () => {
  it('says nothing against anybody where a system is not connected', () => {
    const none = createCareKnowledge({ relations: null, staff: null, patients: null });
    const event = eventOf({ actor: 'gone', patient: 'p', timeMs: at });
    expect([none.isExplained(event), none.isAcquainted(event), none.leftMs('gone')]).toEqual([
      true,
      false,
      null,
    ]);
  });

  it('asks all of them where they are', () => {
    const vip = { patient: 'v', surname: 'x', household: 'h9', employee: null, vip: true };
    const known = createCareKnowledge({ relations: [relation], staff, patients: [vip] });
    const event = eventOf({ actor: 'a', patient: 'v', ward: 'w', timeMs: at });
    expect(known.isExplained(event)).toBe(false);
    expect(known.isExplained({ ...event, patient: 'p' })).toBe(true);
    expect(known.isAcquainted(event)).toBe(true);
    expect(known.leftMs('gone')).toBe(at);
  });
});

describe('the day of a session', () => {
  it('is that of its beginning, across midnight, a restart and no further than it is kept', () => {
    const days = createSessionDays();
    const late = { session: 's', timeMs: 5 * DAY_MS - 1 };
    expect(days.dayOf(late)).toBe(4);
    const again = createSessionDays(JSON.parse(JSON.stringify(days.state())) as never);
    expect(again.dayOf({ session: 's', timeMs: 5 * DAY_MS + 1 })).toBe(4);
    expect(again.dayOf({ session: null, timeMs: 5 * DAY_MS + 1 })).toBe(5);
    again.forgetBefore(5);
    expect(again.dayOf({ session: 's', timeMs: 5 * DAY_MS + 1 })).toBe(5);
  });
});
