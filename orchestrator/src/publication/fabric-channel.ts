/**
 * The channel through Fabric gateways, tried in turn: any application identity may use any hospital's gateway.
 * A submission whose fate is unknown is simply made again; the contracts answer "already done" to the same digest.
 * Design: fabric §7.3, §7.6.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { Client, credentials, status } from '@grpc/grpc-js';
import {
  CommitError,
  connect,
  GatewayError,
  hash,
  signers,
  type Contract,
  type Gateway,
} from '@hyperledger/fabric-gateway';
import { decodeBlock } from '@bhschain/chaincode-hooks/events';
import {
  ChannelRefusedError,
  ChannelUnavailableError,
  type BlockSource,
  type ChannelBlocks,
  type DetectorStatus,
  type GovernanceChannel,
  type ProposalEntry,
} from './channel.js';
import { canonicalJson } from '@bhschain/dp';

export interface FabricChannelOptions {
  /** `host:port` of hospital gateways. */
  readonly endpoints: readonly string[];
  /** PEM: root of their TLS certificates. */
  readonly tlsRoot: string;
  readonly channel: string;
  readonly chaincode: string;
  readonly mspId: string;
  /** PEM: the ordering organisation's identity. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly nowMs: () => number;
}

const EVALUATE_MS = 5_000;
const ENDORSE_MS = 15_000;
const SUBMIT_MS = 10_000;
const COMMIT_MS = 30_000;
const REFUSALS: ReadonlySet<number> = new Set([status.PERMISSION_DENIED, status.UNAUTHENTICATED]);
const CODED = /\b(ERR_[A-Z][A-Z0-9_]*)\b:?\s*([^;\n]*)/;

export function createFabricChannel(
  options: FabricChannelOptions,
): GovernanceChannel & ChannelBlocks {
  return new FabricChannel(options);
}

class FabricChannel implements GovernanceChannel, ChannelBlocks {
  readonly #channel: string;
  readonly #routes: readonly { client: Client; gateway: Gateway; contract: Contract }[];
  #current = 0;
  #blockRoute = 0;

  constructor(o: FabricChannelOptions) {
    this.#channel = o.channel;
    const signer = signers.newPrivateKeySigner(createPrivateKey(o.privateKey));
    const identity = { mspId: o.mspId, credentials: Buffer.from(o.certificate) };
    const within = (ms: number) => (): { deadline: number } => ({ deadline: o.nowMs() + ms });
    this.#routes = o.endpoints.map((endpoint) => {
      const client = new Client(endpoint, credentials.createSsl(Buffer.from(o.tlsRoot)), {
        'grpc.keepalive_time_ms': 60_000,
      });
      const gateway = connect({
        client,
        identity,
        signer,
        hash: hash.sha256,
        evaluateOptions: within(EVALUATE_MS),
        endorseOptions: within(ENDORSE_MS),
        submitOptions: within(SUBMIT_MS),
        commitStatusOptions: within(COMMIT_MS),
      });
      return { client, gateway, contract: gateway.getNetwork(o.channel).getContract(o.chaincode) };
    });
  }

  async configure(configuration: string): Promise<void> {
    await this.#submit('FederationContract:configure', [configuration]);
  }

  async admit(mspId: string): Promise<void> {
    await this.#submit('FederationContract:admit', [mspId]);
  }

  async propose(
    o: Readonly<{ version: number; detector: Uint8Array; table: Uint8Array; entry: ProposalEntry }>,
  ): Promise<void> {
    await this.#submit('DetectorContract:propose', [
      String(o.version),
      Buffer.from(o.detector).toString('base64'),
      Buffer.from(o.table).toString('base64'),
      canonicalJson({ ...o.entry }),
    ]);
  }

  async status(version: number): Promise<DetectorStatus | null> {
    let text: string;
    try {
      text = await this.#evaluate('DetectorContract:status', [String(version)]);
    } catch (cause) {
      if (cause instanceof ChannelRefusedError && cause.code === 'ERR_NOT_FOUND') return null;
      throw cause;
    }
    return decodeStatus(text);
  }

  async activate(version: number): Promise<void> {
    await this.#submit('DetectorContract:activate', [String(version)]);
  }

  async refuse(version: number, reasonDigest: string): Promise<void> {
    await this.#submit('DetectorContract:refuse', [String(version), reasonDigest]);
  }

  async planApprovers(planHash: string): Promise<readonly string[] | null> {
    const text = await this.#evaluate('FederationContract:plan', [planHash]);
    const { plan } = JSON.parse(text) as { plan: { approvers: readonly string[] } | null };
    return plan?.approvers ?? null;
  }

  async open(first: bigint): Promise<BlockSource> {
    const { gateway } = this.#routes[this.#blockRoute++ % this.#routes.length]!;
    const blocks = await gateway.getNetwork(this.#channel).getBlockEvents({ startBlock: first });
    return {
      close: () => {
        blocks.close();
      },
      async *[Symbol.asyncIterator]() {
        for await (const block of blocks) yield decodeBlock(block);
      },
    };
  }

  close(): Promise<void> {
    for (const { gateway, client } of this.#routes) {
      gateway.close();
      client.close();
    }
    return Promise.resolve();
  }

  async #submit(name: string, args: readonly string[]): Promise<string> {
    return this.#try((contract) => contract.submit(name, { arguments: [...args] }));
  }

  async #evaluate(name: string, args: readonly string[]): Promise<string> {
    return this.#try((contract) => contract.evaluate(name, { arguments: [...args] }));
  }

  /** One gateway after the other, beginning with the one that answered last. */
  async #try(call: (contract: Contract) => Promise<Uint8Array>): Promise<string> {
    let last: unknown;
    for (let tries = 0; tries < this.#routes.length; tries++) {
      try {
        const result = await call(this.#routes[this.#current]!.contract);
        return Buffer.from(result).toString('utf8');
      } catch (cause) {
        const refused = refusalOf(cause);
        if (refused !== null) throw refused;
        last = cause;
        this.#current = (this.#current + 1) % this.#routes.length;
      }
    }
    const detail = last instanceof Error ? detailOf(last) : 'unknown';
    throw new ChannelUnavailableError(`channel: no gateway took the call: ${detail}`, {
      cause: last,
    });
  }
}

