/**
 * The network as one process of a larger whole: `node dist/network/main.js --config FILE`.
 *
 * Starts the network, says `ready`, starts nodes again that end, and takes all of them down when it is told to stop or its
 * parent dies. Chaincode servers are the parent's. Killed itself, it leaves the nodes; the next start adopts them.
 * @module
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { fabricBinaries } from './binaries.js';
import { BHSCHAIN } from './chaincode.js';
import { surroundings } from './config.js';
import { NetworkError } from './errors.js';
import { openNetwork } from './network.js';
import type { NetworkOptions } from './topology.js';

const WATCH_MS = 1_000;
/** Shorter than the ten seconds that whoever stops this process waits: killed itself, it would leave the nodes. */
const STOP_GRACE_MS = 5_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) {
    throw new NetworkError('ERR_NETWORK_OPTION', '--config: expected a file, got nothing');
  }
  const log = pino({ name: 'fabric' }, pino.destination(2));
  const around = surroundings();
  const options = JSON.parse(readFileSync(values.config, 'utf8')) as NetworkOptions;
  const network = await openNetwork(options, await fabricBinaries(around), around);
  const stop = new AbortController();
  let watch: NodeJS.Timeout | null = null;
  const close = (): void => {
    if (stop.signal.aborted) return;
    stop.abort(new Error('stopped'));
    if (watch !== null) clearInterval(watch);
    void network.down(STOP_GRACE_MS).then(() => process.exit(0));
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  if (process.send !== undefined) {
    process.on('disconnect', close); // the parent died
    if (!process.connected) close(); // it had, before anybody listened
  }

  try {
    await network.up({
      chaincodes: [{ ...BHSCHAIN, program: null }],
      onStep: (step, elapsedMs) => {
        log.info({ elapsedMs: Math.round(elapsedMs) }, step);
      },
      signal: stop.signal,
    });
  } catch (error) {
    if (stop.signal.aborted) return; // `close` takes it down
    await network.down(STOP_GRACE_MS);
    throw error;
  }
  watch = setInterval(() => {
    for (const name of network.missing()) {
      log.warn({ process: name }, 'ended and is started again');
      network.start(name);
    }
  }, WATCH_MS);
  process.send?.({ type: 'ready' });
  log.info('the network commits transactions');
}

main().catch((error: unknown) => {
  const code = error instanceof NetworkError ? error.code : 'ERR_UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${JSON.stringify({ code, message })}\n`);
  process.exit(2); // the open channel to the parent would keep this process
});
