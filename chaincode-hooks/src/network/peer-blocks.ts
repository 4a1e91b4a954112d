/**
 * The blocks as a Fabric peer keeps them on its disk, read without asking the peer.
 * Source: hyperledger/fabric v3.1.0 common/ledger/blkstorage/block_serialization.go: files `blockfile_000000` … of records,
 * each a varint length, then header (number, data hash, previous hash), envelopes and metadata, all length-prefixed.
 * @module
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import { dataHashOf, headerHashOf } from '../embedded-peer/block.js';
import { BlockCorruptError } from '../embedded-peer/errors.js';

export interface PeerBlock {
  readonly number: number;
  readonly previousHash: Buffer;
  readonly headerHash: Buffer;
  readonly envelopes: readonly Uint8Array[];
  readonly metadata: readonly Uint8Array[];
  /** A serialized `common.Block`. */
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly offset: number;
}

/** Where a peer keeps the chain of a channel. */
export function chainDir(peerDir: string, channel: string): string {
  return join(peerDir, 'data', 'ledgersData', 'chains', 'chains', channel);
}

/**
 * Every whole block, in order; hash chain and data hashes are recomputed on the way. A record that was not written to its
 * end (kill −9) ends the chain.
 *
 * @throws {BlockCorruptError} `ERR_BLOCK_CORRUPT` with file, offset and block
 */
export function* readPeerBlocks(dir: string): IterableIterator<PeerBlock> {
  let next = 0;
  let previous: Buffer = Buffer.alloc(0);
  const files = existsSync(dir) ? readdirSync(dir) : [];
  for (const name of files.filter((each) => each.startsWith('blockfile_')).sort()) {
    const file = join(dir, name);
    const bytes = readFileSync(file);
    for (let offset = 0; offset < bytes.length;) {
      const length = readVarint(bytes, offset);
      if (length === null || length.next + length.value > bytes.length) return;
      const corrupt = (reason: string): never => {
        throw new BlockCorruptError({ file, offset, block: next, reason });
      };
      const record = bytes.subarray(length.next, length.next + length.value);
      const block = decodeRecord(record) ?? corrupt('the record is not a block');
      const { number, dataHash, previousHash, envelopes, metadata } = block;
      if (number !== next) corrupt(`expected number ${next}, got ${number}`);
      if (!previousHash.equals(previous)) corrupt('does not name the block before it');
      if (!dataHashOf(envelopes).equals(dataHash)) corrupt('the data hash is not that of the data');
      const headerHash = headerHashOf(block);
      yield {
        number,
        previousHash,
        headerHash,
        envelopes,
        metadata,
        bytes: serialize(block),
        file,
        offset,
      };
      previous = headerHash;
      next++;
      offset = length.next + length.value;
    }
  }
}

interface Record {
  readonly number: number;
  readonly dataHash: Buffer;
  readonly previousHash: Buffer;
  readonly envelopes: readonly Buffer[];
  readonly metadata: readonly Buffer[];
}

function decodeRecord(record: Buffer): Record | null {
  let at = 0;
  const varint = (): number => {
    const read = readVarint(record, at);
    if (read === null) throw new RangeError('varint');
    at = read.next;
    return read.value;
  };
  const field = (): Buffer => {
    const length = varint();
    if (at + length > record.length) throw new RangeError('length');
    at += length;
    return record.subarray(at - length, at);
  };
  const fields = (): Buffer[] => {
    const count = varint();
    if (count > record.length) throw new RangeError('count');
    return Array.from({ length: count }, field);
  };
  try {
    return {
      number: varint(),
      dataHash: field(),
      previousHash: field(),
      envelopes: fields(),
      metadata: fields(),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Protocol Buffers' base-128 varint, up to 2^49; null at the end of the bytes. */
export function readVarint(bytes: Buffer, at: number): { value: number; next: number } | null {
  let value = 0;
  for (let shift = 0; shift < 49; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
  return null;
}

function serialize({ number, dataHash, previousHash, envelopes, metadata }: Record): Uint8Array {
  const header = new common.BlockHeader();
  header.setNumber(number);
  header.setDataHash(dataHash);
  header.setPreviousHash(previousHash);
  const data = new common.BlockData();
  data.setDataList([...envelopes]);
  const slots = new common.BlockMetadata();
  slots.setMetadataList([...metadata]);
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(slots);
  return block.serializeBinary();
}
