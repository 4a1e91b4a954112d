/**
 * A hold as other systems get it, and the words that their formats share.
 * @module
 */
import type { HoldSummary } from './review-store.js';

export interface ExportedHold extends HoldSummary {
  /** In (0, 1]; null where no detector judged, or its table is not known here. */
  readonly pValue: number | null;
}

export interface ExportContext {
  readonly hospital: string;
  /** Millionths. */
  readonly theta: number;
}

/** What became of the call: one that ran is allowed whatever was found afterwards; closing changes nothing of a decision. */
export function outcomeOf(hold: HoldSummary): 'allowed' | 'quarantined' | 'released' | 'rejected' {
  if (hold.kind === 'review') return 'allowed';
  if (!isDecided(hold)) return 'quarantined';
  return hold.action === 'release' ? 'released' : 'rejected';
}

export function isDecided({ state }: HoldSummary): boolean {
  return state === 'released' || state === 'rejected' || state === 'closed';
}

/** `export held`, or `emergencyRead ran` for a call that nothing stopped. */
export function titleOf(hold: HoldSummary): string {
  return `${hold.function} ${hold.kind === 'review' ? 'ran' : 'held'}`;
}
