/**
 * A review full of holds, block by block as the channel would bring them: all of them at once would be gigabytes.
 * @module
 */
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import { openReviewStore } from '../src/review/review-store.js';
import type { NodeDatabase } from '../src/store/index.js';
import {
  detectorTransaction,
  heldTransaction,
  heldWindows,
  scorerOfDetectorZero,
} from '../test/evidence-fixture.js';
import { chainOf, hashOf, NOW } from '../test/review-fixture.js';

const PER_BLOCK = 500;
const STATES = ['open', 'rejected', 'claimed', 'open', 'released', 'proposed'] as const;
const FUNCTIONS = ['export', 'requestAccess', 'amend', 'erase'] as const;

type Transaction = ReturnType<typeof heldTransaction>;

export async function fillReview(database: NodeDatabase, count: number): Promise<void> {
  const scorer = scorerOfDetectorZero();
  const samples = heldWindows(scorer)
    .slice(-20)
    .map(({ window }) => heldTransaction({ name: 'sample', window, scorer }));
  await append(database, [detectorTransaction()]);
  for (let block = 0; block < count / PER_BLOCK; block++) {
    await append(
      database,
      Array.from({ length: Math.min(PER_BLOCK, count - block * PER_BLOCK) }, (_, i) =>
        holdOf(samples[i % samples.length]!, block, i),
      ),
    );
  }
}

async function append(database: NodeDatabase, transactions: readonly Transaction[]): Promise<void> {
  const [block] = chainOf([transactions]);
  const { nextBlock, previousHash } = await readCheckpoint(database, 'c');
  await applyBlock(database, {
    channel: 'c',
    block: { ...block!, number: nextBlock, hash: hashOf(`block ${nextBlock}`), previousHash },
    consumers: [openReviewStore(database).consumer],
    atMs: 0,
  });
}

function holdOf(sample: Transaction, block: number, i: number): Transaction {
  const txId = hashOf(`${block} ${i}`);
  const [record, ring] = sample.writes;
  const value = JSON.parse(Buffer.from(record!.value).toString()) as Record<string, unknown>;
  const changed = {
    ...value,
    txId,
    function: `RecordAccessContract:${FUNCTIONS[i % FUNCTIONS.length]!}`,
    actor: hashOf(`actor ${i % 97}`).slice(0, 32),
    deadlineMs: NOW + ((block * 7_919 + i * 104_729) % 86_400_000),
    state: STATES[(block + i) % STATES.length]!,
  };
  return {
    ...sample,
    txId,
    writes: [
      { ...record!, key: ['q', txId], value: Buffer.from(JSON.stringify(changed)) },
      { ...ring!, key: ['ctx', changed.actor, String(value['session'])] },
    ],
  };
}
