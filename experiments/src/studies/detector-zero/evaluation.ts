/**
 * What a score is worth on a world with planted incidents: AUC and recall of windows at the false-positive rate that α
 * names, per kind and difficulty, by any scoring function – the detector or a control.
 * @module
 */
import type { Consortium, Incident } from '@bhschain/datasets';
import { areaUnderCurve } from '@bhschain/models/detector';
import type { JudgedCall } from './ledger-replay.js';

export interface LabelledCalls {
  readonly calls: readonly JudgedCall[];
  /** The incident of each call, or null. Benign calls in a tainted session are left out on both sides. */
  readonly incidents: readonly (Incident | null)[];
}

export interface KindResult {
  readonly kind: string;
  readonly difficulty: number;
  readonly auc: number;
  /** Share of the incident's calls at or above the threshold. */
  readonly recall: number;
  /** Share of incidents with at least one such call. */
  readonly found: number;
  readonly incidents: number;
}

export function label(world: Consortium, calls: readonly JudgedCall[]): LabelledCalls {
  const guilty = new Map(world.truth.flatMap((of) => of.eventIds.map((id) => [id, of] as const)));
  const tainted = new Set(calls.filter((c) => guilty.has(c.eventId)).map((c) => c.session));
  const kept = calls.filter((c) => guilty.has(c.eventId) || !tainted.has(c.session));
  return { calls: kept, incidents: kept.map((c) => guilty.get(c.eventId) ?? null) };
}

/** Threshold on the benign calls of the same worlds, so that scores of any scale stand on the same footing. */
export function rank(
  labelled: LabelledCalls,
  scores: readonly number[],
  alpha: number,
): { kinds: KindResult[]; auc: number; recall: number } {
  const benign = scores.filter((_, i) => labelled.incidents[i] === null).sort((a, b) => b - a);
  const threshold = benign[Math.floor(alpha * benign.length)]!;
  return atThreshold(labelled, scores, (score) => score > threshold, benign);
}

export function atThreshold(
  labelled: LabelledCalls,
  scores: readonly number[],
  alarm: (score: number, index: number) => boolean,
  benign: readonly number[],
): { kinds: KindResult[]; auc: number; recall: number } {
  const groups = new Map<string, number[]>();
  labelled.incidents.forEach((incident, i) => {
    if (incident === null) return;
    const key = `${incident.kind}|${incident.difficulty}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  const kinds = [...groups].sort().map(([key, indexes]): KindResult => {
    const [kind, difficulty] = key.split('|') as [string, string];
    const alarms = indexes.filter((i) => alarm(scores[i]!, i));
    const all = new Set(indexes.map((i) => labelled.incidents[i]!.id));
    const found = new Set(alarms.map((i) => labelled.incidents[i]!.id));
    return {
      kind,
      difficulty: Number(difficulty),
      auc: areaUnderCurve(
        benign,
        indexes.map((i) => scores[i]!),
      ),
      recall: alarms.length / indexes.length,
      found: found.size / all.size,
      incidents: all.size,
    };
  });
  const mean = (of: (kind: KindResult) => number): number =>
    kinds.reduce((sum, kind) => sum + of(kind), 0) / Math.max(1, kinds.length);
  return { kinds, auc: mean((kind) => kind.auc), recall: mean((kind) => kind.recall) };
}
