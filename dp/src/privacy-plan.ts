/**
 * The frozen privacy plan: everything that sampling, clipping, noise and accounting have to agree on, in one object.
 *
 * A specification states what people choose; noise, sensitivity, grid and ε are derived from it, and there is no
 * field to type them into. All chosen values are integers, so that the plan has one encoding and one hash.
 * Public facts only: windows, counts and losses are arguments elsewhere, so a saved plan cannot leak.
 * @module
 */
import { requireInteger } from './argument-checks.js';
import { calibrate, calibrateNoiseMultiplier } from './accounting/calibration.js';
import { epsilonOf, provenEpsilonOf } from './accounting/epsilon.js';
import { rdpEpsilonOfLattice } from './accounting/rdp-accountant.js';
import { SENSITIVITY_UNITS_MAX, type SensitivityUnits } from './clipping.js';
import { InvalidArgumentError, PlanError } from './errors.js';
import { groupEvent } from './group-event.js';
import { SAMPLING_DENOMINATOR } from './poisson-mask.js';
import { ADJACENCIES, type Adjacency, type PrivacyEvent } from './privacy-event.js';

export type PrivacyUnit = 'window' | 'actor';
export const PRIVACY_UNITS: readonly PrivacyUnit[] = ['window', 'actor'];

/** From where a feature takes its memory (what else than its own window an event can change). */
export type FeatureScope = 'window' | 'channel' | 'frozen' | 'live' | 'peers';
export const FEATURE_SCOPES: readonly FeatureScope[] = [
  'window',
  'channel',
  'frozen',
  'live',
  'peers',
];

export interface Windowing {
  /** Length of a bin; divides a day. Windows are cut per (actor, bin) and never overlap. */
  readonly binMs: number;
  /** Events in a window at most; longer ones are truncated. */
  readonly stepsMax: number;
  /** Windows of one actor in one round at most: the k of the actor's ε. */
  readonly windowsPerActorMax: number;
  readonly featureScopes: readonly FeatureScope[];
}

/** Something else that leaves with the update: integer sums with discrete Gaussian noise of scale 2^noiseExponent. */
export interface ReleaseSpec {
  readonly name: string;
  /** Entries of the vector. */
  readonly length: number;
  /** L2 sensitivity of the integer vector to one window; 1 for a histogram. */
  readonly sensitivityUnits: number;
  readonly noiseExponent: number;
  /** Times a round. */
  readonly count: number;
}

/** What people choose. Integers and short strings only. */
export interface PrivacyPlanSpec<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly unit: Unit;
  readonly adjacency: Relation;
  readonly windowing: Windowing;
  /** Public N: how many windows a node is taken to have. Never counted from data. */
  readonly nominalWindows: number;
  /** q = samplingNumerator / 2^32. */
  readonly samplingNumerator: number;
  /** Noisy steps in a round. */
  readonly steps: number;
  /** C in millionths. */
  readonly windowClippingNormMicro: number;
  /** m; the integer noise has scale 2^m. */
  readonly noiseExponent: number;
  readonly epsilonMicro: number;
  /** δ = 10^−deltaExponent. */
  readonly deltaExponent: number;
  readonly releases: readonly ReleaseSpec[];
  readonly learningRateMicro: number;
  readonly momentumMicro: number;
  /** Updates travel as int32 in units of 2^−20. */
  readonly updateScaleLog2: 20;
  readonly parameterCount: number;
}

export interface CertifiedEpsilon {
  /** ε of the unit per round by PLD, the plan's relation (zero-out has the pairs of add-or-remove); at most the target. */
  readonly pld: number;
  /** The same by RDP. */
  readonly rdp: number;
  /** By RDP at integer orders: exact for the lattice mechanism that is executed. */
  readonly rdpExecuted: number;
  /** One event changes: a window is replaced. */
  readonly event: number;
  /** One actor with `windowsPerActorMax` windows in one round. */
  readonly actor: number;
}

