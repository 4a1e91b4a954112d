/** Each scenario has its signature at each difficulty, and nothing is labelled that was not planted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessEvent } from '@bhschain/models/features';
import { afterAll, describe, expect, it } from 'vitest';

import { createRelationIndex } from '@bhschain/models/features';
import {
  createHospitalWorld,
  DatasetError,
  readCatalogue,
  type HospitalWorld,
  type LabelledIncident,
  type PatientRecord,
  type StaffRecord,
} from '../src/index.js';

const HOUR_MS = 3_600_000;
const catalogue = readCatalogue();
const world = createHospitalWorld({
  seed: 12,
  hospitals: 3,
  staff: 300,
  days: 14,
  liveDays: 7,
  load: 0.1,
  serviceShare: 0.2,
  incidents: { difficulties: [1, 2, 3] },
});
const events = new Map<string, AccessEvent>();
const ofActor = new Map<string, AccessEvent[]>();
for (const hospital of world.hospitals) {
  for (const event of hospital.events()) {
    events.set(event.eventId, event);
    const list = ofActor.get(event.actor);
    if (list === undefined) ofActor.set(event.actor, [event]);
    else list.push(event);
  }
}
const staff = new Map<string, StaffRecord>();
const patients = new Map<string, PatientRecord>();
for (const hospital of world.hospitals) {
  for (const record of hospital.directory()) staff.set(record.actor, record);
  for (const record of hospital.patients()) patients.set(record.patient, record);
}
const explains = new Map(
  world.hospitals.map((h) => [h.nodeId, createRelationIndex(h.relations())] as const),
);

interface Case {
  readonly incident: LabelledIncident;
  readonly guilty: readonly AccessEvent[];
  readonly level: Readonly<Record<string, number>>;
}

function gapsOf(list: readonly AccessEvent[]): number[] {
  return list.slice(1).map((event, i) => event.timeMs - list[i]!.timeMs);
}
function variation(gaps: readonly number[]): number {
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  return Math.sqrt(variance) / mean;
}
function recordsOf(list: readonly AccessEvent[]): Set<string> {
  return new Set(list.flatMap((event) => event.patient ?? []));
}
function actions(list: readonly AccessEvent[]): string[] {
  return list.map((event) => `${event.action} ${event.section}`);
}
function unexplained(list: readonly AccessEvent[]): number {
  return (
    list.filter(
      (event) =>
        event.patient !== null &&
        !explains.get(event.nodeId)!({ ...event, patient: event.patient }),
    ).length / list.length
  );
}
const hourOf = (event: AccessEvent): number => new Date(event.timeMs).getUTCHours();

const SIGNATURES: Readonly<Record<string, (of: Case) => void>> = {
  S1({ incident, guilty, level }) {
    expect(recordsOf(guilty).size).toBe(1);
    expect(patients.get(guilty[0]!.patient!)!.vip).toBe(true);
    expect(incident.actors.length).toBe(level['readers']);
    expect(unexplained(guilty)).toBeGreaterThan(0.8);
    expect(guilty.length).toBe(incident.actors.length * level['reads']!);
    expect(guilty.every((e) => e.action === 'read')).toBe(true);
  },
  S2({ incident, guilty, level }) {
    const patient = patients.get(guilty[0]!.patient!)!;
    const reader = staff.get(incident.actor)!;
    const near =
      patient.surname === reader.surname ||
      patient.household === reader.household ||
      patient.employee !== null;
    expect(near).toBe(true);
    expect(recordsOf(guilty).size).toBe(1);
    expect(guilty.length).toBeGreaterThanOrEqual(level['reads']!);
    expect(guilty.length).toBeLessThanOrEqual(level['reads']! + level['days']!);
  },
  S3({ incident, guilty, level }) {
    expect(incident.actors.length).toBe(level['members']);
    expect(guilty.every((e) => ['security', 'clerk'].includes(e.role))).toBe(true);
    expect(recordsOf(guilty).size).toBeGreaterThan(level['members']! * level['records']! * 0.5);
  },
  S4({ guilty, level }) {
    expect(guilty.length).toBe(level['events']);
    expect(guilty.every((e) => e.network === 'remote')).toBe(true);
    const own = ofActor.get(guilty[0]!.actor)!.filter((e) => e.network === 'internal');
    expect(own.some((e) => e.device === guilty[0]!.device)).toBe(false);
    expect(guilty.filter((e) => e.action === 'search').length).toBeGreaterThan(guilty.length / 6);
    if (level['night'] === 1) expect(hourOf(guilty[0]!)).toBeLessThan(5);
  },
  S5({ guilty, level }) {
    expect(recordsOf(guilty).size).toBe(level['records']);
    expect(guilty.at(-1)!.timeMs - guilty[0]!.timeMs).toBeLessThan(1.2 * HOUR_MS);
    expect(variation(gapsOf(guilty))).toBeLessThan(0.12);
    expect(guilty.filter((e) => e.action === 'export').length).toBeGreaterThan(guilty.length / 2);
  },
  S6({ guilty, level }) {
    const days = new Set(guilty.map((e) => Math.floor(e.timeMs / 86_400_000)));
    expect(days.size).toBeGreaterThanOrEqual(3);
    expect(guilty.length).toBeLessThanOrEqual(2 * level['recordsADay']! * 7);
    expect(unexplained(guilty)).toBeGreaterThan(0.7);
    expect(guilty.filter((e) => ['print', 'export'].includes(e.action)).length).toBe(
      guilty.length / 2,
    );
  },
  S7({ guilty, level }) {
    const queries = guilty.filter((e) => e.action === 'search');
    expect(queries.length).toBe(level['queries']);
    for (const query of queries) {
      expect(query.recordCount).toBeGreaterThan(level['rows']! * 0.85);
      expect(['report', 'api']).toContain(query.channel);
    }
  },
  S8({ guilty, level }) {
    const rewrites = guilty.filter((e) => e.action === 'update');
    expect(rewrites.length).toBe(level['records']);
    for (const [i, event] of guilty.entries()) {
      if (event.action !== 'update') continue;
      const before = guilty[i - 1]!;
      expect(before.action).toBe('read');
      expect(before.patient).toBe(event.patient);
      expect(event.bytes!).toBeGreaterThan(before.bytes! * 1.2);
    }
    const minutes = (rewrites.at(-1)!.timeMs - rewrites[0]!.timeMs) / 60_000;
    const pace = rewrites.length / minutes / level['recordsAMinute']!;
    expect(pace).toBeGreaterThan(0.8);
    expect(pace).toBeLessThan(1.2);
    expect(guilty.some((e) => e.action === 'delete' && e.resourceType === 'backup')).toBe(true);
  },
  S9({ incident, guilty, level }) {
    expect(incident.actors.length).toBeGreaterThanOrEqual(Math.min(3, level['accounts']!));
    expect(incident.nodeIds.length).toBe(3);
    expect(new Set(guilty.map((e) => e.device)).size).toBe(1);
    expect(guilty.every((e) => e.actorClass === 'service')).toBe(true);
    expect(guilty[0]).toMatchObject({ action: 'login', outcome: 'denied' });
  },
  S10({ guilty, level }) {
    const overrides = guilty.filter((e) => e.action === 'override');
    expect(overrides.length).toBeGreaterThanOrEqual(level['overrides']!);
    for (const event of overrides) {
      expect(event).toMatchObject({ breakGlassReason: 'generic', breakGlass: true });
      expect(event.ward).not.toBe('ED');
    }
    const mine = ofActor.get(guilty[0]!.actor)!;
    const kept = mine.filter(
      (e) =>
        ['create', 'update'].includes(e.action) &&
        recordsOf(overrides).has(e.patient ?? '') &&
        e.timeMs > guilty[0]!.timeMs,
    );
    expect(kept.length, 'neither note nor order afterwards').toBeLessThanOrEqual(1);
  },
  S11({ guilty, level }) {
    const denials = guilty.filter((e) => e.outcome === 'denied');
    expect(denials.length).toBe(level['denials']);
    expect(recordsOf(denials).size).toBeGreaterThan(denials.length * 0.6);
    const after = guilty.find((e) => e.outcome === 'success')!;
    const before = denials.filter((e) => e.timeMs < after.timeMs && e.patient === after.patient);
    expect(before.length).toBeGreaterThan(0);
    expect(after.purpose).not.toBe(before[0]!.purpose);
  },
  S12({ guilty, level }) {
    const acts = actions(guilty);
    expect(acts[0]).toBe('grant governance');
    expect(acts.at(-1)).toBe('update governance');
    expect(acts.slice(1, -1).every((act) => act.startsWith('read '))).toBe(true);
    expect(acts.length).toBe(level['reads']! + 2);
  },
  S13({ incident, guilty, level }) {
    expect(staff.get(incident.actor)!.leftMs!).toBeLessThan(guilty[0]!.timeMs - 90 * 24 * HOUR_MS);
    expect(guilty.length).toBe(level['records']);
  },
  S14({ guilty, level }) {
    const withdrawals = guilty.filter((e) => e.action === 'dispense');
    const days = new Set(withdrawals.map((e) => e.session)).size;
    expect(withdrawals.length).toBe(days * level['withdrawals']!);
    const undone = guilty.filter((e) => e.action === 'delete').length / withdrawals.length;
    expect(Math.abs(undone - level['cancelled']!)).toBeLessThan(1 / withdrawals.length + 1e-9);
    for (const [i, event] of guilty.entries()) {
      if (event.action !== 'dispense') expect(guilty[i - 1]!.patient).toBe(event.patient);
    }
  },
  S15({ guilty }) {
    const claims = guilty.filter((e) => e.action === 'claim');
    expect(recordsOf(claims).size).toBeLessThanOrEqual(12);
    expect(claims.every((e) => e.role === 'billing')).toBe(true);
    const visited = claims.filter((e) =>
      explains.get(e.nodeId)!({ ...e, patient: e.patient!, ward: 'LAB' }),
    );
    expect(visited.length / claims.length).toBeLessThan(0.35);
  },
  S16({ guilty, level }) {
    expect(guilty.length).toBe(level['reads']);
    const cv = variation(gapsOf(guilty));
    expect(cv).toBeGreaterThan(level['jitter']! * 0.5);
    expect(cv).toBeLessThan(level['jitter']! * 1.8 + 0.01);
    const ids = guilty.map((e) => Number(e.patient!.slice(-6)));
    const ordered = ids.slice(1).filter((id, i) => id === ids[i]! + 1).length;
    expect(ordered).toBeGreaterThanOrEqual(ids.length - 2);
  },
  S17({ incident, guilty, level }) {
    const [home] = incident.actor.split('.');
    expect(incident.nodeId).not.toBe(home);
    const before = ofActor
      .get(incident.actor)!
      .filter((e) => e.nodeId === home && e.timeMs <= guilty[0]!.timeMs);
    const gapMs = guilty[0]!.timeMs - Math.max(...before.map((e) => e.timeMs));
    expect(gapMs).toBeLessThanOrEqual(level['minutesApart']! * 60_000 + 1_000);
  },
  S18({ incident, guilty, level }) {
    expect(incident.erasedCount).toBe(level['missing']);
    expect(actions(guilty)).toEqual(['delete governance']);
    const log = [...world.hospitals.find((h) => h.nodeId === incident.nodeId)!.events()];
    let missing = 0n;
    let before = 0n;
    for (const event of log) {
      if (event.timeMs >= incident.startMs - HOUR_MS && event.timeMs <= incident.endMs + HOUR_MS) {
        missing += event.sequence! - before - 1n;
      }
      before = event.sequence!;
    }
    expect(Number(missing)).toBeGreaterThanOrEqual(level['missing']!);
  },
  S20({ incident, guilty, level }) {
    expect(incident.actors.length).toBe(level['members']);
    const ids = new Set(guilty.flatMap((e) => e.patient ?? []));
    const reads = guilty.filter((e) => e.action === 'read');
    expect(ids.size).toBe(reads.length);
    for (const actor of incident.actors) {
      const days = new Set(
        reads.filter((e) => e.actor === actor).map((e) => Math.floor(e.timeMs / 86_400_000)),
      );
      const mine = reads.filter((e) => e.actor === actor).length;
      expect(mine / days.size).toBeLessThanOrEqual(level['recordsADay']! * 2);
    }
  },
};

describe('scenarios', () => {
  it('has a signature to check for each one of the catalogue', () => {
    expect(Object.keys(SIGNATURES)).toEqual(Object.keys(catalogue.scenarios));
    expect(world.truth.length).toBe(3 * Object.keys(SIGNATURES).length);
  });

  it.each(world.truth.map((incident) => [incident.scenario, incident.difficulty, incident]))(
    '%s at difficulty %i shows its signature',
    (scenario, difficulty, incident) => {
      const guilty = incident.eventIds.map((id) => events.get(id)!);
      expect(guilty.length).toBeGreaterThan(0);
      expect(guilty.every((event) => incident.actors.includes(event.actor))).toBe(true);
      expect(guilty.every((event) => incident.nodeIds.includes(event.nodeId))).toBe(true);
      expect(incident.startMs).toBeGreaterThanOrEqual(world.liveFromMs);
      expect(incident.endMs).toBeLessThan(world.endMs);
      expect(guilty.every((e) => e.timeMs >= incident.startMs && e.timeMs <= incident.endMs)).toBe(
        true,
      );
      const entry = catalogue.scenarios[scenario]!;
      expect(incident).toMatchObject({
        views: entry.views,
        seenBy: entry.seenBy,
        kind: entry.kind,
      });
      SIGNATURES[scenario]!({ incident, guilty, level: entry.levels[difficulty] });
    },
  );

  it('is not told by how it is planted: nobody acts in the moment of logging in', () => {
    const guilty = new Set(world.truth.flatMap(({ eventIds }) => eventIds));
    const sessions = new Map<string, AccessEvent[]>();
    for (const event of events.values()) {
      if (event.session === null || event.actorClass === 'service') continue;
      const list = sessions.get(event.session);
      if (list === undefined) sessions.set(event.session, [event]);
      else list.push(event);
    }
    const starts = [...sessions.values()].filter(
      (list) =>
        list.length > 1 &&
        list[0]!.action === 'login' &&
        list.some(({ eventId }) => guilty.has(eventId)),
    );
    expect(starts.length).toBeGreaterThan(50);
    for (const [login, first] of starts) expect(first!.timeMs).toBeGreaterThan(login!.timeMs);
  });

  it('says what the ledger ought to do', () => {
    for (const { scenario, seenBy, expected } of world.truth) {
      const held =
        scenario === 'S10' ? 'flagged' : seenBy.includes('H') ? 'quarantined' : 'reviewed';
      expect(expected).toBe(held);
    }
  });

  it('plants nothing in a benign world, and its other events do not move', () => {
    const options = { seed: 3, hospitals: 1, staff: 60, days: 4, load: 0.2 } as const;
    const benign = createHospitalWorld({ ...options, incidents: { stream: 'benign' } });
    expect(benign.truth).toEqual([]);
    const ids = (of: HospitalWorld): string[] =>
      [...of.hospitals[0]!.events()].map((e) => e.eventId);
    const planted = createHospitalWorld({ ...options, incidents: { scenarios: ['S5'] } });
    const sessions = new Set(planted.truth.flatMap((i) => i.eventIds));
    const rest = new Set(ids(planted).filter((id) => !sessions.has(id)));
    expect(ids(benign).every((id) => rest.has(id))).toBe(true);
  });

  it('rehearses every incident: same people, moments and numbers of acts, nothing of what was guilty', () => {
    const options = { seed: 3, hospitals: 2, staff: 60, days: 4, load: 0.2 } as const;
    const scenarios = ['S3', 'S4', 'S8', 'S17', 'S18'];
    const played = createHospitalWorld({ ...options, incidents: { scenarios } });
    const rehearsed = createHospitalWorld({ ...options, incidents: { scenarios, acts: 'own' } });
    const eventsOf = (of: HospitalWorld): ReadonlyMap<string, AccessEvent> =>
      new Map(
        of.hospitals.flatMap((hospital) => [...hospital.events()].map((e) => [e.eventId, e])),
      );
    const [before, after] = [eventsOf(played), eventsOf(rehearsed)];
    for (const [i, incident] of played.truth.entries()) {
      const own = rehearsed.truth[i]!;
      expect([own.id, own.scenario, own.startMs]).toEqual([
        incident.id,
        incident.scenario,
        incident.startMs,
      ]);
      expect(own.actors).toEqual(incident.actors);
      expect(own.erasedCount).toBe(0);
      expect(own.eventIds.length).toBe(incident.eventIds.length + incident.erasedCount);
      const acts = own.eventIds.map((id) => after.get(id)!);
      const kinds = new Set(
        acts.map(({ role, action, section }) => `${role} ${action} ${section}`),
      );
      const usual = new Set(
        [...before.values()]
          .filter(({ timeMs }) => timeMs < played.liveFromMs)
          .map(({ role, action, section }) => `${role} ${action} ${section}`),
      );
      expect([...kinds].filter((kind) => !usual.has(kind))).toEqual([]);
      expect(acts.every(({ network, breakGlass }) => network === 'internal' && !breakGlass)).toBe(
        true,
      );
    }
  });

  it('puts a planted session in the place of as much work, if it is told to', () => {
    const options = { seed: 3, hospitals: 1, staff: 60, days: 6, liveDays: 3, load: 0.4 } as const;
    const scenarios = ['S3', 'S10', 'S20'];
    const worldOf = (work: 'added' | 'replaced'): HospitalWorld =>
      createHospitalWorld({ ...options, incidents: { scenarios, work } });
    /** Events of the people of the incidents in the live days, and overlaps of their sessions with planted ones. */
    const measure = (of: HospitalWorld): { events: number; overlaps: number } => {
      const guilty = new Set(of.truth.flatMap(({ eventIds }) => eventIds));
      const actors = new Set(of.truth.flatMap((one) => one.actors));
      const sessions = new Map<string, AccessEvent[]>();
      for (const event of of.hospitals[0]!.events()) {
        if (!actors.has(event.actor) || event.timeMs < of.liveFromMs) continue;
        sessions.set(event.session!, [...(sessions.get(event.session!) ?? []), event]);
      }
      const spans = [...sessions.values()].map((list) => ({
        actor: list[0]!.actor,
        fromMs: list[0]!.timeMs,
        untilMs: list.at(-1)!.timeMs,
        isPlanted: list.some(({ eventId }) => guilty.has(eventId)),
      }));
      const overlaps = spans.filter(
        (one) =>
          one.isPlanted &&
          spans.some(
            (other) =>
              !other.isPlanted &&
              other.actor === one.actor &&
              other.fromMs < one.untilMs &&
              other.untilMs > one.fromMs,
          ),
      ).length;
      return { events: [...sessions.values()].flat().length, overlaps };
    };
    const [added, replaced] = [measure(worldOf('added')), measure(worldOf('replaced'))];
    expect(replaced.events).toBeLessThan(added.events * 0.95);
    expect(replaced.overlaps).toBeLessThan(added.overlaps / 3);
  });

  it('keeps an operational stream at 0.01 to 0.1 % malicious events', () => {
    for (const seed of [1, 2]) {
      const of = createHospitalWorld({
        seed,
        hospitals: 2,
        staff: 200,
        days: 7,
        load: 0.25,
        incidents: { stream: 'operational' },
      });
      const all = of.hospitals.reduce((sum, hospital) => sum + [...hospital.events()].length, 0);
      const malicious = of.truth.reduce((sum, incident) => sum + incident.eventIds.length, 0);
      expect(malicious / all).toBeGreaterThan(0.0001);
      expect(malicious / all).toBeLessThan(0.001);
      expect(new Set(of.truth.map((i) => i.scenario)).size).toBeGreaterThan(5);
    }
  });

  it('plants as many of each as a balanced stream asks for', () => {
    const of = createHospitalWorld({
      seed: 4,
      hospitals: 2,
      staff: 60,
      days: 4,
      load: 0.1,
      incidents: { copies: 3, scenarios: ['S3', 'S12'], difficulties: [1, 2] },
    });
    expect(of.truth.map((i) => `${i.scenario} ${i.difficulty}`).sort()).toEqual(
      ['S12 1', 'S12 2', 'S3 1', 'S3 2'].flatMap((cell) => [cell, cell, cell]),
    );
    expect(new Set(of.truth.map((i) => i.id)).size).toBe(12);
  });
});

