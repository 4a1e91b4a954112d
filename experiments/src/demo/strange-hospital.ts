/**
 * The process of a hospital with the defect of {@link halvingFirst}: `node strange-hospital.js --config FILE`. Everything
 * else is the hospital node as it ships.
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSecureRandom } from '@bhschain/dp';
import { loadConfig, readLedger, runNodeProcess } from '@bhschain/hospital-node';
import { halvingFirst } from './strange-update.js';

const { values } = parseArgs({ options: { config: { type: 'string' } } });
const jitterWord = new Uint32Array(1);

runNodeProcess({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  fillBytes: (bytes) => randomFillSync(bytes),
  random: createSecureRandom((bytes) => randomFillSync(bytes)),
  jitter: () => randomFillSync(jitterWord)[0]! / 2 ** 32,
  aroundTraining: (trainer) => halvingFirst(trainer, hasReleased),
});

function hasReleased(): boolean {
  const file = join(loadConfig(values.config!).stateDir, 'privacy-ledger.jsonl');
  return existsSync(file) && readLedger(file).records.some(({ kind }) => kind === 'released');
}
