/**
 * What the bytes of a Fabric transaction say that a person is asked to sign: read out of the bytes themselves, so that the
 * page signs the call that it shows and no other.
 * Source: fabric-protos `peer/proposal.proto`, `peer/transaction.proto`, `common/common.proto`, `gateway/gateway.proto`.
 * @module
 */

export type TransactionStep = 'proposal' | 'transaction' | 'commit';

export interface Call {
  readonly transactionId: string;
  /** Function and arguments; empty for the question how a transaction ended, which names none. */
  readonly args: readonly string[];
}

/** @throws {Error} if the bytes are not of that kind of message */
export function callIn(step: TransactionStep, message: Uint8Array): Call {
  switch (step) {
    case 'proposal':
      return {
        transactionId: transactionIdOf(field(message, 1)),
        args: argsOf(field(message, 2)),
      };
    case 'transaction': {
      const action = field(field(field(message, 2), 1), 2);
      return {
        transactionId: transactionIdOf(field(message, 1)),
        args: argsOf(field(action, 1)),
      };
    }
    case 'commit':
      return { transactionId: textOf(field(message, 1)), args: [] };
  }
}

/** Header { channel_header = 1 { tx_id = 5 } } */
function transactionIdOf(header: Uint8Array): string {
  return textOf(field(field(header, 1), 5));
}

/** ChaincodeProposalPayload { input = 1: ChaincodeInvocationSpec { chaincode_spec = 1 { input = 3 { args = 1 } } } } */
function argsOf(payload: Uint8Array): readonly string[] {
  const input = field(field(field(payload, 1), 1), 3);
  return fields(input)
    .filter(([number]) => number === 1)
    .map(([, bytes]) => textOf(bytes));
}

/** The one field of this number; two of them could be read either way. */
function field(message: Uint8Array, number: number): Uint8Array {
  const found = fields(message).filter(([each]) => each === number);
  if (found.length !== 1)
    throw new Error('The orchestrator sent something that is no transaction.');
  return found[0]![1];
}

/** Length-delimited fields in order; others are passed over. */
function fields(message: Uint8Array): readonly (readonly [number: number, bytes: Uint8Array])[] {
  const found: [number, Uint8Array][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('The orchestrator sent something that is cut off.');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('The orchestrator sent something that is no transaction.');
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      if (at + length > message.length) {
        throw new Error('The orchestrator sent something that is cut off.');
      }
      found.push([Math.floor(tag / 8), message.subarray(at, at + length)]);
      at += length;
    } else throw new Error('The orchestrator sent something that is no transaction.');
  }
  return found;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
