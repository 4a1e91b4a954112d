/**
 * What a hospital node may know of the orchestrator: the wire, the documents that cross it and how to check them.
 * Nothing of the orchestrator's own process is reachable from here.
 * @module
 */
export { createFederationClient } from './protocol/grpc-client.js';
export {
  type BudgetDeclaration,
  DECLINE_REASONS,
  type DeclineReason,
  type FederationClient,
  type FederationClientOptions,
  type Hello,
  type LedgerHead,
  type ManifestReference,
  type NodeState,
  type Participation,
  type VerifiedManifest,
} from './protocol/client.js';
export type { Work, WorkUnit } from './protocol/work.js';
export { verifyTrust, type RevokedCertificate, type Trust } from './protocol/trust.js';
export {
  connectEnrolment,
  createEnrolmentKey,
  mspProof,
  type EnrolmentAnswer,
  type EnrolmentClient,
  type EnrolmentKey,
  type MspIdentity,
} from './protocol/enrolment-client.js';
export { decodeInvitation, keyFingerprint, type Invitation } from './protocol/invitation.js';
export {
  decodeEnvelope,
  encodeEnvelope,
  type Release,
  type UpdateEnvelope,
} from './protocol/envelope.js';
export {
  compareNodeIds,
  isName,
  nodeOfSubjectAltName,
  nodeUri,
  roundKey,
  roundName,
  SERVER_NAME,
  type Interval,
  type RoundId,
} from './protocol/identifiers.js';
export {
  CHUNK_BYTES,
  CLOCK_SKEW_MAX_MS,
  INLINE_UPDATE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  OBJECT_BYTES_MAX,
  PROTOCOL_LEVELS,
} from './protocol/limits.js';
export {
  CONTRIBUTION_OUTCOMES,
  decodeManifest,
  encodeManifest,
  manifestDigest,
  verifyManifest,
  type Contribution,
  type ContributionOutcome,
  type Evidence,
  type Manifest,
  type SignedManifest,
} from './protocol/manifest.js';
export { decodeParameters, encodeParameters, PARAMETER_SCALE_LOG2 } from './protocol/parameters.js';
export {
  decodeReceipt,
  encodeReceipt,
  verifyReceipt,
  type Receipt,
  type SignedReceipt,
  type Verdict,
  type VerdictKind,
} from './protocol/receipt.js';
export {
  decodeReleases,
  describeReleases,
  encodeReleases,
  SCORE_HISTOGRAM,
  type ReleasedVectors,
} from './protocol/releases.js';
export { nextDetector, type NextDetectorFacts } from './protocol/next-detector.js';
export { replayRound, type ReplayedRound } from './protocol/replay.js';
export {
  isIssuedBy,
  isSignatureValid,
  signDocument,
  type SignatureDomain,
} from './protocol/signing.js';
export { normBoundsOf, type NormBounds } from './aggregation/norm-bounds.js';
export { normEnvelope, screenUpdate, type HistogramFacts } from './aggregation/screening.js';
export { replayAggregation, type Rate } from './aggregation/federated-average.js';
export {
  AggregationError,
  FEDERATION_ERRORS,
  FederationError,
  OrchestratorError,
  UpdateRejectedError,
  VerificationError,
  type ErrorFacts,
  type FederationErrorCode,
} from './errors.js';
