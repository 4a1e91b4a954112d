/**
 * A real Fabric network of plain processes on this machine: made once, started as often as one likes.
 * @module
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateAuthority } from '../embedded-peer/certificate-authority.js';
import type { Binaries } from './binaries.js';
import { BHSCHAIN, serverPlace, writeConnection, type Chaincode } from './chaincode.js';
import { channelProfile } from './channel-profile.js';
import type { Surroundings } from './config.js';
import { authorityOf, cryptoConfiguration, issueChaincodeTls } from './crypto-material.js';
import { createDeployment, type AwaitProcess } from './deployment.js';
import { NetworkError } from './errors.js';
import { createFabricTools } from './fabric-tools.js';
import { awaitTransactions } from './first-transaction.js';
import {
  CONNECTIONS_VARIABLE,
  connectionsDir,
  ordererConfiguration,
  peerConfiguration,
} from './node-configuration.js';
import {
  killProcess,
  requireProc,
  requireRunning,
  runningProcesses,
  signalProcess,
  startProcess,
  stopProcesses,
  type ProcessIdentity,
  type ProcessPlan,
} from './processes.js';
import { portOwners, requireFreePorts } from './ports.js';
import { claimDirectory, readRecord, writeRecord } from './record.js';
import { CHAINCODES_MAX, topologyOf, type NetworkOptions, type Topology } from './topology.js';
import { isHealthy, isListening, until } from './waiting.js';

/** Of each step of `up`; a machine with a slow disk needs tens of seconds for some. */
const STEP_TIMEOUT_MS = 180_000;
/**
 * After a restart of all orderers their links need a few seconds; messages sent earlier are lost, and the first
 * transaction then costs a view change (about 12 s).
 */
const SETTLE_MS = 4_000;

export interface UpOptions {
  /** In this order; the first is the one whose transaction makes the network ready. `bhschain` alone when absent. */
  readonly chaincodes?: readonly Chaincode[];
  /** Told after each step, with the time since `up` began. */
  readonly onStep?: (step: string, elapsedMs: number) => void;
  /** Aborting makes `up` reject; what it started runs on until `down`. */
  readonly signal?: AbortSignal;
}

export interface FabricNetwork {
  readonly topology: Topology;
  /** The root of an organisation's people: `H1MSP` …, `OpsMSP`. */
  authority(mspId: string): CertificateAuthority;
  /** Starts what does not run and deploys what is not deployed; resolves after a first committed transaction. */
  up(options?: UpOptions): Promise<void>;
  /** Starts the named process of the plan if it does not run. */
  start(name: string): void;
  /** @throws {NetworkError} `ERR_NETWORK_PROCESS` if it does not run */
  signal(name: string, signal: NodeJS.Signals): void;
  /** Ends it with SIGKILL; resolves when its ports and files are free. @throws {NetworkError} as `signal` */
  kill(name: string): Promise<void>;
  /** Names of the planned processes that do not run. */
  missing(): string[];
  /**
   * Stops every process of this network, also those that another launcher started; the ledger stays.
   *
   * @param graceMs - between SIGTERM and SIGKILL
   * @returns names that had to be killed
   */
  down(graceMs?: number): Promise<readonly string[]>;
}

/**
 * Opens the network in `options.dir`, or makes one: keys, genesis block, configuration of every node.
 *
 * @throws {NetworkError} `ERR_NETWORK_OPTION` if the directory's network was made with other options
 */
export async function openNetwork(
  options: NetworkOptions,
  binaries: Binaries,
  { nodeEnvironment }: Surroundings,
): Promise<FabricNetwork> {
  requireProc();
  claimDirectory(options.dir);
  const recorded = readRecord(options.dir);
  if (recorded !== null) requireSameOptions(recorded, options);
  const topology = topologyOf(options);
  const tools = createFabricTools(topology, binaries, nodeEnvironment);
  if (recorded === null) {
    // No node is started before the record stands: what runs here is left from a directory that somebody removed, or is a tool
    // of a launcher that died, which must not write beside ours.
    await stopProcesses(options.dir, [...runningProcesses(options.dir).keys()]);
    rmSync(topology.cryptoDir, { recursive: true, force: true });
    const cryptoFile = join(options.dir, 'crypto-config.yaml');
    writeJson(cryptoFile, cryptoConfiguration(topology));
    await tools.generateCrypto(cryptoFile);
    writeJson(join(options.dir, 'configtx.yaml'), channelProfile(topology));
    await tools.generateGenesisBlock();
    for (const hospital of topology.hospitals) {
      writeJson(join(hospital.orderer.nodeDir, 'orderer.yaml'), ordererConfiguration(hospital));
      writeJson(join(hospital.peer.dir, 'core.yaml'), peerConfiguration(hospital));
      issueChaincodeTls(hospital);
    }
    writeRecord(options);
  }
  return createNetwork(topology, binaries, tools, nodeEnvironment);
}

