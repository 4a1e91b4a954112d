export { createExperimentRandom, createSecureRandom } from './random-source.js';
export type { ExperimentRandom, RandomSource, SecureRandom } from './random-source.js';
export { canonicalJson, parseCanonicalJson } from './canonical-json.js';
export type { JsonObject, JsonValue } from './canonical-json.js';
export { sha256Hex } from './sha256.js';
export { ADJACENCIES } from './privacy-event.js';
export type { Adjacency, PrivacyEvent, PrivacyEventKind } from './privacy-event.js';
export { EVENT_KINDS, decodeEvent, encodeEvent } from './event-codec.js';
export { gaussianDelta, gaussianEpsilon, gaussianNoiseMultiplier } from './accounting/gaussian.js';
export {
  deltaInterval,
  deltaOf,
  epsilonInterval,
  epsilonOf,
  provenEpsilonOf,
} from './accounting/epsilon.js';
export { gaussianMuOf, truePositiveRateOf } from './accounting/attack-power.js';
export { gaussianRho, zcdpDelta, zcdpEpsilon } from './accounting/zcdp.js';
export type { EpsilonInterval } from './accounting/epsilon.js';
export type { Accountant } from './accounting/mechanism.js';
export { calibrate, calibrateNoiseMultiplier } from './accounting/calibration.js';
export type { CalibrationTarget } from './accounting/calibration.js';
export { sampleDiscreteGaussian } from './discrete-gaussian.js';
export { SAMPLING_DENOMINATOR, samplePoissonMask } from './poisson-mask.js';
export { SENSITIVITY_UNITS_MAX, clipToGrid } from './clipping.js';
export type { GridClipping, SensitivityUnits } from './clipping.js';
export { GROUP_SIZE_MAX, groupDeltaBound, groupEpsilonBound, groupEvent } from './group-event.js';
export { FEATURE_SCOPES, PRIVACY_UNITS, createPrivacyPlan } from './privacy-plan.js';
export type {
  CertifiedEpsilon,
  FeatureScope,
  PrivacyPlan,
  PrivacyPlanSpec,
  PrivacyUnit,
  ReleaseSpec,
  Windowing,
} from './privacy-plan.js';
export { PLAN_PRESETS, planPreset } from './plan-presets.js';
export type { PlanPresetName, PlanPresetOptions } from './plan-presets.js';
export { decodePlan, encodePlan, planHash, statedSpec } from './plan-codec.js';
export { privacyStatement } from './privacy-statement.js';
export type { PrivacyStatement } from './privacy-statement.js';
export { debitsOf, spentSoFar } from './spent-so-far.js';
export type { Debit } from './spent-so-far.js';
export { canaryEpsilon, ratioLowerBound } from './auditing/canary-epsilon.js';
export type { GuessCounts, RatioMethod } from './auditing/canary-epsilon.js';
export {
  canaryAuroc,
  canaryTruePositiveRate,
  thresholdFrontier,
} from './auditing/canary-scores.js';
export type { CanaryScores, FrontierPoint } from './auditing/canary-scores.js';
export { gaussianShiftEpsilon } from './auditing/gaussian-shift.js';
export { oneRunEpsilon, oneRunGaussianEpsilon } from './auditing/one-run.js';
export { noiseSelfTest } from './noise-self-test.js';
export { countByBin, releaseCounts } from './count-release.js';
export type { SensitiveCounts } from './count-release.js';
export { createNoisePool } from './noise-pool.js';
export type { NoisePool, ReleaseNoise, StepNoise } from './noise-pool.js';
export { meanGradient, releaseSum, sumClipped, sumFromKernel } from './noisy-step.js';
export type { MeanGradient, Release, SensitiveSum } from './noisy-step.js';
export { admitRound } from './admit-round.js';
export type { Admission, PrivacyCeilings, ProposedRound } from './admit-round.js';
export { LEDGER_GENESIS, LEDGER_KINDS, appendRecord, verifyLedger } from './privacy-ledger.js';
export type { LedgerHead, LedgerKind, LedgerRecord } from './privacy-ledger.js';
export {
  CalibrationError,
  CanonicalJsonError,
  DpError,
  EventFormatError,
  FileReadError,
  GridTooLargeError,
  InvalidArgumentError,
  LedgerRecordError,
  NoisePoolError,
  PlanError,
  PlanMismatchError,
  PrivacyLedgerError,
  RandomnessError,
  UnsupportedEventError,
  UsageError,
} from './errors.js';
