/**
 * The embedded peer: one process that endorses for every active hospital, orders, validates, commits and serves – a
 * development ledger. Real chaincode streams inside, the real Gateway and Deliver services outside.
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { gateway as gatewayProtos } from '@hyperledger/fabric-protos';
import { createAccess } from './access.js';
import { openChaincodeStream } from './chaincode-stream.js';
import type { ChannelConfiguration } from './channel-configuration.js';
import { deliverDefinition, deliverService } from './deliver-service.js';
import { createEndorser } from './endorser.js';
import { LedgerConfigError, LedgerListenError } from './errors.js';
import { Gateway } from './gateway.js';
import { gatewayService } from './gateway-service.js';
import { Ledger } from './ledger.js';
import { createMembership, type Membership } from './membership.js';
import { serializeIdentity } from './messages.js';
import {
  DEFAULT_BATCH,
  SILENT_LOG,
  type EmbeddedPeerOptions,
  type Faults,
  type HospitalOptions,
} from './options.js';
import { Orderer } from './orderer.js';

/** How the ledger says what it is, wherever it shows. */
export const BANNER = 'development ledger: no consensus, one process orders and commits';

export interface EmbeddedPeerStatus {
  readonly kind: 'development ledger';
  readonly height: number;
  readonly transactions: number;
  readonly endorsers: readonly { mspId: string; address: string; ready: boolean }[];
  /** Chaincode processes behind the endorsers: with fewer than endorsers, several endorsements are one brain. */
  readonly chaincodeServers: number;
  /** Why nothing is ordered any more; `null` while all is well. */
  readonly failure: string | null;
}

export interface EmbeddedPeer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly faults: Faults;
  height(): number;
  status(): EmbeddedPeerStatus;
  /** Resolves when all endorsers have their chaincode. */
  chaincodeReady(): Promise<void>;
  /** Orders what was submitted, ends all streams, releases the directory. */
  close(): Promise<void>;
}

const MESSAGE_BYTES_MAX = 100 * 1024 * 1024;
const TRANSACTIONS_MAX = 1_000_000;
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const EXECUTE_TIMEOUT_MS = 30_000;
const CHAINCODE_WAIT_MS = 1_000;

/**
 * Opens the ledger and serves it.
 * @throws {LedgerConfigError} `ERR_LEDGER_CONFIG` impossible policy, an active hospital without chaincode, a bad key
 * @throws {LedgerLockedError} `ERR_LEDGER_LOCKED` another process has the directory open
 * @throws {BlockCorruptError} `ERR_BLOCK_CORRUPT` a block file was damaged
 * @throws {LedgerListenError} `ERR_LEDGER_LISTEN` the port is taken
 */
export async function createEmbeddedPeer(options: EmbeddedPeerOptions): Promise<EmbeddedPeer> {
  const { channel, chaincode, nowMs } = options;
  const log = options.log ?? SILENT_LOG;
  const batch = { ...DEFAULT_BATCH, ...options.batch };
  const active = options.hospitals.filter((hospital) => hospital.active);
  const configuration = configurationOf(options, active);
  const membership = membershipOf(options);
  for (const hospital of active) checkPeerIdentity(hospital, membership);
  let streams = streamController();
  let stalled = false;
  const faults: Faults = {
    heightLag: new Map(),
    paused: new Set(),
    submitAnswersLost: false,
    get orderingStalled() {
      return stalled;
    },
    set orderingStalled(value) {
      stalled = value;
      orderer.reconsider();
    },
    cutStreams() {
      streams.abort();
      streams = streamController();
    },
  };
  const ledger = await Ledger.open({
    dir: options.blocksDir,
    configuration,
    membership,
    segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES_MAX,
    transactionsMax: options.transactionsMax ?? TRANSACTIONS_MAX,
    log,
  });
  const access = createAccess({ channel, membership, nowMs });
  const chaincodes = active.map((hospital) =>
    openChaincodeStream({
      address: hospital.chaincodeAddress,
      packageId: chaincode.packageId,
      tls: hospital.chaincodeTls,
      executeTimeoutMs: options.executeTimeoutMs ?? EXECUTE_TIMEOUT_MS,
      waitMs: options.chaincodeWaitMs ?? CHAINCODE_WAIT_MS,
      history: (key) => ledger.history(key),
      log,
    }),
  );
  const endorsers = active.map((hospital, index) =>
    createEndorser({
      hospital,
      chaincode: chaincode.name,
      stream: chaincodes[index]!,
      state: ledger.state,
      faults,
    }),
  );
  const orderer: Orderer = new Orderer({
    batch,
    expectsMore: () => gateway.endorsingCount > 0,
    commit: (envelopes) => ledger.commit(envelopes),
    nowMs,
    faults,
    log,
  });
  let port = 0;
  const gateway: Gateway = new Gateway({
    channel,
    chaincode: chaincode.name,
    outOf: configuration.outOf,
    address: () => `${options.listen.host}:${port}`,
    access,
    endorsers,
    ledger,
    orderer,
    faults,
  });

  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.so_reuseport': 0,
  });
  const services = { access, channel, gateway, ledger, log, streamEnd: () => streams.signal };
  server.addService(gatewayProtos.GatewayService, gatewayService(services));
  server.addService(deliverDefinition, deliverService(services));

  let closed: Promise<void> | null = null;
  async function close(): Promise<void> {
    await orderer.close();
    streams.abort();
    await new Promise<void>((resolve) => {
      const impatient = setTimeout(() => server.forceShutdown(), 500);
      server.tryShutdown(() => {
        clearTimeout(impatient);
        resolve();
      });
    });
    for (const stream of chaincodes) stream.close();
    ledger.close();
  }

  try {
    port = await listen(server, options);
  } catch (error) {
    for (const stream of chaincodes) stream.close();
    ledger.close();
    throw error;
  }
  log.info({ port, height: ledger.height }, BANNER);
  const chaincodeServers = new Set(active.map(({ chaincodeAddress }) => chaincodeAddress)).size;
  if (chaincodeServers < active.length) {
    log.warn({ chaincodeServers, endorsers: active.length }, 'endorsers share chaincode processes');
  }
  return {
    host: options.listen.host,
    port,
    faults,
    height: () => ledger.height,
    status: () => ({
      kind: 'development ledger',
      height: ledger.height,
      transactions: ledger.transactionCount,
      endorsers: endorsers.map(({ mspId, address, ready }) => ({ mspId, address, ready })),
      chaincodeServers,
      failure: orderer.failure?.message ?? null,
    }),
    async chaincodeReady() {
      await Promise.all(chaincodes.map((stream) => stream.whenReady()));
    },
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

function listen(server: Server, options: EmbeddedPeerOptions): Promise<number> {
  const address = `${options.listen.host}:${options.listen.port}`;
  const keyPair = {
    private_key: Buffer.from(options.tls.privateKeyPem),
    cert_chain: Buffer.from(options.tls.certificatePem),
  };
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createSsl(null, [keyPair]), (cause, port) => {
      if (cause === null) resolve(port);
      else reject(new LedgerListenError({ address, cause }));
    });
  });
}

