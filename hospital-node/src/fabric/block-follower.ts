/**
 * Follows the channel into the node's database, block by block, each with its effects in one transaction. What no
 * reconnect repairs (a gap, a fork, a block that does not decode, an effect that throws) ends the run with its error.
 * @module
 */
import { decodeBlock } from '@bhschain/chaincode-hooks/events';
import type { common } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { untilAnswered, type NodeDatabase } from '../store/index.js';
import type { RandomUnit } from './backoff.js';
import {
  applyBlock,
  readCheckpoint,
  type BlockConsumer,
  type FollowedBlock,
} from './block-checkpoint.js';
import { runBlockStream } from './block-stream.js';
import type { FabricConnection } from './connection.js';
import { BlockStreamError } from './errors.js';

export type { BlockConsumer, FollowedBlock } from './block-checkpoint.js';

export interface BlockFollowerOptions {
  readonly connection: Pick<
    FabricConnection,
    'channel' | 'openBlocks' | 'chainInfo' | 'switchGateway'
  >;
  readonly database: NodeDatabase;
  readonly consumers: readonly BlockConsumer[];
  readonly now: () => number;
  readonly random: RandomUnit;
  readonly log?: Logger;
  /** After the commit of a block: the place to start asynchronous work. A throw here stops the stream. */
  readonly afterBlock?: (block: FollowedBlock) => void;
  /** Reads a block; the ledger's own decoder by default. */
  readonly decode?: (block: common.Block) => FollowedBlock;
}

export interface FollowerHealth {
  readonly connected: boolean;
  readonly nextBlock: bigint;
  /** Blocks that the channel has and we do not, as last seen; null before the first answer. */
  readonly lagBlocks: number | null;
  readonly lastBlockAtMs: number | null;
  readonly reconnects: number;
  readonly lastErrorCode: string | null;
}

export interface BlockFollower {
  /** Resolves when the signal aborts; rejects with a {@link BlockStreamError} or the error of a consumer. */
  run(signal: AbortSignal): Promise<void>;
  health(): FollowerHealth;
}

export async function createBlockFollower(options: BlockFollowerOptions): Promise<BlockFollower> {
  const { nextBlock } = await readCheckpoint(options.database, options.connection.channel);
  return new Follower(options, nextBlock);
}

class Follower implements BlockFollower {
  readonly #o: BlockFollowerOptions;
  #connected = false;
  #nextBlock: bigint;
  #height: bigint | null = null;
  #lastBlockAtMs: number | null = null;
  #reconnects = 0;
  #lastErrorCode: string | null = null;

  constructor(options: BlockFollowerOptions, nextBlock: bigint) {
    this.#o = options;
    this.#nextBlock = nextBlock;
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await runBlockStream(
        {
          connection: this.#o.connection,
          nextBlock: () => this.#nextBlock,
          take: (block) => this.#take(block, signal),
          random: this.#o.random,
          onOpen: async () => {
            this.#height = (await this.#o.connection.chainInfo()).height;
            this.#connected = true;
          },
          onInterrupt: (error) => {
            this.#connected = false;
            this.#reconnects += 1;
            this.#note(error);
          },
        },
        signal,
      );
    } catch (error) {
      this.#note(error);
      throw error;
    } finally {
      this.#connected = false;
    }
  }

  health(): FollowerHealth {
    const behind = this.#height === null ? null : Number(this.#height - this.#nextBlock);
    return {
      connected: this.#connected,
      nextBlock: this.#nextBlock,
      lagBlocks: behind === null ? null : Math.max(0, behind),
      lastBlockAtMs: this.#lastBlockAtMs,
      reconnects: this.#reconnects,
      lastErrorCode: this.#lastErrorCode,
    };
  }

  async #take(raw: common.Block, signal: AbortSignal): Promise<void> {
    const block = (this.#o.decode ?? followedBlockOf)(raw);
    const apply = (): Promise<unknown> =>
      applyBlock(this.#o.database, {
        channel: this.#o.connection.channel,
        block,
        consumers: this.#o.consumers,
        atMs: this.#o.now(),
      });
    await untilAnswered(
      () =>
        apply().catch((error: unknown) => {
          this.#note(error);
          throw error;
        }),
      signal,
    );
    // A commit whose answer was lost is found repeated the next time, and is new to us all the same.
    if (block.number < this.#nextBlock) return;
    this.#nextBlock = block.number + 1n;
    this.#lastBlockAtMs = this.#o.now();
    this.#lastErrorCode = null;
    if (this.#height === null || this.#nextBlock > this.#height) this.#height = this.#nextBlock;
    this.#o.afterBlock?.(block);
  }

  #note(error: unknown): void {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
    this.#lastErrorCode = code ?? 'ERR_INTERNAL';
    this.#o.log?.warn(
      { code: this.#lastErrorCode, nextBlock: this.#nextBlock.toString() },
      'block stream interrupted',
    );
  }
}

/** @throws {BlockStreamError} `ERR_FABRIC_BLOCK` if the block does not decode or its data is not what the header says */
export function followedBlockOf(block: common.Block): FollowedBlock {
  const blockNumber = BigInt(block.getHeader()?.getNumber() ?? 0);
  let decoded: ReturnType<typeof decodeBlock>;
  try {
    decoded = decodeBlock(block);
  } catch (cause) {
    throw new BlockStreamError('ERR_FABRIC_BLOCK', {
      blockNumber,
      detail: 'it does not decode',
      cause,
    });
  }
  if (decoded.recomputedDataHash !== decoded.dataHash) {
    throw new BlockStreamError('ERR_FABRIC_BLOCK', {
      blockNumber,
      detail: `its data hashes to ${decoded.recomputedDataHash}, the header says ${decoded.dataHash}`,
    });
  }
  return {
    number: blockNumber,
    hash: decoded.hash,
    previousHash: decoded.previousHash,
    transactions: decoded.transactions,
  };
}
