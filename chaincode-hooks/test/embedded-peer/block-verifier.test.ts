import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildBlock } from '../../src/embedded-peer/block.js';
import { BlockStore, readBlocks, type StoredBlock } from '../../src/embedded-peer/block-store.js';
import { verifiedBlocks, verifyBlocks } from '../../src/embedded-peer/block-verifier.js';
import { BlockCorruptError } from '../../src/embedded-peer/errors.js';
import { Ledger } from '../../src/embedded-peer/ledger.js';
import { SILENT_LOG } from '../../src/embedded-peer/options.js';
import { buildTransaction, testConsortium } from './transaction-fixture.js';

const consortium = testConsortium();
const { client, peers, authorities, configuration, membership } = consortium;
const endorsers = peers.slice(0, 2);
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'block-verifier-'));
  await writeLedger();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function openLedger(changed: Partial<typeof configuration> = {}): Promise<Ledger> {
  return Ledger.open({
    dir,
    configuration: { ...configuration, ...changed },
    membership,
    segmentBytesMax: 1_000_000,
    transactionsMax: 100,
    log: SILENT_LOG,
  });
}

/** Block 1: a write and a conflict with it; block 2: one with too few endorsements, and a good one. */
async function writeLedger(): Promise<void> {
  const ledger = await openLedger();
  const writes = [{ key: 'a', value: Buffer.from('1') }];
  const reads = [{ key: 'a', version: null }];
  const transaction = (set: object, by = endorsers): Uint8Array =>
    buildTransaction({ creator: client, endorsers: by, set }).bytes;
  await ledger.commit([transaction({ writes }), transaction({ reads, writes })]);
  await ledger.commit([transaction({ writes }, [peers[0]!]), transaction({ writes }, [...peers])]);
  ledger.close();
}

/** Writes the blocks again with one of them changed and the chain made good behind it: a careful forger. */
async function forge(
  change: (block: StoredBlock) => Partial<Pick<StoredBlock, 'envelopes' | 'codes'>>,
): Promise<void> {
  const blocks = [...readBlocks(dir)];
  rmSync(dir, { recursive: true, force: true });
  const store = BlockStore.open(dir, {
    segmentBytesMax: 1_000_000,
    replay: () => undefined,
    onTornTail: () => undefined,
  });
  let previousHash: Uint8Array = new Uint8Array(0);
  for (const block of blocks) {
    const { bytes, headerHash } = buildBlock({ ...block, ...change(block), previousHash });
    await store.append(bytes);
    previousHash = headerHash;
  }
  store.close();
}

function refusal(): BlockCorruptError {
  try {
    verifyBlocks(dir);
  } catch (error) {
    expect(error).toBeInstanceOf(BlockCorruptError);
    return error as BlockCorruptError;
  }
  throw new Error('the forgery was not noticed');
}

describe('verifying blocks', () => {
  it('sums up an honest directory', () => {
    expect(verifyBlocks(dir)).toMatchObject({
      blocks: 3,
      transactions: 4,
      codes: { 0: 2, 10: 1, 11: 1 },
      endorsementsLeast: 2,
      configurations: 1,
      configuration: { channel: 'consortium', chaincode: 'plain', outOf: 2 },
      tornTail: null,
    });
  });

  it('names the endorsers of each transaction', () => {
    const blocks = [...verifiedBlocks(dir)];
    expect(blocks[0]!.configuration?.members.map(({ mspId }) => mspId)).toEqual([
      'H1MSP',
      'H2MSP',
      'H3MSP',
    ]);
    expect(blocks[2]!.transactions.map((one) => one.endorsers)).toEqual([
      [],
      ['H1MSP', 'H2MSP', 'H3MSP'],
    ]);
  });

  it('notices a conflict that was declared valid', async () => {
    await forge(({ number, codes }) => (number === 1 ? { codes: Uint8Array.of(0, 0) } : { codes }));
    expect(refusal()).toMatchObject({
      block: 1,
      reason: 'transaction 1: code 0 on disk, 11 recomputed',
    });
  });

  it('notices a valid transaction that was declared invalid', async () => {
    await forge(({ number, codes }) =>
      number === 1 ? { codes: Uint8Array.of(10, 11) } : { codes },
    );
    expect(refusal()).toMatchObject({ block: 1 });
  });

  it('notices a transaction that was taken away, by what it leaves behind', async () => {
    await forge(({ number, codes, envelopes }) =>
      number === 1 ? { codes: codes.subarray(1), envelopes: envelopes.slice(1) } : {},
    );
    expect(refusal().reason).toBe('transaction 0: code 11 on disk, 0 recomputed');
  });

  it('notices a transaction of somebody who is no member', async () => {
    const strangers = testConsortium();
    const { bytes } = buildTransaction({ creator: strangers.client, endorsers: strangers.peers });
    await forge(({ number, codes, envelopes }) =>
      number === 2 ? { codes: Uint8Array.of(...codes, 0), envelopes: [...envelopes, bytes] } : {},
    );
    expect(refusal().reason).toBe('transaction 2: code 0 on disk, 4 recomputed');
  });

  it('checks the roots in the configuration against those that the reader trusts', () => {
    const roots = Object.fromEntries(authorities.map((one) => [one.mspId, one.certificatePem]));
    expect(verifyBlocks(dir, { trustedRoots: roots }).blocks).toBe(3);
    const [other] = testConsortium().authorities;
    const trustedRoots = { ...roots, H2MSP: other!.certificatePem };
    expect(() => verifyBlocks(dir, { trustedRoots })).toThrow('the root of H2MSP is not trusted');
  });

  it('follows a change of the policy: three must agree from there on', async () => {
    const ledger = await openLedger({ outOf: 3 });
    expect(ledger.height).toBe(4);
    const writes = [{ key: 'b', value: Buffer.from('1') }];
    const transaction = (by: typeof peers): Uint8Array =>
      buildTransaction({ creator: client, endorsers: by, set: { writes } }).bytes;
    await ledger.commit([transaction(endorsers), transaction(peers)]);
    ledger.close();
    expect(verifyBlocks(dir)).toMatchObject({
      blocks: 5,
      configurations: 2,
      configuration: { outOf: 3 },
      codes: { 0: 3, 10: 2, 11: 1 },
    });
  });

  it('writes no new configuration when nothing has changed', async () => {
    for (let i = 0; i < 2; i++) {
      const ledger = await openLedger();
      expect(ledger.height).toBe(3);
      ledger.close();
    }
  });

  it('refuses an empty directory', () => {
    expect(() => verifyBlocks(join(dir, 'absent'))).toThrow('there is no block');
  });
});
