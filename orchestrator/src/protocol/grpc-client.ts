/**
 * The node's side of the wire: typed calls over mutual TLS 1.3. It translates messages and errors, verifies what is
 * content-addressed or signed, and keeps no state; retries belong to the caller.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Client, credentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { sha256Hex } from '@bhschain/dp';
import { FederationError, UpdateRejectedError, VerificationError } from '../errors.js';
import type {
  DeclineReason,
  FederationClient,
  FederationClientOptions,
  BudgetDeclaration,
  Hello,
  LedgerHead,
  ManifestReference,
  NodeState,
  Participation,
  VerifiedManifest,
} from './client.js';
import { encodeEnvelope, type UpdateEnvelope } from './envelope.js';
import { fromServiceError } from './error-trailer.js';
import {
  FederationServiceService as rpc,
  NodeState as WireNodeState,
  Participation as WireParticipation,
  type Receipt as WireReceipt,
} from './generated/federation.js';
import { SERVER_NAME, type RoundId } from './identifiers.js';
import {
  CHUNK_BYTES,
  INLINE_UPDATE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PROTOCOL_LEVELS,
} from './limits.js';
import { verifyManifest, type SignedManifest } from './manifest.js';
import { verifyReceipt, type SignedReceipt } from './receipt.js';
import { signDocument } from './signing.js';
import { tlsRefusalOf } from './tls-refusal.js';
import { verifyTrust, type Trust } from './trust.js';
import { unaryCall, type UnaryMethod } from './unary-call.js';
import { roundIdFromWire, roundIdToWire } from './wire.js';
import { workFromWire, type Work } from './work.js';

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.enable_retries': 0,
};

const WIRE_STATES: Readonly<Record<NodeState, WireNodeState>> = {
  ready: WireNodeState.NODE_STATE_READY,
  paused: WireNodeState.NODE_STATE_PAUSED,
  training: WireNodeState.NODE_STATE_TRAINING,
};

/** Nobody answers there at all, which has nothing to do with certificates. */
const PLAINLY_AWAY = /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|no answer in time/;

const WIRE_PARTICIPATION: Readonly<Record<Participation, WireParticipation>> = {
  active: WireParticipation.PARTICIPATION_ACTIVE,
  paused: WireParticipation.PARTICIPATION_PAUSED,
  leaving: WireParticipation.PARTICIPATION_LEAVING,
};

/**
 * Opens a lazy connection; the first call dials.
 * @throws what node:crypto throws for a malformed certificate or key
 */
