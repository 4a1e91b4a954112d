/**
 * At most `limit` tasks at a time; the rest wait in the order in which they came.
 * @module
 */
export interface Semaphore {
  run<T>(task: () => Promise<T>): Promise<T>;
  readonly waiting: number;
}

export function createSemaphore(limit: number): Semaphore {
  const queue: (() => void)[] = [];
  let free = limit;
  return {
    get waiting() {
      return queue.length;
    },
    async run(task) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => queue.push(resolve));
      try {
        return await task();
      } finally {
        const next = queue.shift();
        if (next === undefined) free += 1;
        else next(); // the slot is handed over, so nobody can slip in between
      }
    },
  };
}
