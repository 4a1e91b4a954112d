/**
 * The proof of a hold, made by the reader: the block is read again, everything is hashed again, and the window is scored
 * again by the same `.wasm`. Five lines; a line that could not be tried is a SKIP with its reason and never green.
 *
 * What it does not show: that the certificates in the block belong to the organisations they name. The node's own peer
 * checked that before it committed.
 * @module
 */
import { createScorer, decodeDetector, decodeTable } from '@bhschain/models/detector';
import { kernelHash } from '@bhschain/models/kernel';
import { judgedWindow } from './judged-window.js';
import { readBlock, type BlockTransaction } from './block.js';
import { canHash, hex, sha256, verifies } from './digest.js';

export interface Check {
  readonly name: 'block' | 'record' | 'signatures' | 'detector' | 'score';
  readonly outcome: 'pass' | 'fail' | 'skip';
  /** One sentence with the figures. */
  readonly found: string;
}

/** What the page shows of a hold, and would like to see proven. */
export interface Claim {
  /** The transaction that was held. */
  readonly txId: string;
  /** Held, or run and to be reviewed. */
  readonly kind: 'quarantine' | 'review';
  /** Why there is a record. */
  readonly cause: string;
  /** Null if no detector judged. */
  readonly scoreMillionths: number | null;
  readonly proof: {
    /** Number of the block that the transaction is in. */
    readonly block: string;
    /** Of its header, hex. */
    readonly blockHash: string;
    /** Of the transaction in the block, from 0. */
    readonly position: number;
    /** MSPs. */
    readonly endorsers: readonly string[];
    /** SHA-256 of the detector that judged, hex; null if none did. */
    readonly modelHash: string | null;
    /** SHA-256 of its calibration table, hex. */
    readonly tableHash: string | null;
  };
}

export interface Source {
  /** The block's bytes, read from the ledger now. */
  block(): Promise<Uint8Array>;
  /** Detector or table by the hash it is said to have. */
  blob(hash: string): Promise<Uint8Array>;
}

interface Recorded {
  readonly txId?: unknown;
  readonly actor?: unknown;
  readonly session?: unknown;
  readonly score?: unknown;
  readonly modelHash?: unknown;
  readonly ringDigest?: unknown;
}

const NAMES = ['block', 'record', 'signatures', 'detector', 'score'] as const;

export async function prove(claim: Claim, source: Source): Promise<readonly Check[]> {
  if (!canHash()) {
    const found = 'this browser hashes on https and on loopback only; open the page there';
    return NAMES.map((name) => ({ name, outcome: 'skip', found }));
  }
  const block = await tried('block', () => checkBlock(claim, source));
  const { transaction } = block;
  if (transaction === null) {
    const found = 'without the block there is nothing to look at';
    return [block.check, ...NAMES.slice(1).map((name) => skip(name, found))];
  }
  const record = recordIn(transaction, claim);
  return [
    block.check,
    checkRecord(claim, transaction, record),
    await checkSignatures(claim, transaction),
    await guarded('detector', () => checkDetector(claim, record, source)),
    await guarded('score', () => checkScore({ claim, transaction, record, source })),
  ];
}

async function checkBlock(
  { proof }: Claim,
  source: Source,
): Promise<{ check: Check; transaction: BlockTransaction }> {
  const block = await readBlock(await source.block());
  const transaction = await block.transaction(proof.position);
  const fault =
    String(block.number) !== proof.block
      ? `the ledger gave block ${block.number} for block ${proof.block}`
      : !block.dataAgrees
        ? 'its transactions do not hash to what its header says'
        : block.hash === proof.blockHash
          ? null
          : `it hashes to ${short(block.hash)}, this node recorded ${short(proof.blockHash)}`;
  return {
    transaction,
    check:
      fault === null
        ? pass(
            'block',
            `block ${block.number} read again; header and data hash to ${short(block.hash)}`,
          )
        : fail('block', fault),
  };
}

function recordIn(transaction: BlockTransaction, claim: Claim): Recorded | null {
  const kind = claim.kind === 'quarantine' ? 'q' : 'rev';
  const bytes = transaction.writes.get(`${kind}~${claim.txId}`);
  if (bytes === undefined) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Recorded;
  } catch {
    return null;
  }
}

