/**
 * The central SIEM that every result is compared with: 18 rules over all hospitals' logs pooled, points with a 24-hour decay,
 * repeats suppressed, and thresholds and points tuned on the weeks before (detection.md §9).
 * @module
 */
import type { AccessEvent } from '@bhschain/models/features';
import {
  dormantAccount,
  failedLoginBurst,
  failuresThenSuccess,
  impossibleTravel,
  offHours,
  privilegeChange,
  serviceFanOut,
  terminatedAccount,
} from './account-rules.js';
import {
  acquaintance,
  breakGlass,
  claimWithoutEncounter,
  consentDenials,
  medicationOutlier,
  noCareRelation,
} from './care-rules.js';
import type { SiemKnowledge } from './knowledge.js';
import { DAY_MS, HOUR_MS, type Points, type Rule } from './rule.js';
import { distinctPatients, exportVolume, machinePace, massChange } from './volume-rules.js';

export const RULES: readonly Rule[] = [
  failedLoginBurst,
  failuresThenSuccess,
  offHours,
  distinctPatients,
  exportVolume,
  noCareRelation,
  acquaintance,
  breakGlass,
  dormantAccount,
  terminatedAccount,
  impossibleTravel,
  privilegeChange,
  massChange,
  serviceFanOut,
  consentDenials,
  machinePace,
  medicationOutlier,
  claimWithoutEncounter,
];

export interface RuleSetting {
  readonly id: string;
  readonly scale: number;
  readonly points: Points;
}

/** As delivered. */
export const OUT_OF_THE_BOX: readonly RuleSetting[] = RULES.map(({ id, points }) => ({
  id,
  scale: 1,
  points,
}));

export interface Siem {
  /** The actor's points after this event; events come in order of time. */
  see(event: AccessEvent): { readonly points: number; readonly hits: readonly string[] };
}

export function createSiem(
  knowledge: SiemKnowledge,
  settings: readonly RuleSetting[] = OUT_OF_THE_BOX,
): Siem {
  const rules = settings.map(({ id, scale, points }) => ({
    id,
    points,
    hit: RULES.find((rule) => rule.id === id)!.create({ knowledge, scale }),
  }));
  const totals = new Map<string, { points: number; timeMs: number }>();
  const suppressedUntil = new Map<string, number>();
  return {
    see(event) {
      const { actor, timeMs } = event;
      const hits: string[] = [];
      let added = 0;
      for (const { id, points, hit } of rules) {
        if (!hit(event)) continue;
        const key = `${actor} ${id}`;
        if (timeMs < (suppressedUntil.get(key) ?? 0)) continue;
        suppressedUntil.set(key, timeMs + HOUR_MS);
        hits.push(id);
        added += points;
      }
      const known = totals.get(actor);
      // Points fall in a straight line to nothing within 24 hours of the last hit.
      const left =
        known === undefined ? 0 : known.points * Math.max(0, 1 - (timeMs - known.timeMs) / DAY_MS);
      if (added === 0) return { points: left, hits };
      totals.set(actor, { points: left + added, timeMs });
      return { points: left + added, hits };
    },
  };
}

export const TUNING_SCALES: readonly number[] = [1, 1.5, 2, 3, 5, 8];

/**
 * Tunes on benign weeks as an operations team would, knowing no incident: each rule's thresholds are raised until it hits at
 * most a fourth of the budget of cases, and what still hits often is worth fewer points.
 */
export function createTuning(
  knowledge: SiemKnowledge,
  budget: number,
): {
  see(event: AccessEvent, caseId: string): void;
  settings(cases: number): readonly RuleSetting[];
} {
  const trials = RULES.flatMap((rule) =>
    (rule.scalable ? TUNING_SCALES : [1]).map((scale) => ({
      rule,
      scale,
      hit: rule.create({ knowledge, scale }),
      cases: new Set<string>(),
    })),
  );
  return {
    see(event, caseId) {
      for (const { hit, cases } of trials) if (hit(event)) cases.add(caseId);
    },
    settings: (cases) =>
      RULES.map((rule) => {
        const own = trials.filter((trial) => trial.rule === rule);
        const share = (trial: (typeof own)[number]): number =>
          trial.cases.size / Math.max(1, cases);
        const chosen = own.find((trial) => share(trial) <= budget / 4) ?? own.at(-1)!;
        return { id: rule.id, scale: chosen.scale, points: pointsFor(share(chosen), budget) };
      }),
  };
}

function pointsFor(share: number, budget: number): Points {
  if (share <= budget / 32) return 80;
  if (share <= budget / 8) return 60;
  return share <= budget / 2 ? 40 : 20;
}