function createNetwork(
  topology: Topology,
  binaries: Binaries,
  tools: ReturnType<typeof createFabricTools>,
  nodeEnvironment: NodeJS.ProcessEnv,
): FabricNetwork {
  const { dir, hospitals } = topology;
  const authorities = new Map<string, CertificateAuthority>();
  let plans = nodePlans(topology, binaries, nodeEnvironment);

  const missing = (): string[] => {
    const running = runningProcesses(dir);
    return [...plans.keys()].filter((name) => !running.has(name));
  };
  const start = (name: string): void => {
    const plan = plans.get(name);
    if (plan === undefined) {
      throw new NetworkError('ERR_NETWORK_PROCESS', `${name}: no process of this network`, {
        process: name,
        expected: [...plans.keys()].join(', '),
      });
    }
    if (!runningProcesses(dir).has(name)) startProcess(dir, topology.logDir, plan);
  };

  return {
    topology,
    missing,
    start,
    authority(mspId) {
      let authority = authorities.get(mspId);
      if (authority === undefined) {
        const all = [...hospitals, topology.ops];
        const organisation = all.find((each) => each.mspId === mspId);
        if (organisation === undefined) {
          throw new NetworkError(
            'ERR_NETWORK_OPTION',
            `mspId: expected one of ${all.map((each) => each.mspId).join(', ')}, got ${mspId}`,
            { option: 'mspId', got: mspId },
          );
        }
        authority = authorityOf(organisation);
        authorities.set(mspId, authority);
      }
      return authority;
    },
    signal: (name, signal) => signalProcess(dir, name, signal),
    kill: (name) => killProcess(dir, name),
    down: (graceMs) => stopProcesses(dir, [...runningProcesses(dir).keys()], graceMs),
    async up({ chaincodes = [BHSCHAIN], onStep, signal } = {}) {
      const startedMs = performance.now();
      const step = (what: string): void => onStep?.(what, performance.now() - startedMs);
      const patience = { timeoutMs: STEP_TIMEOUT_MS, signal };
      plans = new Map([
        ...nodePlans(topology, binaries, nodeEnvironment),
        ...serverPlans(topology, chaincodes, nodeEnvironment),
      ]);
      const ours = new Map<string, ProcessIdentity>(runningProcesses(dir));
      const toStart = [...plans.keys()].filter((name) => !ours.has(name));
      await requireFreePorts(portOwners(topology, chaincodes), toStart);
      signal?.throwIfAborted(); // whoever aborted may be past taking down what is started now
      const orderersRestart =
        toStart.some((name) => name.startsWith('orderer')) &&
        existsSync(join(hospitals[0]!.orderer.nodeDir, 'ledger'));
      for (const name of toStart) {
        ours.set(name, startProcess(dir, topology.logDir, plans.get(name)!));
      }
      /** Waits for a process of ours, and no longer than it lives. */
      const awaitProcess: AwaitProcess = (name, what, attempt) =>
        until(
          `${name} ${what}`,
          () => {
            const process = ours.get(name); // none: a server that somebody else starts
            if (process !== undefined) requireRunning(topology.logDir, name, process);
            return attempt();
          },
          patience,
        );
      const adopted = plans.size - toStart.length;
      step(`${toStart.length} processes started${adopted > 0 ? `, ${adopted} found running` : ''}`);

      const deployment = createDeployment(topology, tools, awaitProcess);
      const healthy = (name: string, port: number): Promise<void> =>
        awaitProcess(name, 'healthy', () => isHealthy(port));
      const orderersUp = async (): Promise<void> => {
        await Promise.all(
          hospitals.map(({ orderer }) => healthy(orderer.name, orderer.operationsPort)),
        );
        await deployment.joinOrderers();
        step('orderers healthy, joined, ordering');
      };
      const peersUp = async (): Promise<void> => {
        await Promise.all(
          hospitals.map(async ({ peer }) => {
            await healthy(peer.name, peer.operationsPort);
            await awaitProcess(peer.name, 'listening', () => isListening(peer.port));
          }),
        );
        await deployment.joinPeers();
        step('peers healthy, joined');
      };
      await Promise.all([orderersUp(), peersUp()]);
      for (const { name } of chaincodes) {
        if (await deployment.isCommitted(name)) continue;
        await deployment.install(name);
        await deployment.approve(name);
        await deployment.commit(name);
        step(`${name} installed, approved by ${hospitals.length}, committed`);
      }
      if (orderersRestart) {
        await sleep(SETTLE_MS, undefined, { signal });
        step("orderers' links settled");
      }
      for (const [index, chaincode] of chaincodes.entries()) {
        await Promise.all(
          hospitals.map((hospital) => {
            const { processName, port } = serverPlace(topology, hospital, chaincode, index);
            return awaitProcess(processName, 'listening', () => isListening(port));
          }),
        );
        await awaitTransactions(topology, chaincode, patience);
        step(`first transaction of ${chaincode.name} committed, every gateway endorses`);
      }
    },
  };
}

