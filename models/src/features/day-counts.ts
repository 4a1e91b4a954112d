/**
 * The node tier of a day: what a hospital knows beyond the calls themselves (care relations, personnel, devices, the blocks of
 * all hospitals), as counts of one account on one day. They stay at the hospital.
 * Source: detection.md §3, columns 28 and 31–42.
 * @module
 */
import type { AccessEvent } from './access-event.js';
import { guardedFunctionOf } from './function-policy.js';
import { actOf } from './vocabulary.js';

/** What the hospital's own systems answer. */
export interface CareKnowledge {
  /** Appointment, order, account or ward overlap within 30 days; true where no patient is named. */
  isExplained(event: AccessEvent): boolean;
  /** Self, family, co-worker or a flagged record. */
  isAcquainted(event: AccessEvent): boolean;
  /** End of employment, UTC ms, or null. */
  leftMs(actor: string): number | null;
}

/**
 * | column       | counts on the day                                                              |
 * |--------------|--------------------------------------------------------------------------------|
 * | patients     | different patients                                                             |
 * | unexplained  | different patients without a found reason                                      |
 * | acquainted   | accesses without a found reason to self, family, co-worker or flagged record   |
 * | crowd        | others who opened one of these patients without a reason in seven days, most   |
 * | taken        | exports, prints, disclosures                                                   |
 * | records      | declared records beyond one an event (queries, reports, exports)               |
 * | refused      | denied events                                                                  |
 * | overrides    | break-glass                                                                    |
 * | strange      | events from a device new to the account, or from outside                       |
 * | departed     | events after the end of employment                                             |
 * | moves        | changes of hospital within half an hour (blocks of all hospitals)              |
 * | shared       | other accounts on the same device within a day (blocks of all hospitals), most |
 */
export const DAY_COLUMNS = [
  'patients',
  'unexplained',
  'acquainted',
  'crowd',
  'taken',
  'records',
  'refused',
  'overrides',
  'strange',
  'departed',
  'moves',
  'shared',
] as const;
export type DayColumn = (typeof DAY_COLUMNS)[number];

