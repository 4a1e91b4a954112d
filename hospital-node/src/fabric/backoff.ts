/**
 * Waiting with full jitter: uniform in [0, min(cap, base · 2^attempt)].
 * Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';

/** Uniform in [0, 1); an option everywhere, so that only `main.ts` decides where it comes from. */
export type RandomUnit = () => number;

export function fullJitterMs(
  attempt: number,
  o: Readonly<{ baseMs: number; capMs: number; random: RandomUnit }>,
): number {
  return Math.floor(o.random() * Math.min(o.capMs, o.baseMs * 2 ** Math.min(attempt, 30)));
}

/** Sleeps; an abort ends the sleep early without an error (the caller looks at the signal anyway). */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
