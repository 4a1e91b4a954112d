/**
 * FederationService over mutual TLS: decode, call the desk, encode. The identity is the certificate's; revocation and
 * limits are checked on every call, since a connection outlives both.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import {
  experimental,
  Server,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { Admission } from './admission.js';
import { FederationError, OrchestratorError, StoreError } from './errors.js';
import { SILENT, type Log } from './federation.js';
import { listen, type ConnectionLimits, type GrpcServer } from './listening.js';
import type { Caller } from './gates.js';
import type { Assignment, NodeDesk } from './node-desk.js';
import type { MemberDesk } from './member-desk.js';
import { isDue, type ServerIdentity } from './server-identity.js';
import { traced } from './tracing.js';
import type { UpdateDesk, WireReceipt } from './update-desk.js';
import { toServiceError } from './protocol/error-trailer.js';
import {
  FederationServiceService,
  NodeState,
  Participation as WireParticipation,
  type FederationServiceServer,
  type GetObjectRequest,
  type GetObjectResponse,
  type GetWorkResponse,
  type Receipt as ReceiptMessage,
} from './protocol/generated/federation.js';
import type { Participation } from './protocol/client.js';
import { nodeOfSubjectAltName } from './protocol/identifiers.js';
import {
  CHUNK_BYTES,
  INLINE_UPDATE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  OBJECT_BYTES_MAX,
} from './protocol/limits.js';
import { roundIdFromWire, roundIdToWire } from './protocol/wire.js';

export interface FederationServiceOptions {
  readonly desk: NodeDesk;
  readonly updates: UpdateDesk;
  readonly federationId: string;
  readonly admission: Admission;
  readonly members: MemberDesk;
  readonly nowMs: () => number;
  readonly log?: Log;
  /** Closes the connection of a peer (`address:port`) that does not read. */
  readonly showOut: (peer: string) => void;
  readonly observe?: (method: string, code: string, seconds: number) => void;
  /** Told of every call that is refused, with who called if that is known. */
  readonly refused?: (refusal: Refusal) => void;
}

export interface Refusal {
  readonly method: string;
  readonly nodeId: string;
  readonly error: FederationError;
}

/** What all kinds of calls have in common. */
type Call = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'metadata'>;

type ObjectCall = ServerWritableStream<GetObjectRequest, GetObjectResponse>;

type Handler<Request, Answer> = (caller: Caller, request: Request) => Promise<Answer>;