/**
 * Deep-frozen. Made by `createPrivacyPlan` or `decodePlan`, nowhere else. Whose privacy it is, and which data sets are
 * neighbours, are part of the type: noise, sums and releases carry them on.
 */
export interface PrivacyPlan<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly spec: PrivacyPlanSpec<Unit, Relation>;
  readonly unit: Unit;
  readonly adjacency: Relation;
  readonly windowing: Windowing;
  readonly nominalWindows: number;
  readonly samplingNumerator: number;
  readonly steps: number;
  readonly noiseExponent: number;
  readonly releases: readonly ReleaseSpec[];
  readonly learningRateMicro: number;
  readonly momentumMicro: number;
  readonly updateScaleLog2: 20;
  readonly parameterCount: number;
  readonly target: { readonly epsilon: number; readonly delta: number };
  /** C */
  readonly windowClippingNorm: number;
  /** q */
  readonly samplingRate: number;
  /** Public divisor of a step's sum: round(q N), at least 1. */
  readonly expectedBatch: number;
  /** s that the target asks for, before it is rounded to the grid. */
  readonly requiredNoiseMultiplier: number;
  /** D: the largest integer for which 2^m / D keeps the target. */
  readonly sensitivityUnits: SensitivityUnits;
  /** 2^m / D >= requiredNoiseMultiplier. */
  readonly noiseMultiplier: number;
  /** D / C: grid units per unit of gradient. */
  readonly gridScale: number;
  /** One round. */
  readonly event: PrivacyEvent;
  /** ε per round at the plan's δ, each rounded up to a millionth. */
  readonly certified: CertifiedEpsilon;
}

export const NOISE_EXPONENT_MIN = 12;
export const NOISE_EXPONENT_MAX = 20;
/** A coarser ball would lose too much of the gradient to rounding. */
const SENSITIVITY_UNITS_MIN = 64;
const DAY_MS = 86_400_000;

/**
 * Derives the plan. Deterministic: the same specification gives the same plan everywhere.
 *
 * @throws {PlanError} `ERR_DP_PLAN` with the field: a value out of range, values that contradict one another, a target
 *   that this grid cannot meet
 */
export function createPrivacyPlan<Unit extends PrivacyUnit, Relation extends Adjacency>(
  spec: PrivacyPlanSpec<Unit, Relation>,
): PrivacyPlan<Unit, Relation> {
  const chosen = checkSpec(spec);
  const target = { epsilon: chosen.epsilonMicro / 1e6, delta: 1 / 10 ** chosen.deltaExponent };
  const samplingRate = chosen.samplingNumerator / SAMPLING_DENOMINATOR;
  const eventAt = (noiseMultiplier: number): PrivacyEvent =>
    roundEvent(chosen, samplingRate, noiseMultiplier);
  const options = { delta: target.delta, adjacency: chosen.adjacency };

  const requiredNoiseMultiplier = requiredNoise(chosen, samplingRate, target, eventAt);
  const scale = 2 ** chosen.noiseExponent;
  const keeps = (units: number): boolean =>
    provenEpsilonOf(eventAt(scale / units), options) <= target.epsilon;
  // The largest D that keeps the target: stated as a property, so that whoever re-derives it gets the same integer.
  let sensitivityUnits = Math.floor(scale / requiredNoiseMultiplier);
  if (sensitivityUnits < SENSITIVITY_UNITS_MIN) {
    throw new PlanError(
      'noiseExponent',
      `2^${chosen.noiseExponent} leaves a clipping ball of ${sensitivityUnits} units; at least ${SENSITIVITY_UNITS_MIN} are needed`,
    );
  }
  while (!keeps(sensitivityUnits)) sensitivityUnits--;
  while (keeps(sensitivityUnits + 1)) sensitivityUnits++;
  if (sensitivityUnits > SENSITIVITY_UNITS_MAX) {
    throw new PlanError(
      'noiseExponent',
      `2^${chosen.noiseExponent} gives a clipping ball of ${sensitivityUnits} units; at most ${SENSITIVITY_UNITS_MAX} are exact`,
    );
  }

  const noiseMultiplier = scale / sensitivityUnits;
  const windowClippingNorm = chosen.windowClippingNormMicro / 1e6;
  const event = eventAt(noiseMultiplier);
  return deepFreeze({
    spec: chosen,
    unit: chosen.unit,
    adjacency: chosen.adjacency,
    windowing: chosen.windowing,
    nominalWindows: chosen.nominalWindows,
    samplingNumerator: chosen.samplingNumerator,
    steps: chosen.steps,
    noiseExponent: chosen.noiseExponent,
    releases: chosen.releases,
    learningRateMicro: chosen.learningRateMicro,
    momentumMicro: chosen.momentumMicro,
    updateScaleLog2: chosen.updateScaleLog2,
    parameterCount: chosen.parameterCount,
    target,
    windowClippingNorm,
    samplingRate,
    expectedBatch: Math.max(1, Math.round(samplingRate * chosen.nominalWindows)),
    requiredNoiseMultiplier,
    sensitivityUnits: sensitivityUnits as SensitivityUnits,
    noiseMultiplier,
    gridScale: sensitivityUnits / windowClippingNorm,
    event,
    certified: certify(event, chosen, target.delta),
  });
}

