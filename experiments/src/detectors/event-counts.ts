/**
 * How often each event occurs, order forgotten.
 * @module
 */
import { each, type SequenceDetector, type Session } from './sequence-detector.js';

type Counts = ReadonlyMap<string, number>;

export function countEvents({ events }: Pick<Session, 'events'>): Counts {
  const counts = new Map<string, number>();
  for (const event of events) counts.set(event, (counts.get(event) ?? 0) + 1);
  return counts;
}

/** Share of the session's events whose type training never showed. */
export const unseenEvent: SequenceDetector = {
  name: 'unseen-event',
  standing: 'control',
  about: 'share of events that training never showed',
  draws: false,
  fit(training) {
    const known = new Set(training.flatMap(({ events }) => events));
    return each(({ events }) => {
      const strange = events.filter((event) => !known.has(event)).length;
      return strange / Math.max(1, events.length);
    });
  },
};
