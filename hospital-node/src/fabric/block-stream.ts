/**
 * Committed blocks one after another, for ever: open at the next block, hand each on, and on any failure of the stream
 * reopen through the next gateway after a wait with full jitter. What `take` throws is not the network's, and ends the run.
 * @module
 */
import type { common } from '@hyperledger/fabric-protos';
import { fullJitterMs, sleep, type RandomUnit } from './backoff.js';
import type { FabricConnection } from './connection.js';
import { FabricError } from './errors.js';

export interface BlockStreamOptions {
  readonly connection: Pick<FabricConnection, 'openBlocks' | 'switchGateway'>;
  /** Asked at every opening. */
  readonly nextBlock: () => bigint;
  readonly take: (block: common.Block) => Promise<void>;
  readonly random: RandomUnit;
  readonly onOpen?: () => Promise<void>;
  readonly onInterrupt?: (error: unknown) => void;
}

const BACKOFF = { baseMs: 200, capMs: 30_000 } as const;

/** Resolves when the signal aborts, rejects with what `take` threw. */
export async function runBlockStream(o: BlockStreamOptions, signal: AbortSignal): Promise<void> {
  const over = (): boolean => signal.aborted;
  for (let failures = 0; !over();) {
    const before = o.nextBlock();
    try {
      await follow(o, signal);
      if (over()) return;
      o.onInterrupt?.(new FabricError('ERR_FABRIC_UNAVAILABLE', 'the gateway ended the stream'));
    } catch (error) {
      if (error instanceof TakeFailed) throw error.cause;
      if (over()) return;
      o.onInterrupt?.(error);
    }
    failures = o.nextBlock() > before ? 0 : failures + 1;
    o.connection.switchGateway();
    await sleep(fullJitterMs(failures, { ...BACKOFF, random: o.random }), signal);
  }
}

async function follow(o: BlockStreamOptions, signal: AbortSignal): Promise<void> {
  const over = (): boolean => signal.aborted;
  await o.onOpen?.();
  const source = await o.connection.openBlocks(o.nextBlock());
  const stop = (): void => {
    source.close();
  };
  signal.addEventListener('abort', stop);
  try {
    // It may have been asked to stop while the stream was opened; a quiet channel would not tell.
    if (over()) return;
    for await (const block of source) {
      if (over()) return;
      await o.take(block).catch((cause: unknown) => {
        throw new TakeFailed(cause);
      });
    }
  } finally {
    signal.removeEventListener('abort', stop);
    source.close();
  }
}

/** Carries an error of ours past the handler that would treat it as the network's. */
class TakeFailed extends Error {
  constructor(cause: unknown) {
    super('the effect of a block failed', { cause });
  }
}