/** One round: T sampled steps, and every other release once on all windows. */
function roundEvent(
  spec: PrivacyPlanSpec,
  samplingProbability: number,
  noiseMultiplier: number,
): PrivacyEvent {
  const gaussian: PrivacyEvent = { kind: 'gaussian', noiseMultiplier };
  const step: PrivacyEvent =
    samplingProbability === 1
      ? gaussian
      : { kind: 'poisson-sampled', samplingProbability, event: gaussian };
  const training: PrivacyEvent = { kind: 'self-composed', event: step, count: spec.steps };
  if (spec.releases.length === 0) return training;
  return {
    kind: 'composed',
    events: [
      training,
      ...spec.releases.map((release): PrivacyEvent => ({
        kind: 'self-composed',
        count: release.count,
        event: {
          kind: 'gaussian',
          noiseMultiplier: 2 ** release.noiseExponent / release.sensitivityUnits,
        },
      })),
    ],
  };
}

function requiredNoise(
  spec: PrivacyPlanSpec,
  samplingRate: number,
  target: Readonly<{ epsilon: number; delta: number }>,
  eventAt: (noiseMultiplier: number) => PrivacyEvent,
): number {
  const { adjacency, steps } = spec;
  if (spec.releases.length === 0) {
    return calibrateNoiseMultiplier({ ...target, adjacency, samplingRate, steps });
  }
  const alone = epsilonOf(eventAt(1e9), { delta: target.delta, adjacency });
  if (alone >= target.epsilon) {
    throw new PlanError(
      'releases',
      `alone cost epsilon ${alone.toPrecision(4)} of ${target.epsilon}`,
    );
  }
  return calibrate(eventAt, { ...target, adjacency });
}

function certify(event: PrivacyEvent, spec: PrivacyPlanSpec, delta: number): CertifiedEpsilon {
  const { adjacency } = spec;
  return {
    pld: roundUp(provenEpsilonOf(event, { delta, adjacency })),
    rdp: roundUp(epsilonOf(event, { delta, adjacency, accountant: 'rdp' })),
    rdpExecuted: roundUp(rdpEpsilonOfLattice(event, delta, adjacency)),
    event: roundUp(provenEpsilonOf(event, { delta, adjacency: 'replace-one' })),
    actor: roundUp(
      provenEpsilonOf(groupEvent(event, spec.windowing.windowsPerActorMax), { delta }),
    ),
  };
}

