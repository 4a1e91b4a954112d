/**
 * The hospital node as a process: `node dist/main.js --config FILE`. Passes the real clock, the real randomness and the
 * real logger to {@link startHospitalNode}, and ends cleanly on SIGTERM, SIGINT or when its parent is gone.
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createSecureRandom } from '@bhschain/dp';
import { destination, pino } from 'pino';
import { loadConfig } from './config.js';
import { codeOf, ConfigError } from './errors.js';
import { startHospitalNode, type HospitalNode } from './node.js';

const FATAL_EXIT = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) {
    throw new ConfigError('ERR_ARGUMENT', '--config: expected a file, got nothing');
  }
  const config = loadConfig(values.config);
  const log = pino(
    { level: config.logLevel, base: { node: config.nodeId } },
    destination({ dest: 2, sync: true }),
  );
  if (config.tracing.setupModule !== null) {
    await import(pathToFileURL(config.tracing.setupModule).href);
  }
  const jitterWord = new Uint32Array(1);
  const stop = stopRequested();
  try {
    const node = await startHospitalNode({
      config,
      pid: process.pid,
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
      sleep: (ms, signal) => delay(ms, undefined, { signal }),
      fillBytes: (bytes) => randomFillSync(bytes),
      random: createSecureRandom((bytes) => randomFillSync(bytes)),
      jitter: () => randomFillSync(jitterWord)[0]! / 2 ** 32,
      log,
      stop,
      onHop: (hop, facts) => process.send?.({ type: 'hop', hop, ...facts }),
    });
    log.info({ port: node.port }, 'hospital node serves');
    process.send?.({ type: 'ready', port: node.port });
    await runUntil(stop, node);
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  log.info('stopped');
}

/** Closes the node on request; a failed part closes it too and makes the exit status 2. */
async function runUntil(stop: AbortSignal, node: HospitalNode): Promise<void> {
  try {
    if (!stop.aborted) await Promise.race([once(stop, 'abort'), node.finished]);
  } finally {
    await node.close();
  }
}

/**
 * A transaction whose outcome is unknown may be looked for during minutes. On request we do not wait for it: everything
 * that matters is on disk, as after a crash.
 */
const STOP_GRACE_MS = 8_000;

function stopRequested(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
    setTimeout(() => process.exit(0), STOP_GRACE_MS).unref();
  };
  process.once('SIGTERM', abort);
  process.once('SIGINT', abort);
  // Started with a channel: the parent may have gone while we were loading.
  if (process.send !== undefined) {
    if (process.connected) process.once('disconnect', abort);
    else abort();
  }
  return controller.signal;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${JSON.stringify({ code: codeOf(error), message })}\n`);
    process.exit(FATAL_EXIT);
  },
);
