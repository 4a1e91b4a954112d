/**
 * The node's one door to a Fabric channel: several gateways, deadlines, typed errors, one submission to its end.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  walkProcessedTransaction,
  type DecodedTransaction,
} from '@bhschain/chaincode-hooks/events';
import * as grpc from '@grpc/grpc-js';
import { connect, hash, type Gateway } from '@hyperledger/fabric-gateway';
import { common, gateway as gatewayProtos, msp, peer } from '@hyperledger/fabric-protos';
import type { RandomUnit } from './backoff.js';
import { FabricError, GatewayUnavailableError } from './errors.js';
import { errorOf, failureOf } from './failure.js';
import type { FabricIdentity } from './identity.js';
import { createSemaphore } from './semaphore.js';
import {
  runSubmission,
  type CommitFact,
  type RetryCause,
  type SubmissionPort,
  type SubmitOutcome,
} from './submission.js';

export interface FabricOptions {
  /** `host:port`, the own organisation's peer first; any Application identity may use any of them. */
  readonly endpoints: readonly string[];
  /** PEM of the root that signed the gateways' TLS certificates. */
  readonly tlsRootPem: string;
  readonly channel: string;
  readonly chaincode: string;
  /** Signs what is called without an identity of its own. */
  readonly identity: FabricIdentity;
  readonly now: () => number;
  readonly random: RandomUnit;
  readonly deadlines?: Partial<Deadlines>;
  /** Calls in flight at once; below the peers' `gatewayService` limit of 500. */
  readonly inFlightMax?: number;
  readonly onRetry?: (cause: RetryCause) => void;
}

/** All in milliseconds. */
export interface Deadlines {
  readonly readyMs: number;
  readonly evaluateMs: number;
  readonly endorseMs: number;
  readonly submitMs: number;
  readonly statusMs: number;
  readonly startingMs: number;
  readonly unknownMs: number;
}

const DEADLINES: Deadlines = {
  readyMs: 30_000,
  evaluateMs: 5_000,
  endorseMs: 15_000,
  submitMs: 10_000,
  statusMs: 30_000,
  startingMs: 30_000,
  unknownMs: 210_000,
};

export interface CallOptions {
  readonly identity?: FabricIdentity;
}

export interface SubmitOptions extends CallOptions {
  /** Awaited with each transaction id before its envelope is sent, so that it can be written down first. */
  readonly beforeSend?: (transactionId: string) => void | Promise<void>;
}

/**
 * A development ledger has no consensus, so every screen says which one it shows. The embedded peer names itself in its
 * TLS root, which is the one thing that every client of it must have.
 */
export type LedgerKind = 'development ledger' | 'Fabric';

export interface ChainInfo {
  readonly height: bigint;
  readonly currentBlockHash: string;
}

export interface BlockSource extends AsyncIterable<common.Block> {
  close(): void;
}

export interface FabricConnection extends AsyncDisposable {
  readonly channel: string;
  readonly chaincode: string;
  readonly kind: LedgerKind;
  /** Reads; `fn` is `Contract:function`, or a function of another chaincode as `chaincode/function`. Nothing is ordered. */
  evaluate(fn: string, args: readonly Argument[], o?: CallOptions): Promise<Uint8Array>;
  /** Submits and waits for the commit. Resolves with code 0 only; everything else is a typed error. */
  submit(fn: string, args: readonly Argument[], o?: SubmitOptions): Promise<SubmitOutcome>;
  /** What became of an id: its validation code, or null if no gateway has it. */
  lookup(transactionId: string): Promise<CommitFact | null>;
  /** The whole transaction, or null if no gateway has it. */
  transaction(transactionId: string): Promise<DecodedTransaction | null>;
  chainInfo(): Promise<ChainInfo>;
  /** Committed blocks from `startBlock` on, without end and without recovery (the follower reconnects). */
  openBlocks(startBlock: bigint): Promise<BlockSource>;
  /** The next call begins at the next gateway. */
  switchGateway(): void;
  close(): Promise<void>;
}

export type Argument = string | Uint8Array;

