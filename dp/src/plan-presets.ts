/**
 * Complete plans for typical sizes. A preset is a specification: `createPrivacyPlan` derives the rest, and its
 * certificate prints the preset's own actor ε.
 *
 * Step sizes and clip follow our measurements on simulated hospitals: 0.4 on the mean clipped gradient after
 * pre-training (0.8 for one full-batch step), times N / 9,000; C = 0.3, the median window-gradient norm of the public
 * model for a loss of 3 × mean Huber.
 * @module
 */
import { InvalidArgumentError } from './errors.js';
import { SAMPLING_DENOMINATOR } from './poisson-mask.js';
import type { FeatureScope, PrivacyPlanSpec, ReleaseSpec } from './privacy-plan.js';

export type PlanPresetName = 'demo' | 'hospital' | 'large' | 'actor';
export const PLAN_PRESETS: readonly PlanPresetName[] = ['demo', 'hospital', 'large', 'actor'];

export interface PlanPresetOptions {
  /** Length of the update, all ensemble members together. */
  readonly parameterCount: number;
  /** Public N; each preset has its own default. */
  readonly nominalWindows?: number;
  readonly steps?: number;
  readonly epsilonMicro?: number;
  readonly deltaExponent?: number;
  readonly windowClippingNormMicro?: number;
  readonly learningRateMicro?: number;
  readonly momentumMicro?: number;
  readonly noiseExponent?: number;
  readonly stepsMax?: number;
  readonly featureScopes?: readonly FeatureScope[];
  readonly releases?: readonly ReleaseSpec[];
}

interface Preset {
  readonly unit: 'window' | 'actor';
  readonly binMs: number;
  readonly windowsPerActorMax: number;
  readonly nominalWindows: number;
  /** Expected batch; null for the full batch. */
  readonly batch: number | null;
  readonly steps: number;
  readonly learningRateAt9000: number;
}

const HOUR_MS = 3_600_000;

const PRESETS: Readonly<Record<PlanPresetName, Preset>> = {
  /** A small world or a small real log: one full-batch step; the update is mostly noise, and says so. */
  demo: {
    unit: 'window',
    binMs: 6 * HOUR_MS,
    windowsPerActorMax: 1,
    nominalWindows: 500,
    batch: null,
    steps: 1,
    learningRateAt9000: 0.8,
  },
  /** About 1,000 active staff. */
  hospital: {
    unit: 'window',
    binMs: HOUR_MS,
    windowsPerActorMax: 6,
    nominalWindows: 6000,
    batch: 1024,
    steps: 18,
    learningRateAt9000: 0.4,
  },
  /** About 3,500 active staff. */
  large: {
    unit: 'window',
    binMs: HOUR_MS,
    windowsPerActorMax: 6,
    nominalWindows: 20_000,
    batch: 1024,
    steps: 59,
    learningRateAt9000: 0.4,
  },
  /** The claim is per person: one window an actor and round, full batch. */
  actor: {
    unit: 'actor',
    binMs: 6 * HOUR_MS,
    windowsPerActorMax: 1,
    nominalWindows: 1000,
    batch: null,
    steps: 1,
    learningRateAt9000: 0.8,
  },
};

/**
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for an unknown name; values are checked by `createPrivacyPlan`
 */
export function planPreset(name: PlanPresetName, o: PlanPresetOptions): PrivacyPlanSpec {
  if (!Object.hasOwn(PRESETS, name)) {
    throw new InvalidArgumentError('preset', `one of ${PLAN_PRESETS.join(', ')}`, name);
  }
  const preset = PRESETS[name];
  const nominalWindows = o.nominalWindows ?? preset.nominalWindows;
  const rate = preset.batch === null ? 1 : Math.min(1, preset.batch / nominalWindows);
  return {
    unit: preset.unit,
    adjacency: 'add-or-remove-one',
    windowing: {
      binMs: preset.binMs,
      stepsMax: o.stepsMax ?? 16,
      windowsPerActorMax: preset.windowsPerActorMax,
      featureScopes: [...(o.featureScopes ?? (['window', 'channel', 'frozen'] as const))],
    },
    nominalWindows,
    samplingNumerator: Math.round(rate * SAMPLING_DENOMINATOR),
    steps: o.steps ?? preset.steps,
    windowClippingNormMicro: o.windowClippingNormMicro ?? 300_000,
    noiseExponent: o.noiseExponent ?? 18,
    epsilonMicro: o.epsilonMicro ?? 500_000,
    deltaExponent: o.deltaExponent ?? 5,
    releases: [...(o.releases ?? [])],
    learningRateMicro:
      o.learningRateMicro ?? Math.round((preset.learningRateAt9000 * 1e6 * nominalWindows) / 9000),
    momentumMicro: o.momentumMicro ?? (preset.steps > 1 ? 900_000 : 0),
    updateScaleLog2: 20,
    parameterCount: o.parameterCount,
  };
}
