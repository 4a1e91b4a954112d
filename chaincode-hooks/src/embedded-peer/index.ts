/**
 * `@bhschain/chaincode-hooks/embedded-peer`: the development ledger.
 * @module
 */
export { createEmbeddedPeer, BANNER, type EmbeddedPeer, type EmbeddedPeerStatus } from './peer.js';
export type {
  BatchOptions,
  ClientOrganisationOptions,
  EmbeddedPeerOptions,
  Faults,
  HospitalOptions,
  KeyPairPem,
  PeerLog,
} from './options.js';
export {
  ledgerConfigOf,
  openConsortium,
  provisionConsortium,
  type Consortium,
  type ConsortiumOptions,
} from './provisioning.js';
export {
  issueIdentity,
  openAuthority,
  type CertificateAuthority,
  type IdentityRequest,
  type OrganisationalUnit,
} from './certificate-authority.js';
export { decodeLedgerConfig, loadLedgerConfig, type LedgerConfig } from './config.js';
export { readBlocks, type StoredBlock, type TornTail } from './block-store.js';
export {
  verifiedBlocks,
  verifyBlocks,
  type BlockReport,
  type VerifiedBlock,
  type VerifyOptions,
} from './block-verifier.js';
export type { ChannelConfiguration, ChannelMember } from './channel-configuration.js';
export { CODE, type ValidatedTransaction } from './validator.js';
export {
  BlockCorruptError,
  CertificateError,
  ChaincodeError,
  EmbeddedPeerError,
  IdentityRefusedError,
  LedgerConfigError,
  LedgerFullError,
  LedgerListenError,
  LedgerLockedError,
  MalformedMessageError,
  RequestRefusedError,
  type IdentityRefusal,
  type RefusalDetail,
} from './errors.js';
