/**
 * Service accounts: more than half of all events, with the regularity of machines. The laboratory posts panels under one
 * stamp, monitors tick, orders follow the work of people, the backup runs at night.
 * @module
 */

import type { RandomStream } from '../random-stream.js';
import { LOGIN, step, type Step } from '../simulation/workflows.js';
import { HOUR_MS } from './calendar.js';
import type { Care, Patient } from './care.js';
import type { Customs } from './customs.js';
import { draftOf, openSession, type EventDraft, type SessionFacts } from './event-draft.js';
import type { Member } from './staff.js';

const RESULT: Step = step('create results');
const READ_ORDER: Step = step('read orders');
const POLL_ORDERS: Step = step('search orders set');
const VITAL: Step = step('create results');
const HEARTBEAT: Step = step('execute none set');
const BACKUP: Step = step('execute governance for operations set');

/** Shares of the services' events: panels and orders follow the day's work, monitors and backup the clock. */
const SHARES = { lab: 0.5, orders: 0.2, monitors: 0.28, backup: 0.02 } as const;

const FAILED = 0.014;

export interface Services {
  /**
   * The events of one hour.
   *
   * @param people - events of people in this hour
   * @param peopleADay - their expected number in a day, for what runs by the clock
   */
  work(
    hour: Readonly<{ fromMs: number; day: number; localHour: number }>,
    people: number,
    peopleADay: number,
    into: EventDraft[],
  ): void;
}

export function createServices(
  options: Readonly<{
    nodeId: string;
    customs: Customs;
    members: readonly Member[];
    care: Care;
    /** Events of services for each event of people. */
    ratio: number;
    streamFor: (day: number) => RandomStream;
  }>,
): Services {
  const { nodeId, customs, members, care, ratio } = options;
  const [lab, orders, monitors, backup] = members as [Member, Member, Member, Member];
  let today = -1;
  let random: RandomStream;
  let sessions: ReadonlyMap<Member, SessionFacts>;
  return {
    work({ fromMs, day, localHour }, people, peopleADay, into) {
      if (ratio === 0) return;
      if (day !== today) {
        today = day;
        random = options.streamFor(day);
        sessions = new Map(
          members.map((member) => [
            member,
            openSession(random, { nodeId, customs, member, ward: 'IT' }),
          ]),
        );
        for (const of of sessions.values()) into.push(draftOf(random, of, LOGIN, fromMs));
      }
      const write = (by: Member, of: Step, atMs: number, patient: Patient | null): void => {
        const outcome = random.chance(FAILED) ? 'error' : 'success';
        into.push(draftOf(random, sessions.get(by)!, of, atMs, { patient, outcome }));
      };
      const panels = care.ordersFor('LAB', day);
      for (let left = people * ratio * SHARES.lab; left > 0 && panels.length > 0;) {
        // One sample, one stamp; some panels are long.
        const items = Math.min(40, Math.max(1, Math.round(random.logNormal(9, 0.7))));
        const patient = random.pick(panels);
        const atMs = fromMs + random.below(HOUR_MS);
        for (let i = 0; i < items; i++) write(lab, RESULT, atMs, patient);
        left -= items;
      }
      const synced = Math.round((people * ratio * SHARES.orders) / 2);
      for (let i = 0; i < synced; i++) {
        const atMs = fromMs + ((i + random.between(0.4, 0.6)) / synced) * HOUR_MS;
        // Most polls find nothing new.
        write(orders, POLL_ORDERS, atMs, null);
        const isNew = random.chance(0.3);
        if (isNew) write(orders, READ_ORDER, atMs + 40, care.inpatient(day, random));
        else write(orders, POLL_ORDERS, atMs + 40, null);
      }
      const monitored = care.staysOn('ICU', day);
      const ticks = Math.round((peopleADay * ratio * SHARES.monitors) / 24);
      for (let i = 0; i < ticks; i++) {
        const atMs = fromMs + (i / ticks) * HOUR_MS;
        if (i % 4 === 0 && monitored.length > 0) {
          write(monitors, VITAL, atMs, monitored[(i / 4) % monitored.length]!.patient);
        } else write(monitors, HEARTBEAT, atMs, null);
      }
      if (Math.floor(localHour) === 2) {
        const chunks = Math.round(peopleADay * ratio * SHARES.backup);
        for (let i = 0; i < chunks; i++) {
          write(backup, BACKUP, fromMs + (i / chunks) * HOUR_MS, null);
        }
      }
    },
  };
}
