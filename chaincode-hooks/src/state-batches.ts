/**
 * Fewer round trips between chaincode and peer: keys that are read together are one question, and all that a call writes is
 * one message.
 *
 * The Node shim sends every `getState` and `putState` as a message of its own, and a peer takes one message of a transaction
 * at a time: awaiting reads together saves nothing. Peers since Fabric 3.1 also answer many keys at once and take many writes
 * at once, and say so when the stream is ready, but only the Go shim asks. This asks, from outside the Node shim. With a peer
 * that does not offer it every call stays as it was.
 *
 * Nothing of this shows in an endorsement: a peer keeps read and write sets by key, so an endorser whose peer batches and one
 * whose peer does not sign the same bytes. What a call reads together is decided by its own awaits, not by a clock.
 *
 * Source: hyperledger/fabric core/chaincode/handler.go.
 * @module
 */
import type { ChaincodeInterface, ChaincodeStub } from 'fabric-shim';

import {
  MESSAGE_TYPE,
  decodeBatchLimits,
  decodeValues,
  encodeKeys,
  encodeWrites,
  type BatchLimits,
  type StateWrite,
} from './batch-messages.js';

const STATUS_OK_MAX = 399;
const STATUS_ERROR = 500;

export interface StateBatches {
  /** Hears what the peer at the other end of a new stream offers. */
  listen(stream: PeerStream): void;
  /** The same chaincode; its calls batch as far as their peer takes it. */
  around(chaincode: ChaincodeInterface): ChaincodeInterface;
}

export interface PeerStream {
  on(event: 'data', listener: (message: ShimMessage) => void): unknown;
}

/** `ChaincodeMessage` as the shim's own `fabric-protos` has it. */
interface ShimMessage {
  getType(): number;
  getPayload_asU8(): Uint8Array;
  setType(type: number): void;
  setPayload(payload: Uint8Array): void;
  setTxid(txId: string): void;
  setChannelId(channel: string): void;
}

interface Offer extends BatchLimits {
  /** The shim's own class of messages: its stream takes no other. */
  readonly Message: new () => ShimMessage;
}

/** Of the shim's stub, what is replaced here, and what its own methods use. */
interface ShimStub extends Pick<ChaincodeStub, 'getState' | 'putState' | 'deleteState'> {
  readonly channel_id: string;
  readonly txId: string;
  readonly handler?: {
    readonly _stream: object;
    /** Asks when the questions before are answered; rejects if the peer answers with an error. */
    _askPeerAndListen(message: ShimMessage, method: string): Promise<Uint8Array>;
  };
}

export function createStateBatches(): StateBatches {
  const offers = new WeakMap<object, Offer>();
  return {
    listen(stream) {
      stream.on('data', (message) => {
        if (message.getType() !== MESSAGE_TYPE.READY) return;
        const Message = message.constructor as new () => ShimMessage;
        offers.set(stream, { ...decodeBatchLimits(message.getPayload_asU8()), Message });
      });
    },
    around: (chaincode) => ({
      Init: (stub) => chaincode.Init(stub),
      async Invoke(stub) {
        const call = stub as unknown as ShimStub;
        const stream = call.handler?._stream;
        const offer = stream === undefined ? undefined : offers.get(stream);
        if (offer === undefined) return chaincode.Invoke(stub);
        if (offer.keysMax > 1) gatherReads(call, offer);
        const write = offer.writesMax > 1 ? gatherWrites(call, offer) : () => Promise.resolve();
        const response = await chaincode.Invoke(stub);
        if (response.status > STATUS_OK_MAX) return response;
        try {
          await write();
          return response;
        } catch (cause) {
          const message = cause instanceof Error ? cause.message : String(cause);
          return { status: STATUS_ERROR, message, payload: new Uint8Array() };
        }
      },
    }),
  };
}

interface Question {
  readonly key: string;
  readonly resolve: (value: Uint8Array) => void;
  readonly reject: (cause: unknown) => void;
}

/** Reads begun with nothing awaited between them become one question. */
function gatherReads(call: ShimStub, offer: Offer): void {
  const readOne = call.getState.bind(call);
  let gathered: Question[] = [];
  const ask = async (questions: readonly Question[]): Promise<void> => {
    const keys = questions.map(({ key }) => key);
    try {
      const values =
        keys.length === 1 ? [await readOne(keys[0]!)] : await readMany(call, offer, keys);
      questions.forEach(({ resolve }, index) => resolve(values[index]!));
    } catch (cause) {
      for (const { reject } of questions) reject(cause);
    }
  };
  call.getState = (key) =>
    new Promise((resolve, reject) => {
      gathered.push({ key, resolve, reject });
      if (gathered.length > 1) return;
      queueMicrotask(() => {
        const questions = gathered;
        gathered = [];
        for (let at = 0; at < questions.length; at += offer.keysMax) {
          void ask(questions.slice(at, at + offer.keysMax));
        }
      });
    });
}

async function readMany(
  call: ShimStub,
  offer: Offer,
  keys: readonly string[],
): Promise<readonly Uint8Array[]> {
  const values = decodeValues(
    await askPeer(call, offer, MESSAGE_TYPE.GET_STATE_MULTIPLE, encodeKeys(keys)),
  );
  // A peer whose database fails answers this question, unlike a single read, with no values and no error.
  if (values.length !== keys.length) {
    throw new Error(`peer: expected ${keys.length} values, got ${values.length}`);
  }
  return values;
}

/** Keeps what the call writes. @returns what sends it, once the call is over */
function gatherWrites(call: ShimStub, offer: Offer): () => Promise<void> {
  const writes: StateWrite[] = [];
  call.putState = (key, value) => {
    writes.push({ key, value: Buffer.from(value) });
    return Promise.resolve();
  };
  call.deleteState = (key) => {
    writes.push({ key, value: null });
    return Promise.resolve();
  };
  return async () => {
    for (let at = 0; at < writes.length; at += offer.writesMax) {
      const batch = encodeWrites(writes.slice(at, at + offer.writesMax));
      await askPeer(call, offer, MESSAGE_TYPE.WRITE_BATCH_STATE, batch);
    }
  };
}

function askPeer(
  { channel_id: channel, txId, handler }: ShimStub,
  { Message }: Offer,
  type: number,
  payload: Uint8Array,
): Promise<Uint8Array> {
  const message = new Message();
  message.setType(type);
  message.setPayload(payload);
  message.setTxid(txId);
  message.setChannelId(channel);
  return handler!._askPeerAndListen(message, 'batch');
}
