/**
 * On which day an event counts: that of its session's beginning, so that a night shift is one day's work.
 * @module
 */
import type { AccessEvent } from './access-event.js';

const DAY_MS = 86_400_000;

export interface SessionDays {
  /** UTC day since 1970. An event without a session counts on its own day. */
  dayOf(event: Pick<AccessEvent, 'session' | 'timeMs'>): number;
  /** Sessions that began before `day` are forgotten: what they do later counts as begun then. */
  forgetBefore(day: number): void;
  /** JSON; `createSessionDays` goes on from it. */
  state(): readonly (readonly [session: string, day: number])[];
}

export function createSessionDays(
  state: readonly (readonly [session: string, day: number])[] = [],
): SessionDays {
  const days = new Map(state);
  return {
    dayOf({ session, timeMs }) {
      const today = Math.floor(timeMs / DAY_MS);
      if (session === null) return today;
      const day = days.get(session) ?? today;
      if (!days.has(session)) days.set(session, day);
      return day;
    },
    forgetBefore(day) {
      for (const [session, began] of days) if (began < day) days.delete(session);
    },
    state: () => [...days],
  };
}
