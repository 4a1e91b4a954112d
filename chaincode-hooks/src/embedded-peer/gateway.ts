/**
 * The Gateway service's thinking, free of gRPC: evaluate, collect endorsements, submit, wait.
 * Source: hyperledger/fabric internal/pkg/gateway (endorse.go, evaluate.go, apiutils.go).
 * @module
 */
import { status } from '@grpc/grpc-js';
import { common, peer } from '@hyperledger/fabric-protos';
import { AccessDeniedError, type Access } from './access.js';
import type { Endorser, Simulation } from './endorser.js';
import {
  ChaincodeError,
  LedgerFullError,
  RequestRefusedError,
  type RefusalDetail,
} from './errors.js';
import type { Ledger } from './ledger.js';
import type { Member } from './membership.js';
import { decodeProposal, type DecodedProposal } from './messages.js';
import type { Faults } from './options.js';
import type { Orderer } from './orderer.js';
import { querySystemChaincode, SYSTEM_CHAINCODE } from './system-chaincode.js';

export interface GatewayOptions {
  readonly channel: string;
  readonly chaincode: string;
  readonly outOf: number;
  readonly address: () => string;
  readonly access: Access;
  readonly endorsers: readonly Endorser[];
  readonly ledger: Ledger;
  readonly orderer: Orderer;
  readonly faults: Faults;
}

const ENDORSE_FAILED = 'failed to endorse transaction, see attached details for more info';
const TOO_FEW =
  'failed to collect enough transaction endorsements, see attached details for more info';

export class Gateway {
  readonly #options: GatewayOptions;
  #endorsing = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Endorse calls under way. */
  get endorsingCount(): number {
    return this.#endorsing;
  }

  async evaluate(
    signed: peer.SignedProposal | undefined,
    targets: readonly string[],
  ): Promise<peer.Response> {
    const proposal = decodeProposal(signed);
    const own = this.#ownAddress();
    const member = this.#admit(proposal, (message, cause) => {
      const text = `evaluate call to endorser returned error: ${message}`;
      return refused(status.FAILED_PRECONDITION, text, [{ ...own, message }], cause);
    });
    if (proposal.chaincode === SYSTEM_CHAINCODE) {
      const { ledger, channel } = this.#options;
      return this.#evaluated(querySystemChaincode(ledger, channel, proposal.args), own);
    }
    this.#checkChaincode(proposal);
    const details: RefusalDetail[] = [];
    for (const endorser of this.#order(member, proposal, targets)) {
      try {
        const { response } = await endorser.simulate(proposal);
        return this.#evaluated(response, endorser);
      } catch (error) {
        details.push(detailOf(endorser, error));
      }
    }
    const text = 'failed to evaluate transaction, see attached details for more info';
    throw refused(status.ABORTED, text, details);
  }

  /** Own organisation first; its bytes are what the others must equal. */
  async endorse(
    signed: peer.SignedProposal | undefined,
    targets: readonly string[],
  ): Promise<common.Envelope> {
    const proposal = decodeProposal(signed);
    const own = this.#ownAddress();
    const refuse = (message: string, cause?: unknown): RequestRefusedError =>
      refused(status.ABORTED, ENDORSE_FAILED, [{ ...own, message }], cause);
    const member = this.#admit(proposal, refuse);
    this.#checkChaincode(proposal);
    const { txId } = proposal.header;
    if (this.#options.ledger.statusOf(txId) !== null) {
      throw refuse(`error validating proposal: duplicate transaction found [${txId}]`);
    }
    this.#endorsing++;
    try {
      return await this.#collect(proposal, this.#order(member, proposal, targets), targets.length);
    } finally {
      this.#endorsing--;
      // The envelope comes back signed in a moment: let it join before a block is cut without it.
      if (this.#endorsing === 0) setImmediate(() => this.#options.orderer.reconsider());
    }
  }

  submit(envelope: common.Envelope | undefined): void {
    const { access, orderer, faults } = this.#options;
    if (envelope === undefined) {
      throw refused(status.INVALID_ARGUMENT, 'a prepared transaction is required');
    }
    if (envelope.getSignature_asU8().length === 0) {
      throw refused(status.INVALID_ARGUMENT, 'prepared transaction must be signed');
    }
    try {
      access.submitter(envelope);
    } catch (error) {
      if (!(error instanceof AccessDeniedError)) throw error;
      const text = `received unsuccessful response from orderer: status=FORBIDDEN, info=${error.message}`;
      throw refused(status.ABORTED, text, [], error);
    }
    const obstacle = this.#obstacle();
    if (obstacle !== null) {
      const detail = { ...this.#ownAddress(), message: obstacle.message };
      const text = 'no orderers could successfully process transaction';
      throw refused(status.UNAVAILABLE, text, [detail], obstacle);
    }
    orderer.submit(envelope.serializeBinary());
    if (faults.submitAnswersLost) {
      throw refused(status.UNAVAILABLE, 'no orderers could successfully process transaction', [
        { ...this.#ownAddress(), message: 'the answer of the orderer was lost' },
      ]);
    }
  }

  /** Why nothing can be ordered any more. */
  #obstacle(): Error | null {
    const { ledger, orderer } = this.#options;
    if (orderer.failure !== null) return orderer.failure;
    try {
      ledger.checkRoom(orderer.pendingCount);
      return null;
    } catch (error) {
      if (error instanceof LedgerFullError) return error;
      throw error;
    }
  }

  #evaluated(
    response: peer.Response,
    endorser: Readonly<{ mspId: string; address: string }>,
  ): peer.Response {
    if (isSuccess(response)) return response;
    const message = chaincodeRefusal(response);
    const text = `evaluate call to endorser returned error: ${message}`;
    const { mspId, address } = endorser;
    throw refused(status.UNKNOWN, text, [{ mspId, address, message }]);
  }

  #admit(
    proposal: DecodedProposal,
    refuse: (message: string, cause: unknown) => RequestRefusedError,
  ): Member {
    try {
      return this.#options.access.proposer(proposal);
    } catch (error) {
      if (!(error instanceof AccessDeniedError)) throw error;
      throw refuse(`error validating proposal: ${error.message}`, error);
    }
  }

  #checkChaincode(proposal: DecodedProposal): void {
    const { chaincode } = this.#options;
    if (proposal.chaincode !== chaincode) {
      const text = `no combination of peers can be derived which satisfy the endorsement policy: chaincode ${proposal.chaincode} is not defined (this ledger runs ${chaincode})`;
      throw refused(status.FAILED_PRECONDITION, text);
    }
  }

  /** Own organisation's endorser, then the others, beginning at a place that differs between transactions. */
  #order(
    member: Member,
    proposal: DecodedProposal,
    targets: readonly string[],
  ): readonly Endorser[] {
    const { endorsers } = this.#options;
    const own = endorsers.find(({ mspId }) => mspId === member.mspId) ?? endorsers[0]!;
    const others = endorsers.filter((endorser) => endorser !== own);
    const start = parseInt(proposal.header.txId.slice(0, 6), 16) % Math.max(1, others.length);
    const ordered = [own, ...others.slice(start), ...others.slice(0, start)];
    if (targets.length === 0) return ordered;
    const missing = targets.filter((target) => !endorsers.some(({ mspId }) => mspId === target));
    if (missing.length > 0) {
      const text = `no peers available to endorse for organization(s) ${missing.join(', ')}`;
      throw refused(status.UNAVAILABLE, text);
    }
    return ordered.filter(({ mspId }) => targets.includes(mspId));
  }

  async #collect(
    proposal: DecodedProposal,
    order: readonly Endorser[],
    targetCount: number,
  ): Promise<common.Envelope> {
    const [first, ...rest] = order as [Endorser, ...Endorser[]];
    const wanted = targetCount > 0 ? targetCount : this.#options.outOf;
    const details: RefusalDetail[] = [];
    const reference = await accepted(first, proposal, details);
    if (reference === null) throw refused(status.ABORTED, ENDORSE_FAILED, details);
    const agreed: Endorser[] = [first];
    const waiting = [...rest];
    // As many at once as are still needed; one that fails or differs is replaced by the next.
    while (agreed.length < wanted && waiting.length >= wanted - agreed.length) {
      const asked = waiting.splice(0, wanted - agreed.length);
      const answers = await Promise.all(
        asked.map((endorser) => accepted(endorser, proposal, details)),
      );
      for (const [index, answer] of answers.entries()) {
        const endorser = asked[index]!;
        if (answer === null) continue;
        if (Buffer.compare(answer.payload, reference.payload) === 0) agreed.push(endorser);
        else {
          const { mspId, address } = endorser;
          const message = `ProposalResponsePayloads do not match (with those of ${first.mspId})`;
          details.push({ mspId, address, message });
        }
      }
    }
    if (agreed.length < wanted) throw refused(status.ABORTED, TOO_FEW, details);
    return transactionOf(
      proposal,
      reference.payload,
      agreed.map((endorser) => endorser.endorse(reference.payload)),
    );
  }

  #ownAddress(): { mspId: string; address: string } {
    return { mspId: this.#options.endorsers[0]?.mspId ?? '', address: this.#options.address() };
  }
}

