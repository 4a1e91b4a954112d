import type { AccessEvent } from '@bhschain/models/features';
import { describe as suite, expect, it } from 'vitest';
import {
  createConsortium,
  describe,
  logConsortiumOf,
  simulateDepartmentLog,
  type Consortium,
} from '../src/index.js';

function* eventsOf(world: Consortium): Iterable<AccessEvent> {
  for (const hospital of world.hospitals) yield* hospital.events();
}

suite('description', () => {
  const sample = [
    ...eventsOf(createConsortium({ seed: 2, hospitals: 1, days: 7, staffPerHospital: 120 })),
  ];

  it('counts what a hand can count', () => {
    const base = sample.find((e) => e.action === 'read')!;
    const monday = Date.UTC(2026, 2, 2, 9);
    const events = [0, 0, 0, 1].map((patient, i) => ({
      ...base,
      patient: `p${patient}`,
      actor: `a${i % 2}`,
      ward: i < 3 ? 'W1' : 'W2',
      timeMs: monday + (i === 3 ? 86_400_000 : 0),
    }));
    const shape = describe([...events, { ...base, action: 'login' as const }]);
    expect(shape.events).toBe(4);
    expect(shape.perPatient).toMatchObject({ count: 2, max: 3, topTenthShare: 0.75 });
    expect(shape.perActor).toMatchObject({ count: 2, max: 2 });
    expect(shape.perWardDay).toMatchObject({ count: 2, max: 3 });
    expect(shape.weekdays.slice(0, 3)).toEqual([0.75, 0.25, 0]);
    expect(shape.hours[9]).toBe(1);
  });

  it('finds the simulated hospitals inside their bands', () => {
    const shape = describe(sample);
    const [monday, , , , , , sunday] = shape.weekdays as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expect(monday / sunday).toBeGreaterThan(1.6);
    expect(shape.hours[9]! / shape.hours[4]!).toBeGreaterThan(3);
    expect(shape.perPatient.topTenthShare).toBeGreaterThan(0.4);
    expect(shape.serviceShare).toBeGreaterThan(0.02);
    expect(shape.perAct.count).toBeGreaterThan(30);
  });

  it('finds simulated department logs heavy-tailed, with acts of one department', () => {
    for (const seed of [1, 2, 3]) {
      const log = simulateDepartmentLog({ seed, days: 150 });
      const world = logConsortiumOf(log, { file: 'simulated', hospitals: 1, seed, days: 36_600 });
      const shape = describe(eventsOf(world));
      expect(shape.actsOfOneWardShare).toBeGreaterThan(0.5);
      expect(shape.perAct.topTenthShare).toBeGreaterThan(0.4);
      expect(shape.weekdays[0]! / shape.weekdays[6]!).toBeGreaterThan(3);
      expect(shape.hours.every((share) => share === 0)).toBe(true);
    }
  });

  it('describes nothing without falling over', () => {
    expect(describe([])).toMatchObject({ events: 0, perPatient: { count: 0, max: 0 } });
  });
});
