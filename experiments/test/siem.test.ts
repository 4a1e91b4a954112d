import type { AccessEvent } from '@bhschain/models/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSiem,
  createTuning,
  OUT_OF_THE_BOX,
  RULES,
  type SiemKnowledge,
} from '../src/siem/index.js';
import { slidingCount, slidingDistinct, type SlidingCount } from '../src/siem/sliding.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Tuesday, ten in the morning. */
const TUESDAY = Date.UTC(2026, 2, 3, 10);
const START = Date.UTC(2026, 2, 2);

let serial = 0;

function event(facts: Partial<AccessEvent> = {}): AccessEvent {
  serial++;
  return {
    eventId: `e${serial}`,
    source: 'native',
    nodeId: 'H1',
    timeMs: TUESDAY,
    timeBasis: 'recorded',
    timeGranularity: 'exact',
    sequence: null,
    actor: 'ada',
    actorClass: 'person',
    role: 'nurse',
    ward: 'W1',
    session: 's1',
    action: 'read',
    resourceType: 'document',
    section: 'notes',
    sensitivity: 'normal',
    purpose: 'treatment',
    breakGlass: false,
    breakGlassReason: 'none',
    patient: 'H1-P1000001',
    recordCount: 1,
    bytes: null,
    outcome: 'success',
    channel: 'ui',
    device: 'd1',
    network: 'internal',
    code: null,
    ...facts,
  };
}

const knowledge: SiemKnowledge = {
  startMs: START,
  isExplained: ({ patient }) => patient === null || !patient.includes('stranger'),
  hasEncounter: ({ patient }) => patient !== 'absent',
  acquaintanceOf: ({ patient }) => (patient === 'stranger-vip' ? 'VIP' : null),
  leftMs: (actor) =>
    actor === 'leaver' ? START - 100 * DAY : actor === 'recent' ? START - 10 * DAY : null,
};

/** `count` events, `gapMs` apart; facts may depend on the place. */
function series(
  count: number,
  gapMs: number,
  facts: (i: number) => Partial<AccessEvent>,
): AccessEvent[] {
  return Array.from({ length: count }, (_, i) =>
    event({ timeMs: TUESDAY + i * gapMs, ...facts(i) }),
  );
}

const failedLogin = { action: 'login', outcome: 'denied', patient: null, section: 'none' } as const;
const inBursts = (i: number): Partial<AccessEvent> => ({
  ...failedLogin,
  timeMs: TUESDAY + Math.floor(i / 7) * 121 * SECOND,
});
const clerkAtNight = (i: number): Partial<AccessEvent> => ({
  role: 'clerk',
  timeMs: Date.UTC(2026, 2, 3, 20) + i * MINUTE,
});
const peers = (dispensed: number, deleted = 0): AccessEvent[] =>
  Array.from({ length: 8 }, (_, p) => [
    ...series(dispensed + (p % 3), MINUTE, () => ({
      actor: `peer${p}`,
      action: 'dispense',
      section: 'medication',
    })),
    ...series(deleted, MINUTE, () => ({
      actor: `peer${p}`,
      action: 'delete',
      section: 'medication',
    })),
  ]).flat();

/** On either side of each rule's border: what hits, and the nearest thing that does not. */
const BORDERS: Readonly<
  Record<string, readonly { name: string; hits: AccessEvent[]; spares: AccessEvent[] }[]>