describe('catalogue', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'catalogue-'));
  afterAll(() => rmSync(scratch, { recursive: true }));
  const text = readFileSync(new URL('../scenarios.yaml', import.meta.url), 'utf8');

  function pathOf(changed: string): unknown {
    const file = join(scratch, 'scenarios.yaml');
    writeFileSync(file, changed);
    try {
      readCatalogue(file);
    } catch (error) {
      expect(error).toBeInstanceOf(DatasetError);
      expect((error as DatasetError).code).toBe('ERR_SCENARIO_CATALOGUE');
      return (error as DatasetError).facts.path;
    }
    return 'accepted';
  }

  it('has another hash when a magnitude moves', () => {
    const file = join(scratch, 'other.yaml');
    writeFileSync(file, text.replace('readers: 24', 'readers: 25'));
    expect(readCatalogue(file).hash).not.toBe(catalogue.hash);
  });

  it.each([
    ['format: scenarios/1', 'format: scenarios/2', 'format'],
    ['kind: VIP snooping', 'kind: VIP', 'S1.kind'],
    ['{ readers: 24, reads: 4 }', '{ readers: 24 }', 'S1.levels.1.reads'],
    ['{ readers: 24, reads: 4 }', '{ readers: -1, reads: 4 }', 'S1.levels.1.readers'],
    ['{ readers: 24, reads: 4 }', '{ readers: many, reads: 4 }', 'S1.levels.1.readers'],
    ['{ readers: 24, reads: 4 }', '{ readers: 24, reads: 4, more: 1 }', 'S1.levels.1.more'],
    ['  S20:', '  S21:', 'scenarios.S21'],
    ['seenBy: [N]', 'seenBy: [X]', 'S1.seenBy'],
    ['views: [insider]', 'views: insider', 'S1.views'],
    ['scenarios:', 'scenarios: [', 'file'],
  ])('refuses %s → %s', (from, to, path) => {
    expect(pathOf(text.replace(from, to))).toBe(path);
  });
});