function membershipOf(options: EmbeddedPeerOptions): Membership {
  const clients = options.clientOrganisations.map((one) => ({ ...one, active: true }));
  return createMembership([...options.hospitals, ...clients]);
}

/** An endorser that nobody believes would make every transaction invalid: better said at start. */
function checkPeerIdentity(hospital: HospitalOptions, membership: Membership): void {
  const { mspId, peer } = hospital;
  const refuse = (got: string, cause?: unknown): never => {
    const expected = 'a key and its certificate with OU peer, signed by the root';
    throw new LedgerConfigError({ key: `peer of ${mspId}`, got, expected, cause });
  };
  try {
    const { role } = membership.memberOf(serializeIdentity(mspId, peer.certificatePem));
    if (role !== 'peer') refuse(`OU ${role}`);
    const certificate = new X509Certificate(peer.certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(peer.privateKeyPem))) {
      refuse('the key of another certificate');
    }
  } catch (error) {
    if (error instanceof LedgerConfigError) throw error;
    refuse(error instanceof Error ? error.message : String(error), error);
  }
}

function configurationOf(
  options: EmbeddedPeerOptions,
  active: readonly HospitalOptions[],
): ChannelConfiguration {
  const { outOf } = options.policy;
  if (!Number.isInteger(outOf) || outOf < 1 || outOf > active.length) {
    throw new LedgerConfigError({
      key: 'policy.outOf',
      got: String(outOf),
      expected: `an integer from 1 to ${active.length}, the number of active hospitals`,
    });
  }
  const names = [...options.hospitals, ...options.clientOrganisations].map(({ mspId }) => mspId);
  const twice = names.find((mspId, index) => names.indexOf(mspId) !== index);
  if (twice !== undefined) {
    throw new LedgerConfigError({
      key: 'organisations',
      got: `${twice} twice`,
      expected: 'different MSP ids',
    });
  }
  for (const { mspId, chaincodeAddress } of active) {
    if (!/^.+:\d+$/.test(chaincodeAddress)) {
      throw new LedgerConfigError({
        key: `chaincodeAddress of ${mspId}`,
        got: chaincodeAddress === '' ? 'nothing' : chaincodeAddress,
        expected: 'host:port',
      });
    }
  }
  return {
    channel: options.channel,
    chaincode: options.chaincode.name,
    members: [
      ...active.map(({ mspId, rootPem }) => ({ mspId, rootPem, endorses: true })),
      ...options.clientOrganisations.map(({ mspId, rootPem }) => ({
        mspId,
        rootPem,
        endorses: false,
      })),
    ],
    outOf,
  };
}

/** One listener for every open stream and every waiting status: the usual limit of ten is no sign of a leak here. */
function streamController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
