/**
 * Runs one piece of work again and again, never twice at once: when it is due, or when somebody wakes it.
 * @module
 */

export interface Pacemaker {
  /** There may be something to do now. */
  wake(): void;
  /** Ends after the run that is in progress. */
  stop(): Promise<void>;
}

/**
 * @param o.work - does what is due and returns when it wants to run again (milliseconds of `nowMs`), or null
 * @param o.failed - told when `work` throws; it runs again after a second
 * @param o.pauseMaxMs - the longest sleep, so that a clock that jumps is noticed
 */
export function startPacemaker(
  o: Readonly<{
    work: () => Promise<number | null>;
    failed: (cause: unknown) => void;
    nowMs: () => number;
    pauseMaxMs: number;
  }>,
): Pacemaker {
  let stopped = false;
  let woken = false;
  let alarm: (() => void) | null = null;

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      alarm = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    while (!stopped) {
      woken = false;
      let pauseMs = 1_000;
      try {
        const dueMs = await o.work();
        pauseMs = dueMs === null ? o.pauseMaxMs : dueMs - o.nowMs();
      } catch (cause) {
        o.failed(cause);
      }
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by wake() and stop() meanwhile
      if (woken || stopped) continue;
      await sleep(Math.min(Math.max(pauseMs, 0), o.pauseMaxMs));
    }
  };
  const finished = run();

  return {
    wake: () => {
      woken = true;
      alarm?.();
    },
    stop: async () => {
      stopped = true;
      alarm?.();
      await finished;
    },
  };
}
