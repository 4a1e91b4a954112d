/**
 * Work in lanes: within a lane one after the other, across lanes at most `limit` at once, first come first served.
 * @module
 */
export interface Lanes {
  /** Resolves when the task has run; never rejects (a task handles its own errors). */
  add(lane: string, task: () => Promise<void>): Promise<void>;
  readonly openCount: number;
  /** Resolves when nothing is left. */
  idle(): Promise<void>;
}

export function createLanes(limit: number): Lanes {
  const queues = new Map<string, (() => Promise<void>)[]>();
  const ready: string[] = [];
  let running = 0;
  let openCount = 0;
  let idleWaiters: (() => void)[] = [];

  const pump = (): void => {
    while (running < limit) {
      const lane = ready.shift();
      if (lane === undefined) return;
      const task = queues.get(lane)?.[0];
      if (task === undefined) continue;
      running += 1;
      void task().finally(() => {
        running -= 1;
        openCount -= 1;
        const queue = queues.get(lane)!;
        queue.shift();
        if (queue.length > 0) ready.push(lane);
        else queues.delete(lane);
        if (openCount === 0) {
          for (const resolve of idleWaiters) resolve();
          idleWaiters = [];
        }
        pump();
      });
    }
  };

  return {
    add(lane, task) {
      openCount += 1;
      return new Promise((resolve) => {
        const run = (): Promise<void> => task().finally(resolve);
        const queue = queues.get(lane);
        if (queue === undefined) {
          queues.set(lane, [run]);
          ready.push(lane);
        } else queue.push(run);
        pump();
      });
    },
    get openCount() {
      return openCount;
    },
    idle: () =>
      openCount === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => idleWaiters.push(resolve)),
  };
}
