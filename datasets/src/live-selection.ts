/**
 * A bounded part of the live traffic, in whole sessions, so that a demonstration ends in time: all planted incidents, then
 * sessions drawn at random. Services are left out: the ledger judges them by their folded profile, not call by call.
 * @module
 */

import { guardedFunctionOf, type AccessEvent } from '@bhschain/models/features';
import type { Consortium, ConsortiumHospital } from './consortium.js';
import { checkInteger } from './errors.js';
import { randomStream } from './random-stream.js';

export interface LiveSelection {
  readonly sessions: ReadonlySet<string>;
  /** Calls that the selected sessions make on the ledger. */
  readonly callCount: number;
}

/**
 * Selects whole sessions that begin in the live part.
 *
 * @param options.callsMax - bound on calls; incidents are kept even where they alone exceed it. Default 1500
 * @throws {DatasetError} `ERR_DATASET_OPTION`
 */
export function selectLiveCalls(
  consortium: Consortium,
  options: Readonly<{ seed: number; callsMax?: number }>,
): LiveSelection {
  const callsMax = checkInteger('callsMax', options.callsMax ?? 1_500, {
    least: 0,
    most: 1_000_000,
  });
  const guilty = new Set(consortium.truth.flatMap((incident) => incident.eventIds));
  const selected = new Set<string>();
  let callCount = 0;
  const rest: { session: string; calls: number }[] = [];
  for (const hospital of consortium.hospitals) {
    const calls = new Map<string, number>();
    const tainted = new Set<string>();
    const begunBefore = new Set<string>();
    for (const event of hospital.events()) {
      if (event.session === null || event.actorClass === 'service') continue;
      if (event.timeMs < consortium.liveFromMs) {
        // Only the last day before can reach over the border.
        if (event.timeMs > consortium.liveFromMs - 86_400_000) begunBefore.add(event.session);
        continue;
      }
      if (begunBefore.has(event.session)) continue;
      if (guardedFunctionOf(event) === null) continue;
      calls.set(event.session, (calls.get(event.session) ?? 0) + 1);
      if (guilty.has(event.eventId)) tainted.add(event.session);
    }
    for (const [session, count] of calls) {
      if (tainted.has(session)) {
        selected.add(session);
        callCount += count;
      } else {
        rest.push({ session, calls: count });
      }
    }
  }
  for (const { session, calls } of randomStream(options.seed, 'live selection').shuffled(rest)) {
    if (callCount + calls > callsMax) continue;
    selected.add(session);
    callCount += calls;
  }
  return { sessions: selected, callCount };
}

/** The hospital's events: all of the history, and of the live part what is selected. */
export function* selectedEvents(
  hospital: ConsortiumHospital,
  liveFromMs: number,
  selection: LiveSelection,
): Iterable<AccessEvent> {
  for (const event of hospital.events()) {
    if (event.timeMs < liveFromMs) yield event;
    else if (event.session !== null && selection.sessions.has(event.session)) yield event;
  }
}
