export type { DebitReceipt } from './debit-receipt.js';
export {
  openLedgerFile,
  readLedger,
  syncFolder,
  type LedgerFile,
  type TornTail,
} from './ledger-file.js';
export {
  openPrivacyLedger,
  type DebitRequest,
  type PrivacyLedger,
  type SpendReport,
} from './privacy-ledger.js';
export {
  foldReleases,
  releaseKeyOf,
  type ReleaseIdentity,
  type ReleaseStage,
  type ReleaseState,
} from './release-history.js';
