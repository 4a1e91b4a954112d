/**
 * Detectors over how often each event occurs, order forgotten.
 * @module
 */
import { each, type SequenceDetector, type Session } from './sequence-detector.js';

type Counts = ReadonlyMap<string, number>;

export function countEvents({ events }: Pick<Session, 'events'>): Counts {
  const counts = new Map<string, number>();
  for (const event of events) counts.set(event, (counts.get(event) ?? 0) + 1);
  return counts;
}

/** Distance to the nearest training count vector, L1: on HDFS nothing simple is better (Landauer et al. 2024). */
export const countVector: SequenceDetector = {
  name: 'count-vector',
  standing: 'rival',
  about: 'L1 distance to the nearest count vector in training',
  fit(training) {
    const known = distinct(training.map(countEvents));
    return each((session) => {
      const own = countEvents(session);
      return Math.min(...known.map((other) => distanceL1(own, other)));
    });
  },
};

/** Hellinger distance to the nearest bag: length does not count, so that long and short traces compare. */
export const bagOfEvents: SequenceDetector = {
  name: 'bag-of-events',
  standing: 'rival',
  about: 'Hellinger distance to the nearest bag of events in training',
  fit(training) {
    const known = distinct(training.map(countEvents)).map(squareRoots);
    return each((session) => {
      const own = squareRoots(countEvents(session));
      return 1 - Math.max(0, ...known.map((other) => overlap(own, other)));
    });
  },
};

/** Share of the session's events whose type training never showed. */
export const unseenEvent: SequenceDetector = {
  name: 'unseen-event',
  standing: 'control',
  about: 'share of events that training never showed',
  fit(training) {
    const known = new Set(training.flatMap(({ events }) => events));
    return each(({ events }) => {
      const strange = events.filter((event) => !known.has(event)).length;
      return strange / Math.max(1, events.length);
    });
  },
};

function distinct(all: readonly Counts[]): Counts[] {
  const byText = new Map(
    all.map((counts) => [[...counts].sort().flat().join('\u0000'), counts] as const),
  );
  return [...byText.values()];
}

function distanceL1(a: Counts, b: Counts): number {
  let sum = 0;
  for (const [event, count] of a) sum += Math.abs(count - (b.get(event) ?? 0));
  for (const [event, count] of b) if (!a.has(event)) sum += count;
  return sum;
}

function squareRoots(counts: Counts): Counts {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return new Map([...counts].map(([event, count]) => [event, Math.sqrt(count / total)]));
}

function overlap(a: Counts, b: Counts): number {
  let sum = 0;
  for (const [event, root] of a) sum += root * (b.get(event) ?? 0);
  return sum;
}
