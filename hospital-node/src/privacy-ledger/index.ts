export type { DebitReceipt } from './debit-receipt.js';
export { openLedgerFile, readLedger, type LedgerFile, type TornTail } from './ledger-file.js';
export { openPrivacyLedger, type DebitRequest, type PrivacyLedger } from './privacy-ledger.js';
export {
  foldReleases,
  latestPlanOf,
  planOf,
  releaseKeyOf,
  type ReleaseIdentity,
  type ReleaseStage,
  type ReleaseState,
} from './release-history.js';
export { spendOf, type SpendReport } from './spend-report.js';
