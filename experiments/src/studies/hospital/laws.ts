/**
 * Where the summaries of real windows lie. Detector 0 whitens them as its public simulator has them; here the mean and the
 * spread of every whitened entry are moved to where hospitals really are, networks and all else staying as they were.
 *
 * | arm             | moved by                                                                                   |
 * |-----------------|--------------------------------------------------------------------------------------------|
 * | `own-laws`      | each hospital's own training windows, exactly; what it computes stays in the house           |
 * | `released-laws` | noised moments of all hospitals, one Gaussian release a round with the round's whole budget  |
 * @module
 */
import {
  createExperimentRandom,
  gaussianNoiseMultiplier,
  sampleDiscreteGaussian,
} from '@bhschain/dp';
import { fromFixedPoint } from '@bhschain/models/architecture';
import {
  featureSummaries,
  standardise,
  toWhiteningGrid,
  type AutoencoderMember,
  type Detector,
  type DetectorMember,
  type FeaturesMember,
  type ScoredWindow,
  type SummaryLaw,
} from '@bhschain/models/detector';
import { createKernel } from '@bhschain/models/kernel';
import { LAYOUT_PARTS } from './networks.js';

type LawMember = AutoencoderMember | FeaturesMember;

/** Sums over the windows of one member and stratum. */
interface Moments {
  count: number;
  /** `[width]` */
  readonly first: Float64Array;
  /** `[width]` */
  readonly second: Float64Array;
}

/** Whitened entries of the windows of one member and stratum. */
interface Block {
  readonly member: string;
  readonly stratum: number;
  readonly width: number;
  /** `[windows, width]`, about 0 ± 1 where the law holds. */
  readonly entries: Float64Array;
}

/** A spread below this is that of an entry which hardly ever moves. */
const DEVIATION_LEAST = 0.3;

/**
 * @param batches - all windows, in pieces
 * @returns the detector with laws that fit these windows entry by entry
 */
export function withOwnLaws(
  detector: Detector,
  batches: Iterable<readonly ScoredWindow[]>,
): Detector {
  const totals = momentsOf(detector);
  for (const windows of batches) {
    for (const { member, stratum, width, entries } of blocksOf(detector, windows)) {
      const own = totals.get(member)![stratum]!;
      own.count += entries.length / width;
      entries.forEach((entry, i) => {
        own.first[i % width]! += entry;
        own.second[i % width]! += entry * entry;
      });
    }
  }
  return withLaws(detector, (member, stratum, law) => {
    const { count, first, second } = totals.get(member)![stratum]!;
    // So few say less about their spread than the public law.
    if (count < 2 * first.length) return law;
    const mean = first.map((sum) => sum / count);
    const deviation = second.map((sum, i) => Math.sqrt(sum / count - mean[i]! ** 2));
    return moved(law, mean, deviation);
  });
}

export interface ReleaseOptions {
  readonly rounds: number;
  /** Of one window in one round; `none` is no noise. */
  readonly epsilon: number | 'none';
  readonly deltaExponent: number;
  readonly seed: string;
}

export interface ReleasedLaws {
  readonly detector: Detector;
  readonly noiseMultiplier: number;
  /** Strata that some round moved, of all; in the others noise would have been louder than what it hides. */
  readonly strataMoved: number;
  readonly strata: number;
}

/** Whitened entries are cut here: one window moves a sum by this much at most, and its square. */
const ENTRY_MOST = 3;
/** A unit of the released integers is the noise's standard deviation / 2^m. */
const NOISE_EXPONENT = 20;
/** A stratum is moved if the noise on a mean is below this, in spreads. */
const NOISE_MOST = 0.5;
/** One round's estimate of a variance counts as at least and at most this: noise may say anything. */
const VARIANCE_BOUNDS = [0.25, 4] as const;

/**
 * Stochastic approximation: each round whitens with the laws so far, which are post-processing of earlier releases, and moves
 * them by 1 / (round + 1) of what is left.
 *
 * A window's vector, of its stratum alone: 1, the entries and their squares of all members with a law, D of them, each scaled
 * to at most c² for c = `ENTRY_MOST`; its norm is at most c² √(2D + 1), truncated to integers never more.
 */
