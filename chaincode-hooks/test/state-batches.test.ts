import { peer } from '@hyperledger/fabric-protos';
import type { ChaincodeInterface } from 'fabric-shim';
import { describe, expect, test } from 'vitest';

import { decodeBatchLimits, encodeWrites } from '../src/batch-messages.js';
import { createStateBatches, type PeerStream } from '../src/state-batches.js';

const { Type } = peer.ChaincodeMessage;

interface Peer {
  readonly asked: { readonly type: number; readonly keys: readonly string[] }[];
  readonly stub: Stub;
}

interface Stub {
  getState(key: string): Promise<Uint8Array>;
  putState(key: string, value: Uint8Array): Promise<void>;
  deleteState(key: string): Promise<void>;
}

/** A peer that holds `value of <key>` for every key, and a stub whose own methods send one message each, as the shim's do. */
function peerOffering(
  offer: { readonly keysMax?: number; readonly writesMax?: number } | null,
  answerOf = (bytes: Uint8Array): Uint8Array => bytes,
): Peer & { readonly invoke: (work: (stub: Stub) => Promise<void>) => Promise<number> } {
  const asked: Peer['asked'] = [];
  const listeners: ((message: peer.ChaincodeMessage) => void)[] = [];
  const stream: PeerStream = {
    on: (_event, listener) => listeners.push(listener),
  };
  const handler = {
    _stream: stream,
    _askPeerAndListen(message: peer.ChaincodeMessage): Promise<Uint8Array> {
      const type = message.getType();
      if (type === Type.GET_STATE_MULTIPLE) {
        const keys = peer.GetStateMultiple.deserializeBinary(
          message.getPayload_asU8(),
        ).getKeysList();
        asked.push({ type, keys });
        const result = new peer.GetStateMultipleResult();
        result.setValuesList(keys.map((key) => Buffer.from(`value of ${key}`)));
        return Promise.resolve(answerOf(result.serializeBinary()));
      }
      const batch = peer.WriteBatchState.deserializeBinary(message.getPayload_asU8());
      asked.push({ type, keys: batch.getRecList().map((record) => record.getKey()) });
      return batch.getRecList().some((record) => record.getKey() === '')
        ? Promise.reject(new Error('PUT_STATE failed: key is empty'))
        : Promise.resolve(new Uint8Array());
    },
  };
  const one = (type: number, key: string): Promise<Uint8Array> => {
    asked.push({ type, keys: [key] });
    return Promise.resolve(Buffer.from(`value of ${key}`));
  };
  const stub = {
    channel_id: 'consortium',
    txId: 'tx1',
    handler,
    getState: (key: string) => one(Type.GET_STATE, key),
    putState: (key: string) => one(Type.PUT_STATE, key).then(() => undefined),
    deleteState: (key: string) => one(Type.DEL_STATE, key).then(() => undefined),
  };
  const batches = createStateBatches();
  batches.listen(stream);
  const ready = new peer.ChaincodeMessage();
  ready.setType(Type.READY);
  const limits = new peer.ChaincodeAdditionalParams();
  if (offer?.keysMax !== undefined) limits.setUseGetMultipleKeys(true);
  if (offer?.writesMax !== undefined) limits.setUseWriteBatch(true);
  limits.setMaxSizeGetMultipleKeys(offer?.keysMax ?? 7);
  limits.setMaxSizeWriteBatch(offer?.writesMax ?? 7);
  ready.setPayload(offer === null ? new Uint8Array() : limits.serializeBinary());
  for (const listener of listeners) listener(ready);
  return {
    asked,
    stub,
    async invoke(work) {
      const chaincode = {
        Init: () => Promise.reject(new Error('not called')),
        Invoke: async (given: unknown) => {
          await work(given as Stub);
          return { status: 200, message: '', payload: new Uint8Array() };
        },
      } as unknown as ChaincodeInterface;
      return (await batches.around(chaincode).Invoke(stub as never)).status;
    },
  };
}

const BOTH = { keysMax: 1_000, writesMax: 1_000 };

