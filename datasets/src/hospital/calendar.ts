/**
 * Local time, rotas and seasons. Shifts follow the clock on the wall, so the night of the clock change is an hour shorter or
 * longer in UTC.
 * @module
 */

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export interface Zone {
  readonly offsetMinutes: number;
  /** European rule: last Sundays of March and October, 01:00 UTC. */
  readonly daylightSaving: boolean;
}

export type Rota = 'day' | 'evening' | 'night' | 'long-day' | 'long-night' | 'office';

/** Local hours; beyond 24 is the next day. */
export const ROTA_HOURS: Readonly<Record<Rota, readonly [from: number, until: number]>> = {
  day: [7, 15.5],
  evening: [15, 23],
  night: [23, 31],
  'long-day': [7, 19.5],
  'long-night': [19, 31],
  office: [8, 17],
};

/** Monday 0 … Sunday 6; 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return (day + 3) % 7;
}

/** Arrivals by weekday, as measured on a real log (BPIC 2011). */
export const WEEKDAY_FACTORS: readonly number[] = [1, 0.65, 0.75, 0.7, 0.55, 0.2, 0.18];

export function utcOf(zone: Zone, day: number, localHour: number): number {
  const naive = day * DAY_MS + localHour * HOUR_MS - zone.offsetMinutes * 60_000;
  return naive - (isSummer(zone, naive) ? HOUR_MS : 0);
}

/** Local hour of day, in [0, 24). */
export function localHourOf(zone: Zone, timeMs: number): number {
  const local = timeMs + zone.offsetMinutes * 60_000 + (isSummer(zone, timeMs) ? HOUR_MS : 0);
  return (local % DAY_MS) / HOUR_MS;
}

/** The last day of a change of the clock at or before `untilDay`, not before `fromDay`; null if there is none. */
export function clockChangeIn(zone: Zone, fromDay: number, untilDay: number): number | null {
  for (let day = untilDay; day >= fromDay; day--) {
    if (isSummer(zone, day * DAY_MS) !== isSummer(zone, (day + 1) * DAY_MS)) return day;
  }
  return null;
}

function isSummer(zone: Zone, timeMs: number): boolean {
  if (!zone.daylightSaving) return false;
  const year = new Date(timeMs).getUTCFullYear();
  return timeMs >= lastSunday(year, 2) && timeMs < lastSunday(year, 9);
}

function lastSunday(year: number, month: number): number {
  const lastDay = Date.UTC(year, month + 1, 0) / DAY_MS;
  return (lastDay - ((weekdayOf(lastDay) + 1) % 7)) * DAY_MS + HOUR_MS;
}

/** Busiest in mid-January: 1 ± 0.2. */
export function seasonalLoad(day: number): number {
  return 1 + 0.2 * Math.cos((2 * Math.PI * ((day % 365.25) - 14)) / 365.25);
}
