/** What a client does about endorsers that stand on both sides of a block. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EndorseError } from '@hyperledger/fabric-gateway';

const PATIENCE_MS = 30_000;
const INTERVAL_MS = 100;

/**
 * Repeats what endorsers answered differently, as every client of ours does: one of them has not committed the last block
 * yet, which takes a slow disk a second or more, or has not read the detector's bytes since it started.
 */
export async function onceLevel<T>(work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const differ =
        error instanceof EndorseError &&
        error.details.some(({ message }) => message.includes('do not match'));
      if (!differ || performance.now() - startedMs > PATIENCE_MS) throw error;
    }
    await sleep(INTERVAL_MS);
  }
}
