/**
 * One event, one stored step. Any process on the same database may do it: whoever comes second steps again.
 * @module
 */
import { FederationError } from './errors.js';
import type { Effect, Round, RoundEvent } from './round/round.js';
import { step } from './round/step.js';
import type { RoundKey, RoundStore, StoredTransition } from './store/store.js';

/** Parts of a stored step that come with an event. */
export type Attached = Pick<StoredTransition, 'completes' | 'submission' | 'manifest'>;

export interface AppliedEvent {
  readonly before: Round;
  readonly round: Round;
  /** False if the event did not fit: nothing changed. */
  readonly applied: boolean;
  readonly effects: readonly Effect[];
}

const RACES_MAX = 50;

/**
 * Steps a round by one event and stores the step. A lost race loads the round again and steps again.
 * @param attached - what is stored in the same transaction; a function of the round that the event leads to
 * @throws {FederationError} `ERR_ROUND_UNKNOWN`; `ERR_BUSY` after fifty lost races
 */
export async function applyEvent(
  rounds: RoundStore,
  key: RoundKey,
  event: RoundEvent,
  attached: Attached | ((next: Round) => Attached) = {},
): Promise<AppliedEvent> {
  for (let race = 0; race < RACES_MAX; race++) {
    const stored = await rounds.find(key);
    if (stored === null) {
      throw new FederationError('ERR_ROUND_UNKNOWN', `round ${key.slotIndex}: not on record`);
    }
    const before = stored.round;
    const { round, applied, effects } = step(before, event);
    if (!applied) return { before, round: before, applied, effects };
    const committed = await rounds.commit({
      ...(typeof attached === 'function' ? attached(round) : attached),
      expectedVersion: stored.version,
      round,
      event,
      effects,
    });
    if (committed) return { before, round, applied, effects };
  }
  throw new FederationError('ERR_BUSY', `round ${key.slotIndex}: too many changes at once`);
}
