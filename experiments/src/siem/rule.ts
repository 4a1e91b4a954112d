import type { AccessEvent } from '@bhschain/models/features';
import type { SiemKnowledge } from './knowledge.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export type Points = 20 | 40 | 60 | 80;

/** A rule sees every event of every hospital in order of time and says which are hits. */
export interface Rule {
  readonly id: string;
  readonly title: string;
  /** As delivered; tuning may change them. */
  readonly points: Points;
  /** Whether its thresholds can be raised. */
  readonly scalable: boolean;
  create(options: RuleOptions): (event: AccessEvent) => boolean;
}

export interface RuleOptions {
  readonly knowledge: SiemKnowledge;
  /** Factor on the rule's thresholds, ≥ 1. */
  readonly scale: number;
}

export function isRead({ action }: AccessEvent): boolean {
  return action === 'read' || action === 'search';
}

export function isFailure({ outcome }: AccessEvent): boolean {
  return outcome === 'denied' || outcome === 'error';
}

/** Hour of the day and day of the week (Sunday 0) of the consortium's clock. */
export function clockOf(timeMs: number): { hour: number; weekday: number } {
  const date = new Date(timeMs);
  return { hour: date.getUTCHours(), weekday: date.getUTCDay() };
}
