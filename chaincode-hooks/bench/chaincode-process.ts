/**
 * A chaincode process of one arm: `tsx bench/chaincode-process.ts --config FILE --arm off`. Everything else is the product.
 */
import { parseArgs } from 'node:util';

import { startChaincodeServer } from '../src/chaincode-server.js';
import { loadServerConfig } from '../src/config.js';
import { warmUp } from '../src/warm-up.js';
import { partsOf, type ArmName } from './arm.js';

const { values } = parseArgs({ options: { config: { type: 'string' }, arm: { type: 'string' } } });
warmUp();
const server = await startChaincodeServer(
  loadServerConfig(values.config!),
  partsOf(values.arm as ArmName),
);
const { address, metricsPort } = server;
process.send?.({ type: 'ready', address, metricsPort });
process.on('disconnect', () => void server.close().then(() => process.exit(0)));
