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
  emptyRing,
  featureRow,
  GUARDED_POLICY,
  pushRow,
  scoringWindow,
  type GuardedCall,
  type Ring,
  type RoleTables,
  type RowOutcome,
} from '@bhschain/models/features';
import type { ScoredWindow } from '@bhschain/models/detector';
import { learn, newcomer, openingsBefore, openSession, type ActorPast } from './actor-past.js';

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

/** The live calls of a world in order of time, hospital by hospital, each with its window. */
export function* replay(world: Consortium, options: ReplayOptions): Iterable<JudgedCall> {
  for (const hospital of world.hospitals) {
    const members = new Map<string, ActorPast>();
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
      if (opens) openSession(member, call.timeMs);
      member.lastRing = after;
    }
  }
}
