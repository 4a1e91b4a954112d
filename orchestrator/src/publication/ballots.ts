/**
 * Transactions of people: made here, signed elsewhere, by a key that this process never sees. A transaction is signed three
 * times – the proposal, the endorsed transaction, the question how it ended – and each step hands out the bytes to sign.
 * @module
 */
import { Client, credentials } from '@grpc/grpc-js';
import {
  connect,
  hash,
  type Commit,
  type Gateway,
  type Proposal,
  type Transaction,
} from '@hyperledger/fabric-gateway';
import { ChannelRefusedError, ChannelUnavailableError } from './channel.js';
import { detailOf, refusalOf, type FabricChannelOptions } from './fabric-channel.js';

export interface BallotRequest {
  readonly mspId: string;
  /** PEM of the person's certificate. */
  readonly certificate: string;
  /** `Contract:function`. */
  readonly name: string;
  readonly args: readonly string[];
}

export type BallotStep = 'proposal' | 'transaction' | 'commit';

export interface Ballot {
  readonly transactionId: string;
  /** What the person signs next (ECDSA P-256 over SHA-256, DER, low s); null once the channel has committed. */
  readonly next: Readonly<{ step: BallotStep; message: Uint8Array }> | null;
  /**
   * Goes one step on with the signature over `next.message`.
   * @throws {ChannelRefusedError} the contract's code, or `ERR_CHANNEL_REFUSED` for a signature that no peer believes
   * @throws {ChannelUnavailableError} if no gateway answers, or another transaction came between
   */
  sign(signature: Uint8Array): Promise<void>;
}

export interface Ballots {
  open(request: BallotRequest): Ballot;
  close(): void;
}

export type FabricBallotOptions = Pick<
  FabricChannelOptions,
  'endpoints' | 'tlsRoot' | 'channel' | 'chaincode' | 'nowMs'
>;

const ENDORSE_MS = 15_000;
const SUBMIT_MS = 10_000;
const COMMIT_MS = 30_000;

export function createFabricBallots(o: FabricBallotOptions): Ballots {
  const tls = credentials.createSsl(Buffer.from(o.tlsRoot));
  const clients = o.endpoints.map((endpoint) => new Client(endpoint, tls));
  const within = (ms: number) => (): { deadline: number } => ({ deadline: o.nowMs() + ms });
  return {
    open: ({ mspId, certificate, name, args }) => {
      const gateways = clients.map((client) =>
        connect({
          client,
          identity: { mspId, credentials: Buffer.from(certificate) },
          // What is handed out is the message, not its digest: WebCrypto forms that itself.
          hash: hash.none,
          endorseOptions: within(ENDORSE_MS),
          submitOptions: within(SUBMIT_MS),
          commitStatusOptions: within(COMMIT_MS),
        }),
      );
      const contract = gateways[0]!.getNetwork(o.channel).getContract(o.chaincode);
      return new FabricBallot(gateways, contract.newProposal(name, { arguments: [...args] }));
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

type Stage =
  | Readonly<{ step: 'proposal'; of: Proposal }>
  | Readonly<{ step: 'transaction'; of: Transaction }>
  | Readonly<{ step: 'commit'; of: Commit }>
  | null;

class FabricBallot implements Ballot {
  readonly transactionId: string;
  readonly #gateways: readonly Gateway[];
  #stage: Stage;

  constructor(gateways: readonly Gateway[], proposal: Proposal) {
    this.#gateways = gateways;
    this.transactionId = proposal.getTransactionId();
    this.#stage = { step: 'proposal', of: proposal };
  }

  get next(): Ballot['next'] {
    const stage = this.#stage;
    return stage === null ? null : { step: stage.step, message: stage.of.getDigest() };
  }

  async sign(signature: Uint8Array): Promise<void> {
    const stage = this.#stage;
    if (stage === null) return;
    const bytes = stage.of.getBytes();
    this.#stage = await this.#anyGateway(async (gateway): Promise<Stage> => {
      switch (stage.step) {
        case 'proposal': {
          const of = await gateway.newSignedProposal(bytes, signature).endorse();
          return { step: 'transaction', of };
        }
        case 'transaction': {
          const of = await gateway.newSignedTransaction(bytes, signature).submit();
          return { step: 'commit', of };
        }
        case 'commit': {
          const { successful, code } = await gateway.newSignedCommit(bytes, signature).getStatus();
          if (successful) return null;
          throw new ChannelRefusedError(
            'ERR_CHANNEL_REFUSED',
            `the channel did not take the transaction (validation code ${code}); please try again`,
          );
        }
      }
    });
  }

  async #anyGateway<T>(call: (gateway: Gateway) => Promise<T>): Promise<T> {
    let last: unknown;
    for (const gateway of this.#gateways) {
      try {
        return await call(gateway);
      } catch (cause) {
        if (cause instanceof ChannelRefusedError) throw cause;
        const refused = refusalOf(cause);
        if (refused !== null) throw refused;
        last = cause;
      }
    }
    const detail = last instanceof Error ? detailOf(last) : 'unknown';
    throw new ChannelUnavailableError(`channel: no gateway took the call: ${detail}`, {
      cause: last,
    });
  }
}
