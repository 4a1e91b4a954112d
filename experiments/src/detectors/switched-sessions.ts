/**
 * A log with planted user switches as sessions: the actor is the group, a window with foreign acts is abnormal.
 * @module
 */
import type { UserSwitch } from '@bhschain/datasets';
import type { Session } from './sequence-detector.js';

export interface SwitchedSessions {
  readonly train: readonly Session[];
  readonly calibrate: readonly Session[];
  readonly test: readonly Session[];
}

export function switchedSessions(parts: UserSwitch): SwitchedSessions {
  return {
    train: parts.profile.map(({ actor, acts }, i) => session(`train ${i}`, actor, acts)),
    calibrate: parts.calibrate.map(({ actor, acts }, i) => session(`calibrate ${i}`, actor, acts)),
    test: parts.test.map(({ actor, acts, foreign }, i) =>
      session(`test ${i}`, actor, acts, foreign === null),
    ),
  };
}

function session(id: string, actor: string, events: readonly string[], normal = true): Session {
  return { id, normal, label: normal ? 'normal' : 'user-switch', events, group: actor };
}
