/**
 * Members joined through conformal p-values: each member's scores of half of the calibration sessions give its p-values,
 * evidences 1/p are added, and what the sum is worth is again a matter of calibration (detection.md §5).
 * @module
 */
import { conformal, evidence } from '../evaluation/conformal.js';

export interface MemberScores {
  /** On the half of the calibration sessions that turns scores into p-values. */
  readonly half: readonly number[];
  /** On the sessions to be judged. */
  readonly judged: readonly number[];
}

/** Joined nonconformities of the judged sessions. A member left out is switched off. */
export function joinMembers(members: readonly MemberScores[]): number[] {
  const pValues = members.map(({ half }) => conformal(half));
  const count = members[0]?.judged.length ?? 0;
  return Array.from({ length: count }, (_, i) =>
    evidence(members.map(({ judged }, m) => pValues[m]!(judged[i]!))),
  );
}
