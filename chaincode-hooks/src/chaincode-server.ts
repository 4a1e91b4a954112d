/**
 * Runs the contracts as a chaincode server: the real fabric-shim service, timed from outside.
 *
 * What is measured here never flows back into a verdict.
 * @module
 */
import './shim-log.js'; // before the shim
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import net, { type AddressInfo } from 'node:net';

import { FUNCTION_POLICY } from '@bhschain/models/features';
import fabricContractApi from 'fabric-contract-api';
import type { ChaincodeInterface, ChaincodeResponse, ChaincodeStub } from 'fabric-shim';

import { createJudges, type Judges } from './active-detector.js';
import { BUSINESS_FUNCTIONS } from './business-functions.js';
import { codeHash } from './code-hash.js';
import type { ServerConfig } from './config.js';
import { contractsOf, type ContractConstructor } from './contracts/index.js';
import { ChaincodeError } from './errors.js';
import type { GuardOptions } from './guard.js';
import { GOVERNANCE_POLICY } from './governance-policy.js';
import { createGuardMetrics, type GuardMetrics } from './metrics.js';
import { createSimulationLog, type SimulationLog } from './simulation-log.js';
import { createStateBatches, type PeerStream, type StateBatches } from './state-batches.js';

export interface ChaincodeServer extends AsyncDisposable {
  /** `host:port` that the peer dials. */
  readonly address: string;
  readonly metricsPort: number;
  /** Hex SHA-256 of the code that judges. */
  readonly codeHash: string;
  close(): Promise<void>;
}

/** The part of the contract runtime that turns contracts into a chaincode; not exported by name, so found by path. */
type ChaincodeFromContract = new (
  contracts: readonly unknown[],
  serializers: object,
  metadata?: object,
  title?: string,
  version?: string,
) => ChaincodeInterface;

/** The shim's gRPC service, found by path for the same reason; the wire calls `connect` for every peer that dials. */
type ShimServer = new (
  chaincode: ChaincodeInterface,
  options: object,
) => { start(): Promise<void>; connect(stream: PeerStream): void };

const TITLE = 'bhschain';
/** Asking the kernel for processor time can cost more than a judgement, so only one in so many is measured by it. */
const CPU_SAMPLE_EVERY = 128;
/** Hours of a busy hospital; a node asks every few minutes. */
const SIMULATIONS_MAX = 100_000;

/**
 * @param parts - other parts than the product's, for benchmarks
 * @throws {ChaincodeError} `ERR_SERVER_LISTEN` if a port cannot be had
 */