/** The service as grpc-js wants it. */
export function createFederationService(o: FederationServiceOptions): FederationServiceServer {
  const { desk, updates, members } = o;
  const log = o.log ?? SILENT;

  const guarded = async <Answer>(
    method: string,
    call: Call,
    uploadBytes: number,
    run: (caller: Caller) => Promise<Answer>,
  ): Promise<Answer> => {
    const startedAtMs = o.nowMs();
    let code = 'OK';
    let nodeId = '';
    try {
      const caller = callerOf(call, o.federationId, startedAtMs);
      nodeId = caller.nodeId;
      const leave = o.admission.enter(caller.nodeId, uploadBytes);
      try {
        await o.members.authorise(caller);
        return await traced(method, call.metadata, () => run(caller), codeOf);
      } finally {
        leave();
      }
    } catch (cause) {
      const error = publicError(cause);
      code = error.code;
      o.refused?.({ method, nodeId, error });
      if (error.code === 'ERR_INTERNAL' || error.code === 'ERR_STORAGE') {
        log.error(
          { method, error: cause instanceof Error ? cause.message : 'unknown' },
          'call failed',
        );
      }
      throw toServiceError(error);
    } finally {
      o.observe?.(method, code, (o.nowMs() - startedAtMs) / 1_000);
    }
  };

  const unary =
    <Request, Answer>(
      method: string,
      handler: Handler<Request, Answer>,
      uploadBytesOf: (request: Request) => number = () => 0,
    ) =>
    (call: ServerUnaryCall<Request, Answer>, done: sendUnaryData<Answer>): void => {
      guarded(method, call, uploadBytesOf(call.request), (caller) =>
        handler(caller, call.request),
      ).then(
        (answer) => done(null, answer),
        (error: unknown) => done(error as Error),
      );
    };

  return {
    hello: unary('Hello', async (caller, request) => {
      const receivedAtMs = o.nowMs();
      const { ledgerHead } = request;
      const answer = await desk.hello(caller, {
        levels: request.levels,
        federationId: request.federationId,
        nodeId: request.nodeId,
        clientAtMs: Number(request.clientAtMs),
        software: request.software,
        kernelHash: request.kernelHash,
        ledgerHead:
          ledgerHead === undefined ? null : { seq: Number(ledgerHead.seq), hash: ledgerHead.hash },
      });
      const highest = answer.highestLedgerHead;
      return {
        level: answer.level,
        receivedAtMs: BigInt(Math.trunc(receivedAtMs)),
        answeredAtMs: BigInt(Math.trunc(o.nowMs())),
        federationId: o.federationId,
        federationDocument: Buffer.from(await desk.federationDocument()),
        revocationEpoch: BigInt(answer.revocationEpoch),
        highestLedgerHead:
          highest === null ? undefined : { seq: BigInt(highest.seq), hash: highest.hash },
      };
    }),

    getWork: unary('GetWork', async (caller, request) => {
      const state =
        request.state === NodeState.NODE_STATE_READY
          ? 'ready'
          : request.state === NodeState.NODE_STATE_TRAINING
            ? 'training'
            : 'paused';
      const { assignment, pollAfterInMs } = await desk.getWork(caller, state);
      return { work: workToWire(assignment), pollAfterInMs: BigInt(pollAfterInMs) };
    }),

    getObject: (call: ObjectCall): void => {
      guarded('GetObject', call, 0, async ({ nodeId }) => {
        const done = o.admission.download(nodeId);
        try {
          await sendObject(await desk.getObject(call.request.digest), call, o);
        } finally {
          done();
        }
      }).then(
        () => call.end(),
        (error: unknown) => call.emit('error', error),
      );
    },

    beginObject: unary('BeginObject', async (caller, request) => ({
      missing: [
        ...(await updates.beginObject(caller, {
          digest: request.digest,
          objectBytes: Number(request.objectBytes),
          chunkDigests: request.chunkDigests,
        })),
      ],
    })),

    putChunk: unary(
      'PutChunk',
      async (_caller, request) => ({
        remaining: await updates.putChunk(request.digest, request.index, bytesOf(request.bytes)),
      }),
      (request) => request.bytes.length,
    ),

    submitUpdate: unary(
      'SubmitUpdate',
      async (caller, request) => {
        if (request.update.length > INLINE_UPDATE_BYTES_MAX) {
          throw new FederationError(
            'ERR_OBJECT_LIMIT',
            `update: expected at most ${INLINE_UPDATE_BYTES_MAX} bytes in one message`,
          );
        }
        const receipt = await updates.submitUpdate(caller, {
          envelope: bytesOf(request.envelope),
          signature: bytesOf(request.signature),
          update: bytesOf(request.update),
        });
        return { receipt: receiptToWire(receipt) };
      },
      (request) => request.update.length,
    ),

    getReceipt: unary('GetReceipt', async (caller, request) => ({
      receipt: receiptToWire(await updates.getReceipt(caller, roundIdFromWire(request.roundId))),
    })),

    declineRound: unary('DeclineRound', async (caller, request) => {
      await desk.declineRound(caller, roundIdFromWire(request.roundId), request.reason);
      return {};
    }),

    reportPhase: unary('ReportPhase', async (caller, request) => {
      const { deadlineInMs } = await desk.reportPhase(
        caller,
        roundIdFromWire(request.roundId),
        request.phase,
      );
      return { deadlineInMs: BigInt(Math.round(deadlineInMs)) };
    }),

    getManifest: unary('GetManifest', async (_caller, request) => {
      const { manifest, evidence } = await desk.getManifest(roundIdFromWire(request.roundId));
      return {
        manifest: Buffer.from(manifest.bytes),
        signature: Buffer.from(manifest.signature),
        signerCertificate: manifest.signer,
        evidence: evidence.map((each) => ({
          nodeId: each.nodeId,
          envelope: Buffer.from(each.envelope),
          signature: Buffer.from(each.signature),
          certificate: Buffer.from(each.certificate),
        })),
      };
    }),

    listManifests: unary('ListManifests', async (_caller, request) => {
      const { manifests, more } = await desk.listManifests(Number(request.cursor));
      return {
        more,
        manifests: manifests.map((each) => ({
          roundId: roundIdToWire({ federationId: o.federationId, ...each.key }),
          manifest: each.digest,
          previousManifest: each.previous,
          resultModel: each.resultModel,
        })),
      };
    }),

    getTrust: unary('GetTrust', async () => {
      const trust = await members.trust();
      return {
        epoch: BigInt(trust.epoch),
        revocations: Buffer.from(trust.document),
        signature: Buffer.from(trust.signature),
        signerCertificate: trust.signerCertificate,
        caBundle: trust.ca,
      };
    }),

    renewCertificate: unary('RenewCertificate', async (caller, request) => {
      const { certificate, ca } = await members.renew(caller, {
        csr: bytesOf(request.csr),
        signature: bytesOf(request.signature),
      });
      return { certificate, caBundle: ca };
    }),

    setParticipation: unary('SetParticipation', async (caller, request) => {
      await members.setParticipation(caller, participationOf(request.participation));
      return {};
    }),

    declareBudget: unary('DeclareBudget', async (caller, request) => {
      await members.declareBudget(caller, {
        spentMicro: Number(request.spentMicro),
        ceilingMicro: Number(request.ceilingMicro),
        horizonDays: request.horizonDays,
        deltaExponent: request.deltaExponent,
        roundsLeft: Number(request.roundsLeft),
        ledgerSeq: Number(request.ledgerSeq),
      });
      return {};
    }),
  };
}