function checkRecord(claim: Claim, transaction: BlockTransaction, record: Recorded | null): Check {
  // A report files the record of another transaction; a guard files its own.
  const ofItself = claim.cause !== 'second-line';
  const fault =
    transaction.code !== 0
      ? `the peers found the transaction invalid (code ${transaction.code})`
      : transaction.recomputedTxId !== transaction.txId
        ? 'the transaction id does not follow from its nonce and its creator'
        : ofItself && transaction.txId !== claim.txId
          ? `another transaction stands there: ${short(transaction.txId)}`
          : record?.txId !== claim.txId
            ? 'it did not write this record'
            : record.score === claim.scoreMillionths
              ? null
              : `the record says score ${String(record.score)}, the page ${String(claim.scoreMillionths)}`;
  return fault === null
    ? pass(
        'record',
        `valid transaction ${short(transaction.txId)} wrote the record that is shown here`,
      )
    : fail('record', fault);
}

async function checkSignatures(claim: Claim, transaction: BlockTransaction): Promise<Check> {
  const { creator, endorsements } = transaction;
  if (!(await verifies(creator)))
    return fail('signatures', 'the caller’s signature does not verify');
  for (const each of endorsements) {
    if (!(await verifies(each))) {
      return fail('signatures', `the endorsement of ${each.mspId} does not verify`);
    }
  }
  const got = [...new Set(endorsements.map(({ mspId }) => mspId))].sort();
  const shown = [...claim.proof.endorsers].sort();
  return got.length > 0 && got.join() === shown.join()
    ? pass(
        'signatures',
        `the caller’s and ${endorsements.length} endorsements verify: ${got.join(', ')}`,
      )
    : fail(
        'signatures',
        `endorsed by ${got.join(', ') || 'nobody'}, shown are ${shown.join(', ')}`,
      );
}

async function checkDetector(
  claim: Claim,
  record: Recorded | null,
  source: Source,
): Promise<Check> {
  const { modelHash, tableHash } = claim.proof;
  if (claim.scoreMillionths === null || modelHash === null) {
    return skip('detector', 'no detector judged this call');
  }
  if (record?.modelHash !== modelHash) {
    return fail('detector', `the record names detector ${short(String(record?.modelHash))}`);
  }
  if (tableHash === null) return skip('detector', 'its table is not in the blocks this node read');
  for (const hash of [modelHash, tableHash]) {
    const got = hex(await sha256(await source.blob(hash)));
    if (got !== hash) return fail('detector', `bytes for ${short(hash)} hash to ${short(got)}`);
  }
  return pass(
    'detector',
    `detector ${short(modelHash)} and table ${short(tableHash)} hash to their names`,
  );
}

async function checkScore(o: {
  readonly claim: Claim;
  readonly transaction: BlockTransaction;
  readonly record: Recorded | null;
  readonly source: Source;
}): Promise<Check> {
  const { claim, transaction, record } = o;
  const { modelHash, tableHash } = claim.proof;
  if (claim.scoreMillionths === null || modelHash === null || tableHash === null) {
    return skip('score', 'no detector judged this call');
  }
  const key = `ctx~${String(record?.actor)}~${String(record?.session)}`;
  const stored = transaction.writes.get(key);
  if (stored === undefined) return fail('score', 'the transaction wrote no sequence of calls');
  const { ringBytes, window } = judgedWindow(stored, transaction.args);
  if (hex(await sha256(ringBytes)) !== record?.ringDigest) {
    return fail('score', 'the sequence in the block is not the one that the record names');
  }
  const detector = decodeDetector(await o.source.blob(modelHash));
  const table = decodeTable(await o.source.blob(tableHash));
  const { scoreMillionths } = createScorer(detector, table).score(window);
  const kernel = `kernel ${short(kernelHash)}`;
  return scoreMillionths === record.score
    ? pass(
        'score',
        `scored again in this browser by ${kernel}: ${scoreMillionths} millionths, the same integer`,
      )
    : fail(
        'score',
        `scored again by ${kernel}: ${scoreMillionths}, the record says ${String(record.score)}`,
      );
}

async function guarded(name: Check['name'], check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return fail(name, sentence(error));
  }
}

async function tried(
  name: Check['name'],
  check: () => Promise<{ check: Check; transaction: BlockTransaction }>,
): Promise<{ check: Check; transaction: BlockTransaction | null }> {
  try {
    return await check();
  } catch (error) {
    return { check: fail(name, sentence(error)), transaction: null };
  }
}

const pass = (name: Check['name'], found: string): Check => ({ name, outcome: 'pass', found });
const fail = (name: Check['name'], found: string): Check => ({ name, outcome: 'fail', found });
const skip = (name: Check['name'], found: string): Check => ({ name, outcome: 'skip', found });

function short(hash: string): string {
  return `${hash.slice(0, 8)}…`;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : 'it could not be read';
}