/** A successful simulation, or `null` with the reason added to `details`. */
async function accepted(
  endorser: Endorser,
  proposal: DecodedProposal,
  details: RefusalDetail[],
): Promise<Simulation | null> {
  try {
    const simulation = await endorser.simulate(proposal);
    if (isSuccess(simulation.response)) return simulation;
    const { mspId, address } = endorser;
    details.push({ mspId, address, message: chaincodeRefusal(simulation.response) });
  } catch (error) {
    details.push(detailOf(endorser, error));
  }
  return null;
}

function detailOf(endorser: Endorser, error: unknown): RefusalDetail {
  if (!(error instanceof ChaincodeError)) throw error;
  return { mspId: endorser.mspId, address: endorser.address, message: error.message };
}

function isSuccess(response: peer.Response): boolean {
  return response.getStatus() >= 200 && response.getStatus() < 400;
}

function chaincodeRefusal(response: peer.Response): string {
  return `chaincode response ${response.getStatus()}, ${response.getMessage()}`;
}

function refused(
  code: status,
  message: string,
  details: readonly RefusalDetail[] = [],
  cause?: unknown,
): RequestRefusedError {
  return new RequestRefusedError({ status: code, message, details, cause });
}

/** The unsigned transaction that the client is to sign. */
function transactionOf(
  proposal: DecodedProposal,
  responsePayload: Uint8Array,
  endorsements: peer.Endorsement[],
): common.Envelope {
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(responsePayload);
  endorsed.setEndorsementsList(endorsements);
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(proposal.publicPayload);
  actionPayload.setAction(endorsed);
  const action = new peer.TransactionAction();
  action.setHeader(proposal.header.signatureHeader);
  action.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.addActions(action);
  const payload = new common.Payload();
  payload.setHeader(proposal.headerMessage);
  payload.setData(transaction.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope;
}
