/**
 * Mean surprise of a session under an LSTM that predicts the next event (DeepLog's idea: Du, Li, Zheng & Srikumar 2017),
 * and the same network untrained, as control.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import { createNextEventNetwork, type NextEventNetwork } from './next-event-network.js';
import { each, type SequenceDetector, type Session } from './sequence-detector.js';
import { vocabularyOf, type Vocabulary } from './vocabulary.js';

const STEPS = 32;
const HIDDEN = 32;
const VOCABULARY_MAX = 512;
/** Training ends after so many passes or so many events, whichever is first: minutes, not hours, on long traces. */
const PASSES_MAX = 30;
const EVENTS_MAX = 600_000;
const WINDOWS_PER_STEP = 16;
const LEARNING_RATE = 0.01;

export const nextEvent: SequenceDetector = {
  name: 'next-event-lstm',
  standing: 'rival',
  about: 'mean surprise of an LSTM that predicts the next event',
  fit: (training, seed) => fitted(training, seed, true),
};

export const untrainedNextEvent: SequenceDetector = {
  name: 'next-event-untrained',
  standing: 'control',
  about: 'the same network with its initial parameters',
  fit: (training, seed) => fitted(training, seed, false),
};

function fitted(
  training: readonly Session[],
  seed: number,
  trains: boolean,
): ReturnType<SequenceDetector['fit']> {
  const vocabulary = vocabularyOf(training, VOCABULARY_MAX);
  const initial = randomStream(seed, 'next-event', 'initial');
  const network = createNextEventNetwork(
    { vocabulary: vocabulary.size, hidden: HIDDEN, stepsMax: STEPS },
    () => initial.uniform(),
  );
  if (trains) train(network, training, vocabulary, seed);
  // Of the windows of system-call traces nearly half are copies: each different one is read once.
  const known = new Map<string, Float64Array>();
  const surpriseOf = (window: Uint16Array): Float64Array => {
    const key = String.fromCharCode(...window);
    const bits = known.get(key) ?? network.surprise(window);
    known.set(key, bits);
    return bits;
  };
  return each((session) => {
    const windows = windowsOf(session, vocabulary);
    const bits = windows.flatMap((window) => [...surpriseOf(window)]);
    return bits.reduce((sum, bit) => sum + bit, 0) / Math.max(1, bits.length);
  });
}

function train(
  network: NextEventNetwork,
  training: readonly Session[],
  vocabulary: Vocabulary,
  seed: number,
): void {
  const random = randomStream(seed, 'next-event', 'sampling');
  const windows = training.flatMap((session) => windowsOf(session, vocabulary));
  const perPass = windows.reduce((sum, window) => sum + window.length, 0);
  const budget = Math.min(EVENTS_MAX, PASSES_MAX * perPass);
  for (let seen = 0; seen < budget;) {
    const batch = Array.from({ length: WINDOWS_PER_STEP }, () => random.pick(windows));
    network.train(batch, LEARNING_RATE * (1 - (0.9 * seen) / budget));
    seen += batch.reduce((sum, window) => sum + window.length, 0);
  }
}

function windowsOf({ events }: Session, vocabulary: Vocabulary): Uint16Array[] {
  const indexes = Uint16Array.from(events, (event) => vocabulary.indexOf(event));
  const count = Math.ceil(indexes.length / STEPS);
  return Array.from({ length: count }, (_, i) => indexes.subarray(i * STEPS, (i + 1) * STEPS));
}
