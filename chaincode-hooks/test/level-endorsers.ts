/** What a client does about endorsers that stand on both sides of a block. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EndorseError } from '@hyperledger/fabric-gateway';

const PATIENCE_MS = 30_000;
const INTERVAL_MS = 100;

/** A gateway says so when its own peer endorsed and too few others gave the same: they differ, or they refuse. */
const OTHERS_DISAGREE = 'failed to collect enough transaction endorsements';

/**
 * Repeats what the gateway's own peer endorsed and others did not: they have not committed the last block yet, which takes a
 * slow disk a second or more, or have not read the detector's bytes since they started. A call that builds on that block
 * they refuse in the contract's own words, so the details do not tell them from a refusal; that it was not the gateway's does.
 */
export async function onceLevel<T>(work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const disagree =
        error instanceof EndorseError && error.cause.details.includes(OTHERS_DISAGREE);
      if (!disagree || performance.now() - startedMs > PATIENCE_MS) throw error;
    }
    await sleep(INTERVAL_MS);
  }
}
