/**
 * Windows exactly as the ledger would judge them: profiles folded from the hospital's history, then one running ring per
 * session, folded into the profile when the actor opens the next one. Calibration looks like scoring because it goes
 * through here.
 * @module
 */
import type { Consortium } from '@bhschain/datasets';
import {
  ACT_COUNT,
  callFromEvent,
  COLUMN_COUNT,
  emptyProfile,
  emptyRing,
  featureRow,
  foldSession,
  GUARDED_POLICY,
  pushRow,
  scoringWindow,
  type GuardedCall,
  type Profile,
  type Ring,
  type RoleTables,
  type RowOutcome,
} from '@bhschain/models/features';
import type { ScoredWindow } from '@bhschain/models/detector';

export interface JudgedCall {
  readonly eventId: string;
  readonly actor: string;
  readonly session: string;
  readonly call: GuardedCall;
  readonly window: ScoredWindow;
}

export interface ReplayOptions {
  readonly roles: RoleTables | null;
  /** Whether the guard diverts the call; it then stays in the ring as diverted. Only functions of class `enforce` are. */
  readonly diverts: (call: JudgedCall) => boolean;
  /** Live sessions that are played; all by default. */
  readonly plays?: (session: string) => boolean;
}

interface Member {
  profile: Profile;
  session: string | null;
  ring: Ring;
  openedMs: number[];
  lastLiveRing: Ring | null;
}

const NO_COLUMNS = new Int16Array(COLUMN_COUNT);
const HOUR_MS = 3_600_000;

/** The live calls of a world in order of time, hospital by hospital, each with its window. */
export function* replay(world: Consortium, options: ReplayOptions): Iterable<JudgedCall> {
  for (const hospital of world.hospitals) {
    const members = new Map<string, Member>();
    const rings = new Map<string, Ring>();
    for (const event of hospital.events()) {
      if (event.actorClass === 'service' || event.session === null) continue;
      const call = callFromEvent(event);
      if (call === null) continue;
      let member = members.get(event.actor);
      if (member === undefined) members.set(event.actor, (member = newcomer()));
      if (event.timeMs < world.liveFromMs) {
        learn(member, event.session, call);
        continue;
      }
      if (!(options.plays?.(event.session) ?? true)) continue;
      const opens = call.functionName === 'openSession';
      const before = rings.get(event.session) ?? emptyRing();
      const row = featureRow({
        call,
        ring: before,
        profile: member.profile,
        roles: options.roles,
        vocabularySize: world.vocabulary?.activities.length ?? ACT_COUNT,
        sessionsLastHour: openingsBefore(member, call.timeMs).length,
      });
      const judged: JudgedCall = {
        eventId: event.eventId,
        actor: event.actor,
        session: event.session,
        call,
        window: { rows: scoringWindow(before, row.columns), mask: row.mask },
      };
      const enforced = GUARDED_POLICY[call.functionName].class === 'enforce';
      const diverted = enforced && options.diverts(judged);
      yield judged;
      const outcome: RowOutcome = diverted ? 2 : 0;
      const { recordTag, act } = call;
      const after = pushRow(before, { columns: row.columns, recordTag, act, outcome }, call);
      rings.set(event.session, after);
      if (opens) openLive(member, call.timeMs);
      member.lastLiveRing = after;
    }
  }
}

function newcomer(): Member {
  return {
    profile: emptyProfile(),
    session: null,
    ring: emptyRing(),
    openedMs: [],
    lastLiveRing: null,
  };
}

/** The past, as the hospital node folds it from its own log. */
function learn(member: Member, session: string, call: GuardedCall): void {
  if (member.session !== session) {
    member.profile = foldSession(member.profile, member.ring.histogram, call.timeMs);
    member.ring = emptyRing();
    member.session = session;
  }
  const { recordTag, act } = call;
  const row = { columns: NO_COLUMNS, recordTag, act, outcome: 0 as const };
  member.ring = { ...pushRow(member.ring, row, call), rows: [] };
}

function openLive(member: Member, timeMs: number): void {
  if (member.lastLiveRing !== null) {
    member.profile = foldSession(member.profile, member.lastLiveRing.histogram, timeMs);
  }
  member.openedMs = [...openingsBefore(member, timeMs), timeMs];
}

function openingsBefore(member: Member, timeMs: number): number[] {
  return member.openedMs.filter((openedMs) => timeMs - openedMs < HOUR_MS);
}
