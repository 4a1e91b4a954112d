/**
 * The access log counted by account and day, beside the windows that are cut from it. What was counted is written in the very
 * transaction that closes a period of the log, so a crash at any moment leaves counts from which the same ones follow.
 *
 * A day bears the sessions that begin on it, and is over two days after its beginning: a night shift that began in it has
 * ended by then. One hospital's log shows no other hospital, so nobody is seen to move between them here.
 * @module
 */
import {
  createChannelSightings,
  createDayCounter,
  createSessionDays,
  type AccessEvent,
  type CareKnowledge,
  type DayCounterState,
  type SightingsState,
} from '@bhschain/models/features';
import type { EventCounter, Place } from '../access-log/index.js';
import type { NodeDatabase } from '../store/index.js';
import type { CareRecords } from './care-records.js';
import { readDayState, writeDays } from './day-store.js';

export const DAY_MS = 86_400_000;
/** Days that a session's work may still be added to. */
export const OPEN_DAYS = 2;

/** JSON. */
export interface DayLogState {
  readonly sessions: readonly (readonly [session: string, day: number])[];
  readonly sightings: SightingsState;
  readonly counter: DayCounterState;
}

/** The last day that nothing is added to any more. */
export function lastDayOver(throughMs: number): number {
  return Math.floor(throughMs / DAY_MS) - OPEN_DAYS;
}

export async function openDayLog(
  o: Readonly<{ database: NodeDatabase; care: CareRecords }>,
): Promise<EventCounter> {
  const kept = await readDayState(o.database);
  let throughMs = kept?.throughMs ?? 0;
  let care: CareKnowledge = await o.care.current();
  const sessions = createSessionDays(kept?.state.sessions);
  const sightings = createChannelSightings(kept?.state.sightings);
  const counter = createDayCounter(
    {
      isExplained: (event) => care.isExplained(event),
      isAcquainted: (event) => care.isAcquainted(event),
      leftMs: (actor) => care.leftMs(actor),
    },
    kept?.state.counter,
  );
  let waiting: { readonly event: AccessEvent; readonly place: Place }[] = [];
  return {
    take(event, place) {
      if (event.timeMs < throughMs) return false;
      waiting.push({ event, place });
      return true;
    },
    get firstOpen() {
      return waiting[0]?.place ?? null;
    },
    async close(toMs) {
      care = await o.care.current();
      const due = waiting
        .filter(({ event }) => event.timeMs < toMs)
        .sort((a, b) => a.event.timeMs - b.event.timeMs || a.place.ordinal - b.place.ordinal);
      waiting = waiting.filter(({ event }) => event.timeMs >= toMs);
      const touched = new Set<string>();
      for (const { event } of due) {
        const day = sessions.dayOf(event);
        counter.see(event, day, sightings.see(event));
        touched.add(`${event.actor} ${day}`);
      }
      const changed = counter.days().filter(({ actor, day }) => touched.has(`${actor} ${day}`));
      throughMs = Math.max(throughMs, toMs);
      sessions.forgetBefore(lastDayOver(throughMs) + 1);
      counter.forgetBefore(lastDayOver(throughMs) + 1);
      const state: DayLogState = {
        sessions: sessions.state(),
        sightings: sightings.state(throughMs),
        counter: counter.state(throughMs),
      };
      return (transaction) => writeDays(transaction, { throughMs, state, days: changed });
    },
  };
}
