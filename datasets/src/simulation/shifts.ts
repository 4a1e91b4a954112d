/**
 * Who is at work when. All hours are UTC; the simulated hospitals live in one time zone.
 * @module
 */

import type { Rota, SimulatedMember } from './staff.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export interface Shift {
  readonly startMs: number;
  readonly endMs: number;
}

const HOURS: Readonly<Record<Rota, readonly [from: number, until: number]>> = {
  day: [7, 15],
  evening: [15, 23],
  night: [23, 31],
  'long-day': [7, 19],
  'long-night': [19, 31],
  office: [8, 17],
  always: [0, 24],
};

/** The shift that begins on the day, or null. `day` counts from 1970. */
export function shiftOf(member: SimulatedMember, day: number, firstDay: number): Shift | null {
  if (day - firstDay < member.hiredOnDay) return null;
  if (!worksOn(member, day)) return null;
  const [from, until] = HOURS[rotaOf(member, day)];
  return { startMs: day * DAY_MS + from * HOUR_MS, endMs: day * DAY_MS + until * HOUR_MS };
}

function worksOn(member: SimulatedMember, day: number): boolean {
  // 1970-01-01 was a Thursday.
  const weekday = (day + 3) % 7;
  if (member.rota === 'always') return true;
  if (member.rota === 'office') return weekday < 5 && (day + member.phase) % 9 !== 0;
  const onDuty = member.rota.startsWith('long') ? 4 : 5;
  if ((day + member.phase) % 7 >= onDuty) return false;
  // Weekends run on fewer people.
  return weekday < 5 || (day * 7 + member.phase * 3) % 2 === 0;
}

/** Every third week the evening people work days, and one in seven day people takes a night week. */
function rotaOf(member: SimulatedMember, day: number): Rota {
  const week = Math.floor((day + 3) / 7) + member.phase;
  if (member.rota === 'evening' && week % 3 === 0) return 'day';
  if (member.rota === 'day' && week % 7 === 0) return 'night';
  return member.rota;
}
