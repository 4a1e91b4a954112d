/**
 * EnrolmentService: server TLS and a token, on a port of its own. What a stranger may ask is little and counted.
 * @module
 */
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Admission } from './admission.js';
import type { IssuedIdentity } from './enrolment/authority.js';
import type { EnrolmentDesk } from './enrolment/desk.js';
import { bind, publicError, shutDown, type ListeningServer } from './federation-service.js';
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
  readonly caBundle: string;
  readonly caSpkiSha256: string;
  readonly federationDocument: Uint8Array;
  /** `host:port` of FederationService, as hospitals dial it. */
  readonly federationAddress: () => string;
  readonly admission: Admission;
  readonly nowMs: () => number;
}

export function createEnrolmentService(o: EnrolmentServiceOptions): EnrolmentServiceServer {
  const unary =
    <Request, Answer>(handler: (request: Request) => Promise<Answer>) =>
    (call: ServerUnaryCall<Request, Answer>, done: sendUnaryData<Answer>): void => {
      const run = async (): Promise<Answer> => {
        // Nobody is known here, so the address is what is counted.
        const leave = o.admission.enter(call.getPeer().replace(/:\d+$/, ''));
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
          done(toServiceError(publicError(cause)));
        },
      );
    };
  return {
    describeFederation: unary(() =>
      Promise.resolve({
        federationId: o.federationId,
        caSpkiSha256: o.caSpkiSha256,
        levels: [...PROTOCOL_LEVELS],
        serverAtMs: BigInt(Math.trunc(o.nowMs())),
        caBundle: o.caBundle,
      }),
    ),
    requestEnrolment: unary(async (request) => {
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
    pollEnrolment: unary(async (request) => {
      const filed = await o.desk.poll(request.requestId, new Uint8Array(request.signature));
      const approved = filed.state === 'approved';
      return {
        state: filed.state,
        reason: filed.reason,
        certificate: filed.certificate,
        caBundle: approved ? o.caBundle : '',
        federationDocument: approved ? Buffer.from(o.federationDocument) : Buffer.alloc(0),
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
    identity: IssuedIdentity;
  }>,
): Promise<ListeningServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 4,
    'grpc.max_connection_idle_ms': 60_000,
  });
  server.addService(EnrolmentServiceService, o.service);
  // The authority travels in the chain, so that a caller can compare it with the pin of the invitation.
  const chain = `${o.identity.certificate}${o.identity.ca}`;
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(chain), private_key: Buffer.from(o.identity.privateKey) },
  ]);
  const port = await bind(server, `${o.host}:${o.port}`, credentials);
  return { port, close: () => shutDown(server) };
}
