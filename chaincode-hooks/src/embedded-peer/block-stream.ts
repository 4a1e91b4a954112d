/**
 * Following the ledger block by block, at the pace of a client that may be slow or gone.
 * @module
 */
import type { orderer } from '@hyperledger/fabric-protos';
import { orderer as ordererProtos } from '@hyperledger/fabric-protos';
import type { Ledger } from './ledger.js';

/** The part of a gRPC server stream that a follower needs. */
export interface FollowedCall {
  readonly cancelled: boolean;
  write(message: unknown): boolean;
  once(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown;
}

/** `null`: the position is missing or unknown. `height` is the ledger's now. */
export function blockOfPosition(
  position: orderer.SeekPosition | undefined,
  height: number,
): number | null {
  const { TypeCase } = ordererProtos.SeekPosition;
  switch (position?.getTypeCase()) {
    case TypeCase.OLDEST:
      return 0;
    case TypeCase.NEWEST:
      return height - 1;
    case TypeCase.NEXT_COMMIT:
      return height;
    case TypeCase.SPECIFIED:
      return position.getSpecified()?.getNumber() ?? 0;
    default:
      return null;
  }
}

/**
 * Calls `messagesOf` for every block from `start` to `stop` inclusive, waiting for those to come, and writes what it
 * returns. Resolves `true` at the stop, `false` when the client has gone or `signal` fires.
 */
export async function followBlocks(
  options: Readonly<{
    ledger: Ledger;
    call: FollowedCall;
    start: number;
    stop: number;
    signal: AbortSignal;
    messagesOf: (number: number) => readonly unknown[];
  }>,
): Promise<boolean> {
  const { ledger, call, start, stop, signal, messagesOf } = options;
  const gone = (): boolean => call.cancelled || signal.aborted;
  for (let number = start; number <= stop; number++) {
    while (number >= ledger.height && !gone()) await nextCommit(ledger, call, signal);
    if (gone()) return false;
    for (const message of messagesOf(number)) {
      if (!call.write(message)) await drained(call, signal);
      if (gone()) return false;
    }
  }
  return true;
}

function nextCommit(ledger: Ledger, call: FollowedCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stopListening();
      call.off('cancelled', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stopListening = ledger.onBlock(done);
    call.once('cancelled', done);
    signal.addEventListener('abort', done);
  });
}

function drained(call: FollowedCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('cancelled', done);
      call.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    call.once('cancelled', done);
    call.once('close', done);
    signal.addEventListener('abort', done);
  });
}
