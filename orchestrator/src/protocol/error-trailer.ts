/**
 * Federation errors as gRPC errors and back. The trailer `bhs-error-bin` holds canonical JSON
 * {code, message, retryable, retryAfterMs, facts}.
 * @module
 */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import {
  FEDERATION_ERRORS,
  FederationError,
  type ErrorFacts,
  type FederationErrorCode,
} from '../errors.js';
import { encodeCanonical } from './canonical.js';
import { isLinkDamage } from './link-damage.js';

const TRAILER = 'bhs-error-bin';

/** The form in which a handler hands an error to grpc-js. */
export function toServiceError(error: FederationError): ServiceError {
  const metadata = new Metadata();
  const body = {
    code: error.code,
    facts: error.facts,
    message: error.message,
    retryAfterMs: error.retryAfterMs,
    retryable: error.retryable,
  };
  metadata.set(TRAILER, Buffer.from(encodeCanonical(body)));
  return Object.assign(new Error(error.message), {
    code: status[FEDERATION_ERRORS[error.code].status],
    details: error.message,
    metadata,
  });
}

/** What a client call failed with, as one of our errors. */
export function fromServiceError(error: ServiceError): FederationError {
  const [trailer] = error.metadata.get(TRAILER);
  if (trailer instanceof Buffer) {
    const decoded = decodeTrailer(trailer, error);
    if (decoded !== null) return decoded;
  }
  switch (error.code) {
    case status.UNAVAILABLE:
      // grpc-js shows a refused certificate only as an OpenSSL sentence inside an UNAVAILABLE.
      return isTlsFailure(error.details)
        ? new FederationError('ERR_TLS_REFUSED', `certificate refused: ${error.details}`, {
            cause: error,
          })
        : new FederationError('ERR_UNREACHABLE', `orchestrator unreachable: ${error.details}`, {
            cause: error,
          });
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
      return new FederationError('ERR_UNREACHABLE', `no answer in time: ${error.details}`, {
        cause: error,
      });
    case status.RESOURCE_EXHAUSTED:
      return new FederationError('ERR_BUSY', error.details, { cause: error });
    default:
      return new FederationError('ERR_INTERNAL', error.details, { cause: error });
  }
}

function isTlsFailure(details: string): boolean {
  return (
    /certificate|handshake|SSL routines|alert|altnames/i.test(details) && !isLinkDamage(details)
  );
}

function decodeTrailer(bytes: Buffer, cause: ServiceError): FederationError | null {
  try {
    const body = JSON.parse(bytes.toString('utf8')) as {
      code: string;
      facts: ErrorFacts;
      message: string;
      retryAfterMs: number | null;
    };
    if (!Object.hasOwn(FEDERATION_ERRORS, body.code)) return null;
    return new FederationError(body.code as FederationErrorCode, body.message, {
      facts: body.facts,
      retryAfterMs: body.retryAfterMs,
      cause,
    });
  } catch {
    return null;
  }
}
