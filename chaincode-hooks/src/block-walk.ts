/**
 * From a block's bytes to plain values: who called what, what it read and wrote, who endorsed it, and how it ended.
 *
 * Source: fabric-protos `common/common.proto`, `peer/transaction.proto`, `ledger/rwset`. Configuration blocks and
 * envelopes that do not decode are counted in `skippedCount`. Invalid transactions are kept with their code: they are signal.
 * @module
 */
import { createHash } from 'node:crypto';

import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';

import { actorOf } from './certificate.js';
import { ChaincodeError } from './errors.js';
import { parseLedgerKey, type KeyParts } from './ledger-keys.js';

const ENDORSER_TRANSACTION = 3;
const TRANSACTIONS_FILTER = 2;

export interface TransactionCreator {
  readonly mspId: string;
  readonly certificatePem: string;
  /** As `actorOf`; empty if the certificate does not decode. */
  readonly actor: string;
}

export interface LedgerRead {
  readonly namespace: string;
  readonly key: KeyParts;
  /** The version that was read; null if the key was absent. */
  readonly version: { readonly block: number; readonly transaction: number } | null;
}

export interface LedgerWrite {
  readonly namespace: string;
  readonly key: KeyParts;
  readonly value: Uint8Array;
  readonly isDelete: boolean;
}

export interface DecodedTransaction {
  readonly blockNumber: number;
  /** Place in its block. */
  readonly index: number;
  readonly txId: string;
  readonly channel: string;
  /** The client's claim; peers accept ± 15 minutes. */
  readonly timestampMs: number;
  /** Fabric's validation code: 0 valid, 10 policy, 11 MVCC, … */
  readonly code: number;
  readonly creator: TransactionCreator;
  readonly chaincode: string;
  /** `Contract:function`. */
  readonly function: string;
  /** Without the function name. */
  readonly args: readonly string[];
  readonly response: {
    readonly status: number;
    readonly message: string;
    readonly payload: Uint8Array;
  };
  readonly event: { readonly name: string; readonly payload: Uint8Array } | null;
  readonly reads: readonly LedgerRead[];
  readonly writes: readonly LedgerWrite[];
  /** MSP ids, in the envelope's order. */
  readonly endorsers: readonly string[];
}

export interface DecodedBlock {
  readonly number: number;
  /** Hex. `hash` is recomputed from the header, `dataHash` is the header's own word. */
  readonly previousHash: string;
  readonly dataHash: string;
  readonly hash: string;
  /** SHA-256 of the concatenated envelopes, recomputed: equal to `dataHash` in an honest block. */
  readonly recomputedDataHash: string;
  readonly transactions: readonly DecodedTransaction[];
  readonly skippedCount: number;
}

/** The transactions of a block, in order; see {@link decodeBlock} for its header. */
export function walkBlock(block: Uint8Array | common.Block): readonly DecodedTransaction[] {
  return decodeBlock(block).transactions;
}

/**
 * @throws {ChaincodeError} `ERR_BLOCK_MALFORMED` if the bytes are not a block with header and data
 */
export function decodeBlock(block: Uint8Array | common.Block): DecodedBlock {
  const decoded = block instanceof Uint8Array ? deserialise(block) : block;
  const header = decoded.getHeader();
  const data = decoded.getData();
  if (header === undefined || data === undefined) {
    throw new ChaincodeError('ERR_BLOCK_MALFORMED', 'block without header or data');
  }
  const number = header.getNumber();
  const envelopes = data.getDataList_asU8();
  const codes = decoded.getMetadata()?.getMetadataList_asU8()[TRANSACTIONS_FILTER];
  const transactions: DecodedTransaction[] = [];
  const dataHash = createHash('sha256');
  envelopes.forEach((envelope, index) => {
    dataHash.update(envelope);
    const transaction = walkEnvelope(
      (bytes) => common.Envelope.deserializeBinary(bytes),
      envelope,
      {
        blockNumber: number,
        index,
        code: codes?.[index] ?? 0,
      },
    );
    if (transaction !== null) transactions.push(transaction);
  });
  return {
    number,
    previousHash: hex(header.getPreviousHash_asU8()),
    dataHash: hex(header.getDataHash_asU8()),
    hash: blockHeaderHash({
      number,
      previousHash: header.getPreviousHash_asU8(),
      dataHash: header.getDataHash_asU8(),
    }),
    recomputedDataHash: dataHash.digest('hex'),
    transactions,
    skippedCount: envelopes.length - transactions.length,
  };
}

/** What `qscc` GetTransactionByID answers, as a transaction (its block and place are not in the answer: −1). */
export function walkProcessedTransaction(bytes: Uint8Array): DecodedTransaction | null {
  const processed = peer.ProcessedTransaction.deserializeBinary(bytes);
  const envelope = processed.getTransactionenvelope();
  if (envelope === undefined) return null;
  return walkEnvelope(() => envelope, new Uint8Array(), {
    blockNumber: -1,
    index: -1,
    code: processed.getValidationcode(),
  });
}

/**
 * Hex SHA-256 of the DER sequence (number, previous hash, data hash): what the next block calls its previous hash.
 */
export function blockHeaderHash(header: {
  readonly number: number;
  readonly previousHash: Uint8Array;
  readonly dataHash: Uint8Array;
}): string {
  const body = Buffer.concat([
    derInteger(header.number),
    derOctets(header.previousHash),
    derOctets(header.dataHash),
  ]);
  return createHash('sha256')
    .update(Buffer.concat([derHeader(0x30, body.length), body]))
    .digest('hex');
}

/** google-protobuf's own types are not installed; these are the two methods used. */
interface Timestamp {
  getSeconds(): number;
  getNanos(): number;
}

