export type {
  CalibrationTable,
  Canaries,
  Detector,
  Normaliser,
  ScoredWindow,
  Stratum,
  StratumKey,
  TableStratum,
} from './detector.js';
export { decodeDetector, DETECTOR_BYTES_MAX, encodeDetector } from './detector-codec.js';
export { decodeTable, encodeTable, TABLE_BYTES_MAX } from './table-codec.js';
export {
  ALPHA_PPM,
  fitTable,
  TABLE_STEPS,
  THETA_MILLIONTHS,
  type CalibrationSample,
  type TableOptions,
} from './calibration-table.js';
export { fitNormaliser, INPUT_CLIP, standardise, type StandardisedWindows } from './normaliser.js';
export { fitStrata, type FitStrataOptions } from './fit-strata.js';
export { stratumFor } from './strata.js';
export { createScorer, type Explanation, type Score, type Scorer } from './scorer.js';
export { nonconformityOf } from './nonconformity.js';
export {
  likelihoodRatioMember,
  unseenMember,
  whitenedMember,
  type Member,
  type WhitenedMemberOptions,
} from './members.js';
export {
  createEnsemble,
  EVIDENCE_UNIT,
  fitEnsemble,
  type Ensemble,
  type EnsembleFit,
  type EnsembleScore,
  type EnsembleTable,
} from './ensemble.js';
export type { ColumnReason } from './explanation.js';
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
