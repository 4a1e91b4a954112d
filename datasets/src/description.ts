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
  /** Between two events of one patient; null for a source whose clock has days only. */
  readonly gaps: Gaps | null;
  /** Days from the first to the last event of a patient: median over patients with more than one day. */
  readonly stayDaysMedian: number;
  /** Share of events that were denied or failed. */
  readonly failureShare: number;
  /** Share of all events that the busiest hundredth of actors makes. */
  readonly topHundredthOfActorsShare: number;
  /** Share of the actor–patient pairs of a day that were not there the day before; of every eighth actor. */
  readonly newPairShare: number;
}

export interface Gaps {
  readonly zeroShare: number;
  /** Milliseconds of the gaps above zero, within a sixteenth of a power of two. */
  readonly medianMs: number;
  readonly p75Ms: number;
  readonly p90Ms: number;
}

/** Takes events up one by one; memory grows with patients, actors and ward-days, not with events. */
export interface Describer {
  add(event: AccessEvent): void;
  description(): Description;
}

export function describe(events: Iterable<AccessEvent>): Description {
  const describer = createDescriber();
  for (const event of events) describer.add(event);
  return describer.description();
}

export function createDescriber(): Describer {
  const patients = new Map<string, number>();
  const actors = new Map<string, number>();
  const wardDays = new Map<string, number>();
  const acts = new Map<string, { count: number; wards: Set<string> }>();
  const weekdays = new Array<number>(7).fill(0);
  const hours = new Array<number>(24).fill(0);
  const spans = new Map<string, { firstMs: number; lastMs: number }>();
  const gaps = createGapCounter();
  const pairs = createPairCounter();
  let total = 0;
  let services = 0;
  let failures = 0;
  const take = (event: AccessEvent): void => {
    if (event.action === 'login' || event.action === 'logout') return;
    total++;
    if (event.outcome === 'denied' || event.outcome === 'error') failures++;
    if (event.actorClass === 'service') services++;
    const day = Math.floor(event.timeMs / 86_400_000);
    const ward = event.ward ?? '';
    add(actors, event.actor);
    add(wardDays, `${event.nodeId} ${ward} ${day}`);
    if (event.patient !== null) {
      add(patients, event.patient);
      pairs.add(day, event.actor, event.patient);
      const span = spans.get(event.patient);
      if (span === undefined) {
        spans.set(event.patient, { firstMs: event.timeMs, lastMs: event.timeMs });
      } else {
        if (event.timeGranularity !== 'day') gaps.add(event.timeMs - span.lastMs);
        span.lastMs = event.timeMs;
      }
    }
    const name = event.code ?? `${event.action} ${event.section}`;
    const act = acts.get(name) ?? { count: 0, wards: new Set<string>() };
    act.count++;
    act.wards.add(ward);
    acts.set(name, act);
    // 1970-01-01 was a Thursday.
    weekdays[(day + 3) % 7]!++;
    if (event.timeGranularity === 'exact') hours[Math.floor(event.timeMs / 3_600_000) % 24]!++;
  };
  const share = (count: number): number => count / Math.max(1, total);
  return {
    add: take,
    description() {
      const ofOneWard = [...acts.values()].filter((act) => act.wards.size === 1).length;
      const actorCounts = [...actors.values()].sort((a, b) => b - a);
      const busiest = actorCounts.slice(0, Math.ceil(actorCounts.length / 100));
      const stays = [...spans.values()]
        .map(({ firstMs, lastMs }) => (lastMs - firstMs) / 86_400_000)
        .filter((days) => days >= 1)
        .sort((a, b) => a - b);
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
        gaps: gaps.gaps(),
        stayDaysMedian: stays[Math.floor(stays.length / 2)] ?? 0,
        failureShare: share(failures),
        topHundredthOfActorsShare: share(busiest.reduce((sum, count) => sum + count, 0)),
        newPairShare: pairs.newShare(),
      };
    },
  };
}

const STEPS_A_POWER = 8;

/** A histogram on a logarithmic scale, so that memory does not grow with the number of gaps. */
function createGapCounter(): { add(gapMs: number): void; gaps(): Gaps | null } {
  const bins = new Array<number>(50 * STEPS_A_POWER).fill(0);
  let zeros = 0;
  let above = 0;
  return {
    add(gapMs) {
      if (gapMs <= 0) {
        zeros++;
        return;
      }
      above++;
      bins[Math.min(bins.length - 1, Math.floor(Math.log2(gapMs) * STEPS_A_POWER))]!++;
    },
    gaps() {
      if (zeros + above === 0) return null;
      const at = (share: number): number => {
        let left = share * above;
        const bin = bins.findIndex((count) => (left -= count) < 0);
        return 2 ** ((Math.max(0, bin) + 0.5) / STEPS_A_POWER);
      };
      return {
        zeroShare: zeros / (zeros + above),
        medianMs: at(0.5),
        p75Ms: at(0.75),
        p90Ms: at(0.9),
      };
    },
  };
}

/** Pairs of today against those of yesterday. */
function createPairCounter(): {
  add(day: number, actor: string, patient: string): void;
  newShare(): number;
} {
  let today = { day: -1, pairs: new Set<string>() };
  let yesterday = today;
  let known = 0;
  let fresh = 0;
  return {
    add(day, actor, patient) {
      let hash = 0;
      for (let i = 0; i < actor.length; i++) hash = (Math.imul(hash, 31) + actor.charCodeAt(i)) | 0;
      if ((hash & 7) !== 0) return;
      if (day !== today.day) {
        yesterday = today;
        today = { day, pairs: new Set() };
      }
      const pair = `${actor} ${patient}`;
      if (today.pairs.has(pair)) return;
      today.pairs.add(pair);
      if (yesterday.day !== day - 1) return;
      if (yesterday.pairs.has(pair)) known++;
      else fresh++;
    },
    newShare: () => fresh / Math.max(1, known + fresh),
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
