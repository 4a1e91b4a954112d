/**
 * Sessions as windows of coded events, for the networks: a long session has several, and of the windows of system-call traces
 * nearly half are copies, so each different one is judged once.
 * @module
 */
import { once } from './once.js';
import type { Session } from './sequence-detector.js';
import type { Vocabulary } from './vocabulary.js';

/** Steps of a window, of both kinds of network. */
export const STEPS = 32;

export interface SessionWindows {
  readonly vocabulary: Vocabulary;
  /** The different windows, at most `STEPS` events each, in lexicographic order: neighbours begin alike. */
  readonly distinct: readonly Uint16Array[];
  /** Every window, session by session: its place in `distinct`, and whose it is. */
  readonly windows: readonly { readonly distinct: number; readonly session: number }[];
}

const windowsIn = once((vocabulary: Vocabulary) =>
  once((sessions: readonly Session[]) => cut(sessions, vocabulary)),
);

/** Cut once, however many networks and seeds read them. A session without events is one empty window. */
export function windowsOf(sessions: readonly Session[], vocabulary: Vocabulary): SessionWindows {
  return windowsIn(vocabulary)(sessions);
}

function cut(sessions: readonly Session[], vocabulary: Vocabulary): SessionWindows {
  const firsts = new Map<string, Uint16Array>();
  const all = sessions.flatMap(({ events }, session) => {
    const codes = Uint16Array.from(events, (event) => vocabulary.indexOf(event));
    return Array.from({ length: Math.max(1, Math.ceil(codes.length / STEPS)) }, (_, i) => {
      const window = codes.subarray(i * STEPS, (i + 1) * STEPS);
      const key = String.fromCharCode(...window);
      if (!firsts.has(key)) firsts.set(key, window);
      return { key, session };
    });
  });
  const keys = [...firsts.keys()].sort();
  const places = new Map(keys.map((key, place) => [key, place]));
  return {
    vocabulary,
    distinct: keys.map((key) => firsts.get(key)!),
    windows: all.map(({ key, session }) => ({ distinct: places.get(key)!, session })),
  };
}

/** Means over each session's windows of what the different windows were given, `weights` of which count. */
export function meansBySession(
  { windows }: SessionWindows,
  o: Readonly<{ values: ArrayLike<number>; weights: ArrayLike<number>; sessions: number }>,
): number[] {
  const sums = new Float64Array(o.sessions);
  const weights = new Float64Array(o.sessions);
  for (const { distinct, session } of windows) {
    sums[session]! += o.values[distinct]!;
    weights[session]! += o.weights[distinct]!;
  }
  return Array.from(sums, (sum, session) => sum / Math.max(1, weights[session]!));
}
