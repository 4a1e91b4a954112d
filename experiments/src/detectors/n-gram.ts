/**
 * n-gram novelty: the share of a session's runs of n events that training never showed.
 * Source: Forrest, Hofmeyr, Somayaji & Longstaff 1996, "A sense of self for Unix processes" (sequence time-delay embedding).
 * @module
 */
import { each, type SequenceDetector, type Session } from './sequence-detector.js';

export function nGram(n: number): SequenceDetector {
  return {
    name: `${n}-gram`,
    standing: 'rival',
    about: `share of runs of ${n} events that training never showed`,
    fit(training) {
      const known = new Set(training.flatMap((session) => grams(session, n)));
      return each((session) => {
        const own = grams(session, n);
        return own.filter((gram) => !known.has(gram)).length / own.length;
      });
    },
  };
}

/** Runs of n events, the borders of the session among them: how it begins and ends is order too. */
function grams({ events }: Session, n: number): string[] {
  const bordered = ['<', ...events, '>'];
  const runs = Math.max(1, bordered.length - n + 1);
  return Array.from({ length: runs }, (_, i) => bordered.slice(i, i + n).join('\u0000'));
}
