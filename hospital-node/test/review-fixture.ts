/**
 * Small real things for the review's tests: a migrated database, blocks built by hand.
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  canonicalJson,
  type DecodedTransaction,
  type LedgerWrite,
  type QuarantineRecord,
} from '@bhschain/chaincode-hooks/events';
import type { FollowedBlock } from '../src/fabric/block-checkpoint.js';
import { openNodeDatabase, type NodeDatabase } from '../src/store/index.js';

export const NOW = 1_790_000_000_000;

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'bhs-node-'));
}

/** A `node.sqlite` with its schema. */
export function migratedDatabase(): Promise<NodeDatabase> {
  return openNodeDatabase({ file: join(temporaryFolder(), 'node.sqlite') });
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function transactionOf(
  o: Partial<DecodedTransaction> & Pick<DecodedTransaction, 'txId'>,
): DecodedTransaction {
  return {
    blockNumber: 0,
    index: 0,
    channel: 'consortium',
    timestampMs: NOW,
    code: 0,
    creator: { mspId: 'H1MSP', certificatePem: '', actor: 'a'.repeat(32) },
    chaincode: 'bhschain',
    function: 'RecordAccessContract:export',
    args: [],
    response: { status: 200, message: '', payload: new Uint8Array() },
    event: null,
    reads: [],
    writes: [],
    endorsers: ['H1MSP', 'H2MSP'],
    ...o,
  };
}

export function write(key: readonly string[], value: object | Uint8Array | null): LedgerWrite {
  return {
    namespace: 'bhschain',
    key,
    isDelete: value === null,
    value:
      value === null
        ? new Uint8Array()
        : value instanceof Uint8Array
          ? value
          : Buffer.from(canonicalJson(value as never)),
  };
}

/** A chain of blocks with made-up hashes that follow one another. */
export function chainOf(blocks: readonly (readonly DecodedTransaction[])[]): FollowedBlock[] {
  return blocks.map((transactions, number) => ({
    number: BigInt(number),
    hash: hashOf(`block ${number}`),
    previousHash: number === 0 ? '' : hashOf(`block ${number - 1}`),
    transactions: transactions.map((transaction, index) => ({
      ...transaction,
      blockNumber: number,
      index,
    })),
  }));
}

export function recordOf(
  o: Partial<QuarantineRecord> & Pick<QuarantineRecord, 'txId'>,
): QuarantineRecord {
  return {
    actor: 'a'.repeat(32),
    mspId: 'H1MSP',
    function: 'RecordAccessContract:export',
    digest: hashOf('call'),
    session: '0123456789abcdef',
    atMs: NOW - 1_000,
    filedMs: NOW,
    cause: 'score',
    score: 940_000,
    modelVersion: 0,
    modelHash: hashOf('model'),
    reasons: [{ column: 'distinct records', value: 14 }],
    ringDigest: hashOf('ring'),
    codeHash: hashOf('code'),
    state: 'open',
    version: 1,
    deadlineMs: NOW + 86_400_000,
    holder: null,
    proposal: null,
    appealed: false,
    history: [{ step: 'file', by: 'a'.repeat(32), mspId: 'H1MSP', atMs: NOW, to: 'open' }],
    ...o,
  };
}

/** The next version of a record, as a step of the contract would write it. */
export function advanced(
  record: QuarantineRecord,
  o: Readonly<{ step: string; by: string; to: QuarantineRecord['state'] }> &
    Partial<QuarantineRecord>,
): QuarantineRecord {
  const { step, by, to, ...change } = o;
  return {
    ...record,
    ...change,
    state: to,
    version: record.version + 1,
    history: [...record.history, { step, by, mspId: 'H1MSP', atMs: NOW + record.version, to }],
  };
}

export function holdTransaction(
  record: QuarantineRecord,
  o: Partial<DecodedTransaction> = {},
): DecodedTransaction {
  return transactionOf({
    txId: record.txId,
    function: record.function,
    args: [record.session, hashOf('set'), '40', 'treatment', 'notes', ''],
    writes: [write(['q', record.txId], record)],
    ...o,
  });
}
