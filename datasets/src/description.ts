/**
 * The shape of a stream of access events in a few figures, so that a simulated world can be laid beside a measured one.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';

export interface Spread {
  readonly count: number;
  readonly quartiles: readonly [number, number, number];
  readonly p95: number;
  readonly max: number;
  /** Share of all events that the largest tenth holds. */
  readonly topTenthShare: number;
}

export interface Description {
  readonly events: number;
  readonly serviceShare: number;
  readonly perPatient: Spread;
  readonly perActor: Spread;
  /** Events of a ward on a day on which it had any. */
  readonly perWardDay: Spread;
  readonly perAct: Spread;
  /** Share of acts that one ward alone uses. */
  readonly actsOfOneWardShare: number;
  /** Shares of events, Monday first. */
  readonly weekdays: readonly number[];
  /** Shares of events by hour of day, UTC; all 0 for a source without a clock. */
  readonly hours: readonly number[];
}

/** Memory grows with patients, actors and ward-days, not with events. */
export function describe(events: Iterable<AccessEvent>): Description {
  const patients = new Map<string, number>();
  const actors = new Map<string, number>();
  const wardDays = new Map<string, number>();
  const acts = new Map<string, { count: number; wards: Set<string> }>();
  const weekdays = new Array<number>(7).fill(0);
  const hours = new Array<number>(24).fill(0);
  let total = 0;
  let services = 0;
  for (const event of events) {
    if (event.action === 'login' || event.action === 'logout') continue;
    total++;
    if (event.actorClass === 'service') services++;
    const day = Math.floor(event.timeMs / 86_400_000);
    const ward = event.ward ?? '';
    add(actors, event.actor);
    add(wardDays, `${event.nodeId} ${ward} ${day}`);
    if (event.patient !== null) add(patients, event.patient);
    const name = event.code ?? `${event.action} ${event.section}`;
    const act = acts.get(name) ?? { count: 0, wards: new Set<string>() };
    act.count++;
    act.wards.add(ward);
    acts.set(name, act);
    // 1970-01-01 was a Thursday.
    weekdays[(day + 3) % 7]!++;
    if (event.timeGranularity === 'exact') hours[Math.floor(event.timeMs / 3_600_000) % 24]!++;
  }
  const share = (count: number): number => count / Math.max(1, total);
  const ofOneWard = [...acts.values()].filter((act) => act.wards.size === 1).length;
  return {
    events: total,
    serviceShare: share(services),
    perPatient: spreadOf([...patients.values()]),
    perActor: spreadOf([...actors.values()]),
    perWardDay: spreadOf([...wardDays.values()]),
    perAct: spreadOf([...acts.values()].map((act) => act.count)),
    actsOfOneWardShare: ofOneWard / Math.max(1, acts.size),
    weekdays: weekdays.map(share),
    hours: hours.map(share),
  };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const top = sorted.slice(sorted.length - Math.ceil(sorted.length / 10));
  return {
    count: sorted.length,
    quartiles: [at(0.25), at(0.5), at(0.75)],
    p95: at(0.95),
    max: at(1),
    topTenthShare: top.reduce((sum, value) => sum + value, 0) / Math.max(1, total),
  };
}
