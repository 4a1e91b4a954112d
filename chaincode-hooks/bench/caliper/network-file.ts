/**
 * Caliper's network file (version 2.0.0) for a network that `npm run fabric -- up` has started:
 * `npx tsx chaincode-hooks/bench/caliper/network-file.ts [--state DIR] > network.json`
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { HOST, readRecord, surroundings, type Topology } from '../../src/network/index.js';

/** Caliper asks the first peer of each organisation only; it knows no mutual TLS and no target organisations. */
export function caliperNetwork({ channel, hospitals }: Topology): object {
  return {
    name: 'bhschain',
    version: '2.0.0',
    caliper: { blockchain: 'fabric', sutOptions: { mutualTls: false } },
    channels: [{ channelName: channel, contracts: [{ id: 'bhschain' }] }],
    organizations: hospitals.map(({ mspId, domain, adminMsp, peer, tlsRootFile }) => ({
      mspid: mspId,
      identities: {
        certificates: [
          {
            name: 'admin',
            clientPrivateKey: { path: join(adminMsp, 'keystore', 'priv_sk') },
            clientSignedCert: { path: join(adminMsp, 'signcerts', `Admin@${domain}-cert.pem`) },
          },
        ],
      },
      peers: [
        {
          endpoint: `${HOST}:${peer.port}`,
          tlsCACerts: { path: tlsRootFile },
          grpcOptions: { 'grpc.keepalive_time_ms': 60_000 },
        },
      ],
    })),
  };
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({ options: { state: { type: 'string' } } });
  const dir = resolve(values.state ?? surroundings().stateDir);
  const topology = readRecord(dir);
  if (topology === null) {
    console.error(`${dir}: no network; start one with: npm run fabric -- up`);
    process.exit(1);
  }
  console.log(JSON.stringify(caliperNetwork(topology), null, 2));
}
