/**
 * `protos.Deliver`: whole and filtered blocks from a position on, until the client stops or the stop block is sent.
 * Whole blocks are passed on as the bytes that lie on disk.
 * Source: hyperledger/fabric common/deliver/deliver.go, core/peer/deliverevents.go.
 * @module
 */
import {
  status,
  type handleBidiStreamingCall,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { common, orderer, peer } from '@hyperledger/fabric-protos';
import { AccessDeniedError, type Access } from './access.js';
import { decodeBlock } from './block.js';
import { blockOfPosition, followBlocks } from './block-stream.js';
import { MalformedMessageError, RequestRefusedError } from './errors.js';
import { refuseStream } from './gateway-service.js';
import type { Ledger } from './ledger.js';
import { decode, decodeHeader, decodeTransaction, present } from './messages.js';
import type { PeerLog } from './options.js';
import { grpcStatusOf } from './refusal.js';
import { bytesField, varintField } from './wire.js';

export interface DeliverServiceOptions {
  readonly access: Access;
  readonly channel: string;
  readonly ledger: Ledger;
  readonly log: PeerLog;
  readonly streamEnd: () => AbortSignal;
}

type Deliver = handleBidiStreamingCall<common.Envelope, Buffer>;

const method = (path: string): ServiceDefinition[string] => ({
  path,
  requestStream: true,
  responseStream: true,
  requestSerialize: (envelope: common.Envelope) => Buffer.from(envelope.serializeBinary()),
  requestDeserialize: (bytes: Buffer) => common.Envelope.deserializeBinary(bytes),
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
});

export const deliverDefinition: ServiceDefinition = {
  deliver: method('/protos.Deliver/Deliver'),
  deliverFiltered: method('/protos.Deliver/DeliverFiltered'),
  deliverWithPrivateData: method('/protos.Deliver/DeliverWithPrivateData'),
};

/** Fields of peer.DeliverResponse. */
const RESPONSE = { status: 1, block: 2, filteredBlock: 3 };

export function deliverService(options: DeliverServiceOptions): UntypedServiceImplementation {
  const { ledger, log, channel } = options;
  const whole = (number: number): Buffer => bytesField(RESPONSE.block, ledger.blockBytes(number));
  const filtered = (number: number): Buffer =>
    bytesField(RESPONSE.filteredBlock, filteredBlock(ledger, channel, number).serializeBinary());

  const serve =
    (messageOf: (number: number) => Buffer): Deliver =>
    (call) => {
      let last: Promise<void> = Promise.resolve();
      // A client may send one seek after another; each is answered in full before the next.
      call.on('data', (envelope: common.Envelope) => {
        last = last
          .then(() => deliver(call, envelope, messageOf, options))
          .catch((error: unknown) => {
            refuseStream(call, grpcStatusOf(error, log));
          });
      });
      call.on('end', () => void last.then(() => call.end()));
    };

  const refuse: Deliver = (call) => {
    const message = 'the development ledger has no private data';
    const refusal = new RequestRefusedError({ status: status.UNIMPLEMENTED, message });
    refuseStream(call, grpcStatusOf(refusal, log));
  };

  return {
    deliver: serve(whole),
    deliverFiltered: serve(filtered),
    deliverWithPrivateData: refuse,
  };
}

async function deliver(
  call: ServerDuplexStream<common.Envelope, Buffer>,
  envelope: common.Envelope,
  messageOf: (number: number) => Buffer,
  options: DeliverServiceOptions,
): Promise<void> {
  const { access, ledger, streamEnd } = options;
  const answer = (code: number): void => {
    call.write(varintField(RESPONSE.status, code));
  };
  let seek: orderer.SeekInfo;
  try {
    const payloadBytes = envelope.getPayload_asU8();
    const payload = decode(common.Payload, payloadBytes, 'payload');
    const header = decodeHeader(present(payload.getHeader(), 'header'));
    access.reader({
      channel: header.channel,
      identity: header.creator,
      signed: payloadBytes,
      signature: envelope.getSignature_asU8(),
    });
    seek = decode(orderer.SeekInfo, payload.getData_asU8(), 'seek info');
  } catch (error) {
    if (error instanceof AccessDeniedError) {
      answer(
        error.message.startsWith('channel') ? common.Status.NOT_FOUND : common.Status.FORBIDDEN,
      );
    } else if (error instanceof MalformedMessageError) answer(common.Status.BAD_REQUEST);
    else throw error;
    call.end();
    return;
  }
  const start = blockOfPosition(seek.getStart(), ledger.height);
  const stop = blockOfPosition(seek.getStop(), ledger.height);
  if (start === null || stop === null || stop < start) {
    answer(common.Status.BAD_REQUEST);
    call.end();
    return;
  }
  const failIfAbsent = seek.getBehavior() === orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY;
  if (failIfAbsent && stop >= ledger.height) {
    answer(common.Status.NOT_FOUND);
    return;
  }
  const messagesOf = (number: number): Buffer[] => [messageOf(number)];
  const signal = streamEnd();
  const finished = await followBlocks({ ledger, call, start, stop, signal, messagesOf });
  if (finished) answer(common.Status.SUCCESS);
  else if (!call.cancelled) {
    const message = 'the stream was cut';
    throw new RequestRefusedError({ status: status.UNAVAILABLE, message });
  }
}

/** Ids, types, codes and event names; payloads of events are left out, as in Fabric. */
function filteredBlock(ledger: Ledger, channel: string, number: number): peer.FilteredBlock {
  const { envelopes, codes } = decodeBlock(ledger.block(number));
  const block = new peer.FilteredBlock();
  block.setChannelId(channel);
  block.setNumber(number);
  for (const [index, bytes] of envelopes.entries()) {
    block.addFilteredTransactions(filteredTransaction(bytes, codes[index]!));
  }
  return block;
}

function filteredTransaction(bytes: Uint8Array, code: number): peer.FilteredTransaction {
  const filtered = new peer.FilteredTransaction();
  filtered.setTxValidationCode(code as Parameters<typeof filtered.setTxValidationCode>[0]);
  try {
    const envelope = decode(common.Envelope, bytes, 'envelope');
    const payload = decode(common.Payload, envelope.getPayload_asU8(), 'payload');
    const header = decodeHeader(present(payload.getHeader(), 'header'));
    filtered.setTxid(header.txId);
    filtered.setType(header.type as Parameters<typeof filtered.setType>[0]);
    if (header.type !== common.HeaderType.ENDORSER_TRANSACTION) return filtered;
    const { event } = decodeTransaction(payload.getData_asU8());
    const actions = new peer.FilteredTransactionActions();
    if (event !== null) {
      const named = new peer.ChaincodeEvent();
      named.setChaincodeId(event.getChaincodeId());
      named.setTxId(event.getTxId());
      named.setEventName(event.getEventName());
      const action = new peer.FilteredChaincodeAction();
      action.setChaincodeEvent(named);
      actions.addChaincodeActions(action);
    }
    filtered.setTransactionActions(actions);
  } catch (error) {
    // An invalid transaction may be any bytes: it keeps its place and its code.
    if (!(error instanceof MalformedMessageError)) throw error;
  }
  return filtered;
}
