/**
 * What was measured on real logs, beside the same figure of any description. A band is half to twice a measured count, and
 * ± a third of a measured share: a simulated hospital is not that department, and where it parts from it is to be seen.
 * @module
 */

import type { Description } from './description.js';

export interface TargetRow {
  readonly quantity: string;
  /** Where it was measured. */
  readonly source: string;
  readonly target: number;
  readonly band: readonly [number, number];
  /** null: the source described has no such figure. */
  readonly value: number | null;
  readonly inside: boolean | null;
}

interface Target {
  readonly quantity: string;
  readonly source: string;
  readonly target: number;
  readonly band?: readonly [number, number];
  readonly of: (description: Description) => number | null;
}

const BPIC = 'BPIC 2011';
const SEPSIS = 'Sepsis';
const LANL = 'LANL';
const DESIGN = 'assumption';

const between =
  (from: number, until: number) =>
  (description: Description): number | null => {
    const total = description.hours.reduce((sum, share) => sum + share, 0);
    if (total === 0) return null;
    return description.hours.slice(from, until).reduce((sum, share) => sum + share, 0) / total;
  };

const TARGETS: readonly Target[] = [
  {
    quantity: 'events a case, first quartile',
    source: BPIC,
    target: 8,
    of: (d) => d.perPatient.quartiles[0],
  },
  {
    quantity: 'events a case, median',
    source: BPIC,
    target: 55,
    of: (d) => d.perPatient.quartiles[1],
  },
  {
    quantity: 'events a case, third quartile',
    source: BPIC,
    target: 169,
    of: (d) => d.perPatient.quartiles[2],
  },
  { quantity: 'events a case, p95', source: BPIC, target: 510, of: (d) => d.perPatient.p95 },
  { quantity: 'events a case, largest', source: BPIC, target: 1_814, of: (d) => d.perPatient.max },
  {
    quantity: 'the top tenth of cases holds',
    source: BPIC,
    target: 0.47,
    of: (d) => d.perPatient.topTenthShare,
  },
  {
    quantity: 'the top tenth of acts holds',
    source: BPIC,
    target: 0.9,
    of: (d) => d.perAct.topTenthShare,
  },
  {
    quantity: 'acts that one ward alone uses',
    source: BPIC,
    target: 568 / 624,
    of: (d) => d.actsOfOneWardShare,
  },
  {
    quantity: 'events of a ward-day, p95 over median',
    source: BPIC,
    target: 25,
    of: (d) => d.perWardDay.p95 / Math.max(1, d.perWardDay.quartiles[1]),
  },
  {
    quantity: 'Monday over Sunday',
    source: BPIC,
    target: 37.6 / 6.7,
    // A source may have no Sunday.
    of: (d) => (d.weekdays[6]! === 0 ? null : d.weekdays[0]! / d.weekdays[6]!),
  },
  { quantity: 'events from 07:00 to 08:59', source: SEPSIS, target: 0.27, of: between(7, 9) },
  { quantity: 'events before 06:00', source: SEPSIS, target: 0.08, of: between(0, 6) },
  {
    quantity: 'gaps in a case that are zero',
    source: SEPSIS,
    target: 0.31,
    of: (d) => d.gaps?.zeroShare ?? null,
  },
  {
    quantity: 'gaps in a case, median, s',
    source: SEPSIS,
    target: 394,
    of: (d) => seconds(d.gaps?.medianMs),
  },
  {
    quantity: 'gaps in a case, p75, s',
    source: SEPSIS,
    target: 7.3 * 3_600,
    of: (d) => seconds(d.gaps?.p75Ms),
  },
  {
    quantity: 'gaps in a case, p90, s',
    source: SEPSIS,
    target: 48 * 3_600,
    of: (d) => seconds(d.gaps?.p90Ms),
  },
  { quantity: 'stay, median, days', source: SEPSIS, target: 5.3, of: (d) => d.stayDaysMedian },
  {
    quantity: 'the top hundredth of actors makes',
    source: LANL,
    target: 0.27,
    of: (d) => d.topHundredthOfActorsShare,
  },
  { quantity: 'failures', source: LANL, target: 0.014, of: (d) => d.failureShare },
  { quantity: 'new pairs the next day', source: LANL, target: 0.655, of: (d) => d.newPairShare },
  {
    quantity: 'events of services',
    source: DESIGN,
    target: 0.6,
    band: [0.5, 0.7],
    of: (d) => d.serviceShare,
  },
];

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}

export function describeAgainstTargets(description: Description): TargetRow[] {
  return TARGETS.map(({ quantity, source, target, band: given, of }) => {
    const band = given ?? bandOf(target);
    const value = of(description);
    const inside = value === null ? null : value >= band[0] && value <= band[1];
    return { quantity, source, target, band, value, inside };
  });
}

function bandOf(target: number): readonly [number, number] {
  return target < 1 ? [target * (2 / 3), Math.min(1, target * (4 / 3))] : [target / 2, target * 2];
}