export function createFederationClient(options: FederationClientOptions): FederationClient {
  const secure = createSecureContext({
    ca: options.ca,
    cert: options.certificate,
    key: options.privateKey,
    minVersion: 'TLSv1.3',
  });
  // RFC 6066 has no addresses in the server name; the authority certifies one name for all orchestrators of its own.
  const host = options.address.slice(0, options.address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const named = isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': SERVER_NAME };
  const stub = new Client(options.address, credentials.createFromSecureContext(secure), {
    ...CHANNEL_OPTIONS,
    ...named,
  });
  return new GrpcFederationClient(stub, options);
}

class GrpcFederationClient implements FederationClient {
  readonly #stub: Client;
  readonly #o: FederationClientOptions;

  constructor(stub: Client, options: FederationClientOptions) {
    this.#stub = stub;
    this.#o = options;
  }

  async hello(
    o: Readonly<{ software: string; kernelHash: string; ledgerHead: LedgerHead | null }>,
  ): Promise<Hello> {
    const sentAtMs = this.#o.nowMs();
    const answer = await this.#unary(rpc.hello, {
      levels: [...PROTOCOL_LEVELS],
      federationId: this.#o.federationId,
      nodeId: this.#o.nodeId,
      clientAtMs: BigInt(Math.trunc(sentAtMs)),
      software: o.software,
      kernelHash: o.kernelHash,
      ledgerHead:
        o.ledgerHead === null
          ? undefined
          : { seq: BigInt(o.ledgerHead.seq), hash: o.ledgerHead.hash },
    });
    const arrivedAtMs = this.#o.nowMs();
    const received = Number(answer.receivedAtMs);
    const answered = Number(answer.answeredAtMs);
    return {
      level: answer.level,
      clockOffsetMs: (received - sentAtMs + (answered - arrivedAtMs)) / 2,
      clockErrorMs: Math.max(0, arrivedAtMs - sentAtMs - (answered - received)) / 2,
      federationDocument: answer.federationDocument,
      revocationEpoch: Number(answer.revocationEpoch),
      highestLedgerHead:
        answer.highestLedgerHead === undefined
          ? null
          : {
              seq: Number(answer.highestLedgerHead.seq),
              hash: answer.highestLedgerHead.hash,
            },
    };
  }

  async getWork(o: Readonly<{ state: NodeState; revocationEpoch?: number }>): Promise<Work> {
    const answer = await this.#unary(rpc.getWork, {
      state: WIRE_STATES[o.state],
      revocationEpoch: BigInt(o.revocationEpoch ?? 0),
    });
    return workFromWire(answer);
  }

  async getObject(digest: string): Promise<Uint8Array> {
    const call = this.#stub.makeServerStreamRequest(
      rpc.getObject.path,
      rpc.getObject.requestSerialize,
      rpc.getObject.responseDeserialize,
      { digest, firstChunk: 0 },
    );
    const timer = setTimeout(() => call.cancel(), this.#o.objectTimeoutMs ?? 60_000);
    const parts: Buffer[] = [];
    try {
      for await (const chunk of call as AsyncIterable<{ bytes: Buffer }>) parts.push(chunk.bytes);
    } catch (cause) {
      throw fromServiceError(cause as ServiceError);
    } finally {
      clearTimeout(timer);
    }
    const bytes = new Uint8Array(Buffer.concat(parts));
    if (sha256Hex(bytes) !== digest) {
      throw new VerificationError('ERR_OBJECT_DIGEST', `object ${digest}: other bytes came`, {
        digest,
      });
    }
    return bytes;
  }

  async submitUpdate(
    o: Readonly<{ envelope: UpdateEnvelope; update: Uint8Array }>,
  ): Promise<SignedReceipt> {
    const envelope = encodeEnvelope(o.envelope);
    const signature = signDocument('bhs-update-v1', envelope, createPrivateKey(this.#o.privateKey));
    const inline = o.update.length <= INLINE_UPDATE_BYTES_MAX;
    if (!inline) await this.#upload(o.update);
    const answer = await this.#unary(rpc.submitUpdate, {
      envelope: Buffer.from(envelope),
      signature: Buffer.from(signature),
      update: inline ? Buffer.from(o.update) : Buffer.alloc(0),
    });
    const receipt = this.#receipt(answer.receipt);
    if (receipt.receipt.verdict === 'rejected') {
      throw new UpdateRejectedError({
        slotIndex: receipt.receipt.roundId.slotIndex,
        nodeId: receipt.receipt.nodeId,
        reason: receipt.receipt.reason,
      });
    }
    return receipt;
  }

  async getReceipt(roundId: RoundId): Promise<SignedReceipt> {
    const answer = await this.#unary(rpc.getReceipt, { roundId: roundIdToWire(roundId) });
    return this.#receipt(answer.receipt);
  }

  async declineRound(roundId: RoundId, reason: DeclineReason): Promise<void> {
    await this.#unary(rpc.declineRound, {
      roundId: roundIdToWire(roundId),
      reason,
    });
  }

  async reportPhase(
    roundId: RoundId,
    phase: 'training' | 'uploading',
  ): Promise<Readonly<{ deadlineInMs: number }>> {
    const answer = await this.#unary(rpc.reportPhase, { roundId: roundIdToWire(roundId), phase });
    return { deadlineInMs: Number(answer.deadlineInMs) };
  }

  async getManifest(
    roundId: RoundId,
    o: Readonly<{ previousManifest?: string }> = {},
  ): Promise<VerifiedManifest> {
    const answer = await this.#unary(rpc.getManifest, { roundId: roundIdToWire(roundId) });
    const signed: SignedManifest = {
      bytes: new Uint8Array(answer.manifest),
      signature: new Uint8Array(answer.signature),
      signerCertificate: answer.signerCertificate,
      evidence: answer.evidence.map((each) => ({
        nodeId: each.nodeId,
        envelope: new Uint8Array(each.envelope),
        signature: new Uint8Array(each.signature),
        certificate: new Uint8Array(each.certificate),
      })),
    };
    const manifest = verifyManifest({
      ...signed,
      ...o,
      trustedSigners: this.#o.trustedSigners,
      federationId: this.#o.federationId,
    });
    return { ...signed, manifest };
  }

  async listManifests(afterSlotIndex: number): Promise<readonly ManifestReference[]> {
    const found: ManifestReference[] = [];
    let cursor = afterSlotIndex;
    for (;;) {
      const answer = await this.#unary(rpc.listManifests, { cursor: BigInt(cursor) });
      for (const each of answer.manifests) {
        const roundId = roundIdFromWire(each.roundId);
        found.push({
          roundId,
          manifest: each.manifest,
          previousManifest: each.previousManifest,
          resultModel: each.resultModel,
        });
        cursor = roundId.slotIndex;
      }
      if (!answer.more || answer.manifests.length === 0) return found;
    }
  }

  async getTrust(): Promise<Trust> {
    const answer = await this.#unary(rpc.getTrust, { epoch: 0n });
    return verifyTrust({
      document: new Uint8Array(answer.revocations),
      signature: new Uint8Array(answer.signature),
      signerCertificate: answer.signerCertificate,
      ca: answer.caBundle,
      trustedSigners: this.#o.trustedSigners,
    });
  }

  async renewCertificate(
    o: Readonly<{ csr: Uint8Array }>,
  ): Promise<Readonly<{ certificate: string; ca: string }>> {
    const signature = signDocument('bhs-renew-v1', o.csr, createPrivateKey(this.#o.privateKey));
    const answer = await this.#unary(rpc.renewCertificate, {
      csr: Buffer.from(o.csr),
      signature: Buffer.from(signature),
    });
    return { certificate: answer.certificate, ca: answer.caBundle };
  }

  async setParticipation(participation: Participation): Promise<void> {
    await this.#unary(rpc.setParticipation, { participation: WIRE_PARTICIPATION[participation] });
  }

  async declareBudget(budget: BudgetDeclaration): Promise<void> {
    await this.#unary(rpc.declareBudget, {
      spentMicro: BigInt(budget.spentMicro),
      ceilingMicro: BigInt(budget.ceilingMicro),
      horizonDays: budget.horizonDays,
      deltaExponent: budget.deltaExponent,
      roundsLeft: BigInt(budget.roundsLeft),
      ledgerSeq: BigInt(budget.ledgerSeq),
    });
  }

  close(): void {
    this.#stub.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Sends what the server does not have yet. */
  async #upload(bytes: Uint8Array): Promise<void> {
    const digest = sha256Hex(bytes);
    const count = Math.ceil(bytes.length / CHUNK_BYTES);
    const chunk = (index: number): Uint8Array =>
      bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const { missing } = await this.#unary(rpc.beginObject, {
      digest,
      objectBytes: BigInt(bytes.length),
      chunkDigests: Array.from({ length: count }, (_, index) => sha256Hex(chunk(index))),
    });
    for (const index of missing) {
      await this.#unary(rpc.putChunk, {
        digest,
        index,
        bytes: Buffer.from(chunk(index)),
      });
    }
  }

  #receipt(wire: WireReceipt | undefined): SignedReceipt {
    if (wire === undefined) {
      throw new VerificationError('ERR_RECEIPT', 'receipt: expected one, got none');
    }
    const bytes = new Uint8Array(wire.receipt);
    const signature = new Uint8Array(wire.signature);
    const receipt = verifyReceipt({
      bytes,
      signature,
      signerCertificate: wire.signerCertificate,
      trustedSigners: this.#o.trustedSigners,
    });
    return { receipt, bytes, signature, signerCertificate: wire.signerCertificate };
  }

  async #unary<Request, Answer>(
    method: UnaryMethod<Request, Answer>,
    request: Request,
  ): Promise<Answer> {
    try {
      return await unaryCall(this.#stub, method, request, this.#o.callTimeoutMs ?? 10_000);
    } catch (cause) {
      throw await this.#explained(cause);
    }
  }

  /** An unreachable server may be one that refuses our certificate: then trying again helps nobody. */
  async #explained(cause: unknown): Promise<unknown> {
    if (!(cause instanceof FederationError) || cause.code !== 'ERR_UNREACHABLE') return cause;
    if (PLAINLY_AWAY.test(cause.message)) return cause;
    const reason = await tlsRefusalOf(this.#o, this.#o.nowMs());
    return reason === null ? cause : new FederationError('ERR_TLS_REFUSED', reason, { cause });
  }
}
