export type {
  AutoencoderMember,
  CalibrationTable,
  Canaries,
  Detector,
  DetectorMember,
  FeaturesMember,
  IntegerMember,
  MemberEvidence,
  Normaliser,
  ScoredWindow,
  Steps,
  StratumKey,
  SummaryLaw,
  TableStratum,
} from './detector.js';
export {
  decodeDetector,
  DETECTOR_BYTES_MAX,
  encodeDetector,
  networksOf,
} from './detector-codec.js';
export {
  federatedTable,
  TAIL_NOISE_MAX,
  tailNoise,
  type SharedHistogram,
} from './federated-table.js';
export { nonconformityAt, pValues } from './p-value.js';
export { ORDINARY_SHARE_PPM } from './window-shares.js';
export { retargetedTable } from './retargeted-table.js';
export { decodeTable, encodeTable, TABLE_BYTES_MAX } from './table-codec.js';
export {
  ALPHA_PPM,
  fitScores,
  STRATUM_LEAST,
  TABLE_STEPS,
  THETA_MILLIONTHS,
  type CalibrationSample,
  type Pool,
  type ScoreTableOptions,
} from './calibration-table.js';
export { alertBudget, type AlertBudget } from './alert-budget.js';
export { fitTail, EXCEEDANCES_LEAST, type Tail, type TailOptions } from './tail.js';
export {
  createAdaptiveAlpha,
  PAST_LEAST,
  type AdaptiveAlpha,
  type AdaptiveAlphaOptions,
  type AdaptiveJudgement,
} from './adaptive-alpha.js';
export {
  binOf,
  binsOf,
  HISTOGRAM_BINS,
  HISTOGRAM_SENSITIVITY,
  sharedThreshold,
  type SharedThreshold,
} from './shared-histogram.js';
export { fitNormaliser, INPUT_CLIP, standardise, type StandardisedWindows } from './normaliser.js';
export { toWhiteningGrid } from './whitening-grid.js';
export { fitFeaturesLaw, fitStrata, type FitStrataOptions, type Stratum } from './fit-strata.js';
export { projectMask, stratumFor } from './strata.js';
export { createScorer, type Explanation, type Scorer } from './scorer.js';
export { nonconformityOf } from './nonconformity.js';
export type { ColumnReason, StepReason } from './explanation.js';
export {
  areaUnderCurve,
  canaryReport,
  decodeCanaries,
  encodeCanaries,
  type CanaryReport,
} from './canaries.js';
export { generatedModule } from './generated-module.js';
export { DETECTOR_ZERO, PUBLIC_CANARIES, type PublishedDetector } from './published.js';
export { DetectorError } from '../errors.js';
export * from '../ensemble/index.js';
