/**
 * Rounds of a simulated consortium: each hospital trains on its own windows as a node does (clipped integer sums, discrete
 * Gaussian noise, local steps with momentum), and the updates are averaged on the grid of the wire. The noise is seeded: it
 * protects nobody and costs what real noise costs.
 * @module
 */
import {
  createExperimentRandom,
  createPrivacyPlan,
  planPreset,
  sampleDiscreteGaussian,
  samplePoissonMask,
  type PrivacyPlan,
} from '@bhschain/dp';
import { createJointKernel, type WindowBatch } from '@bhschain/models/kernel';
import type { HospitalConfig } from './config.js';
import { ARCHITECTURES, PARAMETER_COUNT } from './networks.js';

export interface RoundPlan {
  readonly plan: PrivacyPlan;
  readonly noisy: boolean;
}

/** The grid of the private plan also carries training without noise, so that ε is all that differs. */
const GRID_EPSILON = 0.5;

export function roundPlanOf(
  { training }: Pick<HospitalConfig, 'training'>,
  options: Readonly<{ nominalWindows: number; epsilon: number | 'none' }>,
): RoundPlan {
  const { nominalWindows, epsilon } = options;
  const batch = Math.min(training.batch, nominalWindows);
  const spec = planPreset(batch < nominalWindows ? 'hospital' : 'demo', {
    parameterCount: PARAMETER_COUNT,
    nominalWindows,
    steps: training.steps,
    epsilonMicro: Math.round((epsilon === 'none' ? GRID_EPSILON : epsilon) * 1e6),
    deltaExponent: training.deltaExponent,
    windowClippingNormMicro: Math.round(training.clippingNorm * 1e6),
    learningRateMicro: Math.round((training.learningRate * 1e6 * nominalWindows) / 9_000),
    momentumMicro: Math.round(training.momentum * 1e6),
  });
  const samplingNumerator = Math.round((batch / nominalWindows) * 2 ** 32);
  const plan = createPrivacyPlan({
    ...spec,
    samplingNumerator,
    windowing: { ...spec.windowing, windowsPerActorMax: training.windowsPerActorMax },
  });
  return { plan, noisy: epsilon !== 'none' };
}

export interface HospitalTraining {
  readonly nodeId: string;
  /** The windows of a round, as each network sees them. */
  batches(round: number): readonly WindowBatch[];
}

export interface FederationOptions {
  readonly start: Float32Array;
  readonly hospitals: readonly HospitalTraining[];
  readonly rounds: number;
  readonly plan: RoundPlan;
  readonly attack: HospitalConfig['attack'];
  /** Root of the streams of noise and sampling. */
  readonly seed: string;
  /** Where an interrupted training goes on. */
  readonly resume?: { readonly round: number; readonly parameters: Float32Array };
  readonly onRound: (report: RoundReport, parameters: Float32Array) => Promise<void>;
}

export interface RoundReport {
  readonly round: number;
  readonly windows: readonly number[];
  readonly contributing: number;
  readonly clipped: number;
  readonly updateNorm: number;
}

/** A malicious hospital's name, counted from the first. */
export function isMalicious(attack: HospitalConfig['attack'], place: number): boolean {
  return attack.kind !== 'none' && place < attack.hospitals;
}

export async function federate(options: FederationOptions): Promise<Float32Array> {
  const { hospitals, rounds, plan, attack, seed, onRound } = options;
  const kernel = createJointKernel(ARCHITECTURES);
  const scale = 2 ** plan.plan.updateScaleLog2;
  let parameters = onGrid(options.resume?.parameters ?? options.start, scale);
  for (let round = options.resume?.round ?? 0; round < rounds; round++) {
    const facts = { windows: [] as number[], contributing: 0, clipped: 0 };
    const updates = hospitals.map((hospital, place) => {
      const batches = hospital.batches(round);
      facts.windows.push(batches[0]!.lengths.length);
      const { update, report } = trainLocally({
        kernel,
        base: parameters,
        batches,
        plan,
        seed: `${seed}/${hospital.nodeId}/${round}`,
      });
      facts.contributing += report.contributing;
      facts.clipped += report.clipped;
      return isMalicious(attack, place) ? corrupted(update, attack) : update;
    });
    const joined = aggregate(updates, attack.aggregation);
    parameters = parameters.map((value, i) => value + Math.round(joined[i]! * scale) / scale);
    await onRound({ round, ...facts, updateNorm: normOf(joined) }, parameters);
  }
  return parameters;
}

