/** Laws that are moved to where windows lie: on these windows a whitened entry is 0 ± 1 again. */
import { randomStream } from '@bhschain/datasets';
import { membersOf, type Detector, type ScoredWindow } from '@bhschain/models/detector';
import { COLUMN_COUNT } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { withOwnLaws, withReleasedLaws } from '../src/studies/hospital/laws.js';
import { PUBLIC_DETECTOR } from '../src/studies/hospital/networks.js';

/** Windows of independent rows that no simulator made: column by column another place and another spread. */
function windowsOf(seed: number, count: number, length: number, wider = 1): ScoredWindow[] {
  const random = randomStream(seed, 'windows', length);
  return Array.from({ length: count }, () => ({
    mask: 0,
    rows: Array.from({ length }, () =>
      Int16Array.from({ length: COLUMN_COUNT }, (_, column) =>
        Math.round(60 * column + random.normal() * wider * (40 + 20 * column)),
      ),
    ),
  }));
}

/** Mean squared distance of an entry, by member: 1 where the law holds. */
function spreads(detector: Detector, windows: readonly ScoredWindow[]): number[] {
  return membersOf(detector)
    .filter(({ name }) => widthOf(detector, name) > 0)
    .map((member) => {
      const raw = member.nonconformities(windows);
      const mean = raw.reduce((sum, each) => sum + each / 65_536, 0) / windows.length;
      return mean / widthOf(detector, member.name);
    });
}

function widthOf({ members }: Detector, name: string): number {
  const member = members.find((one) => one.name === name)!;
  return 'laws' in member ? member.laws[0]!.mean.length : 0;
}

const full = windowsOf(1, 2_000, 16);
const lawsOf = ({ members }: Detector): unknown =>
  members.map((member) => ('laws' in member ? member.laws : null));

describe('own laws', () => {
  it('fit the windows they come from, which the public laws do not', () => {
    const public_ = spreads(PUBLIC_DETECTOR, full);
    const own = spreads(withOwnLaws(PUBLIC_DETECTOR, [full.slice(0, 700), full.slice(700)]), full);
    for (const spread of public_) expect(Math.abs(Math.log(spread))).toBeGreaterThan(0.3);
    for (const spread of own) {
      expect(spread).toBeGreaterThan(0.8);
      expect(spread).toBeLessThan(1.01);
    }
  });

  it('fit windows of the same hospital that they do not come from', () => {
    const moved = withOwnLaws(PUBLIC_DETECTOR, [full]);
    for (const spread of spreads(moved, windowsOf(2, 1_000, 16))) {
      expect(Math.abs(Math.log(spread))).toBeLessThan(0.25);
    }
  });

  it('leave a stratum with few windows as it was, and what is not a law', () => {
    const moved = withOwnLaws(PUBLIC_DETECTOR, [windowsOf(1, 60, 2)]);
    expect(lawsOf(moved)).toEqual(lawsOf(PUBLIC_DETECTOR));
    expect(withOwnLaws(PUBLIC_DETECTOR, [full]).parameters).toBe(PUBLIC_DETECTOR.parameters);
  });
});

describe('released laws', () => {
  // A detector that knew such hospitals, until their rows became half as wide again.
  const known = withOwnLaws(PUBLIC_DETECTOR, [full]);
  const today = (round: number): ScoredWindow[] => windowsOf(10 + round, 1_000, 16, 1.5);
  const hospital = { windows: today };
  const options = { rounds: 8, epsilon: 'none', deltaExponent: 5, seed: 'test' } as const;
  const far = (detector: Detector): number =>
    Math.max(...spreads(detector, today(99)).map((spread) => Math.abs(Math.log(spread))));

  it('come near the windows over the rounds', () => {
    const { detector, strataMoved, strata } = withReleasedLaws(known, [hospital], options);
    expect([strataMoved, strata]).toEqual([1, 3]);
    expect(far(known)).toBeGreaterThan(0.5);
    expect(far(detector)).toBeLessThan(0.5 * far(known));
  });

  it('are not moved by noise that is louder than what it hides', () => {
    const { detector, strataMoved, noiseMultiplier } = withReleasedLaws(known, [hospital], {
      ...options,
      epsilon: 0.5,
    });
    expect(strataMoved).toBe(0);
    expect(lawsOf(detector)).toEqual(lawsOf(known));
    // One Gaussian release at ε = 0.5, δ = 1e-5 (Balle & Wang 2018, analytic).
    expect(noiseMultiplier).toBeCloseTo(7.03, 2);
  });

  it('are the same for the same seed, and other noise for another', () => {
    const at = (seed: string): unknown =>
      lawsOf(
        withReleasedLaws(known, [hospital], { ...options, rounds: 1, epsilon: 8, seed }).detector,
      );
    expect(at('a')).toEqual(at('a'));
    expect(at('a')).not.toEqual(at('b'));
  });
});
