/** Interleaved timing: ours and each peer take turns, so that a busy machine slows all of them alike. */

export interface Contestant {
  readonly name: string;
  /** Calls per timing, for work too short to time alone. */
  readonly repeat?: number;
  /** A number that comes back is the time of the call in ms, measured where the work was done. */
  readonly run: () => unknown;
}

export interface Timing {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** Milliseconds per call of each contestant, after two warm-up rounds. */
export async function race(contestants: readonly Contestant[], runs: number): Promise<Timing[]> {
  const times = contestants.map(() => [] as number[]);
  for (let round = -2; round < runs; round++) {
    for (const [index, { run, repeat = 1 }] of contestants.entries()) {
      const start = performance.now();
      let told = 0;
      for (let i = 0; i < repeat; i++) {
        const own: unknown = await run();
        told = typeof own === 'number' ? told + own : NaN;
      }
      const elapsed = Number.isNaN(told) ? performance.now() - start : told;
      if (round >= 0) times[index]!.push(elapsed / repeat);
    }
  }
  return times.map((series) => {
    const sorted = series.toSorted((a, b) => a - b);
    return {
      median: sorted[sorted.length >> 1]!,
      min: sorted[0]!,
      max: sorted.at(-1)!,
      runs,
    };
  });
}
