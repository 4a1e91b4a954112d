/**
 * A chaincode as this network knows it: a name, a place for its servers, and how to start one.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chaincodePackage } from './chaincode-package.js';
import { chaincodeTlsOf, type ChaincodeTls } from './crypto-material.js';
import { connectionsDir } from './node-configuration.js';
import { HOST, chaincodePorts, type Hospital, type Topology } from './topology.js';

export interface Chaincode {
  /** Letters, digits, `_`, `-`; also its label in the package. */
  readonly name: string;
  /** How a hospital's server is started; null if somebody else starts it at the place that `serverPlace` gives. */
  readonly program: ((place: ServerPlace) => Program) | null;
  /** A call that any client may make, at any time, and that writes nothing: as a transaction it shows readiness. */
  readonly probe: { readonly function: string; readonly args: readonly string[] };
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where one chaincode server listens, and as what. */
export interface ServerPlace {
  /** Unique in the network, e.g. `bhschain1`. */
  readonly processName: string;
  readonly hospital: Hospital;
  readonly packageId: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly tls: ChaincodeTls;
  /** A folder for its configuration. */
  readonly dir: string;
}

const SERVER = fileURLToPath(new URL('../server.js', import.meta.url));

/** The contracts of this room, each hospital with a process of its own. */
export const BHSCHAIN: Chaincode = {
  name: 'bhschain',
  program: (place) => ({
    command: process.execPath,
    args: [SERVER, '--config', writeServerConfiguration(place)],
  }),
  probe: { function: 'QuarantineContract:list', args: ['open', ''] },
};

export function serverPlace(
  topology: Topology,
  hospital: Hospital,
  chaincode: Pick<Chaincode, 'name'>,
  index: number,
): ServerPlace {
  const { server, metrics } = chaincodePorts(topology, hospital, index);
  return {
    processName: `${chaincode.name}${hospital.number}`,
    hospital,
    packageId: chaincodePackage(chaincode.name).id,
    port: server,
    metricsPort: metrics,
    tls: chaincodeTlsOf(hospital),
    dir: join(topology.dir, 'chaincode', `${chaincode.name}${hospital.number}`),
  };
}

/** Configuration of `dist/server.js` for this place. */
export function serverConfiguration({ packageId, port, metricsPort, tls }: ServerPlace): object {
  return {
    address: `${HOST}:${port}`,
    chaincodeId: packageId,
    metricsPort,
    tls: { cert: tls.serverCertFile, key: tls.serverKeyFile, clientCa: tls.rootFile },
  };
}

function writeServerConfiguration(place: ServerPlace): string {
  mkdirSync(place.dir, { recursive: true });
  const file = join(place.dir, 'server.json');
  writeFileSync(file, `${JSON.stringify(serverConfiguration(place), null, 2)}\n`);
  return file;
}

/** Tells the peer's builder where this hospital's server listens, and with which keys to dial it. */
export function writeConnection(name: string, { hospital, port, tls }: ServerPlace): void {
  const dir = connectionsDir(hospital);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const connection = {
    address: `${HOST}:${port}`,
    dial_timeout: '10s',
    tls_required: true,
    client_auth_required: true,
    client_key: readFileSync(tls.peerKeyFile, 'utf8'),
    client_cert: readFileSync(tls.peerCertFile, 'utf8'),
    root_cert: readFileSync(tls.rootFile, 'utf8'),
  };
  writeFileSync(join(dir, `${name}.json`), JSON.stringify(connection), { mode: 0o600 });
}
