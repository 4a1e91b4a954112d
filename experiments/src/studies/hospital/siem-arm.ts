/**
 * The central SIEM on a world: tuned on the weeks before the live days, then the most points of every case and incident.
 * @module
 */
import type { HospitalWorld } from '@bhschain/datasets';
import { createSessionDays, type AccessEvent } from '@bhschain/models/features';
import {
  createSiem,
  createTuning,
  knowledgeOf,
  OUT_OF_THE_BOX,
  type RuleSetting,
  type SiemKnowledge,
} from '../../siem/index.js';
import { DAY_MS, type Borders } from './featurise.js';

export interface SiemTotals {
  readonly settings: {
    readonly default: readonly RuleSetting[];
    readonly tuned: readonly RuleSetting[];
  };
  /** By `<node> <actor> <day>`: [as delivered, tuned]; cases without points are not listed. */
  readonly cases: Readonly<Record<string, readonly [number, number]>>;
  /** Most points of any case that holds a guilty event, by incident. */
  readonly incidents: Readonly<Record<string, readonly [number, number]>>;
  /** Hits in live cases by rule: [as delivered, tuned]. */
  readonly hits: Readonly<Record<string, readonly [number, number]>>;
}

export function siemTotals(world: HospitalWorld, borders: Borders, budget: number): SiemTotals {
  const knowledge = knowledgeOf(world);
  const tuned = tunedSettings(world, { knowledge, borders, budget });
  const both = [createSiem(knowledge, OUT_OF_THE_BOX), createSiem(knowledge, tuned)];
  const guilty = new Map<string, string[]>();
  for (const incident of world.truth) {
    for (const id of incident.eventIds) guilty.set(id, [...(guilty.get(id) ?? []), incident.id]);
  }
  const cases: Record<string, [number, number]> = {};
  const incidentCases = new Map<string, Set<string>>();
  const hits: Record<string, [number, number]> = {};
  const nameOf = caseNames();
  for (const event of merged(world)) {
    const seen = both.map((siem) => siem.see(event));
    if (event.timeMs < borders.liveFromMs) continue;
    const name = nameOf(event);
    const points = seen.map((one) => one.points);
    if (points[0]! > 0 || points[1]! > 0) {
      const known = (cases[name] ??= [0, 0]);
      known[0] = Math.max(known[0], points[0]!);
      known[1] = Math.max(known[1], points[1]!);
    }
    seen.forEach((one, which) => {
      for (const id of one.hits) (hits[id] ??= [0, 0])[which]!++;
    });
    for (const id of guilty.get(event.eventId) ?? []) {
      const own = incidentCases.get(id) ?? new Set<string>();
      own.add(name);
      incidentCases.set(id, own);
    }
  }
  const incidents = Object.fromEntries(
    world.truth.map(({ id }) => {
      const own = [...(incidentCases.get(id) ?? [])].map((name) => cases[name] ?? [0, 0]);
      return [
        id,
        [0, 1].map((which) => Math.max(0, ...own.map((p) => p[which]!))) as [number, number],
      ];
    }),
  );
  return { settings: { default: OUT_OF_THE_BOX, tuned }, cases, incidents, hits };
}

/** On the weeks before the live days. What the trials remember of them is forgotten with this call. */
function tunedSettings(
  world: HospitalWorld,
  {
    knowledge,
    borders,
    budget,
  }: Readonly<{ knowledge: SiemKnowledge; borders: Borders; budget: number }>,
): readonly RuleSetting[] {
  const tuning = createTuning(knowledge, budget);
  const people = new Set<string>();
  const nameOf = caseNames();
  for (const event of merged(world)) {
    if (event.timeMs >= borders.liveFromMs) break;
    const name = nameOf(event);
    tuning.see(event, name);
    if (event.actorClass !== 'service' && event.timeMs >= borders.trainFromMs) people.add(name);
  }
  return tuning.settings(people.size);
}

function caseNames(): (event: AccessEvent) => string {
  const dayOf = caseDays();
  return (event) => `${event.nodeId} ${event.actor} ${dayOf(event)}`;
}

/** No session lasts longer: what began so many days ago is over. */
export const CASE_DAYS_OPEN = 2;

/** The day whose case an event of the log belongs to; events come in order of time. */
export function caseDays(): (event: AccessEvent) => number {
  const days = createSessionDays();
  let today = 0;
  return (event) => {
    const day = Math.floor(event.timeMs / DAY_MS);
    if (day !== today) {
      today = day;
      // A month of sessions is half a million.
      days.forgetBefore(day - CASE_DAYS_OPEN);
    }
    return days.dayOf(event);
  };
}

/** All hospitals' events in order of time: the SIEM is central. */
export function* merged(world: HospitalWorld): Generator<AccessEvent> {
  const heads = world.hospitals.map((hospital) => {
    const events = hospital.events()[Symbol.iterator]();
    return { events, next: events.next() };
  });
  for (;;) {
    let first: (typeof heads)[number] | null = null;
    for (const head of heads) {
      if (head.next.done === true) continue;
      if (first === null || head.next.value.timeMs < (first.next.value as AccessEvent).timeMs)
        first = head;
    }
    if (first === null) return;
    yield first.next.value as AccessEvent;
    first.next = first.events.next();
  }
}
