import { createHash } from 'node:crypto';
import { decodeAccessEvent, encodeAccessEvent, homeOf } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { createConsortium, DatasetError, type Consortium } from '../src/index.js';

const SMALL = { seed: 5, hospitals: 2, days: 3, staffPerHospital: 60 } as const;

function digestOf(world: Consortium): string {
  const hash = createHash('sha256');
  for (const hospital of world.hospitals) {
    for (const event of hospital.events()) hash.update(encodeAccessEvent(event));
  }
  return hash.update(JSON.stringify(world.truth)).digest('hex');
}

describe('simulated consortium', () => {
  const world = createConsortium(SMALL);

  it('gives the same bytes for the same seed, and each time it is read', () => {
    const first = digestOf(world);
    expect(digestOf(world)).toBe(first);
    expect(digestOf(createConsortium(SMALL))).toBe(first);
    expect(digestOf(createConsortium({ ...SMALL, seed: 6 }))).not.toBe(first);
  });

  it('keeps the staff of a hospital when another one joins', () => {
    const more = createConsortium({ ...SMALL, hospitals: 3 });
    expect(more.hospitals[0]?.staff).toEqual(world.hospitals[0]?.staff);
  });

  it('streams valid events in order of time, of its own staff only', () => {
    for (const hospital of world.hospitals) {
      const actors = new Map(hospital.staff.map((member) => [member.actor, member]));
      const ids = new Set<string>();
      let before = world.startMs;
      let sequence = 0n;
      for (const event of hospital.events()) {
        ids.add(event.eventId);
        sequence += 1n;
        const inOrder = event.timeMs >= before && event.sequence === sequence;
        const ofStaff = actors.get(event.actor)?.role === event.role;
        if (!inOrder || !ofStaff) expect(event).toBe('an event in order, of the staff');
        before = event.timeMs;
        if (sequence % 50n === 0n) {
          expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
        }
      }
      expect(before).toBeLessThan(world.endMs);
      expect(BigInt(ids.size)).toBe(sequence);
    }
  });

  it('opens and closes each session once, at its ends', () => {
    const sessions = new Map<string, string[]>();
    for (const event of world.hospitals[0]!.events()) {
      const actions = sessions.get(event.session!) ?? [];
      actions.push(event.action);
      sessions.set(event.session!, actions);
    }
    const whole = [...sessions.values()].filter((a) => a[0] === 'login' && a.at(-1) === 'logout');
    for (const actions of whole) {
      expect(actions.filter((a) => a === 'login' || a === 'logout').length).toBe(2);
    }
    // All but those cut by the ends of the world, and services, which stay logged in.
    expect(whole.length / sessions.size).toBeGreaterThan(0.9);
  });

  it('plants incidents in the live part, under the actors and ids that the truth names', () => {
    const events = new Map(
      world.hospitals.flatMap((h) => [...h.events()].map((e) => [e.eventId, e] as const)),
    );
    expect(new Set(world.truth.map((i) => i.scenario))).toEqual(
      new Set(['S3', 'S4', 'S5', 'S8', 'S10', 'S16']),
    );
    for (const incident of world.truth) {
      expect(incident.startMs).toBeGreaterThanOrEqual(world.liveFromMs);
      expect(incident.endMs).toBeLessThan(world.endMs);
      expect(incident.eventIds.length).toBeGreaterThanOrEqual(4);
      for (const id of incident.eventIds) {
        const event = events.get(id)!;
        expect(event.actor).toBe(incident.actor);
        expect(event.nodeId).toBe(incident.nodeId);
      }
      expect(incident.expected).toBe(incident.scenario === 'S10' ? 'flagged' : 'quarantined');
    }
  });

  it('writes no label into the log', () => {
    const text = [...world.hospitals[0]!.events()].map(encodeAccessEvent).join('\n');
    expect(text).not.toMatch(/incident|attack|label|scenario/i);
  });

  it('plants nothing in a benign world', () => {
    expect(createConsortium({ ...SMALL, incidentCopies: 0 }).truth).toEqual([]);
  });

  it('has the honest oddities without which any detector looks perfect', () => {
    const events = world.hospitals.flatMap((h) => [...h.events()]);
    const guilty = new Set(world.truth.flatMap((i) => i.eventIds));
    const benign = events.filter((e) => !guilty.has(e.eventId));
    expect(benign.some((e) => e.action === 'override' && e.ward === 'ED')).toBe(true);
    expect(benign.some((e) => e.outcome === 'denied')).toBe(true);
    expect(benign.some((e) => e.action === 'export')).toBe(true);
    const foreign = benign.filter((e) => e.patient !== null && homeOf(e.patient) !== e.nodeId);
    expect(foreign.length / benign.length).toBeGreaterThan(0.005);
    expect(foreign.length / benign.length).toBeLessThan(0.1);
    expect(benign.some((e) => e.actorClass === 'service')).toBe(true);
  });

  it('is quieter at night than by day', () => {
    const hours = new Array<number>(24).fill(0);
    for (const event of world.hospitals[0]!.events()) {
      if (event.actorClass === 'person') hours[new Date(event.timeMs).getUTCHours()]!++;
    }
    expect(hours[10]! + hours[14]!).toBeGreaterThan(2 * (hours[2]! + hours[4]!));
  });

  it.each([
    [{ hospitals: 0 }, 'hospitals'],
    [{ hospitals: 9 }, 'hospitals'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 1.5 }, 'seed'],
    [{ days: 0 }, 'days'],
    [{ staffPerHospital: 3 }, 'staffPerHospital'],
    [{ liveHours: 100 }, 'liveHours'],
    [{ incidentCopies: -1 }, 'incidentCopies'],
  ])('refuses %j', (change, name) => {
    let fault: unknown;
    try {
      createConsortium({ ...SMALL, ...change });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(DatasetError);
    expect((fault as DatasetError).code).toBe('ERR_DATASET_OPTION');
    expect((fault as DatasetError).facts.name).toBe(name);
  });
});
