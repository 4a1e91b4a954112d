/** Windows of one slot as a hospital node cuts them from its log, profiles frozen at the slot's start. @module */
import type { Consortium } from '@bhschain/datasets';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import {
  ACT_COUNT,
  callFromEvent,
  createWindowCutter,
  type Window,
} from '@bhschain/models/features';
import { learn, newcomer, type ActorPast } from '../studies/detector-zero/actor-past.js';

export const SLOT_MS = 21_600_000;

/** The windows of the slot that begins with the world's live part, hospital by hospital. */
export function nodeWindows(world: Consortium, binMs: number): Window[] {
  const toMs = world.liveFromMs + SLOT_MS;
  return world.hospitals.flatMap((hospital) => {
    const pasts = new Map<string, ActorPast>();
    const cutter = createWindowCutter({
      binMs,
      stepsMax: 16,
      profileOf: (actor) => (pasts.get(actor) ?? newcomer()).profile,
      roles: DETECTOR_ZERO.detector.roles,
      vocabularySize: ACT_COUNT,
    });
    for (const event of hospital.events()) {
      if (event.timeMs >= toMs) break;
      const { actor, session } = event;
      const call = event.actorClass === 'service' ? null : callFromEvent(event);
      if (session === null || call === null) continue;
      let past = pasts.get(actor);
      if (past === undefined) pasts.set(actor, (past = newcomer()));
      if (event.timeMs < world.liveFromMs) learn(past, session, call);
      else cutter.push({ actor, session, call, outcome: 0 });
    }
    return cutter.flush(toMs);
  });
}
