import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyRead, RangeRead } from '../../src/embedded-peer/read-write-set.js';
import { CODE, validateBlock, type ValidationContext } from '../../src/embedded-peer/validator.js';
import { WorldState } from '../../src/embedded-peer/world-state.js';
import {
  buildTransaction,
  CHAINCODE,
  CHANNEL,
  signerOf,
  testConsortium,
  type TransactionOptions,
} from './transaction-fixture.js';

const consortium = testConsortium();
const { client, peers, authorities, membership } = consortium;
const [p1, p2, p3] = peers as [(typeof peers)[0], (typeof peers)[0], (typeof peers)[0]];

function contextOf(
  state: WorldState,
  committed: ReadonlySet<string> = new Set(),
): ValidationContext {
  return {
    channel: CHANNEL,
    chaincode: CHAINCODE,
    membership,
    policy: { endorsers: new Set(['H1MSP', 'H2MSP', 'H3MSP']), outOf: 2 },
    state,
    isCommitted: (txId) => committed.has(txId),
  };
}

function transaction(options: Partial<TransactionOptions> = {}): {
  bytes: Uint8Array;
  txId: string;
} {
  return buildTransaction({ creator: client, endorsers: [p1, p2], ...options });
}

function codesOf(...envelopes: readonly Uint8Array[]): number[] {
  return validateBlock(1, envelopes, contextOf(genesis())).map(({ code }) => code);
}

/** Height 1, with `a` written at 0.0. */
function genesis(): WorldState {
  const state = new WorldState();
  state.applyBlock(0, [{ key: 'a', value: Buffer.from('1'), tx: 0 }]);
  return state;
}

