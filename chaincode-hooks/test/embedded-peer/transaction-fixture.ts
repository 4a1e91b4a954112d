/**
 * Transactions without a chaincode: read-write sets of the test's own choice, signed by real identities.
 */
import { createPrivateKey, randomBytes, type KeyObject } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import {
  createAuthority,
  issueIdentity,
  type CertificateAuthority,
  type OrganisationalUnit,
} from '../../src/embedded-peer/certificate-authority.js';
import type { ChannelConfiguration } from '../../src/embedded-peer/channel-configuration.js';
import { createMembership, type Membership } from '../../src/embedded-peer/membership.js';
import {
  decodeHeader,
  proposalHashOf,
  serializeIdentity,
  transactionIdOf,
} from '../../src/embedded-peer/messages.js';
import { encodeReadWriteSet, type ReadWriteSet } from '../../src/embedded-peer/read-write-set.js';
import { signLowS } from '../../src/embedded-peer/signature.js';

export const CHANNEL = 'consortium';
export const CHAINCODE = 'plain';

export interface Signer {
  readonly identity: Buffer;
  readonly key: KeyObject;
}

export interface TestConsortium {
  readonly authorities: readonly CertificateAuthority[];
  readonly membership: Membership;
  readonly configuration: ChannelConfiguration;
  readonly client: Signer;
  /** One per hospital, H1MSP first. */
  readonly peers: readonly Signer[];
}

export function signerOf(
  authority: CertificateAuthority,
  organisationalUnit: OrganisationalUnit = 'client',
): Signer {
  const pair = issueIdentity({ authority, commonName: 'somebody', organisationalUnit });
  return {
    identity: serializeIdentity(authority.mspId, pair.certificatePem),
    key: createPrivateKey(pair.privateKeyPem),
  };
}

/** Three hospitals, two of which must agree. */
export function testConsortium(): TestConsortium {
  const authorities = ['H1MSP', 'H2MSP', 'H3MSP'].map((mspId) =>
    createAuthority({ mspId, nowMs: Date.now() }),
  );
  const members = authorities.map(({ mspId, certificatePem }) => ({
    mspId,
    rootPem: certificatePem,
    endorses: true,
  }));
  return {
    authorities,
    membership: createMembership(members.map((member) => ({ ...member, active: true }))),
    configuration: { channel: CHANNEL, chaincode: CHAINCODE, members, outOf: 2 },
    client: signerOf(authorities[0]!),
    peers: authorities.map((authority) => signerOf(authority, 'peer')),
  };
}

export interface TransactionOptions {
  readonly creator: Signer;
  readonly endorsers: readonly Signer[];
  readonly set?: Partial<ReadWriteSet>;
  readonly event?: string;
  readonly channel?: string;
  readonly type?: number;
  readonly txId?: string;
  readonly nonce?: Uint8Array;
  readonly namespace?: string;
  /** Replaces the creator's signature. */
  readonly signature?: Uint8Array;
}

export function buildTransaction(options: TransactionOptions): { bytes: Uint8Array; txId: string } {
  const { creator } = options;
  const nonce = options.nonce ?? randomBytes(24);
  const txId = options.txId ?? transactionIdOf(nonce, creator.identity);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(options.type ?? common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId(options.channel ?? CHANNEL);
  channelHeader.setTxId(txId);
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(creator.identity);
  signatureHeader.setNonce(nonce);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(signatureHeader.serializeBinary());

  const chaincodeId = new peer.ChaincodeID();
  chaincodeId.setName(CHAINCODE);
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(chaincodeId);
  spec.setInput(new peer.ChaincodeInput());
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const proposal = new peer.ChaincodeProposalPayload();
  proposal.setInput(invocation.serializeBinary());
  const publicPayload = proposal.serializeBinary();

  const action = new peer.ChaincodeAction();
  const set = { reads: [], ranges: [], writes: [], ...options.set };
  action.setResults(encodeReadWriteSet(options.namespace ?? CHAINCODE, set));
  if (options.event !== undefined) {
    const event = new peer.ChaincodeEvent();
    event.setChaincodeId(CHAINCODE);
    event.setTxId(txId);
    event.setEventName(options.event);
    action.setEvents(event.serializeBinary());
  }
  const response = new peer.Response();
  response.setStatus(200);
  action.setResponse(response);
  const responsePayload = new peer.ProposalResponsePayload();
  responsePayload.setProposalHash(proposalHashOf(decodeHeader(header), publicPayload));
  responsePayload.setExtension$(action.serializeBinary());
  const endorsed = new peer.ChaincodeEndorsedAction();
  const endorsedBytes = responsePayload.serializeBinary();
  endorsed.setProposalResponsePayload(endorsedBytes);
  for (const { identity, key } of options.endorsers) {
    const endorsement = new peer.Endorsement();
    endorsement.setEndorser(identity);
    endorsement.setSignature(signLowS(Buffer.concat([endorsedBytes, identity]), key));
    endorsed.addEndorsements(endorsement);
  }
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(publicPayload);
  actionPayload.setAction(endorsed);
  const transactionAction = new peer.TransactionAction();
  transactionAction.setHeader(header.getSignatureHeader_asU8());
  transactionAction.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.addActions(transactionAction);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.serializeBinary());
  const payloadBytes = payload.serializeBinary();
  const envelope = new common.Envelope();
  envelope.setPayload(payloadBytes);
  envelope.setSignature(options.signature ?? signLowS(payloadBytes, creator.key));
  return { bytes: envelope.serializeBinary(), txId };
}
