/**
 * Fabric's nested messages, decoded once into flat values: headers, proposals, transactions.
 * Source: hyperledger/fabric-protos peer/proposal.proto, peer/transaction.proto.
 * @module
 */
import { createHash } from 'node:crypto';
import { common, msp, peer } from '@hyperledger/fabric-protos';
import { MalformedMessageError } from './errors.js';

/** Parses `bytes`; the library's error becomes ours, with the name of the part. */
export function decode<T>(
  type: { deserializeBinary(bytes: Uint8Array): T },
  bytes: Uint8Array,
  what: string,
): T {
  try {
    return type.deserializeBinary(bytes);
  } catch (cause) {
    throw new MalformedMessageError({ what, reason: 'not decodable', cause });
  }
}

export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new MalformedMessageError({ what, reason: 'missing' });
  return value;
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Transaction id rule: SHA-256(nonce ‖ creator), hex (fabric protoutil.ComputeTxID). */
export function transactionIdOf(nonce: Uint8Array, creator: Uint8Array): string {
  return sha256(nonce, creator).toString('hex');
}

export function serializeIdentity(mspId: string, certificatePem: string): Buffer {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem, 'utf8'));
  return Buffer.from(identity.serializeBinary());
}

/** The two headers that proposals, transactions and event requests share. */
export interface DecodedHeader {
  readonly type: number;
  readonly channel: string;
  readonly txId: string;
  /** `null` when the message carries no timestamp. */
  readonly timestampMs: number | null;
  /** The timestamp as it was sent, to be passed on. */
  readonly timestamp: ProtobufTimestamp | undefined;
  readonly creator: Uint8Array;
  readonly nonce: Uint8Array;
  readonly channelHeader: Uint8Array;
  readonly signatureHeader: Uint8Array;
  /** ChannelHeader.extension: a ChaincodeHeaderExtension in proposals. */
  readonly extension: Uint8Array;
}

export function decodeHeader(header: common.Header): DecodedHeader {
  const channelHeader = header.getChannelHeader_asU8();
  const signatureHeader = header.getSignatureHeader_asU8();
  const channel = decode(common.ChannelHeader, channelHeader, 'channel header');
  const signature = decode(common.SignatureHeader, signatureHeader, 'signature header');
  const timestamp = channel.getTimestamp() as ProtobufTimestamp | undefined;
  return {
    type: channel.getType(),
    channel: channel.getChannelId(),
    txId: channel.getTxId(),
    timestampMs:
      timestamp === undefined
        ? null
        : timestamp.getSeconds() * 1000 + Math.floor(timestamp.getNanos() / 1e6),
    timestamp,
    creator: signature.getCreator_asU8(),
    nonce: signature.getNonce_asU8(),
    channelHeader,
    signatureHeader,
    extension: channel.getExtension_asU8(),
  };
}

/** A map field; the library has no types of its own. */
export interface ProtobufMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): unknown;
  entries(): Iterable<readonly [string, V]>;
  getLength(): number;
}

export function mapOf<V>(field: unknown): ProtobufMap<V> {
  return field as ProtobufMap<V>;
}

/** google.protobuf.Timestamp; its package has no types of its own. */
export interface ProtobufTimestamp {
  getSeconds(): number;
  getNanos(): number;
}

/** What a client asks a chaincode to do. */
export interface DecodedProposal {
  readonly header: DecodedHeader;
  readonly chaincode: string;
  readonly args: readonly Uint8Array[];
  readonly hasTransient: boolean;
  /** ChaincodeProposalPayload without its transient map: what the transaction carries and the hash covers. */
  readonly publicPayload: Uint8Array;
  readonly headerMessage: common.Header;
  readonly signed: peer.SignedProposal;
}

