/**
 * Legitimate anomalies of one hospital: what a detector will find strange and nobody did wrong. Each is scheduled from the
 * seed and labelled; without them any detector looks perfect.
 * @module
 */

import { randomStream, type RandomStream } from '../random-stream.js';
import { clockChangeIn, DAY_MS, utcOf } from './calendar.js';
import type { Care } from './care.js';
import type { WorldConfig } from './options.js';
import type { Member } from './staff.js';

export type OddityKind =
  | 'new employee'
  | 'ward transfer'
  | 'return from leave'
  | 'mass-casualty evening'
  | 'audit week'
  | 'software update'
  | 'night float'
  | 'break-glass in the emergency department'
  | 'VIP with a large care team'
  | 'clock change'
  | 'outage with backlog replay';

export interface Oddity {
  readonly kind: OddityKind;
  readonly nodeId: string;
  /** Whom it touches; empty: everybody. */
  readonly actors: readonly string[];
  readonly ward: string | null;
  readonly patient: string | null;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What the day's work has to know of the oddities. */
export interface Schedule {
  readonly oddities: readonly Oddity[];
  /** Extra evening shifts in the emergency department. */
  readonly casualty: Readonly<{ day: number; helpers: ReadonlySet<number> }> | null;
  readonly audit: Readonly<{ day: number; auditors: ReadonlySet<number> }> | null;
  /** From this day on there is an event type that was not there before. */
  readonly updateDay: number | null;
  /** Events of a ward wait here and come as a burst. */
  readonly outage: Readonly<{ ward: string; fromMs: number; untilMs: number }> | null;
  readonly vip: string | null;
}

export function scheduleOf(
  options: Readonly<{ config: WorldConfig; nodeId: string; staff: readonly Member[]; care: Care }>,
): Schedule {
  const { config, nodeId, staff, care } = options;
  const random = randomStream(config.seed, 'hospital oddities', nodeId);
  const firstDay = config.startMs / DAY_MS;
  const lastDay = firstDay + config.days - 1;
  const oddities: Oddity[] = [];
  const note = (kind: OddityKind, facts: Partial<Oddity> & { from: number; until: number }): void =>
    void oddities.push({
      kind,
      nodeId,
      actors: facts.actors ?? [],
      ward: facts.ward ?? null,
      patient: facts.patient ?? null,
      fromMs: utcOf(config.zone, facts.from, 0),
      untilMs: utcOf(config.zone, facts.until, 0),
    });
  for (const member of staff) {
    if (member.hiredOnDay === null) continue;
    note('new employee', {
      actors: [member.actor],
      from: member.hiredOnDay,
      until: member.hiredOnDay + 30,
    });
  }
  const change = clockChangeIn(config.zone, firstDay, lastDay);
  if (change !== null) note('clock change', { from: change, until: change + 1 });
  // The rest comes from the switch; new employees are drift, and the clock is the calendar's.
  const updateDay = config.drift ? firstDay + Math.floor(config.days * 0.6) : null;
  if (updateDay !== null) note('software update', { from: updateDay, until: lastDay + 1 });
  if (!config.oddities) {
    return { oddities, casualty: null, audit: null, updateDay, outage: null, vip: null };
  }
  note('break-glass in the emergency department', {
    ward: 'ED',
    from: firstDay,
    until: lastDay + 1,
  });
  const free = random.shuffled(staff.filter(isSettled));
  const wards = care.wards;
  const few = (share: number): Member[] =>
    free.splice(0, Math.max(1, Math.round(staff.length * share)));
  const clinical = (member: Member): boolean => wards.includes(member.ward);
  for (const member of few(0.006).filter(clinical)) {
    const day = firstDay + random.below(config.days);
    const ward = random.pick(wards.filter((each) => each !== member.ward));
    member.transfer = { day, ward };
    note('ward transfer', { actors: [member.actor], ward, from: day, until: day + 14 });
  }
  for (const member of few(0.006)) {
    const back = firstDay + Math.floor(config.days * random.between(0.5, 1));
    member.leave = [back - 14 - random.below(60), back];
    note('return from leave', { actors: [member.actor], from: back, until: back + 7 });
  }
  for (const member of few(0.006).filter(clinical)) {
    const day = firstDay + random.below(config.days);
    const ward = random.pick(wards.filter((each) => each !== member.ward));
    member.nightFloat = { day, ward };
    note('night float', { actors: [member.actor], ward, from: day, until: day + 7 });
  }
  const evening = firstDay + Math.floor(config.days * random.between(0.3, 0.95));
  const helpers = free.filter(clinical).slice(0, Math.max(2, Math.round(staff.length * 0.012)));
  note('mass-casualty evening', { ward: 'ED', from: evening, until: evening + 1 });
  const week = firstDay + Math.floor(config.days * random.between(0.2, 0.8));
  const auditors = free
    .filter((member) => member.role === 'physician' || member.role === 'administrator')
    .slice(-Math.max(2, Math.round(staff.length * 0.003)));
  note('audit week', { actors: auditors.map((m) => m.actor), from: week, until: week + 7 });
  const outageDay = firstDay + Math.floor(config.days * random.between(0.1, 0.95));
  const outage = {
    ward: random.pick(wards),
    fromMs: utcOf(config.zone, outageDay, 9 + random.below(4)),
    untilMs: utcOf(config.zone, outageDay, 14 + random.below(4)),
  };
  const facts = { ...outage, nodeId, actors: [], patient: null };
  oddities.push({ kind: 'outage with backlog replay', ...facts });
  const vip = admitVip({ config, care, staff: free, random });
  if (vip !== null) {
    note('VIP with a large care team', {
      patient: vip.handle,
      actors: vip.team,
      from: vip.fromDay,
      until: vip.untilDay,
    });
  }
  return {
    oddities,
    casualty: { day: evening, helpers: new Set(helpers.map((m) => m.index)) },
    audit: { day: week, auditors: new Set(auditors.map((m) => m.index)) },
    updateDay,
    outage,
    vip: vip?.handle ?? null,
  };
}

function isSettled(member: Member): boolean {
  return member.class === 'person' && member.hiredOnDay === null && member.leftOnDay === null;
}

/** A stay in the live part whose patient is flagged, with consults from all over the house. */
function admitVip(
  options: Readonly<{
    config: WorldConfig;
    care: Care;
    staff: readonly Member[];
    random: RandomStream;
  }>,
): { handle: string; team: string[]; fromDay: number; untilDay: number } | null {
  const { config, care, staff, random } = options;
  const liveFrom = config.startMs / DAY_MS + config.days - config.liveDays;
  const stays = care.stays.filter(
    (stay) => stay.ward !== 'ED' && stay.untilDay > liveFrom && stay.untilDay - stay.fromDay >= 2,
  );
  if (stays.length === 0) return null;
  const stay = random.pick(stays);
  stay.patient.vip = true;
  const team = staff
    .filter((member) => member.role === 'physician' || member.role === 'resident')
    .slice(0, Math.max(4, Math.round(staff.length * 0.02)));
  stay.consults.push(...team);
  return {
    handle: stay.patient.handle,
    team: team.map((member) => member.actor),
    fromDay: stay.fromDay,
    untilDay: stay.untilDay,
  };
}
