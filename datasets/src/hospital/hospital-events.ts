/**
 * The events of one hospital in order of time, an hour at a time: memory holds the sessions that are under way, never a day.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';
import { randomStream } from '../random-stream.js';
import { DAY_MS, HOUR_MS, localHourOf, ROTA_HOURS, seasonalLoad, utcOf } from './calendar.js';
import type { Care } from './care.js';
import type { EventDraft } from './event-draft.js';
import type { Schedule } from './oddities.js';
import type { WorldConfig } from './options.js';
import { createServices } from './services.js';
import { assignmentOf, freeFrom, workSession, type ShiftWork } from './shift-work.js';
import { ROLE_FACTS, rotaOn, wardOn, type HospitalStyle, type Member } from './staff.js';

/** One hospital as everything but its events. */
export interface Site {
  readonly nodeId: string;
  readonly config: WorldConfig;
  readonly staff: readonly Member[];
  readonly style: HospitalStyle;
  readonly care: Care;
  readonly schedule: Schedule;
}

/** What incidents add to a hospital's log, and take out of it. */
export interface Plantings {
  /** In order of time. */
  readonly drafts: readonly EventDraft[];
  /** Ids of events that somebody removed: their sequence numbers stay, as gaps. */
  readonly erased: ReadonlySet<string>;
  /** Sessions that people of the hospital worked themselves, in which they do nothing else. */
  readonly sessions: readonly PlantedSession[];
}

export interface PlantedSession {
  readonly member: Member;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly events: number;
}

export function* eventsOf(site: Site, plantings: Plantings): Generator<AccessEvent> {
  let sequence = 0;
  for (const hour of hoursOf(site, plantings)) {
    for (const draft of hour) {
      sequence++;
      if (plantings.erased.has(draft.eventId)) continue;
      draft.sequence = BigInt(sequence);
      yield draft;
    }
  }
}

/** Events of people that a day is expected to bring, over the whole world. */
export function expectedPeopleADay(site: Site): number {
  const firstDay = site.config.startMs / DAY_MS;
  let total = 0;
  for (const member of site.staff) {
    for (let day = firstDay; day < firstDay + site.config.days; day++) {
      if (shiftHours(member, day) !== null) total += medianLoad(site, member, day) * 1.05;
    }
  }
  return total / site.config.days;
}

/** Each hour's events, sorted. The first day is worked in vain, so that night shifts reach into the world. */
function* hoursOf(site: Site, plantings: Plantings): Generator<EventDraft[]> {
  const { config, care, schedule, nodeId } = site;
  const endMs = config.startMs + config.days * DAY_MS;
  const people = site.staff.filter((member) => member.class === 'person');
  const busy = new Map<Member, PlantedSession[]>();
  if (config.incidents.work === 'replaced') {
    for (const session of plantings.sessions) {
      busy.set(session.member, [...(busy.get(session.member) ?? []), session]);
    }
  }
  const peopleADay = expectedPeopleADay(site);
  const services = createServices({
    nodeId,
    customs: site.style.customs,
    members: site.staff.filter((member) => member.class === 'service'),
    care,
    ratio: config.serviceShare / (1 - config.serviceShare),
    streamFor: (day) => randomStream(config.seed, 'hospital services', nodeId, day),
  });
  let shifts: ShiftWork[] = [];
  let waiting: EventDraft[] = [];
  let planted = 0;
  for (let fromMs = config.startMs - DAY_MS; fromMs < endMs; fromMs += HOUR_MS) {
    const untilMs = fromMs + HOUR_MS;
    const day = Math.floor(fromMs / DAY_MS);
    if (fromMs % DAY_MS === 0) {
      // Far to the east a day begins before midnight UTC.
      if (fromMs < config.startMs) addShifts(site, people, day, busy, shifts);
      addShifts(site, people, day + 1, busy, shifts);
    }
    const made = waiting.length;
    for (const shift of shifts) {
      const shiftDay = Math.floor(shift.startMs / DAY_MS);
      while (shift.nextMs < untilMs && shift.nextMs < shift.endMs && shift.wanted > 0) {
        const freeMs = freeFrom(shift, shift.nextMs);
        if (freeMs > shift.nextMs) shift.nextMs = freeMs;
        else workSession(site, shift, shiftDay, waiting);
      }
    }
    shifts = shifts.filter((shift) => shift.wanted > 0 && shift.nextMs < shift.endMs);
    const localHour = localHourOf(config.zone, fromMs);
    const { length } = waiting;
    if (fromMs >= config.startMs) {
      services.work({ fromMs, day, localHour }, length - made, peopleADay, waiting);
    }
    holdBack(schedule.outage, waiting);
    const ready: EventDraft[] = [];
    const later: EventDraft[] = [];
    for (const draft of waiting) (draft.timeMs < untilMs ? ready : later).push(draft);
    waiting = later;
    for (; planted < plantings.drafts.length; planted++) {
      const draft = plantings.drafts[planted]!;
      if (draft.timeMs >= untilMs) break;
      ready.push(draft);
    }
    ready.sort((a, b) => a.timeMs - b.timeMs);
    if (fromMs >= config.startMs) yield ready;
  }
}

