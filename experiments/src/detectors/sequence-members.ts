/**
 * Members of the node's ensemble that need no network – n-grams and nearest count vectors of `@bhschain/models` – as detectors of
 * sessions.
 * @module
 */
import {
  countVectorMember,
  ngramMember,
  type Member,
  type Sequence,
} from '@bhschain/models/detector';
import type { SequenceDetector, Session } from './sequence-detector.js';
import { vocabularyOf, type Vocabulary } from './vocabulary.js';

/** Share of a session's runs of n events that training never showed; how a session begins and ends is order too. */
export function nGram(n: number): SequenceDetector {
  return memberDetector(
    { name: `${n}-gram`, about: `share of runs of ${n} events that training never showed` },
    (training, vocabulary) => {
      const bordered = (session: Session): Sequence => ({
        rows: [vocabulary.size, ...codesOf(session, vocabulary), vocabulary.size + 1],
        mask: 0,
      });
      const member = ngramMember({ training: training.map(bordered), n });
      return { member, sequenceOf: bordered };
    },
  );
}

/** On HDFS nothing simple is better (Landauer et al. 2024). */
export const countVector: SequenceDetector = memberDetector(
  { name: 'count-vector', about: 'L1 distance to the nearest count vector in training' },
  (training, vocabulary) => nearest('counts', training, vocabulary),
);

/** Length does not count, so that long and short traces compare. */
export const bagOfEvents: SequenceDetector = memberDetector(
  { name: 'bag-of-events', about: 'Hellinger distance to the nearest bag of events in training' },
  (training, vocabulary) => nearest('shares', training, vocabulary),
);

interface Fitted {
  readonly member: Member<Sequence>;
  readonly sequenceOf: (session: Session) => Sequence;
}

function nearest(
  of: 'counts' | 'shares',
  training: readonly Session[],
  vocabulary: Vocabulary,
): Fitted {
  const sequenceOf = (session: Session): Sequence => ({
    rows: codesOf(session, vocabulary),
    mask: 0,
  });
  const { size: vocabularySize } = vocabulary;
  const member = countVectorMember({ training: training.map(sequenceOf), of, vocabularySize });
  return { member, sequenceOf };
}

function memberDetector(
  names: Pick<SequenceDetector, 'name' | 'about'>,
  create: (training: readonly Session[], vocabulary: Vocabulary) => Fitted,
): SequenceDetector {
  return {
    ...names,
    standing: 'rival',
    draws: false,
    fit(training) {
      const { member, sequenceOf } = create(training, vocabularyOf(training, Infinity));
      return { scores: (sessions) => [...member.nonconformities(sessions.map(sequenceOf))] };
    },
  };
}

function codesOf({ events }: Session, vocabulary: Vocabulary): number[] {
  return events.map((event) => vocabulary.indexOf(event));
}