export function decodeProposal(signed: peer.SignedProposal | undefined): DecodedProposal {
  const bytes = present(signed, 'signed proposal').getProposalBytes_asU8();
  if (bytes.length === 0) throw new MalformedMessageError({ what: 'proposal', reason: 'empty' });
  const proposal = decode(peer.Proposal, bytes, 'proposal');
  const headerMessage = decode(common.Header, proposal.getHeader_asU8(), 'proposal header');
  const payload = decode(
    peer.ChaincodeProposalPayload,
    proposal.getPayload_asU8(),
    'chaincode proposal payload',
  );
  const invocation = decodeInvocation(payload.getInput_asU8());
  const publicPayload = new peer.ChaincodeProposalPayload();
  publicPayload.setInput(payload.getInput_asU8());
  return {
    header: decodeHeader(headerMessage),
    ...invocation,
    hasTransient: mapOf(payload.getTransientmapMap()).getLength() > 0,
    publicPayload: publicPayload.serializeBinary(),
    headerMessage,
    signed: signed!,
  };
}

function decodeInvocation(input: Uint8Array): { chaincode: string; args: readonly Uint8Array[] } {
  const invocation = decode(peer.ChaincodeInvocationSpec, input, 'chaincode invocation');
  const spec = present(invocation.getChaincodeSpec(), 'chaincode spec');
  return {
    chaincode: present(spec.getChaincodeId(), 'chaincode id').getName(),
    args: spec.getInput()?.getArgsList_asU8() ?? [],
  };
}

/** Fabric's proposal hash: both headers as signed, and the payload without its transient part. */
export function proposalHashOf(header: DecodedHeader, publicPayload: Uint8Array): Buffer {
  return sha256(header.channelHeader, header.signatureHeader, publicPayload);
}

/** One endorsement: the endorser's serialized identity and its signature. */
export interface DecodedEndorsement {
  readonly endorser: Uint8Array;
  readonly signature: Uint8Array;
}

/** The payload of an endorser transaction, taken apart. */
export interface DecodedTransaction {
  readonly chaincode: string;
  readonly publicPayload: Uint8Array;
  readonly proposalHash: Uint8Array;
  readonly responsePayload: Uint8Array;
  readonly endorsements: readonly DecodedEndorsement[];
  readonly results: Uint8Array;
  /** `null` when the contract set none. */
  readonly event: peer.ChaincodeEvent | null;
  readonly responseStatus: number;
}

/** `data` is the payload of an envelope whose header type is ENDORSER_TRANSACTION. */
export function decodeTransaction(data: Uint8Array): DecodedTransaction {
  const actions = decode(peer.Transaction, data, 'transaction').getActionsList();
  if (actions.length !== 1) {
    const reason = `expected 1 action, got ${actions.length}`;
    throw new MalformedMessageError({ what: 'transaction', reason });
  }
  const payload = decode(
    peer.ChaincodeActionPayload,
    actions[0]!.getPayload_asU8(),
    'chaincode action payload',
  );
  const publicPayload = payload.getChaincodeProposalPayload_asU8();
  const proposal = decode(peer.ChaincodeProposalPayload, publicPayload, 'proposal payload');
  const endorsed = present(payload.getAction(), 'endorsed action');
  const responsePayload = endorsed.getProposalResponsePayload_asU8();
  const response = decode(peer.ProposalResponsePayload, responsePayload, 'proposal response');
  const action = decode(peer.ChaincodeAction, response.getExtension_asU8(), 'chaincode action');
  const events = action.getEvents_asU8();
  return {
    chaincode: decodeInvocation(proposal.getInput_asU8()).chaincode,
    publicPayload,
    proposalHash: response.getProposalHash_asU8(),
    responsePayload,
    endorsements: endorsed.getEndorsementsList().map((endorsement) => ({
      endorser: endorsement.getEndorser_asU8(),
      signature: endorsement.getSignature_asU8(),
    })),
    results: action.getResults_asU8(),
    event: events.length === 0 ? null : decode(peer.ChaincodeEvent, events, 'chaincode event'),
    responseStatus: action.getResponse()?.getStatus() ?? 0,
  };
}
