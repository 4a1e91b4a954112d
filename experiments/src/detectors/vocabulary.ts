/**
 * Events as small integers. What training never showed shares one index, so that a network can meet it.
 * @module
 */
import type { Session } from './sequence-detector.js';

export interface Vocabulary {
  /** Indexes 0 … size − 1; the last one is everything else. */
  readonly size: number;
  indexOf(event: string): number;
}

/** The most frequent events of training, `sizeMax − 1` at most; ties by name, so that file order does not show. */
export function vocabularyOf(training: readonly Session[], sizeMax: number): Vocabulary {
  const counts = new Map<string, number>();
  for (const { events } of training) {
    for (const event of events) counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  const kept = [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, sizeMax - 1);
  const indexes = new Map(kept.map(([event], index) => [event, index]));
  return { size: kept.length + 1, indexOf: (event) => indexes.get(event) ?? kept.length };
}
