/**
 * A real Hyperledger Fabric network: a peer and an orderer a hospital. Its keeper is a process of the demo, and so are the
 * chaincode servers; orderers and peers are the keeper's, which ends them, or adopts them when it had died.
 * @module
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FABRIC_VERSION,
  fabricBinaries,
  freePortBase,
  openNetwork,
  readRecord,
  rootFileOf,
  runningProcesses,
  serverConfiguration,
  serverPlace,
  surroundings,
  type FabricNetwork,
  type NetworkOptions,
} from '@bhschain/chaincode-hooks/network';
import { ExperimentError } from '../errors.js';
import { CHAINCODE, type DemoLedger, type LedgerOptions } from './ledger-plan.js';
import { moduleOf, writeJson } from './modules.js';

/** BFT needs four consenters to tolerate one. */
const BFT_HOSPITALS_MIN = 4;
const BATCH = { timeoutMs: 50, messagesMax: 200 };
/** Fifteen processes on two busy cores. */
const READY_TIMEOUT_MS = 240_000;

export async function createFabricLedger(o: LedgerOptions): Promise<DemoLedger> {
  const { paths, hospitals } = o;
  const wanted = {
    dir: paths.network,
    hospitalCount: hospitals.length,
    ordering: hospitals.length < BFT_HOSPITALS_MIN ? 'raft' : 'bft',
    batch: BATCH,
  } as const;
  const network = await open(o, { ...wanted, portBase: await freePortBase(wanted) });
  // The same public face as the development ledger's folder: roots of people, roots of gateways.
  const { topology } = network;
  for (const organisation of [...topology.hospitals, topology.ops]) {
    const dir = join(paths.ledger, 'msp', organisation.mspId);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    copyFileSync(rootFileOf(organisation), join(dir, 'ca.pem'));
  }
  mkdirSync(join(paths.ledger, 'tls'), { recursive: true, mode: 0o700 });
  const roots = topology.hospitals.map(({ tlsRootFile }) => readFileSync(tlsRootFile, 'utf8'));
  writeFileSync(tlsRootOf(o), roots.join(''));
  return fabricLedger(o, network);
}

/** @throws {ExperimentError} `ERR_DEMO_STATE_VERSION` if the folder holds no network */
export async function openFabricLedger(o: LedgerOptions): Promise<DemoLedger> {
  const recorded = readRecord(o.paths.network);
  if (recorded === null) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_VERSION',
      `${o.paths.network} holds no network; remove ${o.paths.root} or choose another folder with --state`,
      { stateDir: o.paths.root },
    );
  }
  return fabricLedger(o, await open(o, recorded));
}

async function open({ narrator }: LedgerOptions, options: NetworkOptions): Promise<FabricNetwork> {
  const around = surroundings();
  const binaries = await fabricBinaries(around, (dir) => {
    narrator.say(
      'ledger',
      `building Hyperledger Fabric ${FABRIC_VERSION} with Go into ${dir}, once; a cold build takes minutes`,
    );
  });
  return await openNetwork(options, binaries, around);
}

function fabricLedger(o: LedgerOptions, network: FabricNetwork): DemoLedger {
  const { paths } = o;
  const { topology } = network;
  const { hospitals, majority, ordering } = topology;
  const places = hospitals.map((hospital) =>
    serverPlace(topology, hospital, { name: CHAINCODE }, 0),
  );
  return {
    kind: 'fabric',
    authority: (mspId) => network.authority(mspId),
    plan() {
      const chaincode = places.map((place) => ({
        name: `${place.hospital.nodeId}-chaincode`,
        module: moduleOf('chaincode-hooks', 'server.js'),
        configFile: writeJson(
          join(paths.hospital(place.hospital.nodeId), 'chaincode.json'),
          serverConfiguration(place),
        ),
      }));
      const { dir, hospitalCount, portBase, batch } = topology;
      const keeper = {
        name: 'fabric',
        module: moduleOf('chaincode-hooks', 'network/main.js'),
        configFile: writeJson(join(paths.ledger, 'config.json'), {
          ...{ dir, hospitalCount, ordering, portBase, batch },
        }),
        readyTimeoutMs: READY_TIMEOUT_MS,
      };
      const addresses = hospitals.map(
        ({ nodeId, peer }) => [nodeId, `127.0.0.1:${peer.port}`] as const,
      );
      const consensus = ordering === 'bft' ? 'SmartBFT' : 'Raft, crash-tolerant only';
      return Promise.resolve({
        banner: `Hyperledger Fabric ${FABRIC_VERSION}: ${hospitals.length} peers, ${hospitals.length} orderers (${consensus}), ${hospitals.length} chaincode servers, endorsement ${majority} of ${hospitals.length}`,
        processes: [...chaincode, keeper],
        endpoints: (nodeId: string | null) =>
          [...addresses]
            .sort(([a], [b]) => Number(b === nodeId) - Number(a === nodeId))
            .map(([, address]) => address),
        tlsRoot: tlsRootOf(o),
        chaincodeMetricsPorts: places.map(({ metricsPort }) => metricsPort),
        otherResidentMb: () =>
          [...runningProcesses(dir).values()].reduce((sum, each) => sum + each.residentMb, 0),
      });
    },
  };
}

function tlsRootOf({ paths }: LedgerOptions): string {
  return join(paths.ledger, 'tls', 'ca.pem');
}