export async function connectFabric(options: FabricOptions): Promise<FabricConnection> {
  check(options);
  const deadlines = { ...DEADLINES, ...options.deadlines };
  const credentials = grpc.credentials.createSsl(Buffer.from(options.tlsRootPem));
  const clients = options.endpoints.map(
    (endpoint) => new grpc.Client(endpoint, credentials, { 'grpc.keepalive_time_ms': 60_000 }),
  );
  const connection = new Connection(options, deadlines, clients);
  try {
    await connection.ready();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

function check(options: FabricOptions): void {
  const refuse = (name: string, got: unknown, expected: string): never => {
    throw new FabricError(
      'ERR_FABRIC_OPTIONS',
      `${name}: expected ${expected}, got ${JSON.stringify(got)}`,
    );
  };
  if (options.endpoints.length === 0) refuse('endpoints', options.endpoints, 'at least one');
  for (const endpoint of options.endpoints) {
    if (!/^[^\s:/]+:\d{1,5}$/.test(endpoint)) refuse('endpoints', endpoint, 'host:port');
  }
  if (!options.tlsRootPem.includes('BEGIN CERTIFICATE')) {
    refuse('tlsRootPem', options.tlsRootPem.slice(0, 30), 'a PEM certificate');
  }
  if (options.channel === '') refuse('channel', '', 'a channel name');
  if (options.chaincode === '') refuse('chaincode', '', 'a chaincode name');
}

function ledgerKindOf(tlsRootPem: string): LedgerKind {
  try {
    const { subject } = new X509Certificate(tlsRootPem);
    return /^O=development ledger\b/m.test(subject) ? 'development ledger' : 'Fabric';
  } catch (cause) {
    throw new FabricError(
      'ERR_FABRIC_OPTIONS',
      'tlsRootPem: expected a PEM certificate that can be read',
      cause,
    );
  }
}

class Connection implements FabricConnection {
  readonly channel: string;
  readonly chaincode: string;
  readonly kind: LedgerKind;
  readonly #options: FabricOptions;
  readonly #deadlines: Deadlines;
  readonly #clients: readonly grpc.Client[];
  readonly #gateways: readonly WeakMap<FabricIdentity, Gateway>[];
  readonly #inFlight;
  readonly #open = new Set<BlockSource>();
  #current = 0;
  #closed = false;

  constructor(options: FabricOptions, deadlines: Deadlines, clients: readonly grpc.Client[]) {
    this.#options = options;
    this.#deadlines = deadlines;
    this.#clients = clients;
    this.#gateways = clients.map(() => new WeakMap<FabricIdentity, Gateway>());
    this.#inFlight = createSemaphore(options.inFlightMax ?? 200);
    this.channel = options.channel;
    this.chaincode = options.chaincode;
    this.kind = ledgerKindOf(options.tlsRootPem);
  }

  /** One gateway is enough to begin with; it becomes the current one. */
  async ready(): Promise<void> {
    const deadline = this.#options.now() + this.#deadlines.readyMs;
    const firsts = this.#clients.map(
      (client, index) =>
        new Promise<number>((resolve, reject) => {
          client.waitForReady(deadline, (error) => {
            if (error === undefined) resolve(index);
            else reject(error);
          });
        }),
    );
    // The own peer is first in the list; another one is taken only when it is ready clearly earlier.
    const preferred = firsts.map(async (ready, index) => {
      const winner = await ready;
      if (index > 0) await delay(500, undefined, { ref: false });
      return winner;
    });
    try {
      this.#current = await Promise.any(preferred);
    } catch (cause) {
      throw new GatewayUnavailableError({
        endpoints: this.#options.endpoints,
        detail: `not ready within ${this.#deadlines.readyMs} ms`,
        cause,
      });
    }
  }

  async evaluate(fn: string, args: readonly Argument[], o: CallOptions = {}): Promise<Uint8Array> {
    let last: unknown;
    let detail = '';
    for (let tries = 0; tries <= this.#clients.length; tries += 1) {
      const endpoint = this.#current;
      const contract = this.#contract(endpoint, o.identity ?? this.#options.identity, fn);
      try {
        return await this.#inFlight.run(() =>
          contract.contract
            .newProposal(contract.name, { arguments: [...args] })
            .evaluate(this.#within(this.#deadlines.evaluateMs)),
        );
      } catch (error) {
        const failure = failureOf(error);
        if (failure.kind !== 'unreachable') throw errorOf(failure, error);
        last = error;
        detail = failure.detail;
        this.switchGateway();
      }
    }
    throw new GatewayUnavailableError({
      endpoints: this.#options.endpoints,
      detail,
      cause: last,
    });
  }

  submit(fn: string, args: readonly Argument[], o: SubmitOptions = {}): Promise<SubmitOutcome> {
    const identity = o.identity ?? this.#options.identity;
    return this.#inFlight.run(() =>
      runSubmission(this.#port(identity, fn, args), {
        now: this.#options.now,
        random: this.#options.random,
        retriesMax: 3,
        startingPatienceMs: this.#deadlines.startingMs,
        statusDeadlineMs: this.#deadlines.statusMs,
        unknownPatienceMs: this.#deadlines.unknownMs,
        onRetry: this.#options.onRetry ?? (() => undefined),
        beforeSend: o.beforeSend,
      }),
    );
  }

  async lookup(transactionId: string): Promise<CommitFact | null> {
    const found = await this.transaction(transactionId);
    return found === null ? null : { validationCode: found.code, blockNumber: null };
  }

  async transaction(transactionId: string): Promise<DecodedTransaction | null> {
    let unreachable: unknown = null;
    for (let turn = 0; turn < this.#clients.length; turn += 1) {
      const endpoint = (this.#current + turn) % this.#clients.length;
      try {
        const found = await this.#lookupAt(endpoint, this.#options.identity, transactionId);
        if (found !== null) return walkProcessedTransaction(found);
      } catch (error) {
        unreachable = error;
      }
    }
    if (unreachable !== null) {
      const failure = failureOf(unreachable);
      throw new GatewayUnavailableError({
        endpoints: this.#options.endpoints,
        detail: failure.detail,
        cause: unreachable,
      });
    }
    return null;
  }

  async chainInfo(): Promise<ChainInfo> {
    const info = common.BlockchainInfo.deserializeBinary(
      await this.evaluate('qscc/GetChainInfo', [this.channel]),
    );
    return {
      height: BigInt(info.getHeight()),
      currentBlockHash: Buffer.from(info.getCurrentblockhash_asU8()).toString('hex'),
    };
  }

  async openBlocks(startBlock: bigint): Promise<BlockSource> {
    const network = this.#gateway(this.#current, this.#options.identity).getNetwork(this.channel);
    const events = await network.getBlockEvents({ startBlock });
    const source: BlockSource = {
      [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
      close: () => {
        this.#open.delete(source);
        events.close();
      },
    };
    this.#open.add(source);
    return source;
  }

  switchGateway(): void {
    this.#current = (this.#current + 1) % this.#clients.length;
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const source of this.#open) source.close();
      for (const client of this.#clients) client.close();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #port(identity: FabricIdentity, fn: string, args: readonly Argument[]): SubmissionPort {
    const current = (): number => this.#current;
    return {
      endpoints: this.#options.endpoints,
      get current() {
        return current();
      },
      prefer: (endpoint) => {
        this.#current = endpoint;
      },
      propose: (endpoint) => {
        const { contract, name } = this.#contract(endpoint, identity, fn);
        const proposal = contract.newProposal(name, { arguments: [...args] });
        return {
          transactionId: proposal.getTransactionId(),
          endorse: async () => {
            const transaction = await proposal.endorse(this.#within(this.#deadlines.endorseMs));
            return {
              result: transaction.getResult(),
              send: async (at) => {
                const envelope =
                  at === endpoint
                    ? transaction
                    : this.#gateway(at, identity).newTransaction(transaction.getBytes());
                await envelope.submit(this.#within(this.#deadlines.submitMs));
              },
            };
          },
        };
      },
      status: (endpoint, transactionId, deadlineMs) =>
        this.#statusAt(endpoint, identity, transactionId, deadlineMs),
      lookup: async (endpoint, transactionId) => {
        const found = await this.#lookupAt(endpoint, identity, transactionId);
        return found === null
          ? null
          : {
              validationCode:
                peer.ProcessedTransaction.deserializeBinary(found).getValidationcode(),
              blockNumber: null,
            };
      },
    };
  }

  async #statusAt(
    endpoint: number,
    identity: FabricIdentity,
    transactionId: string,
    deadlineMs: number,
  ): Promise<CommitFact> {
    const creator = new msp.SerializedIdentity();
    creator.setMspid(identity.mspId);
    creator.setIdBytes(Buffer.from(identity.certificatePem));
    const request = new gatewayProtos.CommitStatusRequest();
    request.setTransactionId(transactionId);
    request.setChannelId(this.channel);
    request.setIdentity(creator.serializeBinary());
    const signed = new gatewayProtos.SignedCommitStatusRequest();
    signed.setRequest(request.serializeBinary());
    const commit = this.#gateway(endpoint, identity).newCommit(signed.serializeBinary());
    const status = await commit.getStatus(this.#within(deadlineMs));
    return { validationCode: status.code, blockNumber: status.blockNumber };
  }

  async #lookupAt(
    endpoint: number,
    identity: FabricIdentity,
    transactionId: string,
  ): Promise<Uint8Array | null> {
    const { contract, name } = this.#contract(endpoint, identity, 'qscc/GetTransactionByID');
    try {
      return await contract
        .newProposal(name, { arguments: [this.channel, transactionId] })
        .evaluate(this.#within(this.#deadlines.evaluateMs));
    } catch (error) {
      if (failureOf(error).kind === 'unreachable') throw error;
      return null; // the peer answered: it has no such transaction
    }
  }

  #contract(
    endpoint: number,
    identity: FabricIdentity,
    fn: string,
  ): { contract: ReturnType<ReturnType<Gateway['getNetwork']>['getContract']>; name: string } {
    const network = this.#gateway(endpoint, identity).getNetwork(this.channel);
    const slash = fn.indexOf('/');
    return slash < 0
      ? { contract: network.getContract(this.chaincode), name: fn }
      : { contract: network.getContract(fn.slice(0, slash)), name: fn.slice(slash + 1) };
  }

  #gateway(endpoint: number, identity: FabricIdentity): Gateway {
    const cache = this.#gateways[endpoint]!;
    let gateway = cache.get(identity);
    if (gateway === undefined) {
      gateway = connect({
        client: this.#clients[endpoint]!,
        identity: {
          mspId: identity.mspId,
          credentials: Buffer.from(identity.certificatePem),
        },
        signer: identity.sign,
        hash: hash.sha256,
      });
      cache.set(identity, gateway);
    }
    return gateway;
  }

  #within(ms: number): grpc.CallOptions {
    return { deadline: this.#options.now() + ms };
  }
}