export async function startChaincodeServer(
  config: ServerConfig,
  parts: ChaincodeParts = {},
): Promise<ChaincodeServer> {
  const metrics = createGuardMetrics();
  const hash = codeHash();
  const simulations = createSimulationLog(SIMULATIONS_MAX);
  const batches = parts.batches === undefined ? createStateBatches() : parts.batches;
  const chaincode = createChaincode({ codeHash: hash, metrics, simulations, ...parts, batches });
  const address = await withPort(config.address);
  const shimServer = createShimServer(chaincode, batches, {
    ccid: config.chaincodeId,
    address,
    ...(config.tls === null
      ? {}
      : {
          tlsProps: {
            key: config.tls.key,
            cert: config.tls.cert,
            clientCACerts: config.tls.clientCa,
          },
        }),
  });
  await listening(address, () => shimServer.start());
  // The shim has no close(); its gRPC server is one field down.
  const shutdown = (): void =>
    (shimServer as unknown as { _server: { forceShutdown(): void } })._server.forceShutdown();
  let http: Server;
  try {
    http = await serveMetrics(metrics, simulations, config.metricsPort);
  } catch (error) {
    shutdown();
    throw error;
  }
  const close = async (): Promise<void> => {
    shutdown();
    await new Promise<void>((resolve) => {
      http.closeAllConnections();
      http.close(() => resolve());
    });
  };
  return {
    address,
    metricsPort: (http.address() as AddressInfo).port,
    codeHash: hash,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface ChaincodeParts {
  readonly judges?: Judges;
  /** Null: every read and write is a message of its own. */
  readonly batches?: StateBatches | null;
  readonly contracts?: (options: GuardOptions) => readonly ContractConstructor[];
}

/** The contracts as the shim wants them: an object with `Init` and `Invoke`. */
export function createChaincode(
  o: {
    readonly codeHash: string;
    readonly metrics: GuardMetrics;
    readonly simulations?: SimulationLog;
  } & ChaincodeParts,
): ChaincodeInterface {
  const require = createRequire(import.meta.url);
  const FromContract =
    require('fabric-shim/lib/contract-spi/chaincodefromcontract.js') as ChaincodeFromContract;
  let judgements = 0;
  const contracts = (o.contracts ?? contractsOf)({
    codeHash: o.codeHash,
    judges: o.judges ?? createJudges(),
    timeJudgement: (work) => {
      const measured = judgements++ % CPU_SAMPLE_EVERY === 0;
      const startCpu = measured ? process.cpuUsage() : null;
      const start = performance.now();
      const result = work();
      const seconds = (performance.now() - start) / 1000;
      const cpu = startCpu === null ? null : process.cpuUsage(startCpu);
      const cpuSeconds = cpu === null ? null : (cpu.user + cpu.system) / 1_000_000;
      o.metrics.observeJudgement({ seconds, cpuSeconds });
      return result;
    },
  });
  const runtime = new FromContract(
    [...contracts],
    {
      transaction: 'jsonSerializer',
      serializers: { jsonSerializer: fabricContractApi.JSONSerializer },
    },
    {},
    TITLE,
  );
  const inner = o.batches?.around(runtime) ?? runtime;
  return {
    Init: (stub) => inner.Init(stub),
    Invoke: async (stub) => {
      const start = performance.now();
      const response = await inner.Invoke(stub);
      const functionClass = classOf(stub);
      if (functionClass !== 'governance' && functionClass !== 'query') {
        const { fcn } = stub.getFunctionAndParameters();
        o.simulations?.note({
          txId: stub.getTxID(),
          function: functionClass === 'unknown' ? 'unknown' : fcn,
          atMs: stub.getTxTimestamp().seconds.toNumber() * 1000,
        });
      }
      o.metrics.observeCall({
        class: functionClass,
        disposition: dispositionOf(functionClass, response),
        seconds: (performance.now() - start) / 1000,
      });
      return response;
    },
  };
}

/** From a closed list, whatever the caller wrote. */
function classOf(stub: Pick<ChaincodeStub, 'getFunctionAndParameters'>): string {
  const { fcn } = stub.getFunctionAndParameters();
  if (fcn in BUSINESS_FUNCTIONS) return 'enforce';
  return GOVERNANCE_POLICY[fcn]?.class ?? FUNCTION_POLICY[fcn]?.class ?? 'unknown';
}

function dispositionOf(
  functionClass: string,
  response: ChaincodeResponse,
): 'allowed' | 'quarantined' | 'refused' | 'answered' {
  if (response.status >= 400) return 'refused';
  if (functionClass === 'governance' || functionClass === 'query') return 'answered';
  // A call of an unknown function is recorded and gets an empty reply.
  const reply = Buffer.from(response.payload ?? []).toString('utf8');
  return reply === '' || reply.startsWith('{"disposition":"quarantined"')
    ? 'quarantined'
    : 'allowed';
}

/** The shim's server, with the batches listening on each stream before the shim does. */
function createShimServer(
  chaincode: ChaincodeInterface,
  batches: StateBatches | null,
  options: object,
): InstanceType<ShimServer> {
  const require = createRequire(import.meta.url);
  const Server = require('fabric-shim/lib/server.js') as ShimServer;
  return new (class extends Server {
    override connect(stream: PeerStream): void {
      batches?.listen(stream);
      super.connect(stream);
    }
  })(chaincode, options);
}

/** `/metrics`, and `/simulations?after=N` for the hospital's own node; on loopback only. */
async function serveMetrics(
  metrics: GuardMetrics,
  simulations: SimulationLog,
  port: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    const after = /^\/simulations\?after=(?<after>[0-9]{1,15})$/.exec(request.url ?? '')?.groups
      ?.after;
    if (after !== undefined) {
      const page = JSON.stringify(simulations.after(Number(after)));
      response.writeHead(200, { 'content-type': 'application/json' }).end(page);
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    void metrics.registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text);
    });
  });
  await listening(`127.0.0.1:${port}`, () => {
    server.listen(port, '127.0.0.1');
    return once(server, 'listening');
  });
  return server;
}

async function listening(address: string, start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (cause) {
    throw new ChaincodeError(
      'ERR_SERVER_LISTEN',
      `${address}: cannot listen, is it in use?`,
      { address },
      { cause },
    );
  }
}

/** The shim does not tell which port it got for 0, so a free one is looked for first. */
async function withPort(address: string): Promise<string> {
  const at = address.lastIndexOf(':');
  if (address.slice(at + 1) !== '0') return address;
  const host = address.slice(0, at);
  const probe = net.createServer();
  await listening(address, async () => {
    probe.listen(0, host);
    await once(probe, 'listening');
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return `${host}:${port}`;
}
