/**
 * Rules that a claim has to beat: they know nothing about events.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import { each, type SequenceDetector } from './sequence-detector.js';

export const sessionLength: SequenceDetector = {
  name: 'length',
  standing: 'control',
  about: 'distance of the session length from the median in training',
  draws: false,
  fit(training) {
    const lengths = training.map(({ events }) => events.length).sort((a, b) => a - b);
    const median = lengths[lengths.length >> 1] ?? 0;
    return each(({ events }) => Math.abs(events.length - median));
  },
};

export const randomScore: SequenceDetector = {
  name: 'random',
  standing: 'control',
  about: 'a coin',
  draws: true,
  fit(_training, seed) {
    const random = randomStream(seed, 'random-score');
    return each(() => random.uniform());
  },
};
