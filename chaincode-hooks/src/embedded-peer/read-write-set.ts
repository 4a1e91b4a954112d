/**
 * What a simulation read and wrote, and its bytes in a transaction.
 * Source: hyperledger/fabric-protos ledger/rwset/rwset.proto, ledger/rwset/kvrwset/kv_rwset.proto.
 * @module
 */
import { ledger } from '@hyperledger/fabric-protos';
import { MalformedMessageError } from './errors.js';
import { decode } from './messages.js';

export interface Version {
  readonly block: number;
  readonly tx: number;
}

export interface KeyRead {
  readonly key: string;
  /** `null`: the key did not exist. */
  readonly version: Version | null;
}

export interface RangeRead {
  readonly startKey: string;
  readonly endKey: string;
  /** The iterator reached the end of the range; otherwise `endKey` is the last key that it gave. */
  readonly exhausted: boolean;
  readonly reads: readonly KeyRead[];
}

export interface KeyWrite {
  readonly key: string;
  /** `null`: the key is deleted. */
  readonly value: Uint8Array | null;
}

export interface ReadWriteSet {
  readonly reads: readonly KeyRead[];
  readonly ranges: readonly RangeRead[];
  readonly writes: readonly KeyWrite[];
}

/** The set of one namespace, canonical: keys sorted by the caller. */
export function encodeReadWriteSet(namespace: string, set: ReadWriteSet): Uint8Array {
  const kv = new ledger.rwset.kvrwset.KVRWSet();
  kv.setReadsList(set.reads.map(encodeRead));
  kv.setRangeQueriesInfoList(set.ranges.map(encodeRange));
  kv.setWritesList(set.writes.map(encodeWrite));
  const inNamespace = new ledger.rwset.NsReadWriteSet();
  inNamespace.setNamespace(namespace);
  inNamespace.setRwset(kv.serializeBinary());
  const transaction = new ledger.rwset.TxReadWriteSet();
  transaction.setDataModel(ledger.rwset.TxReadWriteSet.DataModel.KV);
  transaction.addNsRwset(inNamespace);
  return transaction.serializeBinary();
}

/** Throws when another namespace, a collection, or a Merkle summary of a range occurs: this ledger writes none. */
export function decodeReadWriteSet(namespace: string, bytes: Uint8Array): ReadWriteSet {
  const what = 'read-write set';
  const transaction = decode(ledger.rwset.TxReadWriteSet, bytes, what);
  const reads: KeyRead[] = [];
  const ranges: RangeRead[] = [];
  const writes: KeyWrite[] = [];
  for (const inNamespace of transaction.getNsRwsetList()) {
    if (inNamespace.getNamespace() !== namespace) {
      const reason = `namespace ${inNamespace.getNamespace()} is not ${namespace}`;
      throw new MalformedMessageError({ what, reason });
    }
    if (inNamespace.getCollectionHashedRwsetList().length > 0) {
      throw new MalformedMessageError({ what, reason: 'private data collections' });
    }
    const kv = decode(ledger.rwset.kvrwset.KVRWSet, inNamespace.getRwset_asU8(), what);
    if (kv.getMetadataWritesList().length > 0) {
      throw new MalformedMessageError({ what, reason: 'key metadata' });
    }
    reads.push(...kv.getReadsList().map(decodeRead));
    ranges.push(...kv.getRangeQueriesInfoList().map(decodeRange));
    for (const write of kv.getWritesList()) {
      // As in Fabric: who writes nothing, deletes (rwsetutil.IsKVWriteDelete).
      const value = write.getValue_asU8();
      const deleted = write.getIsDelete() || value.length === 0;
      writes.push({ key: write.getKey(), value: deleted ? null : value });
    }
  }
  return { reads, ranges, writes };
}

type KVRead = ledger.rwset.kvrwset.KVRead;
type KVWrite = ledger.rwset.kvrwset.KVWrite;
type RangeQueryInfo = ledger.rwset.kvrwset.RangeQueryInfo;

function encodeRead(read: KeyRead): KVRead {
  const message = new ledger.rwset.kvrwset.KVRead();
  message.setKey(read.key);
  if (read.version !== null) {
    const version = new ledger.rwset.kvrwset.Version();
    version.setBlockNum(read.version.block);
    version.setTxNum(read.version.tx);
    message.setVersion(version);
  }
  return message;
}

function decodeRead(message: KVRead): KeyRead {
  const version = message.getVersion();
  return {
    key: message.getKey(),
    version:
      version === undefined ? null : { block: version.getBlockNum(), tx: version.getTxNum() },
  };
}

function encodeRange(range: RangeRead): RangeQueryInfo {
  const reads = new ledger.rwset.kvrwset.QueryReads();
  reads.setKvReadsList(range.reads.map(encodeRead));
  const message = new ledger.rwset.kvrwset.RangeQueryInfo();
  message.setStartKey(range.startKey);
  message.setEndKey(range.endKey);
  message.setItrExhausted(range.exhausted);
  message.setRawReads(reads);
  return message;
}

function decodeRange(message: RangeQueryInfo): RangeRead {
  if (message.getReadsMerkleHashes() !== undefined) {
    throw new MalformedMessageError({ what: 'range query', reason: 'Merkle summary' });
  }
  return {
    startKey: message.getStartKey(),
    endKey: message.getEndKey(),
    exhausted: message.getItrExhausted(),
    reads: message.getRawReads()?.getKvReadsList().map(decodeRead) ?? [],
  };
}

function encodeWrite(write: KeyWrite): KVWrite {
  const message = new ledger.rwset.kvrwset.KVWrite();
  message.setKey(write.key);
  if (write.value === null) message.setIsDelete(true);
  else message.setValue(write.value);
  return message;
}