/**
 * Serves with mutual TLS 1.3: a caller without a certificate of the federation does not get past the handshake.
 * @throws {OrchestratorError} `ERR_LISTEN` if the address cannot be bound
 */
export async function listenFederation(
  o: Readonly<{
    service: FederationServiceServer;
    host: string;
    port: number;
    identity: ServerIdentity;
    limits?: ConnectionLimits;
  }>,
): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 64,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 15 * 60_000,
    // Also ends streams that were opened and never used.
    'grpc.max_connection_age_ms': 60 * 60_000,
    'grpc.max_connection_age_grace_ms': 60_000,
  });
  server.addService(FederationServiceService, o.service);
  const credentials = experimental.createCertificateProviderServerCredentials(
    o.identity,
    o.identity,
    true,
  );
  return listen({ ...o, server, credentials });
}

function callerOf(call: Call, federationId: string, nowMs: number): Caller {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (raw === undefined) {
    throw new FederationError('ERR_IDENTITY_UNKNOWN', 'no client certificate came');
  }
  const certificate = new X509Certificate(raw);
  const nodeId = nodeOfSubjectAltName(certificate.subjectAltName, federationId);
  if (nodeId === null) {
    throw new FederationError(
      'ERR_IDENTITY_UNKNOWN',
      'the certificate names no node of this federation',
    );
  }
  return {
    nodeId,
    certificate: new Uint8Array(certificate.raw),
    serial: certificate.serialNumber,
    expiresAtMs: Date.parse(certificate.validTo),
    isDueForRenewal: isDue(certificate, nowMs),
  };
}

const codeOf = (cause: unknown): string => publicError(cause).code;