/** The contract's own error, or null for everything that is worth another try. */
export function refusalOf(cause: unknown): ChannelRefusedError | null {
  // Overtaken by another transaction (11, 12) or not committed for another reason: made again from fresh reads.
  if (cause instanceof CommitError) return null;
  if (!(cause instanceof GatewayError)) return null;
  const coded = CODED.exec(detailOf(cause));
  if (coded !== null) return new ChannelRefusedError(coded[1]!, coded[0], cause);
  const refused = REFUSALS.has(cause.code);
  return refused ? new ChannelRefusedError('ERR_CHANNEL_REFUSED', detailOf(cause), cause) : null;
}

export function detailOf(error: Error): string {
  if (!(error instanceof GatewayError)) return error.message;
  const details = error.details.map((each) => `${each.mspId}: ${each.message}`);
  return details.length === 0 ? error.message : details.join('; ');
}

function decodeStatus(text: string): DetectorStatus {
  const raw = JSON.parse(text) as {
    state: DetectorStatus['state'];
    modelHash: string;
    tableHash: string;
    attestations: readonly { mspId: string; modelHash: string; tableHash: string }[];
    active: { version: number } | null;
  };
  return {
    state: raw.state,
    modelHash: raw.modelHash,
    tableHash: raw.tableHash,
    attestedBy: raw.attestations
      .filter((each) => each.modelHash === raw.modelHash && each.tableHash === raw.tableHash)
      .map((each) => each.mspId),
    activeVersion: raw.active?.version ?? null,
  };
}
