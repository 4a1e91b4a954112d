/**
 * All arms on one real network: each arm is a chaincode of its own – same peers, same orderers, same channel, a chaincode
 * process at every hospital – so that arms can be interleaved and see the same machine.
 */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers, type Gateway } from '@hyperledger/fabric-gateway';

import { issueIdentity } from '../src/embedded-peer/index.js';
import {
  BHSCHAIN,
  HOST,
  fabricBinaries,
  freePortBase,
  openNetwork,
  runningProcesses,
  serverConfiguration,
  surroundings,
  type Chaincode,
} from '../src/network/index.js';
import type { ArmName } from './arm.js';
import type { Arm, Batch } from './embedded-ledger.js';
import { populate } from './population.js';

export interface FabricArms {
  readonly arms: readonly Arm[];
  readonly topology: string;
  readonly batch: Batch;
  close(): Promise<void>;
}

const HOSPITALS = 5;

export async function startFabricArms(
  names: readonly ArmName[],
  clients: number,
  batch: Batch,
  say: (line: string) => void,
): Promise<FabricArms> {
  const around = surroundings();
  const dir = mkdtempSync(join(tmpdir(), 'bench-fabric-'));
  const wanted = { dir, hospitalCount: HOSPITALS, ordering: 'bft', batch } as const;
  const portBase = await freePortBase(wanted);
  const network = await openNetwork({ ...wanted, portBase }, await fabricBinaries(around), around);
  const gateways: Gateway[] = [];
  const { hospitals, channel, majority } = network.topology;
  const clientOf = new Map(
    hospitals.map(({ mspId, peer, tlsRootFile }) => [
      mspId,
      new grpc.Client(
        `${HOST}:${peer.port}`,
        grpc.credentials.createSsl(readFileSync(tlsRootFile)),
        { 'grpc.ssl_target_name_override': 'localhost' },
      ),
    ]),
  );
  const close = async (): Promise<void> => {
    for (const gateway of gateways) gateway.close();
    for (const client of clientOf.values()) client.close();
    await network.down();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await network.up({
      chaincodes: names.map(chaincodeOf),
      onStep: (step, elapsedMs) => say(`${(elapsedMs / 1000).toFixed(1).padStart(7)} s  ${step}`),
    });
    const arms: Arm[] = [];
    for (const name of names) {
      const population = await populate(
        {
          hospitals: hospitals.map(({ mspId }) => mspId),
          identity: (mspId, commonName, attributes) =>
            issueIdentity({ authority: network.authority(mspId), commonName, attributes }),
          contract(mspId, identity) {
            const within = (ms: number) => () => ({ deadline: Date.now() + ms });
            const gateway = connect({
              client: clientOf.get(mspId) ?? clientOf.get(hospitals[0]!.mspId)!,
              identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
              signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
              hash: hash.sha256,
              endorseOptions: within(120_000),
              submitOptions: within(120_000),
              commitStatusOptions: within(120_000),
            });
            gateways.push(gateway);
            return gateway.getNetwork(channel).getContract(chaincodeOf(name).name);
          },
        },
        name,
        clients,
      );
      arms.push({
        name,
        ...population,
        cpu: () => cpuOf(dir, chaincodeOf(name).name),
        close: () => Promise.resolve(),
      });
      say(`${name}: ${clients} people have a session`);
    }
    const topology = `Hyperledger Fabric v3.1.0: ${HOSPITALS} hospitals (a peer with goleveldb, a SmartBFT orderer and a chaincode process each), ${majority} of ${HOSPITALS} endorsements, mutual TLS to the chaincode; clients, peers and orderers share this machine`;
    return { arms, topology, batch, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A chaincode's name may hold letters, digits, `_` and `-`. */
function chaincodeOf(name: ArmName): Chaincode {
  return {
    ...BHSCHAIN,
    name: `bench-${name}`,
    program: (place) => {
      mkdirSync(place.dir, { recursive: true });
      const file = join(place.dir, 'server.json');
      writeFileSync(file, JSON.stringify(serverConfiguration(place)));
      const script = fileURLToPath(new URL('./chaincode-process.ts', import.meta.url));
      const loader = import.meta.resolve('tsx');
      return {
        command: process.execPath,
        args: ['--no-deprecation', '--import', loader, script, '--config', file, '--arm', name],
      };
    },
  };
}

/** This arm's chaincode processes, and all peers and orderers. */
function cpuOf(dir: string, chaincode: string): { chaincodeMs: number; ledgerMs: number } {
  const processes = [...runningProcesses(dir).values()];
  const spentBy = (names: RegExp, count: number): number => {
    const of = processes.filter(({ name }) => names.test(name));
    // A process that is not seen would count as one that does nothing.
    if (of.length !== count) {
      throw new Error(`${dir}: expected ${count} of ${names.source}, got ${of.length}`);
    }
    return of.reduce((sum, { cpuSeconds }) => sum + 1000 * cpuSeconds, 0);
  };
  return {
    chaincodeMs: spentBy(new RegExp(`^${chaincode}\\d+$`), HOSPITALS),
    ledgerMs: spentBy(/^(peer|orderer)\d+$/, 2 * HOSPITALS),
  };
}
