/**
 * Work that must not be lost because the database server is away for a while: it waits and is done again.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.js';

const RETRY_MS = 1_000;

/**
 * @param work - done again as a whole, so twice must be as good as once
 * @throws what `work` throws, if that is anything but `ERR_STORE_UNAVAILABLE` or the signal has aborted
 */
export async function untilAnswered<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== 'ERR_STORE_UNAVAILABLE' || signal.aborted) throw error;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
