/**
 * The hospital node: `node dist/main.js --config FILE`. Hands the real clock and the real randomness to
 * {@link runNodeProcess}.
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureRandom } from '@bhschain/dp';
import { runNodeProcess } from './node-process.js';

const jitterWord = new Uint32Array(1);

runNodeProcess({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  fillBytes: (bytes) => randomFillSync(bytes),
  random: createSecureRandom((bytes) => randomFillSync(bytes)),
  jitter: () => randomFillSync(jitterWord)[0]! / 2 ** 32,
});
