import { common } from '@hyperledger/fabric-protos';
import { describe, expect, it } from 'vitest';
import { runBlockStream } from '../src/fabric/block-stream.js';
import { createBlockFollower, followedBlockOf } from '../src/fabric/block-follower.js';
import type { BlockSource } from '../src/fabric/connection.js';
import { chainOf, hashOf, migratedDatabase, transactionOf } from './review-fixture.js';

function blockNumbered(number: number): common.Block {
  const header = new common.BlockHeader();
  header.setNumber(number);
  const block = new common.Block();
  block.setHeader(header);
  return block;
}

/** A gateway whose streams each break after `perStream` blocks; `chain` blocks exist. */
function flakyGateway(
  chain: number,
  perStream: number,
): {
  opened: bigint[];
  switches: number;
  openBlocks: (start: bigint) => Promise<BlockSource>;
  switchGateway: () => void;
} {
  const gateway = {
    opened: [] as bigint[],
    switches: 0,
    openBlocks: (start: bigint): Promise<BlockSource> => {
      gateway.opened.push(start);
      let open = true;
      return Promise.resolve({
        close: () => {
          open = false;
        },
        async *[Symbol.asyncIterator]() {
          for (let i = 0; i < perStream && open; i++) {
            const number = Number(start) + i;
            if (number >= chain) {
              await new Promise((resolve) => setTimeout(resolve, 5));
              return;
            }
            yield blockNumbered(number);
          }
          throw new Error('stream cut');
        },
      });
    },
    switchGateway: () => {
      gateway.switches += 1;
    },
  };
  return gateway;
}

describe('the block stream', () => {
  it('goes on at the next block through the next gateway when it is cut, without gap or repetition', async () => {
    const gateway = flakyGateway(10, 3);
    const stop = new AbortController();
    const seen: number[] = [];
    let next = 0n;
    await runBlockStream(
      {
        connection: gateway,
        nextBlock: () => next,
        take: (block) => {
          const number = block.getHeader()!.getNumber();
          seen.push(number);
          next = BigInt(number) + 1n;
          if (number === 9) stop.abort();
          return Promise.resolve();
        },
        random: () => 0,
      },
      stop.signal,
    );
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(gateway.opened).toEqual([0n, 3n, 6n, 9n]);
    expect(gateway.switches).toBe(3);
  });

  it('ends when it is stopped while a stream is opened, on a channel where nothing happens', async () => {
    const stop = new AbortController();
    let closed = false;
    await runBlockStream(
      {
        connection: {
          openBlocks: () => {
            stop.abort();
            return Promise.resolve({
              close: () => {
                closed = true;
              },
              // eslint-disable-next-line require-yield
              async *[Symbol.asyncIterator]() {
                await new Promise(() => undefined);
              },
            });
          },
          switchGateway: () => undefined,
        },
        nextBlock: () => 0n,
        take: () => Promise.resolve(),
        random: () => 0,
      },
      stop.signal,
    );
    expect(closed).toBe(true);
  });

  it('ends with what the effect of a block threw, and tries nothing again', async () => {
    const gateway = flakyGateway(10, 10);
    const run = runBlockStream(
      {
        connection: gateway,
        nextBlock: () => 0n,
        take: () => Promise.reject(new RangeError('effect')),
        random: () => 0,
      },
      new AbortController().signal,
    );
    await expect(run).rejects.toThrow(RangeError);
    expect(gateway.opened).toHaveLength(1);
  });
});

describe('the block follower', () => {
  it('starts where the database stands, reports its health, and stops at a gap with a code', async () => {
    const blocks = chainOf([
      [transactionOf({ txId: hashOf('0') })],
      [transactionOf({ txId: hashOf('1') })],
      [transactionOf({ txId: hashOf('2') })],
      [],
    ]);
    const database = await migratedDatabase();
    const stop = new AbortController();
    const follow = (skip: number): ReturnType<typeof createBlockFollower> =>
      createBlockFollower({
        connection: {
          channel: 'consortium',
          ...flakyGateway(4, 9),
          chainInfo: () => Promise.resolve({ height: 4n, currentBlockHash: '' }),
        },
        database,
        consumers: [],
        now: () => 5,
        random: () => 0,
        decode: (block) => {
          const number = block.getHeader()!.getNumber();
          return blocks[number === 2 ? 2 + skip : number]!;
        },
        afterBlock: (block) => {
          if (block.number === 3n) stop.abort();
        },
      });
    const broken = await follow(1);
    await expect(broken.run(stop.signal)).rejects.toMatchObject({ code: 'ERR_FABRIC_BLOCK_GAP' });
    expect(broken.health()).toMatchObject({
      connected: false,
      nextBlock: 2n,
      lagBlocks: 2,
      lastErrorCode: 'ERR_FABRIC_BLOCK_GAP',
    });
    const sound = await follow(0);
    await sound.run(stop.signal);
    expect(sound.health()).toMatchObject({ nextBlock: 4n, lagBlocks: 0, lastErrorCode: null });
    await database.destroy();
  });

  it('refuses a block whose data is not what its header says', () => {
    const block = blockNumbered(5);
    block.setData(new common.BlockData());
    expect(() => followedBlockOf(block)).toThrow(
      expect.objectContaining({ code: 'ERR_FABRIC_BLOCK', blockNumber: 5n }) as Error,
    );
    expect(() => followedBlockOf(blockNumbered(6))).toThrow(
      expect.objectContaining({ code: 'ERR_FABRIC_BLOCK' }) as Error,
    );
  });
});
