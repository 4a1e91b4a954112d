/**
 * The node's side of the wire: typed calls over mutual TLS 1.3. It translates messages and errors, verifies what is
 * content-addressed or signed, and keeps no state; retries belong to the caller.
 * @module
 */
import { createSecureContext } from 'node:tls';
import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { Client, credentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { sha256Hex } from '@bhschain/dp';
import { UpdateRejectedError, VerificationError } from '../errors.js';
import { encodeEnvelope, type UpdateEnvelope } from './envelope.js';
import { fromServiceError } from './error-trailer.js';
import {
  FederationServiceService as rpc,
  NodeState as WireNodeState,
  type GetWorkResponse,
  type Receipt as WireReceipt,
  type WorkUnit as WireWorkUnit,
} from './generated/federation.js';
import { SERVER_NAME, type Interval, type RoundId } from './identifiers.js';
import { verifyManifest, type Manifest, type SignedManifest } from './manifest.js';
import { verifyReceipt, type SignedReceipt } from './receipt.js';
import { signDocument } from './signing.js';
import {
  CHUNK_BYTES,
  INLINE_UPDATE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PROTOCOL_LEVELS,
} from './limits.js';
import { roundIdFromWire, roundIdToWire } from './wire.js';

export type NodeState = 'ready' | 'paused' | 'training';

/** Why a node does not take part; a closed list. */
export const DECLINE_REASONS = [
  'local-policy',
  'budget',
  'clock',
  'paused',
  'not-ready',
  'version',
] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

export interface LedgerHead {
  readonly seq: number;
  readonly hash: string;
}

/** What a node is asked to train. */
export interface WorkUnit {
  readonly roundId: RoundId;
  /** Canonical bytes of the privacy plan. */
  readonly plan: Uint8Array;
  readonly planHash: string;
  readonly layoutHash: string;
  /** Digest of the base model's int32 parameters; read it with `getObject`. */
  readonly baseModel: string;
  /** Log time, half open. */
  readonly interval: Interval;
  /** Milliseconds from now, to be counted on a monotonic clock. */
  readonly deadlineInMs: number;
  readonly submitNotBeforeInMs: number;
  readonly objectBytesMax: number;
}

export type Work = Readonly<{ pollAfterInMs: number }> &
  (
    | Readonly<{ kind: 'idle'; reason: string; nextSlotInMs: number }>
    | Readonly<{ kind: 'train'; unit: WorkUnit }>
    | Readonly<{ kind: 'upgrade'; level: number }>
    | Readonly<{ kind: 'renew'; expiresAtMs: number }>
  );

export interface Hello {
  readonly level: number;
  /** Server clock minus ours, in milliseconds, and the half round trip that bounds its error. */
  readonly clockOffsetMs: number;
  readonly clockErrorMs: number;
  readonly federationDocument: Uint8Array;
  readonly revocationEpoch: number;
  /** The highest privacy-ledger head that the orchestrator has seen from this node, or null. */
  readonly highestLedgerHead: LedgerHead | null;
}

export interface ManifestReference {
  readonly roundId: RoundId;
  readonly manifest: string;
  readonly previousManifest: string;
  readonly resultModel: string;
}

export interface VerifiedManifest extends SignedManifest {
  readonly manifest: Manifest;
}

export interface FederationClientOptions {
  /** `host:port` */
  readonly address: string;
  readonly federationId: string;
  readonly nodeId: string;
  /** PEM: the federation's CA, the node's certificate and its private key. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** PEM: who may sign manifests and receipts (the ordering organisation's CA or its identity). */
  readonly trustedSigners: readonly string[];
  /** The wall clock, for the offset that `hello` measures. */
  readonly nowMs: () => number;
  /** Deadline of a unary call and of one object, in milliseconds. */
  readonly callTimeoutMs?: number;
  readonly objectTimeoutMs?: number;
}

export interface FederationClient {
  hello(
    o: Readonly<{ software: string; kernelHash: string; ledgerHead: LedgerHead | null }>,
  ): Promise<Hello>;
  getWork(o: Readonly<{ state: NodeState; revocationEpoch?: number }>): Promise<Work>;
  /** The bytes under a digest, checked against it. */
  getObject(digest: string): Promise<Uint8Array>;
  /**
   * Signs the envelope and sends it with the update, in one message where it fits and in resumable chunks otherwise.
   * Sending twice is harmless. A quarantined update is a receipt like an accepted one.
   * @throws {UpdateRejectedError} if the screening turned it down
   * @throws {FederationError} as README.md lists; `retryable` says whether to try again with the same bytes
   */
  submitUpdate(
    o: Readonly<{ envelope: UpdateEnvelope; update: Uint8Array }>,
  ): Promise<SignedReceipt>;
  getReceipt(roundId: RoundId): Promise<SignedReceipt>;
  declineRound(roundId: RoundId, reason: DeclineReason): Promise<void>;
  reportPhase(
    roundId: RoundId,
    phase: 'training' | 'uploading',
  ): Promise<Readonly<{ deadlineInMs: number }>>;
  /** The manifest of a sealed round, signature checked. */
  getManifest(
    roundId: RoundId,
    o?: Readonly<{ previousManifest?: string }>,
  ): Promise<VerifiedManifest>;
  /** Sealed rounds after a slot, oldest first. */
  listManifests(afterSlotIndex: number): Promise<readonly ManifestReference[]>;
  close(): void;
  [Symbol.dispose](): void;
}

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

  /** One call with a deadline of our own timer, so that a skewed wall clock cannot shorten it. */
  #unary<Request, Answer>(method: Method<Request, Answer>, request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = this.#stub.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, answer) => {
          clearTimeout(timer);
          if (error !== null) reject(fromServiceError(error));
          else resolve(answer!);
        },
      );
      const timer = setTimeout(() => call.cancel(), this.#o.callTimeoutMs ?? 10_000);
    });
  }
}

/** What the generated service says of a unary call. */
interface Method<Request, Answer> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

function workFromWire(answer: GetWorkResponse): Work {
  const pollAfterInMs = Number(answer.pollAfterInMs);
  switch (answer.work?.$case) {
    case 'train':
      return { kind: 'train', unit: workUnitFromWire(answer.work.train), pollAfterInMs };
    case 'upgrade':
      return { kind: 'upgrade', level: answer.work.upgrade.level, pollAfterInMs };
    case 'renew':
      return { kind: 'renew', expiresAtMs: Number(answer.work.renew.expiresAtMs), pollAfterInMs };
    case 'idle':
      return {
        kind: 'idle',
        reason: answer.work.idle.reason,
        nextSlotInMs: Number(answer.work.idle.nextSlotInMs),
        pollAfterInMs,
      };
    // A kind of work that this build does not know: do nothing, poll again.
    case undefined:
      return { kind: 'idle', reason: 'unknown', nextSlotInMs: 0, pollAfterInMs };
  }
}

function workUnitFromWire(unit: WireWorkUnit): WorkUnit {
  return {
    roundId: roundIdFromWire(unit.roundId),
    plan: new Uint8Array(unit.plan),
    planHash: unit.planHash,
    layoutHash: unit.layoutHash,
    baseModel: unit.baseModel,
    interval: {
      fromMs: Number(unit.interval?.fromAtMs ?? 0n),
      toMs: Number(unit.interval?.toAtMs ?? 0n),
    },
    deadlineInMs: Number(unit.deadlineInMs),
    submitNotBeforeInMs: Number(unit.submitNotBeforeInMs),
    objectBytesMax: Number(unit.objectBytesMax),
  };
}
