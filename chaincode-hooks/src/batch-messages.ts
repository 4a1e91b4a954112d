/**
 * The four messages with which a peer and its chaincode batch, on the wire.
 *
 * Not from `fabric-protos`: the shim brings a version of it without these, every version puts its classes on the one global
 * object, and two of them in a process overwrite each other.
 *
 * Source: fabric-protos peer/chaincode_shim.proto (GetStateMultiple, GetStateMultipleResult, WriteBatchState, WriteRecord) and
 * peer/chaincode.proto (ChaincodeAdditionalParams).
 * @module
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Types of `ChaincodeMessage`; those of a write record are the same numbers. */
export const MESSAGE_TYPE = {
  READY: 4,
  PUT_STATE: 9,
  DEL_STATE: 10,
  WRITE_BATCH_STATE: 24,
  GET_STATE_MULTIPLE: 25,
} as const;

/** How much a peer takes at once; 0 where it takes one at a time. */
export interface BatchLimits {
  readonly keysMax: number;
  readonly writesMax: number;
}

export interface StateWrite {
  readonly key: string;
  /** Null deletes. */
  readonly value: Uint8Array | null;
}

/** ChaincodeAdditionalParams, what a peer says when it is ready; older peers say nothing. */
export function decodeBatchLimits(bytes: Uint8Array): BatchLimits {
  const fields = new Map<number, number>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.Varint) fields.set(field, reader.uint32());
    else reader.skip(wireType);
  }
  const of = (offered: number, most: number): number =>
    fields.get(offered) === 1 ? (fields.get(most) ?? 0) : 0;
  return { writesMax: of(1, 2), keysMax: of(3, 4) };
}

/** GetStateMultiple. */
export function encodeKeys(keys: readonly string[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const key of keys) writer.tag(1, WireType.LengthDelimited).string(key);
  return writer.finish();
}

/** GetStateMultipleResult: the values in the order of the keys, empty where there is none. */
export function decodeValues(bytes: Uint8Array): readonly Uint8Array[] {
  const values: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) values.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return values;
}

/** WriteBatchState. */
export function encodeWrites(writes: readonly StateWrite[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { key, value } of writes) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    if (value !== null) writer.tag(2, WireType.LengthDelimited).bytes(value);
    const type = value === null ? MESSAGE_TYPE.DEL_STATE : MESSAGE_TYPE.PUT_STATE;
    writer.tag(5, WireType.Varint).int32(type);
    writer.join();
  }
  return writer.finish();
}
