/**
 * `node hospital-node/dist/ehr-gateway/main.js --config FILE`: the EHR gateway as a process.
 * @module
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { codeOf, ConfigError } from '../errors.js';
import { sleep } from '../fabric/backoff.js';
import { connectFabric, type FabricConnection } from '../fabric/connection.js';
import { readIdentity } from '../fabric/identity.js';
import { lockState } from '../store/state-lock.js';
import { loadEhrGatewayConfig } from './config.js';
import { openEhrGateway } from './gateway.js';

const now = (): number => Date.now();
const random = (): number => randomInt(2 ** 47) / 2 ** 47;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) {
    throw new ConfigError('ERR_CONFIG_UNREADABLE', '--config FILE is missing');
  }
  const config = loadEhrGatewayConfig(values.config);
  const log = pino({ level: config.logLevel, name: 'ehr-gateway' }, pino.destination(2));
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const lock = lockState(config.stateDir, {
    host: hostname(),
    pid: process.pid,
    sinceMs: now(),
  });
  const stop = stopSignal();
  let fabric: FabricConnection | null = null;
  try {
    fabric = await connectFabric({
      endpoints: config.fabric.endpoints,
      tlsRootPem: readFileSync(config.fabric.tlsRoot, 'utf8'),
      channel: config.fabric.channel,
      chaincode: config.fabric.chaincode,
      identity: readIdentity({
        mspId: config.fabric.mspId,
        certFile: config.fabric.cert,
        keyFile: config.fabric.key,
      }),
      inFlightMax: config.inFlightMax + 8,
      now,
      random,
    });
    const gateway = await openEhrGateway({
      config,
      fabric,
      now,
      random,
      log,
      onOutcome: (outcome) => {
        if (outcome.disposition === 'allowed' && outcome.kind === 'call') return;
        const { hospital, kind, disposition, quarantineId, txId, code } = outcome;
        tell({ type: 'hop', hop: kind, hospital, disposition, quarantineId, txId, code });
      },
      onCaughtUp: (counts) => {
        log.info(counts, 'caught up');
        tell({ type: 'hop', hop: 'caught-up', ...counts });
      },
    });
    tell({ type: 'ready' });
    log.info({ hospitals: config.hospitals.length, replay: config.replay }, 'serving');
    const progress = (async (): Promise<void> => {
      while (!stop.aborted) {
        await sleep(1_000, stop);
        tell({ type: 'progress', ...gateway.counts() });
      }
    })();
    await gateway.run(stop);
    await progress;
    await gateway.close();
  } finally {
    await fabric?.close();
    lock.release();
  }
}

/**
 * A call whose outcome is unknown may be looked for during minutes. On request we do not wait for it: its intent is on
 * disk, and the next start looks it up.
 */
const STOP_GRACE_MS = 8_000;

/** SIGTERM, SIGINT, or the end of the parent that forked us. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
    setTimeout(() => process.exit(0), STOP_GRACE_MS).unref();
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (process.send !== undefined) process.once('disconnect', end);
  return stop.signal;
}

function tell(message: object): void {
  if (process.connected) process.send?.(message);
}

try {
  await main();
  if (process.connected) process.disconnect();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${JSON.stringify({ code: codeOf(error), message })}\n`);
  process.exitCode = 2;
  if (process.connected) process.disconnect();
}
