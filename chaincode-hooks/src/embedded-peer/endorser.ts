/**
 * One organisation's endorser: simulates a proposal on its own chaincode stream, and signs what came out with its own
 * key.
 * Source: hyperledger/fabric core/endorser/endorser.go, core/handlers/endorsement/builtin.
 * @module
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { peer } from '@hyperledger/fabric-protos';
import type { ChaincodeStream } from './chaincode-stream.js';
import { ChaincodeError } from './errors.js';
import { proposalHashOf, serializeIdentity, type DecodedProposal } from './messages.js';
import type { Faults, HospitalOptions } from './options.js';
import { signLowS } from './signature.js';
import { Simulator } from './simulator.js';
import { RETAINED_BLOCKS, type WorldState } from './world-state.js';

export interface Simulation {
  readonly response: peer.Response;
  /** ProposalResponsePayload: what endorsers sign and what must be equal among them. */
  readonly payload: Uint8Array;
}

export interface Endorser {
  readonly mspId: string;
  readonly address: string;
  readonly ready: boolean;
  /** @throws {ChaincodeError} if the chaincode cannot be asked; a refusal by the contract is a response ≥ 400 */
  simulate(proposal: DecodedProposal): Promise<Simulation>;
  endorse(payload: Uint8Array): peer.Endorsement;
}

/** Fabric's chaincode version; a development ledger has one definition for ever. */
const CHAINCODE_VERSION = '1.0';

export function createEndorser(
  options: Readonly<{
    hospital: HospitalOptions;
    chaincode: string;
    stream: ChaincodeStream;
    state: WorldState;
    faults: Faults;
  }>,
): Endorser {
  const { hospital, chaincode, stream, state, faults } = options;
  const { mspId, chaincodeAddress: address } = hospital;
  const key: KeyObject = createPrivateKey(hospital.peer.privateKeyPem);
  const identity = serializeIdentity(mspId, hospital.peer.certificatePem);

  return {
    mspId,
    address,
    get ready() {
      return stream.ready;
    },
    async simulate(proposal) {
      if (faults.paused.has(mspId)) {
        throw new ChaincodeError({ address, reason: `endorser of ${mspId} does not answer` });
      }
      const lag = Math.min(faults.heightLag.get(mspId) ?? 0, RETAINED_BLOCKS);
      const view = state.view(Math.max(1, state.height - lag));
      try {
        const simulator = new Simulator(view);
        const { txId, channel } = proposal.header;
        const { response, event } = await stream.execute({
          channel,
          txId,
          args: proposal.args,
          proposal: proposal.signed,
          simulator,
        });
        const action = new peer.ChaincodeAction();
        action.setResults(simulator.results(chaincode));
        if (event !== null) {
          event.setChaincodeId(chaincode);
          event.setTxId(txId);
          action.setEvents(event.serializeBinary());
        }
        action.setResponse(response);
        const chaincodeId = new peer.ChaincodeID();
        chaincodeId.setName(chaincode);
        chaincodeId.setVersion(CHAINCODE_VERSION);
        action.setChaincodeId(chaincodeId);
        const payload = new peer.ProposalResponsePayload();
        payload.setProposalHash(proposalHashOf(proposal.header, proposal.publicPayload));
        payload.setExtension$(action.serializeBinary());
        return { response, payload: payload.serializeBinary() };
      } finally {
        view.close();
      }
    },
    endorse(payload) {
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(identity);
      endorsement.setSignature(signLowS(Buffer.concat([payload, identity]), key));
      return endorsement;
    },
  };
}
