/** The last blocks of the channel, read as any client reads them. @module */
import { followedBlockOf, type FollowedBlock } from '../fabric/block-follower.js';
import type { FabricConnection } from '../fabric/connection.js';

const WAIT_MS = 3_000;

/** @returns the newest block, or null if the peer sends none in time */
export async function newestBlock(fabric: FabricConnection): Promise<FollowedBlock | null> {
  return (await lastBlocks(fabric, 1)).at(-1) ?? null;
}

/** At most `count` blocks, oldest first. */
export async function lastBlocks(
  fabric: FabricConnection,
  count: number,
): Promise<readonly FollowedBlock[]> {
  const { height } = await fabric.chainInfo();
  const first = height > BigInt(count) ? height - BigInt(count) : 0n;
  const source = await fabric.openBlocks(first);
  const blocks: FollowedBlock[] = [];
  const timer = setTimeout(() => source.close(), WAIT_MS);
  try {
    for await (const block of source) {
      blocks.push(followedBlockOf(block));
      if (blocks.at(-1)!.number + 1n >= height) break;
    }
  } catch {
    // Closed by the timer, or refused: what came until then is what there is.
  } finally {
    clearTimeout(timer);
    source.close();
  }
  return blocks;
}