> = {
  R1: [
    {
      name: '8 in 120 s',
      hits: series(8, 17 * SECOND, () => failedLogin),
      spares: series(8, 18 * SECOND, () => failedLogin),
    },
    {
      name: '20 in 5 min, never 8 in 120 s',
      hits: series(20, 0, inBursts),
      spares: series(19, 0, inBursts),
    },
  ],
  R2: [
    {
      name: '5 failures, success in 10 min',
      hits: [...series(5, MINUTE, () => failedLogin), event({ timeMs: TUESDAY + 14 * MINUTE })],
      spares: [...series(4, MINUTE, () => failedLogin), event({ timeMs: TUESDAY + 5 * MINUTE })],
    },
    {
      name: 'success after 10 min is late',
      hits: [...series(5, MINUTE, () => failedLogin), event({ timeMs: TUESDAY + 14 * MINUTE })],
      spares: [
        ...series(5, MINUTE, () => failedLogin),
        event({ timeMs: TUESDAY + 14 * MINUTE + 1 }),
      ],
    },
  ],
  R3: [
    {
      name: '10 reads after 20:00',
      hits: series(10, 0, clerkAtNight),
      spares: series(9, 0, clerkAtNight),
    },
    {
      name: 'a nurse has nights',
      hits: series(10, 0, clerkAtNight),
      spares: series(20, 0, (i) => ({ ...clerkAtNight(i), role: 'nurse' })),
    },
  ],
  R4: [
    {
      name: 'nurse, more than 25',
      hits: series(26, MINUTE, (i) => ({ patient: `p${i}` })),
      spares: series(25, MINUTE, (i) => ({ patient: `p${i}` })),
    },
    {
      name: 'clerk, more than 80',
      hits: series(81, 30 * SECOND, (i) => ({ role: 'clerk', patient: `p${i}` })),
      spares: series(80, 30 * SECOND, (i) => ({ role: 'clerk', patient: `p${i}` })),
    },
  ],
  R5: [
    {
      name: '20 exports in an hour',
      hits: series(20, 3 * MINUTE, () => ({ action: 'print' })),
      spares: series(19, 3 * MINUTE, () => ({ action: 'print' })),
    },
    {
      name: 'one of more than 100',
      hits: [event({ action: 'export', recordCount: 101 })],
      spares: [event({ action: 'export', recordCount: 100 })],
    },
  ],
  R6: [
    {
      name: '3 strangers a day',
      hits: series(3, HOUR, (i) => ({ patient: `stranger${i}` })),
      spares: series(2, HOUR, (i) => ({ patient: `stranger${i}` })),
    },
  ],
  R7: [
    {
      name: 'VIP without relation',
      hits: [event({ patient: 'stranger-vip' })],
      spares: [event({ patient: 'stranger-nobody' })],
    },
  ],
  R8: [
    {
      name: '3 in a shift',
      hits: series(3, HOUR, () => ({ action: 'override', breakGlassReason: 'specific' })),
      spares: series(2, HOUR, () => ({ action: 'override', breakGlassReason: 'specific' })),
    },
    {
      name: 'generic reason',
      hits: [event({ action: 'override', breakGlassReason: 'generic' })],
      spares: [event({ action: 'override', breakGlassReason: 'specific' })],
    },
  ],
  R9: [
    {
      name: 'idle for 90 days',
      hits: [event({ actor: 'leaver' })],
      spares: [event({ actor: 'recent' })],
    },
  ],
  R10: [
    {
      name: 'after the end date',
      hits: [event({ actor: 'recent' })],
      spares: [event({ actor: 'recent', outcome: 'denied' })],
    },
  ],
  R11: [
    {
      name: 'less than 30 min between hospitals',
      hits: [event(), event({ nodeId: 'H2', timeMs: TUESDAY + 30 * MINUTE - 1 })],
      spares: [event(), event({ nodeId: 'H2', timeMs: TUESDAY + 30 * MINUTE })],
    },
  ],
  R12: [
    {
      name: 'grant at night',
      hits: [event({ action: 'grant', timeMs: Date.UTC(2026, 2, 3, 18) })],
      spares: [event({ action: 'grant', timeMs: Date.UTC(2026, 2, 3, 17, 59) })],
    },
    {
      name: 'grant, then patients',
      hits: [event({ action: 'grant' }), event({ timeMs: TUESDAY + 7 * DAY })],
      spares: [event({ action: 'grant' }), event({ timeMs: TUESDAY + 7 * DAY + 1 })],
    },
  ],
  R13: [
    {
      name: '50 records updated in a minute',
      hits: series(50, SECOND, (i) => ({ action: 'update', patient: `p${i}` })),
      spares: series(50, SECOND, (i) => ({ action: 'update', patient: `p${i % 49}` })),
    },
    {
      name: '10 deleted in a minute',
      hits: series(10, 6 * SECOND, () => ({ action: 'delete' })),
      spares: series(9, 6 * SECOND, () => ({ action: 'delete' })),
    },
  ],
  R14: [
    {
      name: 'three places in 10 min',
      hits: series(3, 4 * MINUTE, (i) => ({
        actorClass: 'service',
        nodeId: `H${i + 1}`,
        timeMs: START + i * 4 * MINUTE,
      })),
      spares: series(3, 5 * MINUTE, (i) => ({
        actorClass: 'service',
        nodeId: `H${i + 1}`,
        timeMs: START + i * 5 * MINUTE,
      })),
    },
    {
      name: 'new host after the first day',
      hits: [event({ actorClass: 'service', timeMs: START + DAY })],
      spares: [event({ actorClass: 'service', timeMs: START + DAY - 1 })],
    },
  ],
  R15: [
    {
      name: '5 patients in 10 min',
      hits: series(5, 2 * MINUTE, (i) => ({ outcome: 'denied', patient: `p${i}` })),
      spares: series(4, 2 * MINUTE, (i) => ({ outcome: 'denied', patient: `p${i}` })),
    },
  ],
  R16: [
    {
      name: '50 events of even pace',
      hits: series(50, 5 * SECOND, () => ({})),
      spares: series(49, 5 * SECOND, () => ({})),
    },
    {
      name: '20 sequential records',
      hits: series(20, 0, (i) => ({ timeMs: TUESDAY + i * i * SECOND, patient: `P${100 + i}` })),
      spares: series(19, 0, (i) => ({ timeMs: TUESDAY + i * i * SECOND, patient: `P${100 + i}` })),
    },
    {
      name: 'equal stamps are a batch',
      hits: series(50, 5 * SECOND, () => ({})),
      spares: series(200, 0, () => ({})),
    },
  ],
  R17: [
    {
      name: '3 σ above ward peers',
      // Peers: 6, 7, 8, 6, 7, 8, 6, 7 – mean 6.875, σ 0.78, so the border lies between 9 and 10.
      hits: [
        ...peers(6),
        ...series(10, MINUTE, () => ({ action: 'dispense', section: 'medication' })),
      ],
      spares: [
        ...peers(6),
        ...series(9, MINUTE, () => ({ action: 'dispense', section: 'medication' })),
      ],
    },
    {
      name: 'cancelled more often than peers',
      hits: [
        ...peers(6),
        ...series(7, MINUTE, () => ({ action: 'dispense', section: 'medication' })),
        ...series(1, MINUTE, () => ({ action: 'delete', section: 'medication' })),
      ],
      spares: [
        ...peers(6, 1),
        ...series(7, MINUTE, () => ({ action: 'dispense', section: 'medication' })),
        ...series(1, MINUTE, () => ({ action: 'delete', section: 'medication' })),
      ],
    },
  ],
  R18: [
    {
      name: 'no encounter',
      hits: [event({ action: 'claim', patient: 'absent' })],
      spares: [event({ action: 'claim' })],
    },
    {
      name: '3 a day of one patient',
      hits: series(3, HOUR, () => ({ action: 'claim' })),
      spares: series(2, HOUR, () => ({ action: 'claim' })),
    },
  ],
};