/** What the other side may see. The detail stays in our log. */
export function publicError(cause: unknown): FederationError {
  if (cause instanceof FederationError) return cause;
  if (cause instanceof OrchestratorError && cause.code === 'ERR_CSR') {
    return new FederationError('ERR_REQUEST', cause.message, { cause });
  }
  if (cause instanceof StoreError || isDiskTrouble(cause)) {
    return new FederationError('ERR_STORAGE', 'storage is not available', { cause });
  }
  return new FederationError('ERR_INTERNAL', 'internal error', { cause });
}

function isDiskTrouble(cause: unknown): boolean {
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' && ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT'].includes(code);
}

/** Chunk by chunk: the next one is made when the one before has been taken, so a slow reader holds one of them. */
async function sendObject(
  bytes: Uint8Array,
  call: ObjectCall,
  { admission, showOut }: Pick<FederationServiceOptions, 'admission' | 'showOut'>,
): Promise<void> {
  const objectBytes = BigInt(bytes.length);
  for (let index = call.request.firstChunk; index * CHUNK_BYTES < bytes.length; index++) {
    const chunk = bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const message = { index, objectBytes, bytes: Buffer.from(chunk) };
    if (!(await taken(call, message, admission.chunkTakenMs))) {
      // A status would wait behind what is not read, and the stream with it: only the connection can be closed.
      showOut(call.getPeer());
      throw new FederationError('ERR_UNREACHABLE', 'object: nobody reads it');
    }
    if (call.cancelled) return;
  }
}

/** False if neither the chunk is taken nor the call given up within the time. */
function taken(call: ObjectCall, message: GetObjectResponse, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (ok: boolean): void => {
      clearTimeout(timer);
      call.off('cancelled', settle);
      resolve(ok);
    };
    const settle = (): void => end(true);
    const timer = setTimeout(() => end(false), withinMs).unref();
    call.once('cancelled', settle);
    call.write(message, settle);
  });
}

function workToWire(assignment: Assignment): GetWorkResponse['work'] {
  if (assignment.kind === 'idle') {
    const { reason, nextSlotInMs } = assignment;
    return {
      $case: 'idle',
      idle: { reason, nextSlotInMs: BigInt(Math.max(0, Math.round(nextSlotInMs))) },
    };
  }
  if (assignment.kind === 'renew') {
    return { $case: 'renew', renew: { expiresAtMs: BigInt(assignment.expiresAtMs) } };
  }
  const { round, plan } = assignment;
  return {
    $case: 'train',
    train: {
      roundId: roundIdToWire(round.id),
      plan: Buffer.from(plan),
      planHash: round.planHash,
      layoutHash: round.layoutHash,
      baseModel: round.baseModel,
      interval: {
        fromAtMs: BigInt(round.interval.fromMs),
        toAtMs: BigInt(round.interval.toMs),
      },
      deadlineInMs: BigInt(Math.round(assignment.deadlineInMs)),
      submitNotBeforeInMs: BigInt(Math.round(assignment.submitNotBeforeInMs)),
      objectBytesMax: BigInt(OBJECT_BYTES_MAX),
    },
  };
}

function receiptToWire(receipt: WireReceipt): ReceiptMessage {
  return {
    receipt: Buffer.from(receipt.receipt),
    signature: Buffer.from(receipt.signature),
    signerCertificate: receipt.signerCertificate,
  };
}

/** @throws {FederationError} `ERR_REQUEST` for a value that this build does not know */
function participationOf(wire: WireParticipation): Participation {
  switch (wire) {
    case WireParticipation.PARTICIPATION_ACTIVE:
      return 'active';
    case WireParticipation.PARTICIPATION_PAUSED:
      return 'paused';
    case WireParticipation.PARTICIPATION_LEAVING:
      return 'leaving';
    default:
      throw new FederationError('ERR_REQUEST', 'participation: expected active, paused or leaving');
  }
}

function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}
