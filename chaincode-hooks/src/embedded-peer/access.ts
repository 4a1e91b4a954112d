/**
 * The door: who may propose, submit and listen, checked on every request before anything else happens.
 * Source: hyperledger/fabric core/endorser/msgvalidation.go, core/common/validation (identity, signature, transaction
 * id, timestamp), and the sample channel policies (Writers: admin, client; Readers: every member).
 * @module
 */
import { common } from '@hyperledger/fabric-protos';
import { IdentityRefusedError, MalformedMessageError } from './errors.js';
import { memberSigned, type Member, type Membership } from './membership.js';
import {
  decode,
  decodeHeader,
  present,
  transactionIdOf,
  type DecodedHeader,
  type DecodedProposal,
} from './messages.js';
import { PROPOSAL_WINDOW_MS } from './options.js';

/** A request that does not get through the door; the message is what the client sees. */
export class AccessDeniedError extends Error {}

export interface Access {
  /** The proposer. @throws {AccessDeniedError} */
  proposer(proposal: DecodedProposal): Member;
  /** Whoever signed a transaction envelope. */
  submitter(envelope: common.Envelope): { member: Member; header: DecodedHeader };
  /** Whoever signed a request for status or events. */
  reader(
    request: Readonly<{
      channel: string;
      identity: Uint8Array;
      signed: Uint8Array;
      signature: Uint8Array;
    }>,
  ): Member;
}

export function createAccess(
  options: Readonly<{ channel: string; membership: Membership; nowMs: () => number }>,
): Access {
  const { channel, membership, nowMs } = options;

  function memberFor(identity: Uint8Array): Member {
    try {
      return membership.currentMemberOf(identity, nowMs());
    } catch (error) {
      if (!(error instanceof IdentityRefusedError)) throw error;
      const known = error.refusal === 'expired' || error.refusal === 'inactive-msp';
      const prefix = known ? 'access denied' : 'creator org unknown, creator is malformed';
      throw new AccessDeniedError(`${prefix}: ${error.message}`, { cause: error });
    }
  }

  function checkChannel(got: string): void {
    if (got !== channel) throw new AccessDeniedError(`channel '${got}' not found`);
  }

  function writer(identity: Uint8Array): Member {
    const member = memberFor(identity);
    if (member.role === 'peer') {
      throw new AccessDeniedError(`access denied: a peer of ${member.mspId} is not a writer`);
    }
    return member;
  }

  return {
    proposer(proposal) {
      const { header, signed } = proposal;
      checkChannel(header.channel);
      if (header.type !== common.HeaderType.ENDORSER_TRANSACTION) {
        throw new AccessDeniedError(`invalid header type ${header.type}`);
      }
      const member = writer(header.creator);
      const { mspId } = member;
      if (!memberSigned(member, signed.getProposalBytes_asU8(), signed.getSignature_asU8())) {
        throw new AccessDeniedError(`access denied: the signature of ${mspId} is invalid`);
      }
      if (header.nonce.length === 0) throw new AccessDeniedError('nonce is missing');
      if (header.txId !== transactionIdOf(header.nonce, header.creator)) {
        throw new AccessDeniedError('incorrectly computed txid');
      }
      const { timestampMs } = header;
      if (timestampMs === null || Math.abs(timestampMs - nowMs()) > PROPOSAL_WINDOW_MS) {
        const reason = 'is outside the window of 15 minutes around the clock of the peer';
        throw new AccessDeniedError(`request unauthorized: the timestamp ${reason}`);
      }
      return member;
    },
    submitter(envelope) {
      try {
        const payload = decode(common.Payload, envelope.getPayload_asU8(), 'payload');
        const header = decodeHeader(present(payload.getHeader(), 'header'));
        checkChannel(header.channel);
        const member = writer(header.creator);
        if (!memberSigned(member, envelope.getPayload_asU8(), envelope.getSignature_asU8())) {
          throw new AccessDeniedError('access denied: the signature of the envelope is invalid');
        }
        return { member, header };
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw error;
        throw new AccessDeniedError(error.message, { cause: error });
      }
    },
    reader(request) {
      checkChannel(request.channel);
      const member = memberFor(request.identity);
      if (!memberSigned(member, request.signed, request.signature)) {
        throw new AccessDeniedError('access denied: the signature of the request is invalid');
      }
      return member;
    },
  };
}