function trainLocally({
  kernel,
  base,
  batches,
  plan: { plan, noisy },
  seed,
}: Readonly<{
  kernel: ReturnType<typeof createJointKernel>;
  base: Float32Array;
  batches: readonly WindowBatch[];
  plan: RoundPlan;
  seed: string;
}>): { update: Float64Array; report: { contributing: number; clipped: number } } {
  const windows = batches[0]!.lengths.length;
  const noiseStream = createExperimentRandom(`noise/${seed}`);
  const maskStream = createExperimentRandom(`window-sampling/${seed}`);
  const select = new Uint8Array(windows);
  const noise = new Float64Array(PARAMETER_COUNT);
  const parameters = Float64Array.from(base);
  const velocity = new Float64Array(PARAMETER_COUNT);
  const rate = plan.learningRateMicro / 1e6;
  const momentum = plan.momentumMicro / 1e6;
  const report = { contributing: 0, clipped: 0 };
  for (let step = 0; step < plan.steps; step++) {
    const units = new Float64Array(PARAMETER_COUNT);
    if (windows > 0) {
      samplePoissonMask(select, { samplingNumerator: plan.samplingNumerator, random: maskStream });
      kernel.setParameters(Float32Array.from(parameters));
      const sum = kernel.clippedSum({
        batches,
        select,
        clippingNorm: plan.windowClippingNorm,
        gridScale: plan.gridScale,
        sensitivityUnits: plan.sensitivityUnits,
        out: units,
      });
      report.contributing += sum.contributing;
      report.clipped += sum.clipped;
    }
    if (noisy) {
      sampleDiscreteGaussian(noise, { scaleExponent: plan.noiseExponent, random: noiseStream });
    }
    for (let i = 0; i < PARAMETER_COUNT; i++) {
      const gradient = (units[i]! + noise[i]!) / (plan.gridScale * plan.expectedBatch);
      velocity[i] = momentum * velocity[i]! + gradient;
      parameters[i] = parameters[i]! - rate * velocity[i]!;
    }
  }
  return { update: parameters.map((value, i) => value - base[i]!), report };
}

function corrupted(update: Float64Array, { kind, factor }: HospitalConfig['attack']): Float64Array {
  if (kind === 'scaled') return update.map((value) => factor * value);
  if (kind === 'sign-flip') return update.map((value) => -factor * value);
  // The others poison windows, not updates.
  return update;
}

/** Uniform FedAvg; the coordinate-wise median (Yin et al. 2018); the mean with each update cut at the median norm. */
export function aggregate(
  updates: readonly Float64Array[],
  rule: HospitalConfig['attack']['aggregation'],
): Float64Array {
  const size = updates[0]!.length;
  if (rule === 'median') {
    return Float64Array.from({ length: size }, (_, i) =>
      medianOf(updates.map((update) => update[i]!)),
    );
  }
  const bound = rule === 'norm-bound' ? medianOf(updates.map(normOf)) : Infinity;
  const joined = new Float64Array(size);
  for (const update of updates) {
    const factor = Math.min(1, bound / Math.max(normOf(update), Number.MIN_VALUE)) / updates.length;
    for (let i = 0; i < size; i++) joined[i]! += factor * update[i]!;
  }
  return joined;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function normOf(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function onGrid(values: Float32Array, scale: number): Float32Array {
  return values.map((value) => Math.round(value * scale) / scale);
}
