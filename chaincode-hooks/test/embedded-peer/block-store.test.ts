import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildBlock } from '../../src/embedded-peer/block.js';
import { BlockStore, readBlocks, type TornTail } from '../../src/embedded-peer/block-store.js';
import { BlockCorruptError } from '../../src/embedded-peer/errors.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'block-store-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Opened {
  readonly store: BlockStore;
  readonly replayed: number[];
  readonly torn: TornTail[];
}

function open(segmentBytesMax = 1_000_000): Opened {
  const replayed: number[] = [];
  const torn: TornTail[] = [];
  const store = BlockStore.open(dir, {
    segmentBytesMax,
    replay: ({ number }) => replayed.push(number),
    onTornTail: (tail) => torn.push(tail),
  });
  return { store, replayed, torn };
}

/** Appends `count` chained blocks; returns their bytes. */
async function write(count: number, segmentBytesMax?: number): Promise<Uint8Array[]> {
  const { store } = open(segmentBytesMax);
  const written: Uint8Array[] = [];
  let previousHash: Uint8Array = new Uint8Array(0);
  for (let number = 0; number < count; number++) {
    const { bytes, headerHash } = buildBlock({
      number,
      previousHash,
      envelopes: [Buffer.from(`envelope of block ${number}`)],
      codes: Uint8Array.of(0),
      lastConfig: 0,
    });
    await store.append(bytes);
    written.push(bytes);
    previousHash = headerHash;
  }
  store.close();
  return written;
}

const segments = (): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(dir, name));

const numbers = (): number[] => Array.from(readBlocks(dir), ({ number }) => number);

describe('block store', () => {
  it('gives back what was written, after being opened again', async () => {
    const written = await write(5);
    const { store, replayed } = open();
    expect(replayed).toEqual([0, 1, 2, 3, 4]);
    for (const [number, bytes] of written.entries()) {
      expect(Buffer.from(store.read(number))).toEqual(Buffer.from(bytes));
    }
    store.close();
  });

  it('spreads blocks over segments named after their first block', async () => {
    await write(6, 300);
    expect(segments().length).toBeGreaterThan(1);
    expect(segments()[0]).toMatch(/blocks-0{12}\.seg$/);
    expect(numbers()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('an empty or absent directory has no blocks', () => {
    expect(numbers()).toEqual([]);
    expect([...readBlocks(join(dir, 'absent'))]).toEqual([]);
  });

  it('cuts off a torn last record, wherever it was torn, says so, and goes on', async () => {
    await write(3);
    const [file] = segments() as [string];
    const whole = readFileSync(file);
    const lastOffset = [...readBlocks(dir)][2]!.offset;
    for (let size = lastOffset + 1; size < whole.length; size += 7) {
      writeFileSync(file, whole.subarray(0, size));
      const { store, replayed, torn } = open();
      store.close();
      expect(replayed).toEqual([0, 1]);
      expect(torn).toEqual([{ file, offset: lastOffset, bytes: size - lastOffset }]);
      expect(readFileSync(file)).toHaveLength(lastOffset);
    }
    expect(numbers()).toEqual([0, 1]);
  });

  it('takes a tail of zeros for a torn one: the file had grown before its data came', async () => {
    await write(2);
    const [file] = segments() as [string];
    appendFileSync(file, Buffer.alloc(100));
    const { store, torn } = open();
    store.close();
    expect(torn).toHaveLength(1);
    expect(numbers()).toEqual([0, 1]);
  });

  it('does not repair a record that is cut short before a later segment', async () => {
    await write(6, 300);
    const [first] = segments() as [string];
    truncateSync(first, readFileSync(first).length - 3);
    expect(numbers).toThrow(BlockCorruptError);
  });

  it('refuses every change of any one byte, with file, offset, block and reason', async () => {
    await write(4);
    const [file] = segments() as [string];
    const whole = readFileSync(file);
    const places = [...readBlocks(dir)].map(({ offset }) => offset);
    fc.assert(
      fc.property(
        fc.nat({ max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const damaged = Buffer.from(whole);
          damaged[at]! ^= change;
          writeFileSync(file, damaged);
          const block = places.filter((offset) => offset <= at).length - 1;
          try {
            numbers();
          } catch (error) {
            expect(error).toBeInstanceOf(BlockCorruptError);
            const { code, offset, reason, block: named } = error as BlockCorruptError;
            expect({ code, offset, named }).toEqual({
              code: 'ERR_BLOCK_CORRUPT',
              offset: places[block],
              named: block,
            });
            expect(reason).not.toBe('');
            return;
          }
          throw new Error('the change was not noticed');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses a block that is whole, but not the next of the chain', async () => {
    await write(2);
    const { store } = open();
    const { bytes } = buildBlock({
      number: 2,
      previousHash: Buffer.alloc(32),
      envelopes: [Buffer.from('x')],
      codes: Uint8Array.of(0),
      lastConfig: 0,
    });
    await store.append(bytes);
    store.close();
    expect(numbers).toThrow(/previous hash/);
  });

  it('refuses a missing segment', async () => {
    await write(6, 300);
    rmSync(segments()[0]!);
    expect(numbers).toThrow(/begins with block 0/);
  });
});
