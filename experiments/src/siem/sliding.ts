/**
 * Counts over the last so many milliseconds, by key. Times never fall. A key that was quiet for a whole window is as good as
 * unknown, and is forgotten once a window: memory holds what is under way, not everybody who ever was.
 * @module
 */

export interface SlidingCount {
  /** Adds one (of a thing, if things are counted once) and returns the count within the window, this one included. */
  add(key: string, timeMs: number, thing?: string): number;
  clear(key: string): void;
}

/** Every addition counts. */
export function slidingCount(windowMs: number): SlidingCount {
  const times = new Map<string, number[]>();
  const forget = onceAWindow(windowMs, (staleMs) => {
    for (const [key, own] of times) if (own.at(-1)! <= staleMs) times.delete(key);
  });
  return {
    add(key, timeMs) {
      forget(timeMs);
      const own = times.get(key) ?? [];
      times.set(key, own);
      own.push(timeMs);
      let stale = 0;
      while (own[stale]! <= timeMs - windowMs) stale++;
      if (stale > 0) own.splice(0, stale);
      return own.length;
    },
    clear: (key) => void times.delete(key),
  };
}

/** Each different thing counts once, at its latest time. */
export function slidingDistinct(windowMs: number): SlidingCount {
  const latest = new Map<string, Map<string, number>>();
  const forget = onceAWindow(windowMs, (staleMs) => {
    for (const [key, own] of latest) {
      dropUntil(own, staleMs);
      if (own.size === 0) latest.delete(key);
    }
  });
  return {
    add(key, timeMs, thing = '') {
      forget(timeMs);
      const own = latest.get(key) ?? new Map<string, number>();
      latest.set(key, own);
      // A map keeps the order of insertion: the oldest come first.
      own.delete(thing);
      own.set(thing, timeMs);
      dropUntil(own, timeMs - windowMs);
      return own.size;
    },
    clear: (key) => void latest.delete(key),
  };
}

function dropUntil(times: Map<string, number>, staleMs: number): void {
  for (const [thing, timeMs] of times) {
    if (timeMs > staleMs) break;
    times.delete(thing);
  }
}

/** Calls `forget` with what is too old to count, when a window has passed since it was last called. */
function onceAWindow(
  windowMs: number,
  forget: (staleMs: number) => void,
): (timeMs: number) => void {
  let dueMs = -Infinity;
  return (timeMs) => {
    if (timeMs < dueMs) return;
    dueMs = timeMs + windowMs;
    forget(timeMs - windowMs);
  };
}
