/** Laws that hold in every world, whatever its options. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createHospitalWorld, type Difficulty, type HospitalWorldOptions } from '../src/index.js';

const options = fc.record({
  seed: fc.nat(),
  hospitals: fc.integer({ min: 1, max: 3 }),
  staff: fc.integer({ min: 20, max: 60 }),
  days: fc.integer({ min: 2, max: 5 }),
  load: fc.constantFrom(0.03, 0.1),
  serviceShare: fc.constantFrom(0, 0.5),
  oddities: fc.boolean(),
  drift: fc.boolean(),
  zone: fc.record({
    offsetMinutes: fc.constantFrom(-720, 0, 330, 840),
    daylightSaving: fc.boolean(),
  }),
  incidents: fc.record({
    stream: fc.constantFrom('benign', 'operational', 'balanced' as const),
    difficulties: fc.constantFrom<readonly Difficulty[]>([1], [2], [3], [1, 2, 3]),
  }),
});

it('is in order, names each event once, and keeps its incidents in the live part', () => {
  fc.assert(
    fc.property(options, (of: HospitalWorldOptions) => {
      const world = createHospitalWorld(of);
      const where = new Map<string, string>();
      for (const hospital of world.hospitals) {
        let before = world.startMs;
        let sequence = 0n;
        for (const event of hospital.events()) {
          const ok =
            event.timeMs >= before &&
            event.timeMs < world.endMs &&
            event.sequence! > sequence &&
            !where.has(event.eventId);
          if (!ok) expect(event).toBe('an event in order, named once');
          where.set(event.eventId, event.nodeId);
          before = event.timeMs;
          sequence = event.sequence!;
        }
      }
      if (of.incidents?.stream === 'benign') expect(world.truth).toEqual([]);
      for (const incident of world.truth) {
        expect(incident.eventIds.length).toBeGreaterThan(0);
        expect(incident.startMs).toBeGreaterThanOrEqual(world.liveFromMs);
        const homes = new Set(incident.eventIds.map((id) => where.get(id)));
        for (const home of homes) expect(incident.nodeIds).toContain(home);
      }
    }),
    {
      numRuns: 12,
      examples: [
        // The only administrator is hired while the world runs.
        [
          {
            ...{ seed: 18, hospitals: 1, staff: 25, days: 2, load: 0.03, serviceShare: 0 },
            ...{ oddities: false, drift: true },
            zone: { offsetMinutes: -720, daylightSaving: false },
            incidents: { stream: 'operational', difficulties: [1] },
          },
        ],
      ],
    },
  );
});