interface Place {
  readonly blockNumber: number;
  readonly index: number;
  readonly code: number;
}

function walkEnvelope(
  open: (bytes: Uint8Array) => common.Envelope,
  bytes: Uint8Array,
  place: Place,
): DecodedTransaction | null {
  try {
    return decodeEnvelope(open(bytes), place);
  } catch {
    return null; // not ours to judge: the committer gave it its code, and it carries no call
  }
}

function decodeEnvelope(envelope: common.Envelope, place: Place): DecodedTransaction | null {
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const header = payload.getHeader();
  if (header === undefined) return null;
  const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  if (channelHeader.getType() !== ENDORSER_TRANSACTION) return null;
  const signatureHeader = common.SignatureHeader.deserializeBinary(
    header.getSignatureHeader_asU8(),
  );
  const action = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList()[0];
  if (action === undefined) return null;
  const actionPayload = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8());
  const endorsed = actionPayload.getAction();
  if (endorsed === undefined) return null;
  const chaincodeAction = peer.ChaincodeAction.deserializeBinary(
    peer.ProposalResponsePayload.deserializeBinary(
      endorsed.getProposalResponsePayload_asU8(),
    ).getExtension_asU8(),
  );
  const timestamp = channelHeader.getTimestamp() as Timestamp | undefined;
  const response = chaincodeAction.getResponse();
  return {
    ...place,
    txId: channelHeader.getTxId(),
    channel: channelHeader.getChannelId(),
    timestampMs:
      timestamp === undefined
        ? 0
        : timestamp.getSeconds() * 1000 + Math.floor(timestamp.getNanos() / 1e6),
    creator: creatorOf(signatureHeader.getCreator_asU8()),
    ...invocationOf(actionPayload.getChaincodeProposalPayload_asU8()),
    response: {
      status: response?.getStatus() ?? 0,
      message: response?.getMessage() ?? '',
      payload: response?.getPayload_asU8() ?? new Uint8Array(),
    },
    event: eventOf(chaincodeAction.getEvents_asU8()),
    ...readWriteSetOf(chaincodeAction.getResults_asU8()),
    endorsers: endorsed
      .getEndorsementsList()
      .map((endorsement) =>
        msp.SerializedIdentity.deserializeBinary(endorsement.getEndorser_asU8()).getMspid(),
      ),
  };
}

function creatorOf(bytes: Uint8Array): TransactionCreator {
  const identity = msp.SerializedIdentity.deserializeBinary(bytes);
  const mspId = identity.getMspid();
  const certificatePem = Buffer.from(identity.getIdBytes_asU8()).toString('utf8');
  let actor = '';
  try {
    actor = actorOf(mspId, certificatePem);
  } catch {
    // A creator whose certificate does not decode never gets code 0; the rest of its transaction is still worth keeping.
  }
  return { mspId, certificatePem, actor };
}

function invocationOf(
  proposalPayload: Uint8Array,
): Pick<DecodedTransaction, 'chaincode' | 'function' | 'args'> {
  const spec = peer.ChaincodeInvocationSpec.deserializeBinary(
    peer.ChaincodeProposalPayload.deserializeBinary(proposalPayload).getInput_asU8(),
  ).getChaincodeSpec();
  const args = (spec?.getInput()?.getArgsList_asU8() ?? []).map((argument) =>
    Buffer.from(argument).toString('utf8'),
  );
  return {
    chaincode: spec?.getChaincodeId()?.getName() ?? '',
    function: args[0] ?? '',
    args: args.slice(1),
  };
}

function eventOf(bytes: Uint8Array): DecodedTransaction['event'] {
  if (bytes.length === 0) return null;
  const event = peer.ChaincodeEvent.deserializeBinary(bytes);
  return { name: event.getEventName(), payload: event.getPayload_asU8() };
}

function readWriteSetOf(results: Uint8Array): Pick<DecodedTransaction, 'reads' | 'writes'> {
  const reads: LedgerRead[] = [];
  const writes: LedgerWrite[] = [];
  for (const set of ledger.rwset.TxReadWriteSet.deserializeBinary(results).getNsRwsetList()) {
    const namespace = set.getNamespace();
    const keyValues = ledger.rwset.kvrwset.KVRWSet.deserializeBinary(set.getRwset_asU8());
    for (const read of keyValues.getReadsList()) {
      const version = read.getVersion();
      reads.push({
        namespace,
        key: parseLedgerKey(read.getKey()),
        version:
          version === undefined
            ? null
            : { block: version.getBlockNum(), transaction: version.getTxNum() },
      });
    }
    for (const write of keyValues.getWritesList()) {
      writes.push({
        namespace,
        key: parseLedgerKey(write.getKey()),
        value: write.getValue_asU8(),
        isDelete: write.getIsDelete(),
      });
    }
  }
  return { reads, writes };
}

function deserialise(bytes: Uint8Array): common.Block {
  try {
    return common.Block.deserializeBinary(bytes);
  } catch (cause) {
    throw new ChaincodeError('ERR_BLOCK_MALFORMED', 'not a block', {}, { cause });
  }
}

function derInteger(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) {
    bytes.unshift(rest % 256);
  }
  if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0); // DER integers are signed
  return Buffer.concat([derHeader(0x02, bytes.length), Uint8Array.from(bytes)]);
}

function derOctets(value: Uint8Array): Uint8Array {
  return Buffer.concat([derHeader(0x04, value.length), value]);
}

function derHeader(tag: number, length: number): Uint8Array {
  return length < 0x80
    ? Uint8Array.of(tag, length)
    : Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