/** Orderers and peers, by name. */
function nodePlans(
  { hospitals }: Topology,
  binaries: Binaries,
  nodeEnvironment: NodeJS.ProcessEnv,
): Map<string, ProcessPlan> {
  const environment = (dir: string): NodeJS.ProcessEnv => ({
    ...nodeEnvironment,
    FABRIC_CFG_PATH: dir,
    // A gateway closes the streams it no longer needs, and orderers warn of each.
    FABRIC_LOGGING_SPEC: 'warn:orderer.common.broadcast=error:grpc=error',
    // Without the colours of the default.
    FABRIC_LOGGING_FORMAT:
      '%{time:2006-01-02 15:04:05.000 MST} %{level:.4s} [%{module}] %{shortfunc} -> %{message}',
  });
  const plans = hospitals.flatMap((hospital): ProcessPlan[] => {
    const { orderer, peer } = hospital;
    return [
      {
        name: orderer.name,
        command: binaries.path('orderer'),
        args: [],
        cwd: orderer.nodeDir,
        environment: environment(orderer.nodeDir),
      },
      {
        name: peer.name,
        command: binaries.path('peer'),
        args: ['node', 'start'],
        cwd: peer.dir,
        environment: {
          ...environment(peer.dir),
          [CONNECTIONS_VARIABLE]: connectionsDir(hospital),
        },
      },
    ];
  });
  return new Map(plans.map((plan) => [plan.name, plan]));
}

/** Chaincode servers that this launcher starts; connection files are written for all of them. */
function serverPlans(
  topology: Topology,
  chaincodes: readonly Chaincode[],
  nodeEnvironment: NodeJS.ProcessEnv,
): Map<string, ProcessPlan> {
  if (chaincodes.length === 0 || chaincodes.length > CHAINCODES_MAX) {
    throw new NetworkError(
      'ERR_NETWORK_OPTION',
      `chaincodes: expected 1 to ${CHAINCODES_MAX}, got ${chaincodes.length}`,
      { option: 'chaincodes', got: chaincodes.length },
    );
  }
  const plans = new Map<string, ProcessPlan>();
  for (const hospital of topology.hospitals) {
    for (const [index, chaincode] of chaincodes.entries()) {
      const place = serverPlace(topology, hospital, chaincode, index);
      writeConnection(chaincode.name, place);
      if (chaincode.program === null) continue;
      mkdirSync(place.dir, { recursive: true });
      const { command, args } = chaincode.program(place);
      plans.set(place.processName, {
        name: place.processName,
        command,
        args,
        cwd: place.dir,
        environment: nodeEnvironment,
      });
    }
  }
  return plans;
}

function requireSameOptions(made: Topology, asked: NetworkOptions): void {
  for (const name of ['hospitalCount', 'ordering', 'portBase'] as const) {
    if (made[name] === asked[name]) continue;
    throw new NetworkError(
      'ERR_NETWORK_OPTION',
      `${name}: the network in ${asked.dir} was made with ${made[name]}, got ${asked[name]}; use the same, or remove it with \`down --wipe\``,
      { option: name, made: made[name], got: asked[name] },
    );
  }
}

function writeJson(file: string, document: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
}