export interface DayCounts {
  readonly actor: string;
  readonly role: string;
  readonly day: number;
  readonly columns: Readonly<Record<DayColumn, number>>;
  /** By act. */
  readonly acts: ReadonlyMap<number, number>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const CROWD_MS = 7 * DAY_MS;
const TAKES_OUT: ReadonlySet<string> = new Set(['export', 'print', 'disclose']);

/** What everybody reads off the blocks: which account called where, from which device. */
export interface ChannelSightings {
  /** An event of any hospital, in order of time; what asks nothing of the ledger leaves no trace. */
  see(event: AccessEvent): Readonly<{ moved: boolean; othersOnDevice: number }>;
  /** What can still matter after `nowMs`, as JSON; `createChannelSightings` goes on from it. */
  state(nowMs: number): SightingsState;
}

export interface SightingsState {
  readonly last: readonly (readonly [
    actor: string,
    seen: Readonly<{ nodeId: string; timeMs: number }>,
  ])[];
  /** By device: account and when it was last there. */
  readonly accounts: NestedEntries;
}

/** A map of maps, as JSON. */
export type NestedEntries = readonly (readonly [
  key: string,
  entries: readonly (readonly [key: string, value: number])[],
])[];

const UNSEEN = Object.freeze({ moved: false, othersOnDevice: 0 });

export function createChannelSightings(state?: SightingsState): ChannelSightings {
  const last = new Map(state?.last);
  const accounts = nestedMap(state?.accounts);
  return {
    see(event) {
      const { actor, device, nodeId, timeMs } = event;
      if (guardedFunctionOf(event) === null) return UNSEEN;
      const before = last.get(actor);
      last.set(actor, { nodeId, timeMs });
      const moved =
        before !== undefined && before.nodeId !== nodeId && timeMs - before.timeMs < 30 * MINUTE_MS;
      if (device === null) return { moved, othersOnDevice: 0 };
      const known = accounts.get(device) ?? new Map<string, number>();
      accounts.set(device, known);
      known.set(actor, timeMs);
      forgetUntil(known, timeMs - DAY_MS);
      return { moved, othersOnDevice: known.size - 1 };
    },
    state: (nowMs) => ({
      last: [...last].filter(([, { timeMs }]) => timeMs > nowMs - 30 * MINUTE_MS),
      accounts: entriesSince(accounts, nowMs - DAY_MS),
    }),
  };
}

interface Day {
  readonly actor: string;
  readonly role: string;
  readonly day: number;
  readonly columns: Record<DayColumn, number>;
  readonly acts: Map<number, number>;
  readonly patients: Set<string>;
  readonly strangers: Set<string>;
}

export interface DayCounter {
  /**
   * An event of this hospital, in order of time.
   * @param day - the day that it is counted on: that of its session's beginning
   */
  see(
    event: AccessEvent,
    day: number,
    sighting: Readonly<{ moved: boolean; othersOnDevice: number }>,
  ): void;
  /** Every account's days, by day. */
  days(): DayCounts[];
  /** Days before `day` are over and no longer kept here, nor what no later event can ask for: no event before `day` comes. */
  forgetBefore(day: number): void;
  /** What can still matter after `nowMs`, as JSON; `createDayCounter` goes on from it. */
  state(nowMs: number): DayCounterState;
}

export interface DayCounterState {
  readonly days: readonly Readonly<{
    actor: string;
    role: string;
    day: number;
    columns: Readonly<Record<DayColumn, number>>;
    acts: readonly (readonly [act: number, count: number])[];
    patients: readonly string[];
    strangers: readonly string[];
  }>[];
  /** By account: device and the day of its first use; `FIRST_DEVICE` for its first one. */
  readonly devices: NestedEntries;
  /** By patient: account and its last access without a reason. */
  readonly crowds: NestedEntries;
}

/** Before any day: an account's first device is new on none. Finite, so that JSON keeps it. */
const FIRST_DEVICE = -1;

export function createDayCounter(knowledge: CareKnowledge, state?: DayCounterState): DayCounter {
  const days = new Map<string, Day>(
    state?.days.map((one) => [
      `${one.actor} ${one.day}`,
      {
        ...one,
        columns: { ...one.columns },
        acts: new Map(one.acts),
        patients: new Set(one.patients),
        strangers: new Set(one.strangers),
      },
    ]),
  );
  const devices = nestedMap(state?.devices);
  const crowds = nestedMap(state?.crowds);

  return {
    see(event, day, { moved, othersOnDevice }) {
      const { actor, patient, timeMs } = event;
      const of = dayOf(event, day);
      const { columns, acts } = of;
      const act = actOf(event.action, event.section);
      acts.set(act, (acts.get(act) ?? 0) + 1);
      if (TAKES_OUT.has(event.action)) columns.taken++;
      columns.records += event.recordCount - 1;
      if (event.outcome === 'denied') columns.refused++;
      if (event.breakGlass || event.action === 'override') columns.overrides++;
      if (event.network === 'remote' || isNewDevice(event, day)) columns.strange++;
      if (timeMs > (knowledge.leftMs(actor) ?? Infinity)) columns.departed++;
      if (moved) columns.moves++;
      columns.shared = Math.max(columns.shared, othersOnDevice);
      if (patient === null) return;
      of.patients.add(patient);
      columns.patients = of.patients.size;
      if (knowledge.isExplained(event)) return;
      of.strangers.add(patient);
      columns.unexplained = of.strangers.size;
      if (knowledge.isAcquainted(event)) columns.acquainted++;
      columns.crowd = Math.max(columns.crowd, crowdAt(patient, actor, timeMs));
    },
    days: () => [...days.values()].sort((a, b) => a.day - b.day),
    forgetBefore(day) {
      for (const [key, one] of days) if (one.day < day) days.delete(key);
      for (const [patient, crowd] of crowds) {
        forgetUntil(crowd, day * DAY_MS - CROWD_MS);
        if (crowd.size === 0) crowds.delete(patient);
      }
    },
    state: (nowMs) => ({
      days: [...days.values()].map(({ acts, patients, strangers, ...rest }) => ({
        ...rest,
        acts: [...acts],
        patients: [...patients],
        strangers: [...strangers],
      })),
      devices: entriesSince(devices, -Infinity),
      crowds: entriesSince(crowds, nowMs - CROWD_MS),
    }),
  };

  function dayOf({ actor, role }: AccessEvent, day: number): Day {
    const key = `${actor} ${day}`;
    let of = days.get(key);
    if (of === undefined) {
      const columns = Object.fromEntries(DAY_COLUMNS.map((name) => [name, 0])) as Day['columns'];
      const [patients, strangers] = [new Set<string>(), new Set<string>()];
      of = { actor, role, day, columns, acts: new Map(), patients, strangers };
      days.set(key, of);
    }
    return of;
  }

  /** On the day of its first use by an account that has used others before. */
  function isNewDevice({ actor, device }: AccessEvent, day: number): boolean {
    if (device === null) return false;
    const known = devices.get(actor) ?? new Map<string, number>();
    devices.set(actor, known);
    if (!known.has(device)) known.set(device, known.size === 0 ? FIRST_DEVICE : day);
    return known.get(device) === day;
  }

  function crowdAt(patient: string, actor: string, timeMs: number): number {
    const crowd = crowds.get(patient) ?? new Map<string, number>();
    crowds.set(patient, crowd);
    crowd.set(actor, timeMs);
    forgetUntil(crowd, timeMs - CROWD_MS);
    return crowd.size - 1;
  }
}

function forgetUntil(seen: Map<string, number>, untilMs: number): void {
  for (const [who, seenMs] of seen) if (seenMs <= untilMs) seen.delete(who);
}

function nestedMap(entries: NestedEntries = []): Map<string, Map<string, number>> {
  return new Map(entries.map(([key, inner]) => [key, new Map(inner)]));
}

/** Values above `since`; keys that are left with none are dropped. */
function entriesSince(
  maps: ReadonlyMap<string, ReadonlyMap<string, number>>,
  since: number,
): NestedEntries {
  return [...maps].flatMap(([key, inner]) => {
    const kept = [...inner].filter(([, value]) => value > since);
    return kept.length === 0 ? [] : [[key, kept] as const];
  });
}
