import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAccessEvent, encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';

import { createRelationIndex } from '@bhschain/models/features';
import {
  createHospitalWorld,
  DatasetError,
  describe as describeEvents,
  selectLiveCalls,
  type HospitalWorld,
  type CustomsName,
  type HospitalWorldOptions,
} from '../src/index.js';

const SMALL: HospitalWorldOptions = { seed: 5, hospitals: 3, staff: 200, days: 8, load: 0.15 };
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

function digestOf(world: HospitalWorld): string {
  const hash = createHash('sha256');
  for (const hospital of world.hospitals) {
    for (const event of hospital.events()) hash.update(encodeAccessEvent(event));
    for (const relation of hospital.relations()) hash.update(JSON.stringify(relation));
  }
  return hash.update(JSON.stringify([world.truth, world.oddities])).digest('hex');
}

function eventsOf(world: HospitalWorld): AccessEvent[] {
  return world.hospitals.flatMap((hospital) => [...hospital.events()]);
}

const world = createHospitalWorld(SMALL);
const events = eventsOf(world);
const guilty = new Set(world.truth.flatMap((incident) => incident.eventIds));

describe('hospital world', () => {
  it('gives the same bytes for the same seed, and each time it is read', () => {
    const tiny = { ...SMALL, staff: 40, days: 4 };
    const first = createHospitalWorld(tiny);
    const digest = digestOf(first);
    expect(digestOf(first)).toBe(digest);
    const again = createHospitalWorld(tiny);
    expect(digestOf(again)).toBe(digest);
    expect(again.configHash).toBe(first.configHash);
    const other = createHospitalWorld({ ...tiny, seed: 6 });
    expect(digestOf(other)).not.toBe(digest);
    expect(other.configHash).not.toBe(first.configHash);
  });

  it('keeps the staff of a hospital when another one joins', () => {
    const more = createHospitalWorld({ ...SMALL, hospitals: 4 });
    expect(more.hospitals[0]?.staff).toEqual(world.hospitals[0]?.staff);
  });

  it('streams valid events in order of time, with ids that come once', () => {
    const ids = new Set<string>();
    for (const hospital of world.hospitals) {
      let before = world.startMs;
      let sequence = 0n;
      let seen = 0;
      for (const event of hospital.events()) {
        ids.add(event.eventId);
        const inOrder = event.timeMs >= before && event.sequence! > sequence;
        if (!inOrder || event.nodeId !== hospital.nodeId) expect(event).toBe('an event in order');
        before = event.timeMs;
        sequence = event.sequence!;
        if (++seen % 97 === 0) {
          expect(decodeAccessEvent(JSON.parse(encodeAccessEvent(event)))).toEqual(event);
        }
      }
      expect(before).toBeLessThan(world.endMs);
    }
    expect(ids.size).toBe(events.length);
  });

  it('is worked by its own staff, but for those who travel', () => {
    const travelling = new Set(
      world.truth.filter((i) => ['S9', 'S17'].includes(i.scenario)).flatMap((i) => i.actors),
    );
    for (const hospital of world.hospitals) {
      const staff = new Map(hospital.staff.map((member) => [member.actor, member]));
      for (const event of hospital.events()) {
        const ok = staff.get(event.actor)?.role === event.role || travelling.has(event.actor);
        if (!ok) expect(event).toBe('an event of the staff');
      }
    }
  });

  it('has services that make 50 to 70 % of the events', () => {
    const share = events.filter((event) => event.actorClass === 'service').length / events.length;
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.7);
    const without = createHospitalWorld({ ...SMALL, staff: 40, days: 3, serviceShare: 0 });
    const injected = new Set(without.truth.flatMap((i) => i.eventIds));
    const services = eventsOf(without).filter((e) => e.actorClass === 'service');
    // Only the spread of S9 uses service accounts then, with its logins and logouts.
    expect(services.filter((e) => !injected.has(e.eventId) && !e.action.startsWith('log'))).toEqual(
      [],
    );
  });

  it('explains 85 to 95 % of the accesses of clinicians by a relation, and hardly those of strangers', () => {
    const accesses = { explained: 0, all: 0 };
    const snooping = { explained: 0, all: 0 };
    for (const hospital of world.hospitals) {
      const explains = createRelationIndex(hospital.relations());
      for (const event of hospital.events()) {
        const { patient } = event;
        if (patient === null || !['nurse', 'physician', 'resident'].includes(event.role)) continue;
        const of = guilty.has(event.eventId) ? snooping : accesses;
        of.all++;
        if (explains({ ...event, patient })) of.explained++;
      }
    }
    expect(accesses.all).toBeGreaterThan(5_000);
    expect(accesses.explained / accesses.all).toBeGreaterThan(0.85);
    expect(accesses.explained / accesses.all).toBeLessThan(0.95);
    expect(snooping.explained / snooping.all).toBeLessThan(0.25);
  });

  it('labels all legitimate anomalies, and they are in the log', () => {
    const month = createHospitalWorld({
      ...SMALL,
      hospitals: 1,
      days: 28,
      serviceShare: 0.1,
    });
    const all = eventsOf(month);
    const of = (kind: string): HospitalWorld['oddities'] =>
      month.oddities.filter((oddity) => oddity.kind === kind);
    for (const kind of [
      'ward transfer',
      'return from leave',
      'mass-casualty evening',
      'audit week',
      'software update',
      'night float',
      'break-glass in the emergency department',
      'VIP with a large care team',
      'clock change',
      'outage with backlog replay',
    ]) {
      expect(of(kind).length, kind).toBeGreaterThan(0);
    }
    const [transfer] = of('ward transfer');
    const wards = (from: number, until: number): Set<string | null> =>
      new Set(
        all
          .filter((e) => e.actor === transfer!.actors[0] && e.timeMs >= from && e.timeMs < until)
          .map((e) => e.ward),
      );
    expect(wards(transfer!.fromMs + DAY_MS, transfer!.fromMs + 12 * DAY_MS)).not.toContain(
      month.hospitals[0]!.staff.find((m) => m.actor === transfer!.actors[0])!.ward,
    );
    const [update] = of('software update');
    const isNew = (event: AccessEvent): boolean =>
      event.action === 'execute' && event.section === 'medication';
    expect(all.some((e) => isNew(e) && e.timeMs >= update!.fromMs)).toBe(true);
    expect(all.some((e) => isNew(e) && e.timeMs < update!.fromMs)).toBe(false);
    const [outage] = of('outage with backlog replay');
    const held = all.filter(
      (e) => e.ward === outage!.ward && e.timeMs >= outage!.fromMs && e.timeMs < outage!.untilMs,
    );
    const planted = new Set(month.truth.flatMap((i) => i.actors));
    expect(held.filter((e) => !planted.has(e.actor))).toEqual([]);
    expect(all.some((e) => e.timeBasis === 'recorded' && e.ward === outage!.ward)).toBe(true);
    const [casualty] = of('mass-casualty evening');
    const homes = new Map(month.hospitals[0]!.staff.map((m) => [m.actor, m.ward]));
    const helpersOn = (day: number): number =>
      new Set(
        all
          .filter(
            (e) =>
              e.ward === 'ED' &&
              homes.get(e.actor) !== 'ED' &&
              e.timeMs >= casualty!.fromMs + day * DAY_MS + 17.5 * HOUR_MS &&
              e.timeMs < casualty!.fromMs + (day + 1) * DAY_MS,
          )
          .map((e) => e.actor),
      ).size;
    expect(helpersOn(0)).toBeGreaterThanOrEqual(helpersOn(-1) + 1);
    const [vip] = of('VIP with a large care team');
    expect(new Set(vip!.actors).size).toBeGreaterThanOrEqual(2);
    expect(all.some((e) => e.patient === vip!.patient && e.sensitivity === 'very-restricted')).toBe(
      true,
    );
    expect(
      all.some((e) => e.breakGlass && e.ward === 'ED' && e.breakGlassReason === 'specific'),
    ).toBe(true);
  });

  it('has no oddity and no drift where they are switched off', () => {
    const plain = createHospitalWorld({
      ...SMALL,
      oddities: false,
      drift: false,
      zone: { offsetMinutes: 0, daylightSaving: false },
    });
    expect(plain.oddities).toEqual([]);
    for (const record of plain.hospitals[0]!.directory()) expect(record.hiredMs).toBeNull();
  });

  it('differs between hospitals as far as it is told to', () => {
    const shares = (heterogeneity: number): number => {
      const of = createHospitalWorld({
        ...SMALL,
        days: 3,
        heterogeneity,
        oddities: false,
        serviceShare: 0,
        incidents: { stream: 'benign' },
      });
      const [a, b] = of.hospitals.map((hospital) => {
        const counts = new Map<string, number>();
        let all = 0;
        for (const { role, action, section } of hospital.events()) {
          if (role !== 'nurse') continue;
          all++;
          const act = `${action} ${section}`;
          counts.set(act, (counts.get(act) ?? 0) + 1);
        }
        return new Map([...counts].map(([act, count]) => [act, count / all]));
      });
      return [...a!].reduce((sum, [act, share]) => sum + Math.abs(share - (b!.get(act) ?? 0)), 0);
    };
    expect(shares(1.2)).toBeGreaterThan(2 * shares(0));
  });

  it('works and writes things down otherwise where its customs are foreign', () => {
    const shapeOf = (customs: CustomsName) => {
      const of = createHospitalWorld({
        ...{ ...SMALL, days: 4, customs, oddities: false, drift: false, serviceShare: 0 },
        incidents: { stream: 'benign' },
      });
      const own = [...of.hospitals[0]!.events()];
      const bySession = new Map<string, AccessEvent[]>();
      for (const event of own) {
        bySession.set(event.session!, [...(bySession.get(event.session!) ?? []), event]);
      }
      const gaps = [...bySession.values()].flatMap((session) =>
        session.slice(1).map(({ timeMs }, i) => timeMs - session[i]!.timeMs),
      );
      const median = (values: readonly number[]): number =>
        values.toSorted((a, b) => a - b)[values.length >> 1]!;
      return {
        acts: new Set(own.map(({ action, section }) => `${action} ${section}`)),
        people: [...of.hospitals[0]!.directory()].map(({ role, ward }) => `${role} ${ward}`),
        events: own.length,
        sessionEvents: median([...bySession.values()].map(({ length }) => length)),
        gapMs: median(gaps),
      };
    };
    const known = shapeOf('known');
    const foreign = shapeOf('foreign');
    expect(foreign.people).toEqual(known.people);
    expect(foreign.events).toBeGreaterThan(0.7 * known.events);
    expect(foreign.events).toBeLessThan(1.4 * known.events);
    expect(foreign.sessionEvents).toBeGreaterThan(1.5 * known.sessionEvents);
    expect(foreign.gapMs).toBeLessThan(0.7 * known.gapMs);
    expect(known.acts).toContain('dispense medication');
    expect(foreign.acts).not.toContain('dispense medication');
    expect(foreign.acts).toContain('execute medication');
  });

  it('writes no label into the log', () => {
    const text = events.slice(0, 20_000).map(encodeAccessEvent).join('\n');
    expect(text).not.toMatch(/incident|attack|label|scenario|guilty|oddit/i);
    // The same forms of ids, sessions and devices for everybody.
    const ids = events.filter((e) => guilty.has(e.eventId)).map((e) => e.eventId);
    expect(ids.every((id) => /^H\d-[0-9a-f]{14}$/.test(id))).toBe(true);
    expect(events.every((e) => /^H\d-[0-9a-f]{14}$/.test(e.eventId))).toBe(true);
  });

  it('knows staff and patients for the rules of a SIEM', () => {
    const [hospital] = world.hospitals;
    const staff = [...hospital!.directory()];
    expect(staff.map((record) => record.actor)).toEqual(hospital!.staff.map((m) => m.actor));
    const patients = [...hospital!.patients()];
    expect(patients.filter((p) => p.vip).length).toBe(1);
    const households = new Set(staff.map((record) => record.household));
    expect(patients.some((p) => households.has(p.household))).toBe(true);
    expect(patients.some((p) => p.employee !== null)).toBe(true);
    expect(staff.some((r) => r.leftMs !== null && r.leftMs < world.startMs - 90 * DAY_MS)).toBe(
      true,
    );
  });

  it('can be played on a ledger like the demonstration world', () => {
    const live = selectLiveCalls(world, { seed: 1, callsMax: 20_000 });
    expect(live.callCount).toBeGreaterThan(1_000);
  });

  it('is quiet at night and at weekends', () => {
    const shape = describeEvents(world.hospitals[0]!.events());
    const of = (from: number, until: number): number =>
      shape.hours.slice(from, until).reduce((sum, share) => sum + share, 0);
    expect(of(7, 9)).toBeGreaterThan((1.7 * 2) / 24);
    expect(of(0, 6)).toBeLessThan((0.8 * 6) / 24);
    expect(shape.weekdays[0]!).toBeGreaterThan(1.3 * shape.weekdays[6]!);
  });

  it.each<[Partial<HospitalWorldOptions>, string]>([
    [{ hospitals: 65 }, 'hospitals'],
    [{ seed: 0.5 }, 'seed'],
    [{ staff: [100, 100] }, 'staff'],
    [{ staff: 3 }, 'staff'],
    [{ days: 1 }, 'days'],
    [{ liveDays: 8 }, 'liveDays'],
    [{ load: 0 }, 'load'],
    [{ serviceShare: 1 }, 'serviceShare'],
    [{ heterogeneity: -1 }, 'heterogeneity'],
    [{ customs: 'odd' as 'known' }, 'customs'],
    [{ incidents: { scenarios: ['S19'] } }, 'incidents.scenarios'],
    [{ incidents: { difficulties: [4 as 3] } }, 'incidents.difficulties'],
    [{ incidents: { stream: 'loud' as 'benign' } }, 'incidents.stream'],
    [{ incidents: { copies: 0 } }, 'incidents.copies'],
    [{ incidents: { maliciousShare: 0.01 } }, 'incidents.maliciousShare'],
  ])('refuses %j', (change, name) => {
    let fault: unknown;
    try {
      createHospitalWorld({ ...SMALL, ...change });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(DatasetError);
    expect((fault as DatasetError).code).toBe('ERR_DATASET_OPTION');
    expect((fault as DatasetError).facts.name).toBe(name);
  });
});

it('shares nothing with the detector but the schema of the event', () => {
  const allowed = new Set(['AccessEvent', 'Action', 'Purpose', 'ResourceType', 'Role', 'Section']);
  const src = join(import.meta.dirname, '../src');
  for (const folder of ['hospital', 'scenarios', 'simulation']) {
    for (const file of readdirSync(join(src, folder))) {
      const text = readFileSync(join(src, folder, file), 'utf8');
      const imports = text.matchAll(/import ([^;]*?) from '@bhschain\/[^']*'/g);
      for (const [, names] of imports) {
        expect(names, `${file} may import types only`).toMatch(/^type /);
        for (const name of names!.match(/\w+/g)!.slice(1)) {
          if (name !== 'ActorClass') expect(allowed, `${file}: ${name}`).toContain(name);
        }
      }
    }
  }
});
