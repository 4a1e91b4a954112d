/**
 * A ledger for tests: a fresh consortium in a temporary folder, real chaincode processes, the embedded peer in this
 * process. `LedgerUnderTest` is all that the conformance suite knows, so that it can be pointed at a real network.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import {
  connect,
  hash,
  signers,
  type Contract,
  type Gateway,
  type Network,
} from '@hyperledger/fabric-gateway';
import {
  createEmbeddedPeer,
  issueIdentity,
  ledgerConfigOf,
  loadLedgerConfig,
  provisionConsortium,
  type Consortium,
  type EmbeddedPeer,
  type EmbeddedPeerOptions,
  type KeyPairPem,
} from '../../src/embedded-peer/index.js';

export const CHANNEL = 'consortium';
export const CHAINCODE = 'plain';
const PACKAGE_ID = 'plain:1';

/** What a client needs to know of a ledger, ours or a real one. */
export interface LedgerUnderTest {
  readonly endpoint: string;
  readonly tlsRoot: Buffer;
  readonly channel: string;
  readonly chaincode: string;
  /** Organisations with an endorser, at least two. */
  readonly mspIds: readonly string[];
  /** A client identity with the attribute `role`. */
  identity(mspId: string, role?: string): KeyPairPem;
  close(): Promise<void>;
}

export interface TestClient {
  readonly client: grpc.Client;
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
  close(): void;
}

export function openClient(
  ledger: LedgerUnderTest,
  mspId: string,
  identity: KeyPairPem,
): TestClient {
  const client = new grpc.Client(ledger.endpoint, grpc.credentials.createSsl(ledger.tlsRoot));
  const deadline = (ms: number) => () => ({ deadline: Date.now() + ms });
  const gateway = connect({
    client,
    identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
    signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
    hash: hash.sha256,
    evaluateOptions: deadline(10_000),
    endorseOptions: deadline(20_000),
    submitOptions: deadline(15_000),
    commitStatusOptions: deadline(30_000),
  });
  const network = gateway.getNetwork(ledger.channel);
  return {
    client,
    gateway,
    network,
    contract: network.getContract(ledger.chaincode, 'Plain'),
    close() {
      gateway.close();
      client.close();
    },
  };
}

export interface ChaincodeProcess {
  readonly address: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** `port` lets a stopped server come back where its endorser expects it. */
export async function startChaincode(
  options: { packageId?: string; port?: number; tls?: readonly [string, string, string] } = {},
): Promise<ChaincodeProcess> {
  const script = fileURLToPath(new URL('chaincode-process.mjs', import.meta.url));
  const args = [options.packageId ?? PACKAGE_ID, String(options.port ?? 0), ...(options.tls ?? [])];
  const child = fork(script, args, { execArgv: ['--no-deprecation'] });
  const [ready] = (await once(child, 'message')) as [{ address: string }];
  return {
    address: ready.address,
    process: child,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

export interface EmbeddedLedgerOptions {
  /** Active hospitals; each gets a chaincode process of its own. */
  readonly active?: number;
  readonly outOf?: number;
  readonly peer?: Partial<EmbeddedPeerOptions>;
}

export interface EmbeddedLedger extends LedgerUnderTest {
  readonly dir: string;
  readonly blocksDir: string;
  readonly consortium: Consortium;
  readonly peer: EmbeddedPeer;
  readonly chaincodes: readonly ChaincodeProcess[];
  /** Stops the peer and opens it again on the same blocks, with other options if given. */
  reopen(options?: Partial<EmbeddedPeerOptions>): Promise<void>;
  stopPeer(): Promise<void>;
}

export async function startEmbeddedLedger(
  options: EmbeddedLedgerOptions = {},
): Promise<EmbeddedLedger> {
  const active = options.active ?? 2;
  const dir = mkdtempSync(join(tmpdir(), 'embedded-peer-'));
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const chaincodes = await Promise.all(Array.from({ length: active }, () => startChaincode()));
  const mspIds = consortium.hospitals.slice(0, active);
  const blocksDir = join(dir, 'blocks');
  const chaincodeAddresses = Object.fromEntries(
    mspIds.map((mspId, index) => [mspId, chaincodes[index]!.address]),
  );
  const configFile = join(dir, 'config.json');
  const config = ledgerConfigOf(consortium, {
    channel: CHANNEL,
    chaincode: { name: CHAINCODE, packageId: PACKAGE_ID },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir,
    chaincodeAddresses,
    outOf: options.outOf ?? Math.floor(active / 2) + 1,
  });
  writeFileSync(configFile, JSON.stringify(config));
  const open = async (more: Partial<EmbeddedPeerOptions> = {}): Promise<EmbeddedPeer> => {
    const opened = await createEmbeddedPeer({
      ...loadLedgerConfig(configFile),
      nowMs: () => Date.now(),
      ...options.peer,
      ...more,
    });
    return opened;
  };
  let peer = await open();
  await peer.chaincodeReady();
  let people = 0;
  return {
    dir,
    blocksDir,
    consortium,
    chaincodes,
    mspIds,
    channel: CHANNEL,
    chaincode: CHAINCODE,
    tlsRoot: readFileSync(consortium.tlsRootFile),
    get endpoint() {
      return `127.0.0.1:${peer.port}`;
    },
    get peer() {
      return peer;
    },
    identity(mspId, role = 'nurse') {
      const commonName = `person-${++people}`;
      const authority = consortium.authority(mspId);
      return issueIdentity({ authority, commonName, attributes: { role } });
    },
    async reopen(more) {
      await peer.close();
      peer = await open(more);
      if (more?.hospitals === undefined) await peer.chaincodeReady();
    },
    stopPeer: () => peer.close(),
    async close() {
      await peer.close();
      await Promise.all(chaincodes.map((chaincode) => chaincode.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Submits and waits; the result and where it went. */
export async function commit(
  contract: Contract,
  name: string,
  ...args: string[]
): Promise<{ code: number; result: string; txId: string; blockNumber: bigint }> {
  const transaction = await contract.newProposal(name, { arguments: args }).endorse();
  const submitted = await transaction.submit();
  const { code, blockNumber } = await submitted.getStatus();
  const txId = transaction.getTransactionId();
  return { code, result: text(transaction.getResult()), txId, blockNumber };
}

/** The error that `work` throws, or an assertion that it throws none. */
export async function failure<T extends Error = Error>(work: Promise<unknown>): Promise<T> {
  try {
    await work;
  } catch (error) {
    return error as T;
  }
  throw new Error('expected an error, got none');
}
