/** Which ports a network binds, and that nobody else does. @module */
import { createServer, type Server } from 'node:net';
import type { Chaincode } from './chaincode.js';
import { NetworkError } from './errors.js';
import {
  HOST,
  chaincodePorts,
  hospitalPorts,
  topologyOf,
  type NetworkOptions,
  type Topology,
} from './topology.js';

/** Room for the largest network, and one port more: who holds the last one may use the others. */
const RANGE = 200;
const RANGES_FROM = 20_050;
/** Where Linux begins to hand out ports by itself. */
const RANGES_TO = 32_000;

/** Every port of the network, and the name of the process that binds it. */
export function portOwners(
  topology: Topology,
  chaincodes: readonly Pick<Chaincode, 'name'>[],
): Map<number, string> {
  const owners = new Map<number, string>();
  for (const hospital of topology.hospitals) {
    const { orderer, peer, number } = hospital;
    for (const port of [orderer.port, orderer.adminPort, orderer.operationsPort]) {
      owners.set(port, orderer.name);
    }
    for (const port of [peer.port, peer.chaincodePort, peer.operationsPort]) {
      owners.set(port, peer.name);
    }
    for (const [index, { name }] of chaincodes.entries()) {
      const { server, metrics } = chaincodePorts(topology, hospital, index);
      owners.set(server, `${name}${number}`).set(metrics, `${name}${number}`);
    }
  }
  return owners;
}

/** @throws {NetworkError} `ERR_NETWORK_PORT` naming a port that one of `toStart` wants and somebody has */
export async function requireFreePorts(
  owners: ReadonlyMap<number, string>,
  toStart: readonly string[],
): Promise<void> {
  for (const [port, owner] of owners) {
    if (!toStart.includes(owner) || (await isFree(port))) continue;
    throw new NetworkError(
      'ERR_NETWORK_PORT',
      `port ${port} on ${HOST}, wanted by ${owner}, is in use; stop what listens there, or make a network with another --port-base`,
      { port },
    );
  }
}

/**
 * A first port such that all ports of such a network are free now, and given to no other network that asks here, in this
 * process or another, for as long as this process lives: it holds a port of the range that no node binds.
 *
 * @throws {NetworkError} `ERR_NETWORK_PORT` if every range has a taken port
 */
export async function freePortBase(options: Omit<NetworkOptions, 'portBase'>): Promise<number> {
  for (let portBase = RANGES_FROM; portBase + RANGE <= RANGES_TO; portBase += RANGE) {
    const claim = await bind(portBase + RANGE - 1);
    if (claim === null) continue;
    const ports = hospitalPorts(topologyOf({ ...options, portBase }));
    const free = await Promise.all(ports.map((port) => isFree(port)));
    if (free.every(Boolean)) {
      claim.unref();
      return portBase;
    }
    await closed(claim);
  }
  throw new NetworkError('ERR_NETWORK_PORT', `no free range of ports below ${RANGES_TO}`, {
    from: RANGES_FROM,
  });
}

async function isFree(port: number): Promise<boolean> {
  const probe = await bind(port);
  if (probe === null) return false;
  await closed(probe);
  return true;
}

/** Null if it cannot be had. */
function bind(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(null));
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
