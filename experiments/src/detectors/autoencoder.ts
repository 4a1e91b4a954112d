/**
 * The product's LSTM autoencoder on one-hot events: the same kernel, trained on the sessions at hand. Controls are the
 * same network untrained, and the whitened score on the events themselves, without a network.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import { initialParameters, type Architecture } from '@bhschain/models/architecture';
import { fitStrata } from '@bhschain/models/detector';
import { createKernel, type Kernel, type WindowBatch } from '@bhschain/models/kernel';
import { preTrain } from '@bhschain/models/training';
import { once } from './once.js';
import type { FittedDetector, SequenceDetector, Session } from './sequence-detector.js';
import { vocabularyOf, type Vocabulary } from './vocabulary.js';
import { meansBySession, STEPS, windowsOf, type SessionWindows } from './windows.js';

const HIDDEN = 48;
const LATENT = 8;
/** Columns: the commonest events have one each, the others share the last. More are slower and found no more (ADFA-LD). */
const VOCABULARY_MAX = 32;
/** Training ends after so many passes or so many events, whichever is first: a minute, not an hour, on long traces. */
const PASSES_MAX = 30;
const EVENTS_MAX = 2_400_000;
const WINDOWS_PER_STEP = 64;
const STRATUM = [{ columnMask: 0, lengthMin: 1, lengthMax: STEPS }];

export const autoencoder: SequenceDetector = {
  name: 'lstm-autoencoder',
  standing: 'ours',
  about: 'reconstruction error: mean of the steps and half of the worst step',
  draws: true,
  network: 'trained autoencoder',
  fit: (training, seed) => scoredBy(errors, networkOf(training, seed, { trains: true })),
};

export const autoencoderWhitened: SequenceDetector = {
  name: 'lstm-autoencoder-whitened',
  standing: 'ours',
  about: 'whitened summary of the residuals, the product’s score',
  draws: true,
  network: 'trained autoencoder',
  fit: (training, seed) => scoredBy(distances, networkOf(training, seed, { trains: true })),
};

export const untrainedAutoencoder: SequenceDetector = {
  name: 'autoencoder-untrained',
  standing: 'control',
  about: 'the same network with its initial parameters',
  draws: true,
  fit: (training, seed) => scoredBy(errors, networkOf(training, seed, { trains: false })),
};

export const whitenedEvents: SequenceDetector = {
  name: 'events-whitened',
  standing: 'control',
  about: 'whitened summary of the events themselves, no network',
  draws: false,
  // The kernel only computes the summary here, its network is not read.
  fit: (training, seed) => scoredBy(eventDistances, networkOf(training, seed, { trains: false })),
};

interface Network {
  readonly vocabulary: Vocabulary;
  readonly training: WindowBatch;
  readonly kernel: Kernel;
}

/** Fitted to the training windows, gives a score to each of others. */
type Score = (network: Network) => (batch: WindowBatch) => ArrayLike<number>;

function scoredBy(fit: Score, network: Network): FittedDetector {
  const score = fit(network);
  return {
    scores(sessions) {
      const cut = windowsOf(sessions, network.vocabulary);
      const values = score(distinctBatch(cut));
      const weights = new Uint8Array(values.length).fill(1);
      return meansBySession(cut, { values, weights, sessions: sessions.length });
    },
  };
}

/** Two scores read one network, and training it is the dear part. */
const networksFor = once((training: readonly Session[]) => {
  const known = new Map<string, Network>();
  return (seed: number, trains: boolean): Network => {
    const key = `${seed} ${trains}`;
    const network = known.get(key) ?? createNetwork(training, seed, trains);
    known.set(key, network);
    return network;
  };
});

function networkOf(
  training: readonly Session[],
  seed: number,
  { trains }: { readonly trains: boolean },
): Network {
  return networksFor(training)(seed, trains);
}

function createNetwork(training: readonly Session[], seed: number, trains: boolean): Network {
  const vocabulary = vocabularyFor(training);
  const shape: Architecture = {
    steps: STEPS,
    features: vocabulary.size,
    hidden: HIDDEN,
    latent: LATENT,
  };
  const random = randomStream(seed, 'autoencoder', 'initial');
  const sampling = randomStream(seed, 'autoencoder', 'sampling');
  const parameters = initialParameters(shape, () => random.uniform());
  const kernel = createKernel(shape);
  kernel.setParameters(parameters);
  const batch = trainingBatch(training);
  if (trains) {
    const { lengths } = batch;
    const perPass = lengths.reduce((sum, length) => sum + length, 0);
    const passes = Math.min(PASSES_MAX, EVENTS_MAX / perPass);
    preTrain({
      kernel,
      parameters,
      batch,
      steps: Math.round((passes * lengths.length) / WINDOWS_PER_STEP),
      windowsPerStep: WINDOWS_PER_STEP,
      learningRate: 0.01,
      random: () => sampling.uniform(),
    });
  }
  return { vocabulary, training: batch, kernel };
}

/** One vocabulary for all seeds of a training set, so that what is encoded once serves all of them. */
const vocabularyFor = once((training: readonly Session[]) =>
  vocabularyOf(training, VOCABULARY_MAX),
);

/** Every window, as often as it occurs. */
const trainingBatch = once((training: readonly Session[]) => {
  const vocabulary = vocabularyFor(training);
  const { distinct, windows } = windowsOf(training, vocabulary);
  const all = windows.map((window) => distinct[window.distinct]!);
  return oneHot(all, vocabulary.size);
});

/** Every different window once. */
const distinctBatch = once(({ distinct, vocabulary }: SessionWindows) =>
  oneHot(distinct, vocabulary.size),
);

function oneHot(all: readonly Uint16Array[], features: number): WindowBatch {
  const windows = new Float32Array(all.length * STEPS * features);
  all.forEach((codes, i) => {
    codes.forEach((code, step) => (windows[(i * STEPS + step) * features + code] = 1));
  });
  // A window without events is one step of nothing.
  return { windows, lengths: Uint8Array.from(all, (codes) => Math.max(1, codes.length)) };
}

function errors({ kernel }: Network): (batch: WindowBatch) => number[] {
  const { features } = kernel.architecture;
  return (batch) => {
    const residuals = kernel.reconstruct(batch);
    return Array.from(batch.lengths, (length, i) => {
      let total = 0;
      let worst = 0;
      for (let step = 0; step < length; step++) {
        const at = (i * STEPS + step) * features;
        let error = 0;
        for (let column = 0; column < features; column++) error += residuals[at + column]! ** 2;
        total += error;
        worst = Math.max(worst, error);
      }
      return total / length + 0.5 * worst;
    });
  };
}

function distances({ kernel, training }: Network): (batch: WindowBatch) => Float32Array {
  const [stratum] = fitStrata({ kernel, batch: training, keys: STRATUM });
  return (batch) => kernel.squaredDistances(batch, stratum!);
}

function eventDistances({ kernel, training }: Network): (batch: WindowBatch) => Float32Array {
  const [stratum] = fitStrata({ kernel, batch: training, keys: STRATUM, of: 'features' });
  return (batch) => kernel.squaredDistances(batch, stratum!, 'features');
}
