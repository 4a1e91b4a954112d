/**
 * What the rest of the house may know of the ledger: `@bhschain/chaincode-hooks/events`.
 * @module
 */
export { proveAuditItem, type AuditDoubt, type AuditItem, type AuditProof } from './audit-proof.js';
export { canonicalJson, type JsonObject, type JsonValue } from './canonical-json.js';
export { actorOf, certificateFacts, type CertificateFacts } from './certificate.js';
export { ChaincodeError, type ChaincodeErrorCode } from './errors.js';
export { DENIAL_REASONS, type DenialReason } from './denial.js';
export { callDigest } from './function-call.js';
export {
  GUARD_EVENT_NAME,
  decodeGuardEvent,
  type EventDisposition,
  type GuardEvent,
  type ReviewStep,
  type UnknownGuardEvent,
} from './guard-event.js';
export {
  FINDINGS,
  QUARANTINE_CAUSES,
  REVIEW_ACTIONS,
  REVIEW_STATES,
  decodeQuarantineRecord,
  type Finding,
  type QuarantineCause,
  type QuarantineRecord,
  type ReviewAction,
  type ReviewHistoryEntry,
  type ReviewProposal,
  type ReviewState,
} from './quarantine-record.js';
export {
  blockHeaderHash,
  decodeBlock,
  walkBlock,
  walkProcessedTransaction,
  type DecodedBlock,
  type DecodedTransaction,
  type LedgerRead,
  type LedgerWrite,
  type TransactionCreator,
} from './block-walk.js';
export { ledgerKey, parseLedgerKey, type KeyParts } from './ledger-keys.js';
export {
  PROPOSAL_WINDOW_MS,
  uncommittedSimulations,
  type Simulation,
  type SimulationPage,
} from './simulation-log.js';
