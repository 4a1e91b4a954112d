/** The suite of the embedded peer, word for word, against a real network: two of two, as there. */
import { readFileSync } from 'node:fs';
import { describe } from 'vitest';
import { issueIdentity } from '../../src/embedded-peer/index.js';
import { HOST } from '../../src/network/index.js';
import { describeLedger } from '../embedded-peer/ledger-conformance.js';
import type { LedgerUnderTest } from '../embedded-peer/ledger-fixture.js';
import { PLAIN, fabricAvailable, startNetwork } from './network-fixture.js';

const available = await fabricAvailable();

describe.skipIf(!available)('conformance', () => {
  describeLedger('Fabric, two of two, Raft', () => ledgerOf(2, 'raft'));
});

async function ledgerOf(hospitalCount: number, ordering: 'bft' | 'raft'): Promise<LedgerUnderTest> {
  const network = await startNetwork([PLAIN], { hospitalCount, ordering });
  const { hospitals, fabric } = network;
  const [first] = hospitals;
  let people = 0;
  return {
    endpoint: `${HOST}:${first!.peer.port}`,
    tlsRoot: readFileSync(first!.tlsRootFile),
    channel: fabric.topology.channel,
    chaincode: PLAIN.name,
    mspIds: hospitals.map(({ mspId }) => mspId),
    identity: (mspId, role = 'nurse') =>
      issueIdentity({
        authority: fabric.authority(mspId),
        commonName: `person-${++people}`,
        attributes: { role },
      }),
    close: () => network.close(),
  };
}
