/**
 * Counts over the last so many milliseconds, by key.
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
  return {
    add(key, timeMs) {
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
  return {
    add(key, timeMs, thing = '') {
      const own = latest.get(key) ?? new Map<string, number>();
      latest.set(key, own);
      // A map keeps the order of insertion: the oldest come first.
      own.delete(thing);
      own.set(thing, timeMs);
      for (const old of own.keys()) {
        if (own.get(old)! > timeMs - windowMs) break;
        own.delete(old);
      }
      return own.size;
    },
    clear: (key) => void latest.delete(key),
  };
}
