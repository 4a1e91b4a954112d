/**
 * The channel as it lies on disk: every block decoded, and the world state that its valid transactions leave.
 * @module
 */
import {
  decodeGuardEvent,
  walkBlock,
  type DecodedTransaction,
  type GuardEvent,
} from '@bhschain/chaincode-hooks/events';
import { CHAINCODE } from '../demo/ledger-plan.js';
import type { ChainOnDisk } from './chain-on-disk.js';

export interface CommittedCall extends DecodedTransaction {
  /** Null for invalid transactions and for events of another kind. */
  readonly guard: GuardEvent | null;
}

export interface LedgerView {
  readonly blockCount: number;
  readonly blockHashes: readonly string[];
  /** All transactions of our chaincode with code 0, in order. */
  readonly valid: readonly CommittedCall[];
  /** Validation code → count, valid ones too. */
  readonly codes: Readonly<Record<number, number>>;
  /** Last value of a key, by its parts joined with `~`; absent after a delete. */
  readonly state: ReadonlyMap<string, Uint8Array>;
}

/**
 * @throws BlockCorruptError (`ERR_BLOCK_CORRUPT` with file, offset and block) if the chain on disk is not whole
 */
export function readLedger(blocks: ReturnType<ChainOnDisk['blocks']>): LedgerView {
  const valid: CommittedCall[] = [];
  const codes: Record<number, number> = {};
  const state = new Map<string, Uint8Array>();
  const blockHashes: string[] = [];
  for (const stored of blocks) {
    blockHashes.push(stored.headerHash.toString('hex'));
    for (const transaction of walkBlock(stored.bytes)) {
      // Fabric's own lifecycle is judged by other rules; approvals of a definition are each hospital's alone.
      if (transaction.chaincode !== CHAINCODE) continue;
      codes[transaction.code] = (codes[transaction.code] ?? 0) + 1;
      if (transaction.code !== 0) continue;
      for (const write of transaction.writes) {
        const key = write.key.join('~');
        if (write.isDelete) state.delete(key);
        else state.set(key, write.value);
      }
      valid.push({ ...transaction, guard: guardEventOf(transaction) });
    }
  }
  return { blockCount: blockHashes.length, blockHashes, valid, codes, state };
}

function guardEventOf(transaction: DecodedTransaction): GuardEvent | null {
  if (transaction.event?.name !== 'guard') return null;
  const event = decodeGuardEvent(transaction.event.payload);
  return event.kind === 'unknown' ? null : event;
}
