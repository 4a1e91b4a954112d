/**
 * The hospital node as a process: its configuration from the command line, its log on standard error, its progress to a
 * parent, and a clean end on SIGTERM, SIGINT or when that parent is gone. Clock and randomness come from `main.ts`.
 * @module
 */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { destination, pino } from 'pino';
import { loadConfig } from './config.js';
import { codeOf, ConfigError } from './errors.js';
import { startHospitalNode, type HospitalNode } from './node.js';
import type { Surroundings } from './parts/surroundings.js';

/** What only the outermost file of a program may hand in. */
export type Platform = Omit<Surroundings, 'config' | 'self' | 'log' | 'stop' | 'onHop'>;

/** What being started again may mend. */
const PASSING_EXIT = 1;
const FATAL_EXIT = 2;

/**
 * Ends the process: 0 after a request to stop, else with one JSON line `{ code, message }`: 1 if the database server went
 * away at a moment when it cannot be waited for, 2 for everything else.
 */
export function runNodeProcess(platform: Platform): void {
  serve(platform).then(
    () => process.exit(0),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const code = codeOf(error);
      process.stderr.write(`${JSON.stringify({ code, message })}\n`);
      process.exit(code === 'ERR_STORE_UNAVAILABLE' ? PASSING_EXIT : FATAL_EXIT);
    },
  );
}

async function serve(platform: Platform): Promise<void> {
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
  const stop = stopRequested();
  try {
    const node = await startHospitalNode({
      ...platform,
      config,
      self: { host: hostname(), pid: process.pid, sinceMs: platform.nowMs() },
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
    if (!stop.aborted) leaveWithinGrace(FATAL_EXIT);
    await node.close();
  }
}

/**
 * A transaction whose outcome is unknown may be looked for during minutes. Who stops does not wait for it: everything that
 * matters is on disk, as after a crash.
 */
const STOP_GRACE_MS = 8_000;

function leaveWithinGrace(status: number): void {
  setTimeout(() => process.exit(status), STOP_GRACE_MS).unref();
}

function stopRequested(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
    leaveWithinGrace(0);
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
