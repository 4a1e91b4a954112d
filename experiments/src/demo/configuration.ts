/**
 * The configuration files of all processes, written anew at each start, because ports are whatever is free.
 * @module
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHAINCODE, CHANNEL, type LedgerPlan } from './ledger-plan.js';
import { moduleOf, writeJson } from './modules.js';
import type { ProcessSpec } from './processes.js';
import type { DemoPolicy } from './round-policy.js';
import type { StatePaths } from './state-directory.js';

export { moduleOf };
export const FEDERATION_ID = 'demo-federation';
const SIX_HOURS_MS = 21_600_000;

export interface Ports {
  readonly federation: number;
  readonly orchestratorHttp: number;
  /** Where a further hospital asks for its certificate. */
  readonly enrolment: number;
  /** Analyst page of each hospital, in order. */
  readonly pages: readonly number[];
}

export interface ConfigurationOptions {
  readonly paths: StatePaths;
  readonly hospitals: readonly string[];
  readonly ports: Ports;
  readonly ledger: LedgerPlan;
  readonly rounds: number;
  readonly policy: DemoPolicy;
  /** The hospital with the simulated defect, or null. */
  readonly strangeUpdate: string | null;
  readonly liveFromMs: number;
  /** Slot of the first round. */
  readonly originSlot: number;
  readonly vocabulary: { readonly hash: string; readonly size: number } | null;
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
}

/** The processes of the demo, in the order in which they start. */
export interface Specs {
  readonly orchestrator: ProcessSpec;
  readonly hospitals: readonly ProcessSpec[];
  readonly ehrGateway: ProcessSpec;
}

/**
 * Log time that the first round trains up to: each round takes the next six hours, and the last of several takes the
 * first six hours of the live part, after the channel has judged them.
 */
function originLogTimeMs(liveFromMs: number, rounds: number): number {
  return liveFromMs - Math.max(0, rounds - 2) * SIX_HOURS_MS;
}

export function writeConfiguration(o: ConfigurationOptions): Specs {
  const { paths, ports } = o;
  const majority = Math.floor(o.hospitals.length / 2) + 1;
  const mspOf = (nodeId: string): string => `${nodeId}MSP`;

  const gateway = (nodeId: string | null): object => ({
    endpoints: o.ledger.endpoints(nodeId),
    tlsRoot: o.ledger.tlsRoot,
    channel: CHANNEL,
    chaincode: CHAINCODE,
  });
  const orchestrator = {
    name: 'orchestrator',
    module: moduleOf('orchestrator', 'main.js'),
    configFile: writeJson(orchestratorConfigFile(paths), {
      federationId: FEDERATION_ID,
      stateDir: paths.orchestrator,
      listen: { host: '127.0.0.1', port: ports.federation },
      enrolment: { host: '127.0.0.1', port: ports.enrolment },
      http: { host: '127.0.0.1', port: ports.orchestratorHttp },
      hospitals: o.hospitals.map((nodeId) => ({
        nodeId,
        mspId: mspOf(nodeId),
        mspRoot: join(paths.ledger, 'msp', mspOf(nodeId), 'ca.pem'),
      })),
      policy: { ...o.policy, quorum: majority, catchUp: 'skip', roundsMax: o.rounds },
      planPreset: 'demo',
      replay: {
        originSlot: o.originSlot,
        originLogTimeMs: originLogTimeMs(o.liveFromMs, o.rounds),
        logSlotMs: SIX_HOURS_MS,
      },
      vocabulary: o.vocabulary,
      gateway: {
        ...gateway(null),
        mspId: 'OpsMSP',
        certFile: join(paths.orchestrator, 'identity', 'cert.pem'),
        keyFile: join(paths.orchestrator, 'identity', 'key.pem'),
      },
    }),
  };
  const hospitals = o.hospitals.map((nodeId, index) => {
    const home = paths.hospital(nodeId);
    return {
      name: nodeId,
      module:
        nodeId === o.strangeUpdate
          ? fileURLToPath(new URL('./strange-hospital.js', import.meta.url))
          : moduleOf('hospital-node', 'main.js'),
      configFile: writeJson(nodeConfigFile(paths, nodeId), {
        nodeId,
        mspId: mspOf(nodeId),
        stateDir: home,
        log: { file: paths.log(nodeId), liveFromMs: o.liveFromMs },
        windows: { binMs: SIX_HOURS_MS },
        privacy: { declareBudget: true },
        federation: {
          id: FEDERATION_ID,
          signerCa: join(paths.ledger, 'msp', 'OpsMSP', 'ca.pem'),
          address: `127.0.0.1:${ports.federation}`,
          tls: {
            ca: join(home, 'tls', 'ca.pem'),
            cert: join(home, 'tls', 'cert.pem'),
            key: join(home, 'tls', 'key.pem'),
          },
        },
        fabric: {
          ...gateway(nodeId),
          cert: join(home, 'identity', 'cert.pem'),
          key: join(home, 'identity', 'key.pem'),
        },
        http: { host: '127.0.0.1', port: ports.pages[index]! },
        actorsFile: join(home, 'actors.jsonl'),
        peopleDir: join(home, 'people'),
        consoleDir: moduleOf('hospital-node', 'console'),
        vocabulary: o.vocabulary,
        timeGranularity: o.timeGranularity,
      }),
    };
  });
  // The EHR gateway reads blocks as the first hospital's node does; every call is signed by its own actor.
  const reader = o.hospitals[0]!;
  const ehrGateway = {
    name: 'ehr-gateway',
    module: moduleOf('hospital-node', 'ehr-gateway/main.js'),
    configFile: writeJson(join(paths.ehrGateway, 'config.json'), {
      stateDir: paths.ehrGateway,
      hospitals: o.hospitals.map((nodeId) => ({
        nodeId,
        mspId: mspOf(nodeId),
        log: paths.log(nodeId),
        actorsFile: join(paths.hospital(nodeId), 'actors.jsonl'),
        identitiesDir: join(paths.ehrGateway, 'identities', nodeId),
      })),
      liveFromMs: o.liveFromMs,
      replay: true,
      fabric: {
        ...gateway(reader),
        mspId: mspOf(reader),
        cert: join(paths.hospital(reader), 'identity', 'cert.pem'),
        key: join(paths.hospital(reader), 'identity', 'key.pem'),
      },
    }),
  };
  return { orchestrator, hospitals, ehrGateway };
}

export function orchestratorConfigFile(paths: StatePaths): string {
  return join(paths.orchestrator, 'config.json');
}

function nodeConfigFile(paths: StatePaths, nodeId: string): string {
  return join(paths.hospital(nodeId), 'config.json');
}
