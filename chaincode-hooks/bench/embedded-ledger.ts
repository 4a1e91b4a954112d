/**
 * One arm on the development ledger: its own ledger process, one chaincode process a hospital, detector 0 active, and a
 * person with a session of her own for every client.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers, type Gateway } from '@hyperledger/fabric-gateway';

import { issueIdentity, ledgerConfigOf, provisionConsortium } from '../src/embedded-peer/index.js';
import { cpuSecondsOf } from '../src/network/index.js';
import type { ArmName } from './arm.js';
import type { ProcessorTime } from './closed-loop.js';
import { populate, type Population } from './population.js';

export interface Arm extends Population {
  readonly name: ArmName;
  readonly cpu: () => ProcessorTime;
  readonly close: () => Promise<void>;
}

/** When a block is cut: so long after its first call, or with so many. */
export interface Batch {
  readonly timeoutMs: number;
  readonly messagesMax: number;
}

export const HOSPITALS = ['H1MSP', 'H2MSP'];
const BLOCK_BYTES_MAX = 10_000_000;
const PACKAGE_ID = 'bhschain:1';

export async function startEmbeddedArm(name: ArmName, clients: number, batch: Batch): Promise<Arm> {
  const dir = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const children: ChildProcess[] = [];
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const start = async (script: string, args: string[], execArgv: string[]): Promise<Ready> => {
    const child = fork(here(script), args, {
      execArgv,
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    });
    children.push(child);
    const [ready] = (await once(child, 'message')) as [Ready];
    return ready;
  };
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const chaincodeAddresses: Record<string, string> = {};
  for (const mspId of HOSPITALS) {
    const file = join(dir, `chaincode-${mspId}.json`);
    writeFileSync(
      file,
      JSON.stringify({ address: '127.0.0.1:0', chaincodeId: PACKAGE_ID, metricsPort: 0 }),
    );
    const ready = await start(
      './chaincode-process.ts',
      ['--config', file, '--arm', name],
      ['--no-deprecation', '--import', 'tsx'],
    );
    chaincodeAddresses[mspId] = ready.address;
  }
  const configFile = join(dir, 'ledger.json');
  const config = ledgerConfigOf(consortium, {
    channel: 'consortium',
    chaincode: { name: 'bhschain', packageId: PACKAGE_ID },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir: join(dir, 'blocks'),
    chaincodeAddresses,
    batch: { ...batch, bytesMax: BLOCK_BYTES_MAX },
  });
  writeFileSync(configFile, JSON.stringify(config));
  const { port } = await start(
    '../dist/embedded-peer/main.js',
    ['--config', configFile],
    ['--no-deprecation'],
  );
  const client = new grpc.Client(
    `127.0.0.1:${port}`,
    grpc.credentials.createSsl(readFileSync(consortium.tlsRootFile)),
  );
  const gateways: Gateway[] = [];
  const population = await populate(
    {
      hospitals: HOSPITALS,
      identity: (mspId, commonName, attributes) =>
        issueIdentity({ authority: consortium.authority(mspId), commonName, attributes }),
      contract(mspId, identity) {
        const gateway = connect({
          client,
          identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
          signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
          hash: hash.sha256,
        });
        gateways.push(gateway);
        return gateway.getNetwork('consortium').getContract('bhschain');
      },
    },
    name,
    clients,
  );
  return {
    name,
    ...population,
    cpu: () => ({
      chaincodeMs: children
        .slice(0, -1)
        .reduce((sum, child) => sum + 1000 * cpuSecondsOf(child.pid!), 0),
      ledgerMs: 1000 * cpuSecondsOf(children.at(-1)!.pid!),
    }),
    async close() {
      for (const gateway of gateways) gateway.close();
      client.close();
      for (const child of children.toReversed()) {
        child.disconnect();
        if (child.exitCode === null) await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Ready {
  readonly address: string;
  readonly port: number;
}