describe('with a peer that takes batches', () => {
  test('reads begun together are one question, later ones another, each with its own answer', async () => {
    const { asked, invoke } = peerOffering(BOTH);
    let values: readonly string[] = [];
    await invoke(async (stub) => {
      const first = await Promise.all(['a', 'b', 'c'].map((key) => stub.getState(key)));
      values = [...first, await stub.getState('d')].map((bytes) => Buffer.from(bytes).toString());
    });
    expect(values).toEqual(['value of a', 'value of b', 'value of c', 'value of d']);
    expect(asked).toEqual([
      { type: Type.GET_STATE_MULTIPLE, keys: ['a', 'b', 'c'] },
      { type: Type.GET_STATE, keys: ['d'] },
    ]);
  });

  test('all writes are one message, in their order, after the call', async () => {
    const { asked, invoke } = peerOffering(BOTH);
    const status = await invoke(async (stub) => {
      await stub.putState('a', Buffer.from('1'));
      await stub.deleteState('b');
      await stub.getState('c');
      await stub.putState('d', Buffer.from('2'));
    });
    expect(status).toBe(200);
    expect(asked.map(({ type }) => type)).toEqual([Type.GET_STATE, Type.WRITE_BATCH_STATE]);
    expect(asked[1]?.keys).toEqual(['a', 'b', 'd']);
  });

  test('no batch is larger than the peer takes', async () => {
    const { asked, invoke } = peerOffering({ keysMax: 2, writesMax: 2 });
    await invoke(async (stub) => {
      const values = await Promise.all(['a', 'b', 'c'].map((key) => stub.getState(key)));
      expect(values.map(String)).toEqual(['value of a', 'value of b', 'value of c']);
      for (const key of ['x', 'y', 'z']) await stub.putState(key, Buffer.from(key));
    });
    expect(asked.map(({ keys }) => keys.join(''))).toEqual(['ab', 'c', 'xy', 'z']);
  });

  test('a write that the peer refuses makes the call fail', async () => {
    const { invoke } = peerOffering(BOTH);
    await expect(invoke((stub) => stub.putState('', Buffer.from('1')))).resolves.toBe(500);
  });

  test('an answer without the values fails the reads: a broken database looks like that', async () => {
    const { invoke } = peerOffering(BOTH, () => new Uint8Array());
    const reads = invoke(async (stub) => {
      await Promise.all(['a', 'b'].map((key) => stub.getState(key)));
    });
    await expect(reads).rejects.toThrow('expected 2 values, got 0');
  });
});

test.each([
  ['says nothing', null],
  ['offers neither', {}],
])('a peer that %s gets a message for every read and write', async (_, offer) => {
  const { asked, invoke } = peerOffering(offer);
  await invoke(async (stub) => {
    await Promise.all([stub.getState('a'), stub.getState('b')]);
    await stub.putState('c', Buffer.from('1'));
  });
  expect(asked.map(({ type }) => type)).toEqual([Type.GET_STATE, Type.GET_STATE, Type.PUT_STATE]);
});

test('an offer of which only the sizes are known is none', () => {
  const limits = new peer.ChaincodeAdditionalParams();
  limits.setMaxSizeWriteBatch(9);
  limits.setMaxSizeGetMultipleKeys(9);
  expect(decodeBatchLimits(limits.serializeBinary())).toEqual({ keysMax: 0, writesMax: 0 });
});

test('writes are on the wire as fabric-protos has them', () => {
  const bytes = encodeWrites([
    { key: '\u0000act\u0000é\u0000', value: Uint8Array.of(0, 255) },
    { key: 'gone', value: null },
  ]);
  const [put, deleted] = peer.WriteBatchState.deserializeBinary(bytes).getRecList();
  expect(put?.getKey()).toBe('\u0000act\u0000é\u0000');
  expect([...put!.getValue_asU8()]).toEqual([0, 255]);
  expect(put?.getType()).toBe(peer.WriteRecord.Type.PUT_STATE);
  expect(deleted?.getKey()).toBe('gone');
  expect(deleted?.getType()).toBe(peer.WriteRecord.Type.DEL_STATE);
});