export function withReleasedLaws(
  detector: Detector,
  hospitals: readonly { windows(round: number): readonly ScoredWindow[] }[],
  options: ReleaseOptions,
): ReleasedLaws {
  const { rounds, epsilon, deltaExponent, seed } = options;
  const members = lawMembers(detector);
  const strata = detector.strata.length;
  const entriesMost = Math.max(
    ...detector.strata.map((_, k) =>
      members.reduce((sum, { laws }) => sum + laws[k]!.mean.length, 0),
    ),
  );
  const sensitivity = ENTRY_MOST ** 2 * Math.sqrt(2 * entriesMost + 1);
  const noiseMultiplier =
    epsilon === 'none' ? 0 : gaussianNoiseMultiplier(epsilon, 10 ** -deltaExponent);
  const unitsOf = 2 ** NOISE_EXPONENT / ((noiseMultiplier || 1) * sensitivity);
  const moves = new Set<number>();
  let current = detector;
  for (let round = 0; round < rounds; round++) {
    const totals = momentsOf(detector);
    const counts = new Float64Array(strata);
    hospitals.forEach((hospital, place) => {
      const windows = hospital.windows(round);
      detector.strata.forEach((_, k) => {
        counts[k]! +=
          Math.trunc(ENTRY_MOST ** 2 * unitsOf) * ofStratum(detector, k, windows).length;
      });
      for (const { member, stratum, width, entries } of blocksOf(current, windows)) {
        const { first, second } = totals.get(member)![stratum]!;
        entries.forEach((entry, i) => {
          const cut = Math.max(-ENTRY_MOST, Math.min(ENTRY_MOST, entry));
          first[i % width]! += Math.trunc(ENTRY_MOST * cut * unitsOf);
          second[i % width]! += Math.trunc(cut * cut * unitsOf);
        });
      }
      if (noiseMultiplier === 0) return;
      const random = createExperimentRandom(`released-laws/${seed}/${place}/${round}`);
      for (const sums of [
        counts,
        ...[...totals.values()].flat().flatMap((one) => [one.first, one.second]),
      ]) {
        const noise = new Float64Array(sums.length);
        sampleDiscreteGaussian(noise, { scaleExponent: NOISE_EXPONENT, random });
        noise.forEach((each, i) => (sums[i]! += each));
      }
    });
    const step = 1 / (round + 1);
    const noise = noiseMultiplier * sensitivity * Math.sqrt(hospitals.length);
    current = withLaws(current, (member, stratum, law) => {
      const count = counts[stratum]! / (ENTRY_MOST ** 2 * unitsOf);
      if (!(count > 0 && noise / count < NOISE_MOST)) return law;
      moves.add(stratum);
      const { first, second } = totals.get(member)![stratum]!;
      const mean = first.map((sum) => sum / (ENTRY_MOST * unitsOf * count));
      const deviation = second.map((sum, i) => {
        const variance = sum / (unitsOf * count) - mean[i]! ** 2;
        const [least, most] = VARIANCE_BOUNDS;
        return Math.min(most, Math.max(least, variance)) ** (step / 2);
      });
      return moved(
        law,
        mean.map((each) => step * each),
        deviation,
      );
    });
  }
  return { detector: current, noiseMultiplier, strataMoved: moves.size, strata };
}

function lawMembers({ members }: Detector): LawMember[] {
  return members.filter((member): member is LawMember => 'laws' in member);
}

function momentsOf(detector: Detector): Map<string, Moments[]> {
  return new Map(
    lawMembers(detector).map(({ name, laws }) => [
      name,
      laws.map(({ mean: { length } }): Moments => ({
        count: 0,
        first: new Float64Array(length),
        second: new Float64Array(length),
      })),
    ]),
  );
}

function ofStratum(
  { strata }: Detector,
  stratum: number,
  windows: readonly ScoredWindow[],
): ScoredWindow[] {
  const { lengthMin, lengthMax } = strata[stratum]!;
  return windows.filter(({ rows }) => rows.length >= lengthMin && rows.length <= lengthMax);
}

function* blocksOf(detector: Detector, windows: readonly ScoredWindow[]): Generator<Block> {
  const parameters = fromFixedPoint(detector.parameters);
  for (const [k] of detector.strata.entries()) {
    const own = ofStratum(detector, k, windows);
    if (own.length === 0) continue;
    for (const member of lawMembers(detector)) {
      const law = member.laws[k]!;
      const summaries = summariesOf(detector, member, parameters, own);
      yield {
        member: member.name,
        stratum: k,
        width: law.mean.length,
        entries: whitenedBy(law, summaries),
      };
    }
  }
}

/** `[windows, width]`; windows of hospitals lack no column. */
function summariesOf(
  { normaliser }: Detector,
  member: LawMember,
  parameters: Float32Array,
  windows: readonly ScoredWindow[],
): ArrayLike<number> {
  const { columns } = member;
  if (member.kind === 'features') {
    return featureSummaries(windows, { columns, normaliser, columnMask: 0 });
  }
  const part = LAYOUT_PARTS.find(({ spec }) => spec.name === member.name)!;
  const kernel = createKernel(part.architecture);
  kernel.setParameters(parameters.slice(part.offset, part.offset + part.parameterCount));
  return kernel.summary(
    { ...standardise(windows, normaliser, columns), columnMask: 0 },
    'residuals',
  );
}

/** W (x − μ) for each window. */
function whitenedBy({ mean, whitening }: SummaryLaw, summaries: ArrayLike<number>): Float64Array {
  const width = mean.length;
  const entries = new Float64Array(summaries.length);
  for (let start = 0; start < summaries.length; start += width) {
    let at = 0;
    for (let i = 0; i < width; i++) {
      let entry = 0;
      for (let j = 0; j <= i; j++) {
        entry += whitening[at + j]! * (summaries[start + j]! - mean[j]!);
      }
      entries[start + i] = entry;
      at += i + 1;
    }
  }
  return entries;
}

/** The law under which what was `mean` ± `deviation` in whitened entries is 0 ± 1. */
function moved(law: SummaryLaw, mean: Float64Array, deviation: Float64Array): SummaryLaw {
  const width = law.mean.length;
  const shift = new Float64Array(width);
  const whitening = new Float32Array(law.whitening.length);
  let at = 0;
  for (let i = 0; i < width; i++) {
    // Forward substitution: W · shift = mean.
    let rest = mean[i]!;
    const least = Math.max(DEVIATION_LEAST, deviation[i]!);
    for (let j = 0; j < i; j++) rest -= law.whitening[at + j]! * shift[j]!;
    for (let j = 0; j <= i; j++) whitening[at + j] = law.whitening[at + j]! / least;
    shift[i] = rest / law.whitening[at + i]!;
    at += i + 1;
  }
  return {
    mean: law.mean.map((each, i) => each + shift[i]!),
    whitening: toWhiteningGrid(whitening, width),
  };
}

function withLaws(
  detector: Detector,
  lawOf: (member: string, stratum: number, law: SummaryLaw) => SummaryLaw,
): Detector {
  return {
    ...detector,
    members: detector.members.map((member): DetectorMember =>
      'laws' in member
        ? { ...member, laws: member.laws.map((law, k) => lawOf(member.name, k, law)) }
        : member,
    ),
  };
}
