/**
 * A Fabric block from its bytes: header, and one transaction with everything a proof needs.
 * Source: fabric-protos `common/common.proto`, `peer/transaction.proto`, `ledger/rwset`; field numbers stand at each line.
 * @module
 */
import { concat, derHeader, hex, sha256 } from './digest.js';
import { readMessage } from './wire.js';

export interface Signed {
  readonly mspId: string;
  readonly certificate: Uint8Array;
  readonly signature: Uint8Array;
  /** What was signed. */
  readonly bytes: Uint8Array;
}

export interface BlockTransaction {
  readonly txId: string;
  /** Fabric's validation code; 0 is valid. */
  readonly code: number;
  /** Of the call, without the function's name. */
  readonly args: readonly string[];
  /** Composite key with `~` between its parts → value. */
  readonly writes: ReadonlyMap<string, Uint8Array>;
  readonly creator: Signed;
  readonly endorsements: readonly Signed[];
  /** Hex of SHA-256(nonce ‖ creator): what Fabric makes a transaction id from. */
  readonly recomputedTxId: string;
}

export interface Block {
  readonly number: number;
  /** Hex; recomputed from the header. */
  readonly hash: string;
  /** The envelopes hash to what the header says. */
  readonly dataAgrees: boolean;
  transaction(position: number): Promise<BlockTransaction>;
  /** Null if none of this id stands in it. */
  find(txId: string): Promise<BlockTransaction | null>;
}

const TRANSACTIONS_FILTER = 2;

/** @throws {RangeError} if the bytes are not a block */
export async function readBlock(bytes: Uint8Array): Promise<Block> {
  const block = readMessage(bytes);
  const header = readMessage(block.bytes(1));
  const envelopes = readMessage(block.bytes(2)).all(1);
  const codes = readMessage(block.bytes(3)).all(1)[TRANSACTIONS_FILTER];
  const number = header.number(1);
  const der = concat(derInteger(number), derOctets(header.bytes(2)), derOctets(header.bytes(3)));
  const transaction = async (position: number): Promise<BlockTransaction> => {
    const envelope = envelopes[position];
    if (envelope === undefined) throw new RangeError(`block ${number} has no place ${position}`);
    return readTransaction(envelope, codes?.[position] ?? 255);
  };
  return {
    number,
    hash: hex(await sha256(concat(derHeader(0x30, der.length), der))),
    dataAgrees: hex(await sha256(concat(...envelopes))) === hex(header.bytes(3)),
    transaction,
    find: async (txId) => {
      for (let position = 0; position < envelopes.length; position++) {
        const each = await transaction(position);
        if (each.txId === txId) return each;
      }
      return null;
    },
  };
}

async function readTransaction(bytes: Uint8Array, code: number): Promise<BlockTransaction> {
  const envelope = readMessage(bytes);
  const payload = readMessage(envelope.bytes(1));
  const header = readMessage(payload.bytes(1));
  const signatureHeader = readMessage(header.bytes(2));
  const creator = signatureHeader.bytes(1);
  const action = readMessage(readMessage(payload.bytes(2)).bytes(1)); // Transaction.actions[0]
  const actionPayload = readMessage(action.bytes(2));
  const endorsed = readMessage(actionPayload.bytes(2));
  const response = endorsed.bytes(1);
  const results = readMessage(readMessage(response).bytes(2)).bytes(1); // ChaincodeAction.results
  const input = readMessage(
    readMessage(readMessage(readMessage(actionPayload.bytes(1)).bytes(1)).bytes(1)).bytes(3),
  );
  return {
    code,
    txId: readMessage(header.bytes(1)).text(5),
    recomputedTxId: hex(await sha256(concat(signatureHeader.bytes(2), creator))),
    args: input
      .all(1)
      .slice(1)
      .map((argument) => new TextDecoder().decode(argument)),
    writes: writesOf(results),
    creator: signed(creator, envelope.bytes(2), envelope.bytes(1)),
    endorsements: endorsed.all(2).map((each) => {
      const endorsement = readMessage(each);
      const endorser = endorsement.bytes(1);
      return signed(endorser, endorsement.bytes(2), concat(response, endorser));
    }),
  };
}

function writesOf(results: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const writes = new Map<string, Uint8Array>();
  for (const set of readMessage(results).all(2)) {
    for (const each of readMessage(readMessage(set).bytes(2)).all(3)) {
      const write = readMessage(each);
      const parts = write
        .text(1)
        .split('\u0000')
        .filter((part) => part !== '');
      writes.set(parts.join('~'), write.bytes(3));
    }
  }
  return writes;
}

function signed(identity: Uint8Array, signature: Uint8Array, bytes: Uint8Array): Signed {
  const fields = readMessage(identity);
  return { mspId: fields.text(1), certificate: fields.bytes(2), signature, bytes };
}

function derInteger(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) {
    bytes.unshift(rest % 256);
  }
  if (bytes[0]! >= 0x80) bytes.unshift(0); // DER integers are signed
  return concat(derHeader(0x02, bytes.length), Uint8Array.from(bytes));
}

function derOctets(value: Uint8Array): Uint8Array {
  return concat(derHeader(0x04, value.length), value);
}