describe('the rules of the SIEM', () => {
  it('are eighteen, each with fixtures', () => {
    expect(RULES.map(({ id }) => id).sort()).toEqual(
      Array.from({ length: 18 }, (_, i) => `R${i + 1}`).sort(),
    );
    expect(Object.keys(BORDERS).sort()).toEqual(RULES.map(({ id }) => id).sort());
  });

  for (const rule of RULES) {
    for (const { name, hits, spares } of BORDERS[rule.id]!) {
      it(`${rule.id} ${rule.title}: ${name}`, () => {
        const count = (events: readonly AccessEvent[]): number => {
          const hit = rule.create({ knowledge, scale: 1 });
          return events.filter((one) => hit(one)).length;
        };
        expect(count(hits)).toBeGreaterThan(0);
        expect(count(spares)).toBe(0);
      });
    }
  }

  it('raised thresholds spare what plain ones hit', () => {
    const hit = RULES.find(({ id }) => id === 'R5')!.create({ knowledge, scale: 2 });
    expect(hit(event({ action: 'export', recordCount: 200 }))).toBe(false);
    expect(hit(event({ action: 'export', recordCount: 201 }))).toBe(true);
  });
});

describe('counts of the last so many milliseconds', () => {
  /** As the definition says: everything is kept, and counted again each time. */
  function counted(windowMs: number, distinct: boolean): SlidingCount['add'] {
    const all: { key: string; timeMs: number; thing: string }[] = [];
    return (key, timeMs, thing = '') => {
      all.push({ key, timeMs, thing });
      const own = all.filter((one) => one.key === key && one.timeMs > timeMs - windowMs);
      return distinct ? new Set(own.map((one) => one.thing)).size : own.length;
    };
  }
  const additions = fc.array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 40 }),
      key: fc.constantFrom('a', 'b', 'c'),
      thing: fc.constantFrom('x', 'y', 'z'),
    }),
    { maxLength: 80 },
  );

  it.each([
    ['every addition', slidingCount, false],
    ['different things', slidingDistinct, true],
  ] as const)('forget nothing that still counts: %s', (_name, create, distinct) => {
    fc.assert(
      fc.property(additions, (list) => {
        const [own, reference] = [create(50), counted(50, distinct)];
        let timeMs = 0;
        for (const { gapMs, key, thing } of list) {
          timeMs += gapMs;
          expect(own.add(key, timeMs, thing)).toBe(reference(key, timeMs, thing));
        }
      }),
    );
  });
});

describe('correlation', () => {
  it('adds points, suppresses a repeat for an hour, and forgets within a day', () => {
    const siem = createSiem(knowledge, OUT_OF_THE_BOX);
    const big = (timeMs: number): AccessEvent =>
      event({ action: 'export', recordCount: 500, patient: null, timeMs });
    expect(siem.see(big(TUESDAY))).toEqual({ points: 60, hits: ['R5'] });
    expect(siem.see(big(TUESDAY + HOUR - 1)).hits).toEqual([]);
    expect(siem.see(event({ timeMs: TUESDAY + 12 * HOUR })).points).toBeCloseTo(30, 6);
    expect(siem.see(big(TUESDAY + 12 * HOUR)).points).toBeCloseTo(90, 6);
    expect(siem.see(event({ timeMs: TUESDAY + 37 * HOUR })).points).toBe(0);
  });

  it('tuning raises what hits too often and gives noise few points', () => {
    const tuning = createTuning(knowledge, 0.032);
    for (let person = 0; person < 100; person++) {
      // Everybody exports 150 records now and then: R5 as delivered hits all of them.
      tuning.see(
        event({ actor: `a${person}`, action: 'export', recordCount: 150, patient: null }),
        `case ${person}`,
      );
    }
    const settings = tuning.settings(100);
    expect(settings.find(({ id }) => id === 'R5')).toEqual({ id: 'R5', scale: 1.5, points: 80 });
    expect(settings.find(({ id }) => id === 'R13')).toEqual({ id: 'R13', scale: 1, points: 80 });
  });
});
