/**
 * How severe a hold is, in the words of OCSF: how far its score lies between θ and 1. What no detector judged is low.
 * @module
 */

/** 2 low, 3 medium, 4 high, 5 critical. */
export type Severity = 2 | 3 | 4 | 5;

/** Share of the way from θ to 1 at which each begins; low begins anywhere. */
const FROM: readonly (readonly [share: number, severity: Severity])[] = [
  [0.95, 5],
  [0.75, 4],
  [0.4, 3],
];

/** @param theta - millionths */
export function severityOf(scoreMillionths: number | null, theta: number): Severity {
  const beyond = ((scoreMillionths ?? 0) - theta) / (1_000_000 - theta);
  return FROM.find(([share]) => beyond >= share)?.[1] ?? 2;
}
