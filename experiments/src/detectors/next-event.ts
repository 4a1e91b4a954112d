/**
 * Mean surprise of a session under an LSTM that predicts the next event (DeepLog's idea: Du, Li, Zheng & Srikumar 2017),
 * and the same network untrained, as control.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import { createNextEventNetwork, type NextEventNetwork } from './next-event-network.js';
import { once } from './once.js';
import type { FittedDetector, SequenceDetector, Session } from './sequence-detector.js';
import { vocabularyOf } from './vocabulary.js';
import { meansBySession, STEPS, windowsOf } from './windows.js';

const HIDDEN = 24;
/** The commonest events have a place each, the others share the last. */
const VOCABULARY_MAX = 64;
/** Training ends after so many passes or so many events, whichever is first: minutes, not hours, on long traces. */
const PASSES_MAX = 30;
const EVENTS_MAX = 600_000;
const WINDOWS_PER_STEP = 16;
const LEARNING_RATE = 0.01;

export const nextEvent: SequenceDetector = {
  name: 'next-event-lstm',
  standing: 'rival',
  about: 'mean surprise of an LSTM that predicts the next event',
  draws: true,
  fit: (training, seed) => fitted(training, seed, { trains: true }),
};

export const untrainedNextEvent: SequenceDetector = {
  name: 'next-event-untrained',
  standing: 'control',
  about: 'the same network with its initial parameters',
  draws: true,
  fit: (training, seed) => fitted(training, seed, { trains: false }),
};

/** One vocabulary for all seeds, so that what is cut once serves all of them. */
const vocabularyFor = once((training: readonly Session[]) =>
  vocabularyOf(training, VOCABULARY_MAX),
);

function fitted(
  training: readonly Session[],
  seed: number,
  { trains }: { readonly trains: boolean },
): FittedDetector {
  const vocabulary = vocabularyFor(training);
  const initial = randomStream(seed, 'next-event', 'initial');
  const network = createNextEventNetwork(
    { vocabulary: vocabulary.size, hidden: HIDDEN, stepsMax: STEPS },
    () => initial.uniform(),
  );
  if (trains) train(network, training, seed);
  return {
    scores(sessions) {
      const cut = windowsOf(sessions, vocabulary);
      return meansBySession(cut, {
        values: network.surprise(cut.distinct),
        weights: cut.distinct.map((window) => window.length),
        sessions: sessions.length,
      });
    },
  };
}

function train(network: NextEventNetwork, training: readonly Session[], seed: number): void {
  const random = randomStream(seed, 'next-event', 'sampling');
  const cut = windowsOf(training, vocabularyFor(training));
  const windows = cut.windows.map((window) => cut.distinct[window.distinct]!);
  const perPass = windows.reduce((sum, window) => sum + window.length, 0);
  const budget = Math.min(EVENTS_MAX, PASSES_MAX * perPass);
  for (let seen = 0; seen < budget;) {
    const batch = Array.from({ length: WINDOWS_PER_STEP }, () => random.pick(windows));
    network.train(batch, LEARNING_RATE * (1 - (0.9 * seen) / budget));
    seen += batch.reduce((sum, window) => sum + window.length, 0);
  }
}
