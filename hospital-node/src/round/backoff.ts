/**
 * Full-jitter waiting between tries of one call.
 * Source: Brooker 2015, "Exponential Backoff and Jitter" (AWS Architecture Blog).
 * @module
 */
export interface Backoff {
  /** Milliseconds before the next try: uniform below a ceiling that doubles up to the most. */
  next(): number;
  reset(): void;
}

export function createBackoff(o: {
  readonly leastMs: number;
  /** Asked before each try, for it may depend on what the last one told. */
  readonly mostMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}): Backoff {
  let ceilingMs = o.leastMs;
  return {
    next: () => {
      ceilingMs = Math.min(ceilingMs, o.mostMs());
      const waitMs = Math.ceil(o.random() * ceilingMs);
      ceilingMs *= 2;
      return waitMs;
    },
    reset: () => {
      ceilingMs = o.leastMs;
    },
  };
}
