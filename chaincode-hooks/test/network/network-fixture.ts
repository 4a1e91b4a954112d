/**
 * A real Fabric network for the tests of ring 3, in a directory and on ports of its own; and the line that says why there is none.
 */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
import { issueIdentity, type KeyPairPem } from '../../src/embedded-peer/index.js';
import { actorOf } from '../../src/events.js';
import {
  BHSCHAIN,
  HOST,
  NetworkError,
  fabricBinaries,
  freePortBase,
  openNetwork,
  surroundings,
  type Chaincode,
  type FabricNetwork,
  type Hospital,
  type NetworkOptions,
} from '../../src/network/index.js';

/** The contract without judgement of the conformance suite, as a chaincode of a real network. */
export const PLAIN: Chaincode = {
  name: 'plain',
  program: ({ packageId, port, tls }) => ({
    command: process.execPath,
    args: [
      fileURLToPath(new URL('../embedded-peer/chaincode-process.mjs', import.meta.url)),
      ...[packageId, String(port), tls.serverCertFile, tls.serverKeyFile, tls.rootFile],
    ],
  }),
  probe: { function: 'Plain:noop', args: [] },
};

/** `dist/server.js`, so that a real network judges with what is shipped. */
export const GUARDED: Chaincode = {
  ...BHSCHAIN,
  program: (place) => {
    const program = BHSCHAIN.program!(place);
    const server = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
    return { ...program, args: [server, ...program.args.slice(1)] };
  },
};

/** True where a real network can be had; otherwise one line on standard error says how to get it. */
export async function fabricAvailable(): Promise<boolean> {
  try {
    await fabricBinaries(surroundings());
    return true;
  } catch (error) {
    if (!(error instanceof NetworkError) || process.env['REQUIRE_ALL'] === '1') throw error;
    process.stderr.write(`skipped, no Fabric network: ${error.code}: ${error.message}\n`);
    return false;
  }
}

export interface TestNetwork extends AsyncDisposable {
  readonly fabric: FabricNetwork;
  readonly hospitals: readonly Hospital[];
  /** A person with a certificate and a connection to the gateway of `through`, her own hospital's when absent. */
  person(
    mspId: string,
    attributes?: Readonly<Record<string, string>>,
    through?: Hospital,
  ): TestPerson;
  /** Somebody with a certificate that this network's people-issuing roots did not sign. */
  stranger(mspId: string, certificatePem: string, privateKeyPem: string): TestPerson;
  close(): Promise<void>;
}

export interface TestPerson {
  readonly mspId: string;
  readonly actor: string;
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
}

/** Below the time that vitest gives a hook: whoever is late must still take down what runs. */
const UP_TIMEOUT_MS = 220_000;

export async function startNetwork(
  chaincodes: readonly Chaincode[],
  options: Partial<Pick<NetworkOptions, 'hospitalCount' | 'ordering' | 'batch'>> = {},
): Promise<TestNetwork> {
  const around = surroundings();
  const dir = mkdtempSync(join(tmpdir(), 'fabric-network-'));
  const wanted = {
    dir,
    hospitalCount: 5,
    ordering: 'bft',
    batch: { timeoutMs: 50, messagesMax: 200 },
    ...options,
  } as const;
  const portBase = await freePortBase(wanted);
  const fabric = await openNetwork({ ...wanted, portBase }, await fabricBinaries(around), around);
  const open: { gateway: Gateway; client: grpc.Client }[] = [];
  const close = async (): Promise<void> => {
    for (const { gateway, client } of open) {
      gateway.close();
      client.close();
    }
    await fabric.down();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await fabric.up({ chaincodes, signal: AbortSignal.timeout(UP_TIMEOUT_MS) });
  } catch (error) {
    await close();
    throw error;
  }
  const { hospitals, channel } = fabric.topology;
  let people = 0;
  const connectAs = (
    mspId: string,
    { certificatePem, privateKeyPem }: KeyPairPem,
    through?: Hospital,
  ): TestPerson => {
    const own = hospitals.find((hospital) => hospital.mspId === mspId);
    const { peer, tlsRootFile } = through ?? own ?? hospitals[0]!;
    const client = new grpc.Client(
      `${HOST}:${peer.port}`,
      grpc.credentials.createSsl(readFileSync(tlsRootFile)),
      {
        'grpc.ssl_target_name_override': 'localhost',
        // A peer that is started again is dialled within a second or two, however long it was away.
        'grpc.max_reconnect_backoff_ms': 2_000,
      },
    );
    const within = (ms: number) => () => ({ deadline: Date.now() + ms });
    const gateway = connect({
      client,
      identity: { mspId, credentials: Buffer.from(certificatePem) },
      signer: signers.newPrivateKeySigner(createPrivateKey(privateKeyPem)),
      hash: hash.sha256,
      evaluateOptions: within(10_000),
      endorseOptions: within(20_000),
      submitOptions: within(15_000),
      commitStatusOptions: within(30_000),
    });
    open.push({ gateway, client });
    const network = gateway.getNetwork(channel);
    return {
      mspId,
      actor: actorOf(mspId, certificatePem),
      gateway,
      network,
      contract: network.getContract(chaincodes[0]!.name),
    };
  };
  return {
    fabric,
    hospitals,
    person(mspId, attributes = {}, through) {
      const identity = issueIdentity({
        authority: fabric.authority(mspId),
        commonName: `person-${++people}`,
        attributes,
      });
      return connectAs(mspId, identity, through);
    },
    stranger: (mspId, certificatePem, privateKeyPem) =>
      connectAs(mspId, { certificatePem, privateKeyPem }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
