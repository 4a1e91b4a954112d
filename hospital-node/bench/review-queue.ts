/**
 * The review store with 100,000 holds: `npx tsx hospital-node/bench/review-queue.ts`. Promised: a page of the queue in
 * 150 ms, a hold without its heat map in 200 ms (p95).
 * @module
 */
import { performance } from 'node:perf_hooks';
import { applyBlock } from '../src/fabric/block-checkpoint.js';
import { openReviewStore } from '../src/review/review-store.js';
import {
  chainOf,
  hashOf,
  holdTransaction,
  migratedFile,
  NOW,
  recordOf,
} from '../test/review-fixture.js';

const HOLDS = 100_000;
const PER_BLOCK = 500;
const STATES = ['open', 'rejected', 'claimed'] as const;
const UNDECIDED = ['open', 'claimed', 'proposed', 'escalated'] as const;

async function main(): Promise<void> {
  const store = openReviewStore({ file: await migratedFile() });
  const blocks = chainOf(
    Array.from({ length: HOLDS / PER_BLOCK }, (_, block) =>
      Array.from({ length: PER_BLOCK }, (_, i) =>
        holdTransaction(
          recordOf({
            txId: hashOf(`${block} ${i}`),
            deadlineMs: NOW + ((block * 7_919 + i * 104_729) % 86_400_000),
            state: STATES[block % 3]!,
          }),
        ),
      ),
    ),
  );
  const startMs = performance.now();
  for (const block of blocks) {
    const { consumer, database } = store;
    await applyBlock(database, { channel: 'c', block, consumers: [consumer], atMs: 0 });
  }
  const perHoldMs = (performance.now() - startMs) / HOLDS;
  const query = { mspId: 'H1MSP', states: UNDECIDED, limit: 50 };
  const place = store.list({ ...query, limit: 200, after: null }).at(-1)!;
  const report = {
    holds: HOLDS,
    perHoldMs,
    firstPageMs: time(() => store.list({ ...query, after: null })),
    laterPageMs: time(() => store.list({ ...query, after: place })),
    detailMs: time(() => store.detail(hashOf('3 7'))),
    countsMs: time(() => store.counts('H1MSP')),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  store.close();
}

function time(run: () => unknown): { p50: number; p95: number } {
  const times = Array.from({ length: 40 }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  }).sort((a, b) => a - b);
  return { p50: times[20]!, p95: times[38]! };
}

await main();