const BACKLOG_GAP_MS = 25;

/** Events of a ward that is cut off are recorded, in a burst, when the line is back; the log knows no other time. */
function holdBack(outage: Schedule['outage'], drafts: readonly EventDraft[]): void {
  if (outage === null) return;
  let count = 0;
  for (const draft of drafts) {
    if (draft.timeBasis === 'recorded') {
      count++;
      continue;
    }
    if (draft.ward !== outage.ward) continue;
    if (draft.timeMs < outage.fromMs || draft.timeMs >= outage.untilMs) continue;
    draft.timeMs = outage.untilMs + ++count * BACKLOG_GAP_MS;
    draft.timeBasis = 'recorded';
  }
}

function shiftHours(member: Member, day: number): readonly [number, number] | null {
  if (member.class === 'service') return null;
  const rota = rotaOn(member, day);
  return rota === null ? null : ROTA_HOURS[rota];
}

function medianLoad(site: Site, member: Member, day: number): number {
  if (member.role === 'service') return 0;
  const hours = shiftHours(member, day);
  if (hours === null) return 0;
  const { config, style } = site;
  const season = config.drift ? seasonalLoad(day) : 1;
  const load = ROLE_FACTS[member.role].load * config.load * style.load * season;
  return (load * (hours[1] - hours[0])) / 8;
}

const CASUALTY_HOURS = [18, 24] as const;

function addShifts(
  site: Site,
  people: readonly Member[],
  day: number,
  busy: ReadonlyMap<Member, readonly PlantedSession[]>,
  into: ShiftWork[],
): void {
  const { casualty } = site.schedule;
  const isCasualty = casualty?.day === day;
  for (const member of people) {
    const hours = shiftHours(member, day);
    if (hours !== null) {
      const ward = wardOn(member, day);
      // The evening of many casualties doubles the work of those who are there.
      const rush = isCasualty && ward === 'ED' && hours[1] > CASUALTY_HOURS[0] ? 2 : 1;
      const planted = busy.get(member) ?? [];
      into.push(shiftOf(site, { member, day, hours, ward, load: rush, purpose: 'shift', planted }));
    }
    if (isCasualty && casualty.helpers.has(member.index) && (hours?.[1] ?? 0) <= 17) {
      into.push(
        shiftOf(site, {
          member,
          day,
          hours: CASUALTY_HOURS,
          ward: 'ED',
          load: 1.5,
          purpose: 'casualty',
          planted: busy.get(member) ?? [],
        }),
      );
    }
  }
}

function shiftOf(
  site: Site,
  of: Readonly<{
    member: Member;
    day: number;
    hours: readonly [number, number];
    ward: string;
    load: number;
    purpose: string;
    planted: readonly PlantedSession[];
  }>,
): ShiftWork {
  const { config, schedule, nodeId } = site;
  const { member, day, hours, ward } = of;
  const random = randomStream(config.seed, `hospital ${of.purpose}`, nodeId, member.index, day);
  const startMs = utcOf(config.zone, day, hours[0]);
  const endMs = utcOf(config.zone, day, hours[1]);
  const median = Math.max(
    medianLoad(site, member, day),
    of.purpose === 'casualty' ? 60 * config.load : 0,
  );
  const total = Math.max(3, Math.round(random.logNormal(median * of.load, 0.35)));
  const { audit, updateDay } = schedule;
  const planted = of.planted.filter((one) => one.untilMs > startMs && one.fromMs < endMs);
  return {
    member,
    ward,
    startMs,
    endMs,
    random,
    total,
    wanted: planted.reduce((left, { events }) => left - events, total),
    planted,
    nextMs: startMs + random.between(-10, 20) * 60_000,
    assigned: assignmentOf(site.care, member, ward, day, random),
    isAudit:
      audit !== null && day >= audit.day && day < audit.day + 7 && audit.auditors.has(member.index),
    isUpdated: updateDay !== null && day >= updateDay,
  };
}
