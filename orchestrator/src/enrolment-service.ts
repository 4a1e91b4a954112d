/**
 * EnrolmentService: server TLS and a token, on a port of its own. What a stranger may ask is little and counted.
 * @module
 */
import { experimental, Server, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Admission } from './admission.js';
import type { Authority } from './enrolment/authority.js';
import type { EnrolmentDesk } from './enrolment/desk.js';
import { publicError } from './federation-service.js';
import { listen, type ListeningServer } from './listening.js';
import type { FederationError } from './errors.js';
import type { ServerIdentity } from './server-identity.js';
import { toServiceError } from './protocol/error-trailer.js';
import {
  EnrolmentServiceService,
  type EnrolmentServiceServer,
} from './protocol/generated/federation.js';
import { PROTOCOL_LEVELS } from './protocol/limits.js';

/** A certificate request with a MSP certificate fits many times. */
const MESSAGE_BYTES_MAX = 65_536;

export interface EnrolmentServiceOptions {
  readonly desk: EnrolmentDesk;
  readonly federationId: string;
  readonly authority: Authority;
  readonly federationDocument: () => Promise<Uint8Array>;
  /** `host:port` of FederationService, as hospitals dial it. */
  readonly federationAddress: () => string;
  readonly admission: Admission;
  readonly nowMs: () => number;
  /** Told of every call that is refused, with the address it came from. */
  readonly refused?: (
    refusal: Readonly<{ method: string; from: string; error: FederationError }>,
  ) => void;
}

export function createEnrolmentService(o: EnrolmentServiceOptions): EnrolmentServiceServer {
  const unary =
    <Request, Answer>(method: string, handler: (request: Request) => Promise<Answer>) =>
    (call: ServerUnaryCall<Request, Answer>, done: sendUnaryData<Answer>): void => {
      // Nobody is known here, so the address is what is counted.
      const from = call.getPeer().replace(/:\d+$/, '');
      const run = async (): Promise<Answer> => {
        const leave = o.admission.enter(from);
        try {
          return await handler(call.request);
        } finally {
          leave();
        }
      };
      run().then(
        (answer) => {
          done(null, answer);
        },
        (cause: unknown) => {
          const error = publicError(cause);
          o.refused?.({ method, from, error });
          done(toServiceError(error));
        },
      );
    };
  return {
    describeFederation: unary('DescribeFederation', () =>
      Promise.resolve({
        federationId: o.federationId,
        caSpkiSha256: o.authority.spkiSha256,
        levels: [...PROTOCOL_LEVELS],
        serverAtMs: BigInt(Math.trunc(o.nowMs())),
        caBundle: o.authority.bundlePem,
      }),
    ),
    requestEnrolment: unary('RequestEnrolment', async (request) => {
      const filed = await o.desk.request({
        token: request.token,
        nodeId: request.nodeId,
        csr: new Uint8Array(request.csr),
        mspId: request.mspId,
        mspCertificate: request.mspCertificate,
        mspSignature: new Uint8Array(request.mspSignature),
      });
      return {
        requestId: filed.requestId,
        fingerprint: filed.fingerprint,
        expiresAtMs: BigInt(filed.expiresAtMs),
      };
    }),
    pollEnrolment: unary('PollEnrolment', async (request) => {
      const filed = await o.desk.poll(request.requestId, new Uint8Array(request.signature));
      const approved = filed.state === 'approved';
      return {
        state: filed.state,
        reason: filed.reason,
        certificate: filed.certificate,
        caBundle: approved ? o.authority.bundlePem : '',
        federationDocument: approved ? Buffer.from(await o.federationDocument()) : Buffer.alloc(0),
        address: approved ? o.federationAddress() : '',
      };
    }),
  };
}

/** @throws {OrchestratorError} `ERR_LISTEN` */
export async function listenEnrolment(
  o: Readonly<{
    service: EnrolmentServiceServer;
    host: string;
    port: number;
    identity: ServerIdentity;
  }>,
): Promise<ListeningServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 4,
    'grpc.max_connection_idle_ms': 60_000,
  });
  server.addService(EnrolmentServiceService, o.service);
  // The first provider is the identity, whatever its declaration calls it; no client certificate is asked for.
  const credentials = experimental.createCertificateProviderServerCredentials(
    o.identity,
    null,
    false,
  );
  return listen({ ...o, server, credentials });
}
