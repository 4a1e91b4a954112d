/**
 * `gateway.Gateway` on the wire: decode, call, encode.
 * @module
 */
import {
  Metadata,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import { AccessDeniedError, type Access } from './access.js';
import { blockOfPosition, followBlocks } from './block-stream.js';
import { RequestRefusedError } from './errors.js';
import type { Gateway } from './gateway.js';
import type { Ledger } from './ledger.js';
import { decode } from './messages.js';
import type { PeerLog } from './options.js';
import { grpcStatusOf } from './refusal.js';

/** Calls at once, waiting ones included: Fabric's own limit (`peer.limits.concurrency.gatewayService`). */
const CALLS_MAX = 500;

/** Made once: a DOMException with a stack for every call that ends would cost more than the call. */
const CALL_CANCELLED = 'call cancelled';

export interface GatewayServiceOptions {
  readonly gateway: Gateway;
  readonly access: Access;
  readonly ledger: Ledger;
  readonly log: PeerLog;
  /** Ends the streams and waits that begin now: fires when the peer closes, or cuts its streams. */
  readonly streamEnd: () => AbortSignal;
}

export function gatewayService(options: GatewayServiceOptions): UntypedServiceImplementation {
  const { access, ledger, log, streamEnd } = options;
  const service = options.gateway;
  let underWay = 0;

  function unary<Request, Response>(
    answer: (
      request: Request,
      call: ServerUnaryCall<Request, Response>,
    ) => Promise<Response> | Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      void (async () => {
        underWay++;
        try {
          if (underWay > CALLS_MAX) throw tooMany();
          callback(null, await answer(call.request, call));
        } catch (error) {
          callback(grpcStatusOf(error, log));
        } finally {
          underWay--;
        }
      })();
    };
  }

  /** Fires when the client has gone or the peer closes. */
  function endOf(call: ServerUnaryCall<unknown, unknown>): AbortSignal {
    const gone = new AbortController();
    call.once('cancelled', () => gone.abort(CALL_CANCELLED));
    return AbortSignal.any([gone.signal, streamEnd()]);
  }

  const chaincodeEvents: handleServerStreamingCall<
    gateway.SignedChaincodeEventsRequest,
    gateway.ChaincodeEventsResponse
  > = (call) => {
    void (async () => {
      try {
        const signed = call.request.getRequest_asU8();
        const request = decode(gateway.ChaincodeEventsRequest, signed, 'events request');
        read(access, {
          channel: request.getChannelId(),
          identity: request.getIdentity_asU8(),
          signed,
          signature: call.request.getSignature_asU8(),
        });
        const start = blockOfPosition(request.getStartPosition(), ledger.height);
        if (start === null) throw invalid('start position is missing');
        // The client must learn that it is subscribed, or an event right after could be missed unnoticed.
        call.sendMetadata(new Metadata());
        const skipper = afterTransaction(request.getAfterTransactionId(), start);
        const finished = await followBlocks({
          ledger,
          call,
          start,
          stop: Number.POSITIVE_INFINITY,
          signal: streamEnd(),
          messagesOf: (number) => {
            const response = eventsOf(ledger, number, request.getChaincodeId(), skipper);
            return response === null ? [] : [response];
          },
        });
        if (!finished && !call.cancelled) throw unavailable();
      } catch (error) {
        refuseStream(call, grpcStatusOf(error, log));
      }
    })();
  };

  return {
    evaluate: unary(async (request: gateway.EvaluateRequest) => {
      const targets = request.getTargetOrganizationsList();
      const response = new gateway.EvaluateResponse();
      response.setResult(await service.evaluate(request.getProposedTransaction(), targets));
      return response;
    }),
    endorse: unary(async (request: gateway.EndorseRequest) => {
      const targets = request.getEndorsingOrganizationsList();
      const response = new gateway.EndorseResponse();
      response.setPreparedTransaction(
        await service.endorse(request.getProposedTransaction(), targets),
      );
      return response;
    }),
    submit: unary((request: gateway.SubmitRequest) => {
      service.submit(request.getPreparedTransaction());
      return new gateway.SubmitResponse();
    }),
    commitStatus: unary(async (signedRequest: gateway.SignedCommitStatusRequest, call) => {
      const signed = signedRequest.getRequest_asU8();
      const request = decode(gateway.CommitStatusRequest, signed, 'status request');
      const txId = request.getTransactionId();
      if (txId === '') throw invalid('transaction ID should not be empty');
      read(access, {
        channel: request.getChannelId(),
        identity: request.getIdentity_asU8(),
        signed,
        signature: signedRequest.getSignature_asU8(),
      });
      const found = ledger.statusOf(txId) ?? (await ledger.whenCommitted(txId, endOf(call)));
      if (found === null) throw unavailable();
      const response = new gateway.CommitStatusResponse();
      response.setBlockNumber(found.block);
      response.setResult(found.code as Parameters<typeof response.setResult>[0]);
      return response;
    }),
    chaincodeEvents,
  };
}

/** Decides, transaction by transaction, whether an event comes after the one that the client has already seen. */
function afterTransaction(
  afterTxId: string,
  firstBlock: number,
): (block: number, txId: string) => boolean {
  let seen = afterTxId === '';
  return (block, txId) => {
    if (seen || block !== firstBlock) return true;
    seen = txId === afterTxId;
    return false;
  };
}

function eventsOf(
  ledger: Ledger,
  number: number,
  chaincode: string,
  isWanted: (block: number, txId: string) => boolean,
): gateway.ChaincodeEventsResponse | null {
  const events = ledger
    .eventsOf(number)
    .filter(({ txId }) => isWanted(number, txId))
    .flatMap(({ event }) => (event?.getChaincodeId() === chaincode ? [event] : []));
  if (events.length === 0) return null;
  const response = new gateway.ChaincodeEventsResponse();
  response.setBlockNumber(number);
  response.setEventsList(events);
  return response;
}

function read(access: Access, request: Parameters<Access['reader']>[0]): void {
  try {
    access.reader(request);
  } catch (error) {
    if (!(error instanceof AccessDeniedError)) throw error;
    const { message } = error;
    throw new RequestRefusedError({ status: status.PERMISSION_DENIED, message, cause: error });
  }
}

function invalid(message: string): RequestRefusedError {
  return new RequestRefusedError({ status: status.INVALID_ARGUMENT, message });
}

function tooMany(): RequestRefusedError {
  const message = `too many requests for gateway.Gateway, exceeding concurrency limit (${CALLS_MAX})`;
  return new RequestRefusedError({ status: status.RESOURCE_EXHAUSTED, message });
}

function unavailable(): RequestRefusedError {
  return new RequestRefusedError({ status: status.UNAVAILABLE, message: 'the stream was cut' });
}

/** Ends a stream with a status: grpc-js takes it from an `error` event, and only from there. */
export function refuseStream(
  call: { emit(event: 'error', error: Error): boolean },
  refusal: ReturnType<typeof grpcStatusOf>,
): void {
  call.emit('error', Object.assign(new Error(refusal.details), refusal));
}
