/**
 * One call and one answer, with a deadline of our own timer, so that a skewed wall clock cannot shorten it.
 * @module
 */
import { Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { context, propagation } from '@opentelemetry/api';
import { fromServiceError } from './error-trailer.js';

/** What the generated service says of a unary call. */
export interface UnaryMethod<Request, Answer> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

/** The caller's trace, for whoever has registered OpenTelemetry; empty otherwise. */
function traceOf(): Metadata {
  const metadata = new Metadata();
  propagation.inject(context.active(), metadata, {
    set: (carrier, key, value) => {
      carrier.set(key, value);
    },
  });
  return metadata;
}

/** @throws {FederationError} as the other side says, or `ERR_UNREACHABLE`, `ERR_TLS_REFUSED` */
export function unaryCall<Request, Answer>(
  client: Client,
  method: UnaryMethod<Request, Answer>,
  request: Request,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      traceOf(),
      (error: ServiceError | null, answer) => {
        clearTimeout(timer);
        if (error === null) resolve(answer!);
        else reject(fromServiceError(error));
      },
    );
    const timer = setTimeout(() => call.cancel(), timeoutMs);
  });
}
