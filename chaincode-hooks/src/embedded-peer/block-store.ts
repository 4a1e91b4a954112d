/**
 * Blocks on disk: append-only segment files, every record with its length and checksums, every block synced before
 * anybody hears of it.
 *
 * A segment is named after its first block. A record is a 16-byte head – magic, payload length, CRC-32 of the payload,
 * CRC-32 of the head – and the block. The head has a checksum of its own, so that a record which is merely cut short
 * (a crash while writing) can be told from one that was damaged later: only the first is repaired.
 * @module
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  write,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { common } from '@hyperledger/fabric-protos';
import { decodeBlock, dataHashOf, headerHashOf, type DecodedBlock } from './block.js';
import { BlockCorruptError } from './errors.js';

/** A block as it lies on disk, its place, and what it says. */
export interface StoredBlock extends DecodedBlock {
  readonly bytes: Uint8Array;
  readonly block: common.Block;
  readonly headerHash: Buffer;
  readonly file: string;
  /** Of the record's head. */
  readonly offset: number;
}

/** What a crash left behind, and was cut off. */
export interface TornTail {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

const MAGIC = 0x314b4c42; // "BLK1"
const HEAD_BYTES = 16;
const BLOCK_BYTES_MAX = 256 * 1024 * 1024;
const SEGMENT = /^blocks-(\d{12})\.seg$/;

const writeAsync = promisify(write);
const syncAsync = promisify(fdatasync);

function segmentName(firstBlock: number): string {
  return `blocks-${String(firstBlock).padStart(12, '0')}.seg`;
}

/**
 * All blocks in order, each checked: record, place in the chain, previous hash, data hash. A torn tail ends the
 * iteration; `onTornTail` hears of it.
 * @throws {BlockCorruptError} at the first record that is not what was written
 */
export function* readBlocks(
  dir: string,
  onTornTail?: (torn: TornTail) => void,
): IterableIterator<StoredBlock> {
  const segments = segmentsOf(dir);
  let number = 0;
  let previousHash: Buffer = Buffer.alloc(0);
  for (const [index, { file, firstBlock }] of segments.entries()) {
    const last = index === segments.length - 1;
    if (firstBlock !== number) {
      const reason = `expected a segment that begins with block ${number}`;
      throw new BlockCorruptError({ file, offset: 0, block: number, reason });
    }
    const fd = openSync(file, 'r');
    try {
      const size = fstatSync(fd).size;
      for (let offset = 0; offset < size;) {
        const corrupt = (reason: string): never => {
          throw new BlockCorruptError({ file, offset, block: number, reason });
        };
        const payload = readRecord(fd, { offset, size, last, corrupt });
        if (payload === null) {
          onTornTail?.({ file, offset, bytes: size - offset });
          return;
        }
        const stored = { ...decodePayload(payload, corrupt), file, offset };
        if (stored.number !== number) corrupt(`holds block ${stored.number}`);
        if (!previousHash.equals(stored.previousHash)) {
          corrupt('previous hash is not the hash of the block before');
        }
        if (!dataHashOf(stored.envelopes).equals(stored.dataHash)) corrupt('data hash differs');
        if (stored.codes.length !== stored.envelopes.length) {
          corrupt(`${stored.codes.length} codes for ${stored.envelopes.length} transactions`);
        }
        yield stored;
        number++;
        previousHash = stored.headerHash;
        offset += HEAD_BYTES + payload.length;
      }
    } finally {
      closeSync(fd);
    }
  }
}

function decodePayload(
  payload: Buffer,
  corrupt: (reason: string) => never,
): Omit<StoredBlock, 'file' | 'offset'> {
  try {
    const block = common.Block.deserializeBinary(payload);
    const decoded = decodeBlock(block);
    return { ...decoded, block, bytes: payload, headerHash: headerHashOf(decoded) };
  } catch {
    return corrupt('not decodable as a block');
  }
}

function segmentsOf(dir: string): { file: string; firstBlock: number }[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .flatMap((name) => {
      const match = SEGMENT.exec(name);
      return match === null ? [] : [{ file: join(dir, name), firstBlock: Number(match[1]) }];
    })
    .sort((a, b) => a.firstBlock - b.firstBlock);
}

/** The record at `offset`, or `null` if the file ends within it and no later segment exists. */
function readRecord(
  fd: number,
  place: Readonly<{
    offset: number;
    size: number;
    last: boolean;
    corrupt: (reason: string) => never;
  }>,
): Buffer | null {
  const { offset, size, last, corrupt } = place;
  const left = size - offset;
  if (left < HEAD_BYTES) return last ? null : corrupt('record cut short');
  const head = readExactly(fd, HEAD_BYTES, offset);
  if (head.every((byte) => byte === 0) && last && restIsZero(fd, offset, size)) return null;
  if (head.readUInt32LE(0) !== MAGIC) return corrupt('record does not begin with its magic');
  if (head.readUInt32LE(12) !== crc32(head.subarray(0, 12)))
    return corrupt('head checksum differs');
  const length = head.readUInt32LE(4);
  if (length > BLOCK_BYTES_MAX) return corrupt(`length ${length} is absurd`);
  if (left < HEAD_BYTES + length) return last ? null : corrupt('record cut short');
  const payload = readExactly(fd, length, offset + HEAD_BYTES);
  if (head.readUInt32LE(8) !== crc32(payload)) return corrupt('checksum differs');
  return payload;
}

function readExactly(fd: number, length: number, offset: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const got = readSync(fd, bytes, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return bytes;
}

/** Some file systems grow a file before its data arrives: a tail of zeros was never a record. */
function restIsZero(fd: number, offset: number, size: number): boolean {
  const chunkBytes = 1024 * 1024;
  for (let at = offset; at < size; at += chunkBytes) {
    const chunk = readExactly(fd, Math.min(chunkBytes, size - at), at);
    if (chunk.some((byte) => byte !== 0)) return false;
  }
  return true;
}

interface Place {
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

/** Newest blocks that are kept in memory, bytes: followers read them at once, several times. */
const RECENT_BYTES_MAX = 16 * 1024 * 1024;

/** The writing end. One process at a time: the ledger holds a lock. */
export class BlockStore {
  readonly #dir: string;
  readonly #segmentBytesMax: number;
  readonly #places: Place[] = [];
  readonly #recent = new Map<number, Uint8Array>();
  #recentBytes = 0;
  readonly #descriptors = new Map<string, number>();
  #fd = -1;
  #size = 0;

  private constructor(dir: string, segmentBytesMax: number) {
    this.#dir = dir;
    this.#segmentBytesMax = segmentBytesMax;
  }

  /** Opens `dir`, hands every block to `replay`, and cuts off a torn tail. */
  static open(
    dir: string,
    options: Readonly<{
      segmentBytesMax: number;
      replay: (block: StoredBlock) => void;
      onTornTail: (torn: TornTail) => void;
    }>,
  ): BlockStore {
    mkdirSync(dir, { recursive: true });
    const store = new BlockStore(dir, options.segmentBytesMax);
    let torn = null as TornTail | null;
    try {
      for (const block of readBlocks(dir, (tail) => (torn = tail))) {
        const fd = store.#descriptor(block.file);
        store.#places.push({ fd, offset: block.offset + HEAD_BYTES, length: block.bytes.length });
        options.replay(block);
      }
      store.#openLast(torn);
    } catch (error) {
      store.close();
      throw error;
    }
    if (torn !== null) options.onTornTail(torn);
    return store;
  }

  /** Number of blocks. */
  get height(): number {
    return this.#places.length;
  }

  /** The bytes of a stored block; `number` must be below the height. */
  read(number: number): Uint8Array {
    const recent = this.#recent.get(number);
    if (recent !== undefined) return recent;
    const { fd, offset, length } = this.#places[number]!;
    return readExactly(fd, length, offset);
  }

  /** Resolves when the block is on disk. Must not be called again before that. */
  async append(bytes: Uint8Array): Promise<void> {
    const number = this.height;
    if (this.#fd === -1 || this.#size >= this.#segmentBytesMax) this.#startSegment(number);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(MAGIC, 0);
    head.writeUInt32LE(bytes.length, 4);
    head.writeUInt32LE(crc32(bytes), 8);
    head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
    const record = Buffer.concat([head, bytes]);
    const fd = this.#fd;
    const offset = this.#size;
    for (let done = 0; done < record.length;) {
      const { bytesWritten } = await writeAsync(
        fd,
        record,
        done,
        record.length - done,
        offset + done,
      );
      done += bytesWritten;
    }
    await syncAsync(fd);
    this.#size += record.length;
    this.#places.push({ fd, offset: offset + HEAD_BYTES, length: bytes.length });
    this.#remember(number, bytes);
  }

  close(): void {
    for (const fd of this.#descriptors.values()) closeSync(fd);
    this.#descriptors.clear();
  }

  #remember(number: number, bytes: Uint8Array): void {
    this.#recent.set(number, bytes);
    this.#recentBytes += bytes.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= RECENT_BYTES_MAX) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= length;
    }
  }

  #descriptor(file: string): number {
    let fd = this.#descriptors.get(file);
    if (fd === undefined) {
      fd = openSync(file, 'r+');
      this.#descriptors.set(file, fd);
    }
    return fd;
  }

  #openLast(torn: TornTail | null): void {
    const segments = segmentsOf(this.#dir);
    const last = segments[segments.length - 1];
    if (last === undefined) return;
    this.#fd = this.#descriptor(last.file);
    if (torn !== null) {
      ftruncateSync(this.#fd, torn.offset);
      fsyncSync(this.#fd);
    }
    this.#size = fstatSync(this.#fd).size;
  }

  /** The folder is synced too, or a crash could forget the file's name. */
  #startSegment(firstBlock: number): void {
    const file = join(this.#dir, segmentName(firstBlock));
    this.#fd = openSync(file, 'wx+');
    this.#descriptors.set(file, this.#fd);
    this.#size = 0;
    const folder = openSync(this.#dir, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
}
