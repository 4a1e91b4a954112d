/**
 * What a hospital node may ask of the orchestrator, in domain types. `grpc-client.ts` is the one implementation.
 * @module
 */
import type { UpdateEnvelope } from './envelope.js';
import type { RoundId } from './identifiers.js';
import type { Manifest, SignedManifest } from './manifest.js';
import type { SignedReceipt } from './receipt.js';
import type { Trust } from './trust.js';
import type { Work } from './work.js';

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

/** The hospital's own word on whether it takes part. */
export type Participation = 'active' | 'paused' | 'leaving';

export interface LedgerHead {
  readonly seq: number;
  readonly hash: string;
}

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

/** A hospital's own word on its privacy budget; ε is that of an actor who was active in every round. */
export interface BudgetDeclaration {
  /** ε spent within the horizon, in millionths. */
  readonly spentMicro: number;
  /** The hospital's ceiling for it, in millionths. */
  readonly ceilingMicro: number;
  readonly horizonDays: number;
  /** δ = 10^-deltaExponent. */
  readonly deltaExponent: number;
  /** Rounds of the present plan that still fit under the ceiling. */
  readonly roundsLeft: number;
  /** Newest entry of the privacy ledger that this speaks of. */
  readonly ledgerSeq: number;
}

export interface FederationClientOptions {
  /** `host:port` */
  readonly address: string;
  readonly federationId: string;
  readonly nodeId: string;
  /** PEM: the federation's authorities (one or, during a take-over, two), the node's certificate and its private key. */
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
  /** The signed revocation list and the authorities, list checked against `trustedSigners`. */
  getTrust(): Promise<Trust>;
  /**
   * A certificate for a new key of the same node. Keep the new key on disk before the call; the old certificate stays
   * good for a day.
   * @param o.csr - PKCS#10 in DER, as `createEnrolmentKey` makes it
   * @throws {FederationError} `ERR_REQUEST` for a request that is malformed or names another node
   */
  renewCertificate(
    o: Readonly<{ csr: Uint8Array }>,
  ): Promise<Readonly<{ certificate: string; ca: string }>>;
  /** `leaving` is for good: certificates are revoked and the next call is refused. */
  setParticipation(participation: Participation): Promise<void>;
  /** For the other members to see; the newest word counts. A server of before answers `ERR_INTERNAL` and goes without. */
  declareBudget(budget: BudgetDeclaration): Promise<void>;
  close(): void;
  [Symbol.dispose](): void;
}
