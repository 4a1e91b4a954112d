/**
 * One hospital's events as the ledger would judge them: profiles folded from history, then a ring for each session. From the
 * training days come windows that do not overlap, from calibration and live days a window for every call.
 * @module
 */
import type { HospitalWorld, WorldHospital } from '@bhschain/datasets';
import {
  ACT_COUNT,
  callFromEvent,
  emptyRing,
  featureRow,
  LAYOUT,
  pushRow,
  type AccessEvent,
  type GuardedCall,
  type Ring,
  type RoleTables,
} from '@bhschain/models/features';
import {
  learn,
  newcomer,
  openingsBefore,
  openSession,
  type ActorPast,
} from '../detector-zero/actor-past.js';
import { RowStore } from './row-store.js';

export const DAY_MS = 86_400_000;

export interface Borders {
  readonly trainFromMs: number;
  readonly calibrateFromMs: number;
  readonly liveFromMs: number;
}

/** All that one account did in the sessions it opened on one day: the unit of alerts and of their rate. */
export interface Case {
  readonly nodeId: string;
  readonly actor: string;
  readonly day: number;
  /** Ids of the incidents with a guilty event in it. */
  readonly incidents: string[];
}

export interface FeaturiseOptions {
  readonly world: HospitalWorld;
  readonly hospital: WorldHospital;
  readonly borders: Borders;
  readonly roles: RoleTables;
  readonly rounds: number;
  readonly windowsPerActorMax: number;
  /** Whether an actor-day without an incident is scored. */
  readonly samples: (actor: string, day: number) => boolean;
}

export interface Featurised {
  /** Group: the round. */
  readonly training: RowStore;
  /** Group: the case; flag 1: a guilty call. */
  readonly calibration: RowStore;
  readonly live: RowStore;
  readonly calibrationCases: readonly Case[];
  readonly liveCases: readonly Case[];
}

export const GUILTY = 1;

interface Session {
  ring: Ring;
  readonly actor: string;
  readonly store: RowStore | null;
  readonly group: number;
  /** Kept until the session ends, so that its rows lie side by side whatever goes on beside it. */
  readonly calls: { readonly columns: Int16Array; readonly mask: number; readonly flag: number }[];
}

interface Member extends ActorPast {
  /** Training windows by round. */
  readonly windows: Map<number, number>;
}

