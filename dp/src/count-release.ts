/**
 * A histogram that leaves beside the update, under the same plan and the same debit: each window adds one to one bin, so what
 * one window can change is known by construction, and noise goes onto such counts and onto nothing else.
 * What is made of the noised counts is post-processing.
 * @module
 */
import { InvalidArgumentError } from './errors.js';
import { takeNoise, type ReleaseNoise } from './noise-pool.js';
import type { Adjacency } from './privacy-event.js';
import type { PrivacyPlan, PrivacyUnit } from './privacy-plan.js';

declare const sensitiveCounts: unique symbol;

/** Windows by bin, exact. Not to be sent. */
export interface SensitiveCounts<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [sensitiveCounts]: 'counts';
  readonly plan: PrivacyPlan<Unit, Relation>;
  /** Of the release in the plan. */
  readonly name: string;
  /** `[length]` */
  readonly counts: Int32Array;
}

/**
 * Counts windows by bin.
 * @param name - of a release of the plan
 * @param bins - one bin a window, 0 … length − 1
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for a name that the plan does not have, or a bin out of range
 */
export function countByBin<Unit extends PrivacyUnit, Relation extends Adjacency>(
  plan: PrivacyPlan<Unit, Relation>,
  name: string,
  bins: ArrayLike<number>,
): SensitiveCounts<Unit, Relation> {
  const release = plan.releases.find((each) => each.name === name);
  if (release === undefined) {
    const names = plan.releases.map((each) => each.name).join(', ');
    throw new InvalidArgumentError(
      'name',
      names === '' ? 'none: the plan has no release' : names,
      name,
    );
  }
  const counts = new Int32Array(release.length);
  for (let window = 0; window < bins.length; window++) {
    const bin = bins[window]!;
    if (!Number.isInteger(bin) || bin < 0 || bin >= release.length) {
      throw new InvalidArgumentError(`bins[${window}]`, `0 … ${release.length - 1}`, bin);
    }
    counts[bin]!++;
  }
  return { plan, name, counts } as SensitiveCounts<Unit, Relation>;
}

/**
 * Adds the release's noise, once. Counts may become negative; nothing is clamped here.
 * @returns `[length]`, to be sent
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` when the noise was used before, or is of another plan or release
 */
export function releaseCounts<Unit extends PrivacyUnit, Relation extends Adjacency>(
  { plan, name, counts }: SensitiveCounts<Unit, Relation>,
  noise: ReleaseNoise<NoInfer<Unit>, NoInfer<Relation>>,
): Int32Array {
  const vector = takeNoise(noise, plan, name);
  const noised = counts.map((count, i) => count + vector[i]!);
  vector.fill(0);
  return noised;
}
