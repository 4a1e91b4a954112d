/**
 * Who runs what, where: a pure function of a network's directory and its few options.
 *
 * Each hospital is two organisations, because Fabric's node OUs keep orderers and peers apart: `H1MSP` (one peer, one
 * chaincode server a chaincode, people) and `H1OrdererMSP` (one consenter). `OpsMSP` is the orchestrator's: it has no peer,
 * and stands in the Application section, since who is only an orderer may neither propose nor listen.
 * @module
 */
import { join } from 'node:path';
import { NetworkError } from './errors.js';

export const HOST = '127.0.0.1';

export interface NetworkOptions {
  /** Home of keys, configurations, ledgers and logs; absolute. */
  readonly dir: string;
  /** BFT: 4 to 8 (3f + 1 consenters tolerate f); Raft: 1 to 8. */
  readonly hospitalCount: number;
  readonly ordering: 'bft' | 'raft';
  /** First port; each hospital takes the next twenty. */
  readonly portBase: number;
  readonly batch: { readonly timeoutMs: number; readonly messagesMax: number };
}

export interface Organisation {
  readonly mspId: string;
  readonly domain: string;
  /** What cryptogen made for it. */
  readonly dir: string;
  readonly caDir: string;
  readonly tlsCaDir: string;
  readonly tlsRootFile: string;
  /** MSP folder of its administrator. */
  readonly adminMsp: string;
}

export interface Hospital extends Organisation {
  /** 1 … */
  readonly number: number;
  /** `H1` … */
  readonly nodeId: string;
  readonly peer: {
    readonly name: string;
    readonly dir: string;
    readonly cryptoDir: string;
    readonly port: number;
    readonly chaincodePort: number;
    readonly operationsPort: number;
  };
  readonly orderer: Organisation & {
    readonly name: string;
    readonly nodeDir: string;
    readonly cryptoDir: string;
    readonly port: number;
    readonly adminPort: number;
    readonly operationsPort: number;
    /** TLS client certificate for the channel participation service. */
    readonly adminTlsDir: string;
  };
}

export interface Topology extends NetworkOptions {
  readonly channel: string;
  readonly hospitals: readonly Hospital[];
  readonly ops: Organisation;
  /** Endorsements needed: ⌊N/2⌋ + 1. */
  readonly majority: number;
  readonly cryptoDir: string;
  readonly genesisBlock: string;
  readonly logDir: string;
}

const PORTS_PER_HOSPITAL = 20;
const FIRST_CHAINCODE_PORT = 6;
/** Two ports each: the server's and its metrics'. */
export const CHAINCODES_MAX: number = (PORTS_PER_HOSPITAL - FIRST_CHAINCODE_PORT) / 2;

/** @throws {NetworkError} `ERR_NETWORK_OPTION` naming the option, what came and what was expected */
export function topologyOf(options: NetworkOptions): Topology {
  checkOptions(options);
  const { dir, hospitalCount } = options;
  const cryptoDir = join(dir, 'crypto');
  const numbers = Array.from({ length: hospitalCount }, (_, index) => index + 1);
  return {
    ...options,
    channel: 'consortium',
    hospitals: numbers.map((number) => hospitalOf(number, options, cryptoDir)),
    ops: peerOrganisation('OpsMSP', 'ops.test', cryptoDir),
    majority: Math.floor(hospitalCount / 2) + 1,
    cryptoDir,
    genesisBlock: join(dir, 'genesis.block'),
    logDir: join(dir, 'log'),
  };
}

/** Ports of the chaincode server of `hospital` for the chaincode with this place in the list of chaincodes. */
export function chaincodePorts(
  topology: Topology,
  hospital: Hospital,
  index: number,
): { readonly server: number; readonly metrics: number } {
  const first = firstPort(topology, hospital.number) + FIRST_CHAINCODE_PORT + 2 * index;
  return { server: first, metrics: first + 1 };
}

/** Every port that a process of this network may bind, whatever chaincodes it has. */
export function hospitalPorts(topology: Topology): number[] {
  return topology.hospitals.flatMap(({ number }) =>
    Array.from({ length: PORTS_PER_HOSPITAL }, (_, index) => firstPort(topology, number) + index),
  );
}

function hospitalOf(number: number, options: NetworkOptions, cryptoDir: string): Hospital {
  const first = firstPort(options, number);
  const domain = `h${number}.test`;
  const organisation = peerOrganisation(`H${number}MSP`, domain, cryptoDir);
  const ordererDomain = `orderer.${domain}`;
  const ordererDir = join(cryptoDir, 'ordererOrganizations', ordererDomain);
  return {
    ...organisation,
    number,
    nodeId: `H${number}`,
    peer: {
      name: `peer${number}`,
      dir: join(options.dir, `peer${number}`),
      cryptoDir: join(organisation.dir, 'peers', `peer0.${domain}`),
      port: first + 3,
      chaincodePort: first + 4,
      operationsPort: first + 5,
    },
    orderer: {
      ...organisationOf(`H${number}OrdererMSP`, ordererDomain, ordererDir),
      name: `orderer${number}`,
      nodeDir: join(options.dir, `orderer${number}`),
      cryptoDir: join(ordererDir, 'orderers', `node.${ordererDomain}`),
      port: first,
      adminPort: first + 1,
      operationsPort: first + 2,
      adminTlsDir: join(ordererDir, 'users', `Admin@${ordererDomain}`, 'tls'),
    },
  };
}

function peerOrganisation(mspId: string, domain: string, cryptoDir: string): Organisation {
  return organisationOf(mspId, domain, join(cryptoDir, 'peerOrganizations', domain));
}

function organisationOf(mspId: string, domain: string, dir: string): Organisation {
  const tlsCaDir = join(dir, 'tlsca');
  return {
    mspId,
    domain,
    dir,
    caDir: join(dir, 'ca'),
    tlsCaDir,
    tlsRootFile: join(tlsCaDir, `tlsca.${domain}-cert.pem`),
    adminMsp: join(dir, 'users', `Admin@${domain}`, 'msp'),
  };
}

function firstPort({ portBase }: Pick<NetworkOptions, 'portBase'>, number: number): number {
  return portBase + PORTS_PER_HOSPITAL * (number - 1);
}

function checkOptions({ hospitalCount, ordering, portBase, batch }: NetworkOptions): void {
  const least = ordering === 'bft' ? 4 : 1;
  inRange('hospitalCount', hospitalCount, least, 8, 'hospitals; fewer than 4 need raft');
  inRange('portBase', portBase, 1024, 65_535 - PORTS_PER_HOSPITAL * hospitalCount, 'as first port');
  inRange('batch.timeoutMs', batch.timeoutMs, 1, 60_000, 'ms');
  inRange('batch.messagesMax', batch.messagesMax, 1, 10_000, 'transactions a block');
}

function inRange(name: string, got: number, low: number, high: number, what: string): void {
  if (Number.isSafeInteger(got) && got >= low && got <= high) return;
  throw new NetworkError(
    'ERR_NETWORK_OPTION',
    `${name}: expected a whole number from ${low} to ${high} (${what}), got ${got}`,
    { option: name, got },
  );
}
