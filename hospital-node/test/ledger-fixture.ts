/**
 * A whole ledger for tests: the embedded peer in this process, one real chaincode process per hospital, detector 0 active.
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  createEmbeddedPeer,
  issueIdentity,
  ledgerConfigOf,
  loadLedgerConfig,
  provisionConsortium,
  type EmbeddedPeer,
} from '@bhschain/chaincode-hooks/embedded-peer';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { kernelHash } from '@bhschain/models/kernel';
import { connectFabric, type FabricConnection } from '../src/fabric/connection.js';
import { createIdentity, type FabricIdentity } from '../src/fabric/identity.js';
import { temporaryFolder } from './review-fixture.js';

export const CHANNEL = 'consortium';
export const CHAINCODE = 'bhschain';
const PACKAGE_ID = 'bhschain:1';

export interface Pems {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface TestLedger {
  readonly peer: EmbeddedPeer;
  readonly blocksDir: string;
  readonly tlsRootFile: string;
  readonly endpoint: string;
  issue(mspId: string, name: string, attributes: Readonly<Record<string, string>>): Pems;
  identity(
    mspId: string,
    name: string,
    attributes: Readonly<Record<string, string>>,
  ): FabricIdentity;
  connect(identity: FabricIdentity, endpoints?: readonly string[]): Promise<FabricConnection>;
  close(): Promise<void>;
}

export async function startTestLedger(mspIds: readonly string[]): Promise<TestLedger> {
  const dir = temporaryFolder();
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const servers = await Promise.all(
    mspIds.map((mspId) => startChaincode(join(dir, `${mspId}.chaincode.json`))),
  );
  const file = join(dir, 'ledger.json');
  const config = ledgerConfigOf(consortium, {
    channel: CHANNEL,
    chaincode: { name: CHAINCODE, packageId: PACKAGE_ID },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir: join(dir, 'blocks'),
    chaincodeAddresses: Object.fromEntries(mspIds.map((mspId, i) => [mspId, servers[i]!.address])),
  });
  writeFileSync(file, JSON.stringify(config));
  const peer = await createEmbeddedPeer({ ...loadLedgerConfig(file), nowMs: () => Date.now() });
  await peer.chaincodeReady();
  const endpoint = `127.0.0.1:${peer.port}`;
  const ledger: TestLedger = {
    peer,
    blocksDir: join(dir, 'blocks'),
    tlsRootFile: consortium.tlsRootFile,
    endpoint,
    issue: (mspId, commonName, attributes) =>
      issueIdentity({ authority: consortium.authority(mspId), commonName, attributes }),
    identity(mspId, name, attributes) {
      const { certificatePem, privateKeyPem } = ledger.issue(mspId, name, attributes);
      return createIdentity({ mspId, certificatePem, privateKey: privateKeyPem });
    },
    connect: (identity, endpoints = [endpoint]) =>
      connectFabric({
        endpoints,
        tlsRootPem: readFileSync(consortium.tlsRootFile, 'utf8'),
        channel: CHANNEL,
        chaincode: CHAINCODE,
        identity,
        now: Date.now,
        random: Math.random,
      }),
    async close() {
      await peer.close();
      await Promise.all(
        servers.map(async ({ child }) => {
          child.kill('SIGTERM');
          await once(child, 'exit');
        }),
      );
    },
  };
  return ledger;
}

/** Genesis of a replay federation: configured, detector 0 proposed, attested by every hospital, active. */
export async function activateDetectorZero(
  ledger: TestLedger,
  mspIds: readonly string[],
): Promise<void> {
  const ops = ledger.identity('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  const fabric = await ledger.connect(ops);
  const config = { hospitals: mspIds, attestations: 2, replay: true, vocabulary: null };
  await fabric.submit('FederationContract:configure', [JSON.stringify(config)]);
  const { detectorBytes, tableBytes } = DETECTOR_ZERO;
  const entry = {
    manifestDigest: '',
    round: '',
    planHash: '',
    unit: 'none',
    epsilonMicro: 0,
    deltaExponent: 0,
  };
  await fabric.submit('DetectorContract:propose', [
    '0',
    Buffer.from(detectorBytes).toString('base64'),
    Buffer.from(tableBytes).toString('base64'),
    JSON.stringify(entry),
  ]);
  const hashes = [detectorBytes, tableBytes].map((bytes) =>
    createHash('sha256').update(bytes).digest('hex'),
  );
  for (const mspId of mspIds) {
    const identity = ledger.identity(mspId, `node ${mspId}`, { role: 'hospital-node' });
    const args = ['0', ...hashes, kernelHash, '0'.repeat(64)];
    await fabric.submit('DetectorContract:attest', args, { identity });
  }
  await fabric.submit('DetectorContract:activate', ['0']);
  await fabric.close();
}

async function startChaincode(file: string): Promise<{ child: ChildProcess; address: string }> {
  writeFileSync(
    file,
    JSON.stringify({ address: '127.0.0.1:0', chaincodeId: PACKAGE_ID, metricsPort: 0 }),
  );
  const events = createRequire(import.meta.url).resolve('@bhschain/chaincode-hooks/events');
  const child = fork(join(dirname(events), 'server.js'), ['--config', file], {
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const [message] = (await once(child, 'message')) as [{ address: string }];
  return { child, address: message.address };
}