/** Up to the next millionth; a millionth of a millionth is round-off, not privacy. */
function roundUp(epsilon: number): number {
  return Math.max(0, Math.ceil(epsilon * 1e6 - 1e-6)) / 1e6;
}

function checkSpec<Unit extends PrivacyUnit, Relation extends Adjacency>(
  spec: PrivacyPlanSpec<Unit, Relation>,
): PrivacyPlanSpec<Unit, Relation> {
  const { windowing } = spec;
  oneOf('unit', spec.unit, PRIVACY_UNITS);
  oneOf('adjacency', spec.adjacency, ADJACENCIES);
  if (spec.adjacency === 'replace-one') {
    throw new PlanError(
      'adjacency',
      'where windows are replaced, neither the filter nor an actor with several windows has a rule; ' +
        'every plan certifies its event number, which is the one for a replaced window',
    );
  }
  integer('windowing.binMs', windowing.binMs, 1, DAY_MS);
  if (DAY_MS % windowing.binMs !== 0) {
    throw new PlanError('windowing.binMs', `expected a divisor of a day, got ${windowing.binMs}`);
  }
  integer('windowing.stepsMax', windowing.stepsMax, 1, 64);
  integer('windowing.windowsPerActorMax', windowing.windowsPerActorMax, 1, 24);
  if (windowing.featureScopes.length === 0) {
    throw new PlanError('windowing.featureScopes', 'expected at least one scope');
  }
  for (const scope of windowing.featureScopes) {
    oneOf('windowing.featureScopes', scope, FEATURE_SCOPES);
  }
  if (spec.unit === 'window' && windowing.featureScopes.includes('live')) {
    throw new PlanError(
      'unit',
      'a live profile changes other windows: only the actor may be claimed',
    );
  }
  if (spec.unit === 'actor' && windowing.windowsPerActorMax !== 1) {
    throw new PlanError(
      'windowing.windowsPerActorMax',
      'a claim per actor needs one window per actor and round',
    );
  }
  integer('nominalWindows', spec.nominalWindows, 1, 1e9);
  integer('samplingNumerator', spec.samplingNumerator, 1, SAMPLING_DENOMINATOR);
  integer('steps', spec.steps, 1, 100_000);
  integer('windowClippingNormMicro', spec.windowClippingNormMicro, 1, 1e12);
  integer('noiseExponent', spec.noiseExponent, NOISE_EXPONENT_MIN, NOISE_EXPONENT_MAX);
  integer('epsilonMicro', spec.epsilonMicro, 1000, 100_000_000);
  // Below 1e-9 round-off would eat what the grid can certify.
  integer('deltaExponent', spec.deltaExponent, 2, 9);
  integer('learningRateMicro', spec.learningRateMicro, 0, 1e9);
  integer('momentumMicro', spec.momentumMicro, 0, 999_999);
  integer('updateScaleLog2', spec.updateScaleLog2, 20, 20);
  integer('parameterCount', spec.parameterCount, 1, 10_000_000);
  const names = new Set<string>();
  for (const release of spec.releases) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(release.name) || names.has(release.name)) {
      throw new PlanError('releases.name', `expected a new kebab-case name, got "${release.name}"`);
    }
    names.add(release.name);
    integer('releases.length', release.length, 1, 65_536);
    integer('releases.sensitivityUnits', release.sensitivityUnits, 1, SENSITIVITY_UNITS_MAX);
    integer('releases.noiseExponent', release.noiseExponent, 0, NOISE_EXPONENT_MAX);
    integer('releases.count', release.count, 1, 1000);
  }
  return structuredClone(spec);
}

function integer(field: string, value: number, min: number, max: number): void {
  try {
    requireInteger(field, value, { min, max });
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new PlanError(field, cause.message, cause);
  }
}

function oneOf(field: string, value: string, list: readonly string[]): void {
  if (!list.includes(value)) {
    throw new PlanError(field, `expected one of ${list.join(', ')}, got "${value}"`);
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
