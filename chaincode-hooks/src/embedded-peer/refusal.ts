/**
 * Errors on their way to a gRPC client: status, message, and one `gateway.ErrorDetail` per endorser in
 * `grpc-status-details-bin`, where `@hyperledger/fabric-gateway` looks for them.
 * @module
 */
import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import { MalformedMessageError, RequestRefusedError } from './errors.js';
import type { PeerLog } from './options.js';
import { bytesField, varintField } from './wire.js';

const DETAIL_TYPE = 'type.googleapis.com/gateway.ErrorDetail';
/** Details travel in a header; long ones are cut, lest HTTP/2 refuse the whole answer. */
const DETAIL_CHARS_MAX = 1_500;

/** Anything that was thrown, as a gRPC status. What is not ours is our own mistake: logged, and INTERNAL outside. */
export function grpcStatusOf(error: unknown, log: PeerLog): StatusObject {
  if (error instanceof RequestRefusedError) {
    const metadata = new Metadata();
    if (error.details.length > 0) metadata.set('grpc-status-details-bin', encodeStatus(error));
    return { code: error.status, details: error.message, metadata };
  }
  if (error instanceof MalformedMessageError) {
    return { code: status.INVALID_ARGUMENT, details: error.message, metadata: new Metadata() };
  }
  log.error({ error: error instanceof Error ? error.stack : String(error) }, 'request failed');
  return { code: status.INTERNAL, details: 'internal error', metadata: new Metadata() };
}

/** google.rpc.Status: code, message, details as google.protobuf.Any. */
function encodeStatus(error: RequestRefusedError): Buffer {
  const details = error.details.map((detail) => {
    const message = new gateway.ErrorDetail();
    message.setAddress(detail.address);
    message.setMspId(detail.mspId);
    message.setMessage(detail.message.slice(0, DETAIL_CHARS_MAX));
    const any = [bytesField(1, DETAIL_TYPE), bytesField(2, message.serializeBinary())];
    return bytesField(3, Buffer.concat(any));
  });
  return Buffer.concat([varintField(1, error.status), bytesField(2, error.message), ...details]);
}
