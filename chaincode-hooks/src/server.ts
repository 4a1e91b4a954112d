/**
 * The chaincode process: `node dist/server.js --config FILE`.
 * @module
 */
import { loadServerConfig } from './config.js';
import { parseArgs } from 'node:util';

import pino from 'pino';

import { startChaincodeServer } from './chaincode-server.js';
import { ChaincodeError } from './errors.js';
import { warmUp } from './warm-up.js';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) {
    throw new ChaincodeError('ERR_SERVER_CONFIG', '--config: expected a file');
  }
  const log = pino({ name: 'chaincode' }, pino.destination(2));
  warmUp();
  const server = await startChaincodeServer(loadServerConfig(values.config));
  const { address, metricsPort, codeHash } = server;
  log.info({ address, metricsPort, codeHash }, 'chaincode is serving');
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    void server.close().then(() => process.exit(0));
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  if (process.send !== undefined) {
    process.on('disconnect', close); // the parent died
    if (!process.connected) close(); // it had, before anybody listened
  }
  // Last: who hears it may stop this process at once.
  process.send?.({ type: 'ready', address, metricsPort, codeHash });
}

main().catch((error: unknown) => {
  const code =
    error instanceof ChaincodeError || (error instanceof Error && 'code' in error)
      ? String(error.code)
      : 'ERR_UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${JSON.stringify({ code, message })}\n`);
  process.exitCode = 2;
});
