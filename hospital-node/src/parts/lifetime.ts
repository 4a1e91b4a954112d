/**
 * What a node has opened and started: closed in the reverse order, stopped together. A part that ends with an error ends
 * the node, because it is not a node any more.
 * @module
 */
import type { Logger } from 'pino';
import { codeOf } from '../errors.js';

export interface Lifetime {
  readonly signal: AbortSignal;
  /** Closes `opened` with the node, after everything that was opened later. */
  own<T>(opened: T, close: (opened: T) => void | Promise<void>): T;
  /** Runs until the signal; its failure is the node's. */
  run(name: string, part: (signal: AbortSignal) => Promise<void>): void;
  /** Rejects with the first failure of a part; resolves after `close`. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

/** @param stop - ends everything, a start that is still under way included */
export function createLifetime(log: Logger, stop: AbortSignal): Lifetime {
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, stop]);
  const closers: (() => void | Promise<void>)[] = [];
  const tasks: Promise<void>[] = [];
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const finished = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Nobody may be listening when a part fails during the start.
  finished.catch(() => undefined);
  return {
    signal,
    finished,
    own: (opened, close) => {
      closers.push(() => close(opened));
      return opened;
    },
    run: (name, part) => {
      tasks.push(
        part(signal).catch((error: unknown) => {
          if (signal.aborted) return;
          log.fatal({ part: name, code: codeOf(error), err: error }, 'a part of the node failed');
          reject(error);
        }),
      );
    },
    close: async () => {
      abort.abort();
      await Promise.allSettled(tasks);
      for (const close of closers.splice(0).reverse()) await close();
      resolve();
    },
  };
}
