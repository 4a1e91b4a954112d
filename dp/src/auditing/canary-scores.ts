/**
 * Scores of canaries, and what thresholds make of them.
 *
 * Audits are evidence against bugs, never proof of privacy: an attacker scores canaries that took part and canaries that
 * did not; how well the scores tell them apart bounds ε from below with stated confidence. A bound above the claim is a
 * bug; a bound below it says little. Thresholds are chosen on the same scores, so the significance is divided by their
 * number (Bonferroni).
 * @module
 */
import { requireProbability } from '../argument-checks.js';
import { InvalidArgumentError } from '../errors.js';

/** A point of the (true negatives, false negatives) frontier: guess "in" at scores >= threshold. */
export interface FrontierPoint {
  readonly threshold: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

export interface CanaryScores {
  /** Scores of canaries that took part; higher means "in". */
  readonly inside: ArrayLike<number>;
  /** Scores of canaries that did not. */
  readonly outside: ArrayLike<number>;
}

/**
 * The thresholds at which a linear objective in (true negatives, −false negatives) can be best: the corners of the
 * upper hull, from "all in" to "all out".
 */
export function thresholdFrontier(scores: CanaryScores): FrontierPoint[] {
  const all = [
    ...Array.from(scores.inside, (score) => ({ score, inside: 1 })),
    ...Array.from(scores.outside, (score) => ({ score, inside: 0 })),
  ].sort((a, b) => a.score - b.score);
  const hull: FrontierPoint[] = [];
  const push = (point: FrontierPoint): void => {
    const cross = (a: FrontierPoint, b: FrontierPoint): number =>
      (b.falseNegatives - a.falseNegatives) * (point.trueNegatives - a.trueNegatives) -
      (b.trueNegatives - a.trueNegatives) * (point.falseNegatives - a.falseNegatives);
    while (hull.length >= 2 && cross(hull.at(-2)!, hull.at(-1)!) >= 0) hull.pop();
    hull.push(point);
  };
  let trueNegatives = 0;
  let falseNegatives = 0;
  for (let i = 0; i < all.length;) {
    const threshold = all[i]!.score;
    push({ threshold, trueNegatives, falseNegatives });
    for (; i < all.length && all[i]!.score === threshold; i++) {
      falseNegatives += all[i]!.inside;
      trueNegatives += 1 - all[i]!.inside;
    }
  }
  push({ threshold: Infinity, trueNegatives, falseNegatives });
  return hull;
}

/**
 * The largest share of canaries inside that is found at a share of false alarms, tossing a coin between two thresholds.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function canaryTruePositiveRate(scores: CanaryScores, falsePositiveRate: number): number {
  requireProbability('falsePositiveRate', falsePositiveRate);
  requireScores(scores);
  const allowed = falsePositiveRate * scores.outside.length;
  const frontier = thresholdFrontier(scores).reverse();
  // From "all out" on: the last corner with few enough alarms, then a part of the way to the next.
  let share = 0;
  for (let i = 0; i < frontier.length; i++) {
    const here = frontier[i]!;
    const alarms = scores.outside.length - here.trueNegatives;
    if (alarms > allowed) break;
    share = scores.inside.length - here.falseNegatives;
    const next = frontier[i + 1];
    if (next === undefined) break;
    const more = here.trueNegatives - next.trueNegatives;
    if (alarms + more > allowed) {
      share += ((allowed - alarms) / more) * (here.falseNegatives - next.falseNegatives);
    }
  }
  return share / scores.inside.length;
}

/** The area under the frontier's curve: 1/2 is no knowledge. */
export function canaryAuroc(scores: CanaryScores): number {
  requireScores(scores);
  const frontier = thresholdFrontier(scores);
  let area = 0;
  for (let i = 0; i + 1 < frontier.length; i++) {
    const [here, next] = [frontier[i]!, frontier[i + 1]!];
    const width = next.falseNegatives - here.falseNegatives;
    area += (width * (here.trueNegatives + next.trueNegatives)) / 2;
  }
  return area / (scores.inside.length * scores.outside.length);
}

/** What every audit asks of its arguments. */
export function requireAudit(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): void {
  if (!(o.significance > 0 && o.significance < 1)) {
    throw new InvalidArgumentError('significance', 'a number in (0, 1)', o.significance);
  }
  if (!(o.delta >= 0 && o.delta < 1)) {
    throw new InvalidArgumentError('delta', 'a number in [0, 1)', o.delta);
  }
  requireScores(scores);
}

function requireScores(scores: CanaryScores): void {
  if (scores.inside.length === 0 || scores.outside.length === 0) {
    throw new InvalidArgumentError('scores', 'at least one canary inside and outside', 0);
  }
  for (const list of [scores.inside, scores.outside]) {
    for (let i = 0; i < list.length; i++) {
      if (!Number.isFinite(list[i])) {
        throw new InvalidArgumentError('scores', 'finite numbers', list[i]);
      }
    }
  }
}
