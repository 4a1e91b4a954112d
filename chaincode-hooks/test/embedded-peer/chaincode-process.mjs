/**
 * A chaincode server as `fabric-chaincode-node server` makes it, on a port of its own choice.
 * `node chaincode-process.mjs PACKAGE_ID [PORT [CERT KEY CLIENT_CA]]`; sends { type: 'ready', address } to its parent.
 * Port 0 takes a free one.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { contracts } from './plain-contract.mjs';

// The shim reads its log level while it is loaded.
process.env.CORE_CHAINCODE_LOGGING_LEVEL ??= 'CRITICAL';
const require = createRequire(import.meta.url);
const { JSONSerializer } = require('fabric-contract-api');
const { Shim } = require('fabric-shim');
const ChaincodeFromContract = require('fabric-shim/lib/contract-spi/chaincodefromcontract.js');

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const [ccid, port = '0', cert, key, clientCa] = process.argv.slice(2);
const address = `127.0.0.1:${port === '0' ? await freePort() : port}`;
const tlsProps =
  cert === undefined
    ? undefined
    : { cert: readFileSync(cert), key: readFileSync(key), clientCACerts: readFileSync(clientCa) };
const serializers = {
  transaction: 'jsonSerializer',
  serializers: { jsonSerializer: JSONSerializer },
};
const chaincode = new ChaincodeFromContract(contracts, serializers, {}, 'plain', '1');
await Shim.server(chaincode, { ccid, address, tlsProps }).start();
process.send?.({ type: 'ready', address });
process.on('disconnect', () => process.exit(0));
