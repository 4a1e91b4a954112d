/**
 * Blocks with real bytes: envelopes, signatures and hashes as Fabric makes them, from transactions told in plain values.
 * @module
 */
import { createHash, createSign, randomBytes } from 'node:crypto';
import { decodeBlock, ledgerKey, type DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';
import type { FollowedBlock } from '../src/fabric/block-checkpoint.js';
import { followedBlockOf } from '../src/fabric/block-follower.js';

export interface Signer {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What a transaction's id is made of; the creator stands in it, so it is known before the transaction. */
export interface Origin {
  readonly nonce: Uint8Array;
  readonly creator: Signer;
  readonly txId: string;
}

export function originOf(creator: Signer): Origin {
  const nonce = randomBytes(24);
  const txId = createHash('sha256').update(nonce).update(identityBytes(creator)).digest('hex');
  return { nonce, creator, txId };
}

export interface TestChain {
  /** The next block; each transaction carries the id of its origin. */
  block(
    transactions: readonly (DecodedTransaction & { readonly origin: Origin })[],
  ): FollowedBlock & { readonly bytes: Uint8Array };
  /** As `qscc` answers. */
  bytesOf(blockNumber: number): Uint8Array;
}

/** @param endorsers - one of each organisation that signs every transaction */
export function createTestChain(endorsers: readonly Signer[]): TestChain {
  const blocks: Uint8Array[] = [];
  return {
    bytesOf: (blockNumber) => blocks[blockNumber]!,
    block(transactions) {
      const data = new common.BlockData();
      data.setDataList(transactions.map((each) => envelopeOf(each, endorsers)));
      const header = new common.BlockHeader();
      header.setNumber(blocks.length);
      const before = blocks.at(-1);
      header.setPreviousHash(before === undefined ? '' : fromHex(decodeBlock(before).hash));
      const hash = createHash('sha256');
      for (const envelope of data.getDataList_asU8()) hash.update(envelope);
      header.setDataHash(hash.digest());
      const metadata = new common.BlockMetadata();
      const codes = Uint8Array.from(transactions, ({ code }) => code);
      metadata.setMetadataList([new Uint8Array(), new Uint8Array(), codes]);
      const block = new common.Block();
      block.setHeader(header);
      block.setData(data);
      block.setMetadata(metadata);
      const bytes = block.serializeBinary();
      blocks.push(bytes);
      return { ...followedBlockOf(common.Block.deserializeBinary(bytes)), bytes };
    },
  };
}

function envelopeOf(
  transaction: DecodedTransaction & { readonly origin: Origin },
  endorsers: readonly Signer[],
): Uint8Array {
  const { origin } = transaction;
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(3);
  channelHeader.setTxId(origin.txId);
  channelHeader.setChannelId(transaction.channel);
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setNonce(origin.nonce);
  signatureHeader.setCreator(identityBytes(origin.creator));
  const header = new common.Header();
  header.setChannelHeader(
    Buffer.concat([channelHeader.serializeBinary(), timestampField(transaction.timestampMs)]),
  );
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const action = new peer.TransactionAction();
  action.setPayload(actionPayloadOf(transaction, endorsers).serializeBinary());
  const body = new peer.Transaction();
  body.setActionsList([action]);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(body.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  envelope.setSignature(signed(origin.creator, envelope.getPayload_asU8()));
  return envelope.serializeBinary();
}

/** Field 3 of a channel header, `google.protobuf.Timestamp`, as bytes: its generated class has no types. */
function timestampField(ms: number): Uint8Array {
  const seconds = [0x08, ...varint(Math.floor(ms / 1_000))];
  const nanos = [0x10, ...varint((ms % 1_000) * 1_000_000)];
  return Uint8Array.from([0x1a, seconds.length + nanos.length, ...seconds, ...nanos]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function actionPayloadOf(
  transaction: DecodedTransaction,
  endorsers: readonly Signer[],
): peer.ChaincodeActionPayload {
  const input = new peer.ChaincodeInput();
  input.setArgsList([transaction.function, ...transaction.args].map((text) => Buffer.from(text)));
  const spec = new peer.ChaincodeSpec();
  spec.setInput(input);
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const proposal = new peer.ChaincodeProposalPayload();
  proposal.setInput(invocation.serializeBinary());
  const chaincodeAction = new peer.ChaincodeAction();
  chaincodeAction.setResults(resultsOf(transaction));
  const response = new peer.ProposalResponsePayload();
  response.setExtension$(chaincodeAction.serializeBinary());
  const responseBytes = response.serializeBinary();
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(responseBytes);
  endorsed.setEndorsementsList(
    endorsers.map((endorser) => {
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(identityBytes(endorser));
      endorsement.setSignature(
        signed(endorser, Buffer.concat([responseBytes, identityBytes(endorser)])),
      );
      return endorsement;
    }),
  );
  const payload = new peer.ChaincodeActionPayload();
  payload.setChaincodeProposalPayload(proposal.serializeBinary());
  payload.setAction(endorsed);
  return payload;
}

function resultsOf({ writes }: DecodedTransaction): Uint8Array {
  const keyValues = new ledger.rwset.kvrwset.KVRWSet();
  keyValues.setWritesList(
    writes.map(({ key, value, isDelete }) => {
      const write = new ledger.rwset.kvrwset.KVWrite();
      write.setKey(ledgerKey(...key));
      write.setValue(value);
      write.setIsDelete(isDelete);
      return write;
    }),
  );
  const set = new ledger.rwset.NsReadWriteSet();
  set.setNamespace('bhschain');
  set.setRwset(keyValues.serializeBinary());
  const results = new ledger.rwset.TxReadWriteSet();
  results.setNsRwsetList([set]);
  return results.serializeBinary();
}

function identityBytes({ mspId, certificatePem }: Signer): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem));
  return identity.serializeBinary();
}

function signed({ privateKeyPem }: Signer, bytes: Uint8Array): Uint8Array {
  return createSign('sha256').update(bytes).sign(privateKeyPem);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