describe('validation codes', () => {
  it('0: enough endorsements, unchanged versions', () => {
    const read: KeyRead = { key: 'a', version: { block: 0, tx: 0 } };
    const [verdict] = validateBlock(
      1,
      [transaction({ set: { reads: [read] } }).bytes],
      contextOf(genesis()),
    );
    expect(verdict).toMatchObject({ code: CODE.valid, endorsers: ['H1MSP', 'H2MSP'] });
  });

  it('2: no envelope at all', () => {
    expect(codesOf(Buffer.from('ffff', 'hex'))).toEqual([CODE.badPayload]);
  });

  it('3: a payload without header or nonce', () => {
    expect(codesOf(new Uint8Array(0))).toEqual([CODE.badHeader]);
    expect(codesOf(transaction({ nonce: new Uint8Array(0) }).bytes)).toEqual([CODE.badHeader]);
  });

  it('4: a signature of somebody else, or of nobody', () => {
    const stranger = signerOf(authorities[1]!);
    const forged = { identity: client.identity, key: stranger.key };
    expect(codesOf(transaction({ creator: forged }).bytes)).toEqual([CODE.badCreatorSignature]);
    expect(codesOf(transaction({ signature: Buffer.from('none') }).bytes)).toEqual([
      CODE.badCreatorSignature,
    ]);
    const nobody = { identity: Buffer.from('nobody'), key: client.key };
    expect(codesOf(transaction({ creator: nobody }).bytes)).toEqual([CODE.badCreatorSignature]);
  });

  it('8: an id that is not the hash of nonce and creator', () => {
    expect(codesOf(transaction({ txId: 'ab'.repeat(32) }).bytes)).toEqual([CODE.badTransactionId]);
  });

  it('9: an id for the second time, in the block or on the ledger', () => {
    const { bytes, txId } = transaction();
    expect(codesOf(bytes, bytes)).toEqual([CODE.valid, CODE.duplicateTransactionId]);
    const [verdict] = validateBlock(1, [bytes], contextOf(genesis(), new Set([txId])));
    expect(verdict!.code).toBe(CODE.duplicateTransactionId);
  });

  it('does not let a transaction that never proved its id block the one that does', () => {
    const nonce = randomBytes(24);
    const forged = transaction({ nonce, signature: Buffer.from('none') });
    const genuine = transaction({ nonce });
    expect(codesOf(forged.bytes, genuine.bytes)).toEqual([CODE.badCreatorSignature, CODE.valid]);
  });

  it.each([
    ['one endorsement', [p1]],
    ['the same organisation twice', [p1, p1]],
    ['a client instead of a peer', [p1, signerOf(authorities[1]!)]],
    ['nobody', []],
  ])('10: %s', (_, endorsers) => {
    expect(codesOf(transaction({ endorsers }).bytes)).toEqual([CODE.policyFailure]);
  });

  it('counts a good endorsement beside a bad one', () => {
    const bad = { identity: p2.identity, key: p1.key };
    expect(codesOf(transaction({ endorsers: [p1, bad, p3] }).bytes)).toEqual([CODE.valid]);
  });

  it('11: a version that has changed, has come, or has gone', () => {
    const reads = (key: string, version: KeyRead['version']): Uint8Array =>
      transaction({ set: { reads: [{ key, version }] } }).bytes;
    expect(codesOf(reads('a', { block: 0, tx: 1 }))).toEqual([CODE.mvccConflict]);
    expect(codesOf(reads('a', null))).toEqual([CODE.mvccConflict]);
    expect(codesOf(reads('b', { block: 0, tx: 0 }))).toEqual([CODE.mvccConflict]);
    expect(codesOf(reads('b', null))).toEqual([CODE.valid]);
  });

  it('11: a key that an earlier valid transaction of the block wrote', () => {
    const write = transaction({ set: { writes: [{ key: 'a', value: Buffer.from('2') }] } });
    const invalidWrite = transaction({
      endorsers: [p1],
      set: { writes: [{ key: 'a', value: Buffer.from('3') }] },
    });
    const read = transaction({ set: { reads: [{ key: 'a', version: { block: 0, tx: 0 } }] } });
    expect(codesOf(read.bytes, write.bytes)).toEqual([CODE.valid, CODE.valid]);
    expect(codesOf(write.bytes, read.bytes)).toEqual([CODE.valid, CODE.mvccConflict]);
    expect(codesOf(invalidWrite.bytes, read.bytes)).toEqual([CODE.policyFailure, CODE.valid]);
  });

  it('12: a range that gained, lost or changed a key', () => {
    const a: KeyRead = { key: 'a', version: { block: 0, tx: 0 } };
    const range = (reads: readonly KeyRead[], endKey = 'c', exhausted = true): Uint8Array => {
      const read: RangeRead = { startKey: 'a', endKey, exhausted, reads };
      return transaction({ set: { ranges: [read] } }).bytes;
    };
    const writes = (key: string, value: string | null): Uint8Array =>
      transaction({
        set: { writes: [{ key, value: value === null ? null : Buffer.from(value) }] },
      }).bytes;
    expect(codesOf(range([a]))).toEqual([CODE.valid]);
    expect(codesOf(range([]))).toEqual([CODE.phantomRead]);
    expect(codesOf(range([{ ...a, version: { block: 0, tx: 9 } }]))).toEqual([CODE.phantomRead]);
    expect(codesOf(writes('b', '1'), range([a]))[1]).toBe(CODE.phantomRead);
    expect(codesOf(writes('a', null), range([a]))[1]).toBe(CODE.phantomRead);
    expect(codesOf(writes('c', '1'), range([a]))[1]).toBe(CODE.valid);
    expect(codesOf(writes('b', null), range([a]))[1]).toBe(CODE.valid);
    expect(codesOf(writes('b', '1'), range([a], 'a', false))[1]).toBe(CODE.valid);
  });

  it('13 and 14: another type, another channel', () => {
    expect(codesOf(transaction({ type: 6 }).bytes)).toEqual([CODE.unknownType]);
    expect(codesOf(transaction({ channel: 'other' }).bytes)).toEqual([CODE.wrongChannel]);
  });

  it('22: writes into another namespace', () => {
    expect(codesOf(transaction({ namespace: 'lscc' }).bytes)).toEqual([CODE.badReadWriteSet]);
  });
});

describe('a block as a whole', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const version = fc.option(fc.record({ block: fc.constant(0), tx: fc.constantFrom(0, 1) }));
  const plan = fc.record({
    reads: fc.uniqueArray(fc.record({ key, version }), {
      selector: (read) => read.key,
      maxLength: 2,
    }),
    writes: fc.uniqueArray(key, { maxLength: 2 }),
  });

  it('is serial: each valid transaction read exactly what the valid ones before it had left', () => {
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 6 }), (plans) => {
        const envelopes = plans.map(
          ({ reads, writes }) =>
            transaction({
              set: { reads, writes: writes.map((each) => ({ key: each, value: Buffer.of(1) })) },
            }).bytes,
        );
        const codes = codesOf(...envelopes);
        const versions = new Map<string, string>([['a', '0.0']]);
        for (const [tx, { reads, writes }] of plans.entries()) {
          const fits = reads.every(
            (read) =>
              (read.version === null ? undefined : `${read.version.block}.${read.version.tx}`) ===
              versions.get(read.key),
          );
          expect(codes[tx]).toBe(fits ? CODE.valid : CODE.mvccConflict);
          if (fits) for (const each of writes) versions.set(each, `1.${tx}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never throws, whatever the bytes of an envelope', () => {
    const { bytes } = transaction();
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= by;
        const [code] = codesOf(damaged);
        // Only bytes that no signature covers could leave it valid, and there are none.
        expect(code).not.toBe(CODE.valid);
      }),
      { numRuns: 300 },
    );
  });
});