export function featurise(options: FeaturiseOptions): Featurised {
  const { world, hospital, borders, roles, rounds } = options;
  const { trainFromMs, calibrateFromMs, liveFromMs } = borders;
  const guilty = new Map<string, string[]>();
  for (const incident of world.truth) {
    for (const id of incident.eventIds) guilty.set(id, [...(guilty.get(id) ?? []), incident.id]);
  }
  const tainted = taintedCases(hospital, guilty, liveFromMs);
  const members = new Map<string, Member>();
  const sessions = new Map<string, Session>();
  const training = new RowStore();
  const parts = { calibration: part(), live: part() };
  const serviceSessions = new Set<string>();

  for (const event of hospital.events()) {
    if (event.session === null) continue;
    if (event.actorClass === 'service') {
      seeService(event, event.session);
      continue;
    }
    const call = callFromEvent(event);
    if (call === null) continue;
    let member = members.get(event.actor);
    if (member === undefined) {
      members.set(event.actor, (member = { ...newcomer(), windows: new Map() }));
    }
    if (event.timeMs < trainFromMs) learn(member, event.session, call);
    else judge(event, event.session, call, member);
  }
  for (const session of sessions.values()) store(session);
  return {
    training,
    calibration: parts.calibration.store,
    live: parts.live.store,
    calibrationCases: parts.calibration.cases,
    liveCases: parts.live.cases,
  };

  function judge(event: AccessEvent, id: string, call: GuardedCall, member: Member): void {
    let session = sessions.get(id);
    if (session === undefined) sessions.set(id, (session = begin(event)));
    const row = featureRow({
      call,
      ring: session.ring,
      profile: member.profile,
      roles,
      vocabularySize: ACT_COUNT,
      sessionsLastHour: openingsBefore(member, call.timeMs).length,
    });
    const { recordTag, act } = call;
    // What a business rule denied stays in the ring as denied, as the guard writes it.
    const outcome = event.outcome === 'denied' ? 1 : 0;
    session.ring = pushRow(session.ring, { columns: row.columns, recordTag, act, outcome }, call);
    if (session.store !== null) {
      const flag = guilty.has(event.eventId) ? GUILTY : 0;
      session.calls.push({ columns: row.columns, mask: row.mask, flag });
    }
    if (call.functionName === 'openSession') openSession(member, call.timeMs);
    member.lastRing = session.ring;
    if (call.functionName === 'closeSession') {
      store(session);
      sessions.delete(id);
    }
  }

  function begin(event: AccessEvent): Session {
    const day = Math.floor(event.timeMs / DAY_MS);
    const base = { ring: emptyRing(), actor: event.actor, calls: [] };
    if (event.timeMs < calibrateFromMs) {
      const share = (event.timeMs - trainFromMs) / (calibrateFromMs - trainFromMs);
      return { ...base, store: training, group: Math.min(rounds - 1, Math.floor(share * rounds)) };
    }
    const place = caseOf(event, day);
    if (place === null) return { ...base, store: null, group: 0 };
    return { ...base, store: place.into.store, group: place.group };
  }

  /** A service has cases and no windows: no network looks at it, and the days of all accounts count alike. */
  function seeService(event: AccessEvent, session: string): void {
    if (serviceSessions.has(session)) return;
    const day = Math.floor(event.timeMs / DAY_MS);
    serviceSessions.add(session);
    if (event.timeMs >= calibrateFromMs) caseOf(event, day);
  }

  /** The case of a session that begins with this event; null if it is not sampled. */
  function caseOf(
    event: AccessEvent,
    day: number,
  ): { into: (typeof parts)['live']; group: number } | null {
    const caseId = `${event.actor} ${day}`;
    const isLive = event.timeMs >= liveFromMs;
    const incidents = isLive ? (tainted.get(caseId) ?? []) : [];
    if (incidents.length === 0 && !options.samples(event.actor, day)) return null;
    const into = isLive ? parts.live : parts.calibration;
    let group = into.places.get(caseId);
    if (group === undefined) {
      group = into.cases.length;
      into.places.set(caseId, group);
      const { nodeId } = hospital;
      into.cases.push({ nodeId, actor: event.actor, day, incidents: [...incidents] });
    }
    return { into, group };
  }

  function store({ actor, store: into, group, calls }: Session): void {
    if (into === null) return;
    const places = calls.map(({ columns }) => into.addRow(columns));
    calls.forEach(({ mask, flag }, i) => {
      if (into !== training) {
        into.addWindow(places[i]!, Math.min(i + 1, LAYOUT.steps), { mask, group, flag });
        return;
      }
      // Training windows do not overlap, and an actor has only so many in a round.
      const length = (i % LAYOUT.steps) + 1;
      if (length < LAYOUT.steps && i < calls.length - 1) return;
      const { windows } = members.get(actor)!;
      const own = windows.get(group) ?? 0;
      if (own === options.windowsPerActorMax) return;
      windows.set(group, own + 1);
      into.addWindow(places[i]!, length, { mask, group, flag });
    });
  }
}

/** Which live cases hold guilty events, known before the pass so that all of them are scored. */
function taintedCases(
  hospital: WorldHospital,
  guilty: ReadonlyMap<string, readonly string[]>,
  liveFromMs: number,
): Map<string, string[]> {
  const cases = new Map<string, string[]>();
  const dayOf = new Map<string, number>();
  for (const event of hospital.events()) {
    if (event.timeMs < liveFromMs - DAY_MS || event.session === null) continue;
    const day = dayOf.get(event.session) ?? Math.floor(event.timeMs / DAY_MS);
    dayOf.set(event.session, day);
    const incidents = guilty.get(event.eventId);
    if (incidents === undefined) continue;
    const id = `${event.actor} ${day}`;
    cases.set(id, [...new Set([...(cases.get(id) ?? []), ...incidents])]);
  }
  return cases;
}

function part(): { store: RowStore; cases: Case[]; places: Map<string, number> } {
  return { store: new RowStore(), cases: [], places: new Map() };
}
