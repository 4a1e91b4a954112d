/**
 * An actor's past as the hospital node folds it from its own log: profiles only, no windows.
 * @module
 */
import {
  COLUMN_COUNT,
  emptyProfile,
  emptyRing,
  foldSession,
  pushRow,
  type GuardedCall,
  type Profile,
  type Ring,
} from '@bhschain/models/features';

export interface ActorPast {
  profile: Profile;
  session: string | null;
  ring: Ring;
  /** When sessions were opened, the last hour's at least. */
  openedMs: number[];
  /** Of the last session that was judged; it is folded when the next one opens. */
  lastRing: Ring | null;
}

const NO_COLUMNS = new Int16Array(COLUMN_COUNT);
const HOUR_MS = 3_600_000;

export function newcomer(): ActorPast {
  return {
    profile: emptyProfile(),
    session: null,
    ring: emptyRing(),
    openedMs: [],
    lastRing: null,
  };
}

/** A call of the history. */
export function learn(past: ActorPast, session: string, call: GuardedCall): void {
  if (past.session !== session) {
    past.profile = foldSession(past.profile, past.ring.histogram, call.timeMs);
    past.ring = emptyRing();
    past.session = session;
  }
  const { recordTag, act } = call;
  const row = { columns: NO_COLUMNS, recordTag, act, outcome: 0 as const };
  past.ring = { ...pushRow(past.ring, row, call), rows: [] };
}

/** A session is opened: what the one before taught is folded. */
export function openSession(past: ActorPast, timeMs: number): void {
  if (past.lastRing !== null) {
    past.profile = foldSession(past.profile, past.lastRing.histogram, timeMs);
  }
  past.openedMs = [...openingsBefore(past, timeMs), timeMs];
}

/** Sessions opened in the hour before. */
export function openingsBefore({ openedMs }: ActorPast, timeMs: number): number[] {
  return openedMs.filter((at) => timeMs - at < HOUR_MS);
}
