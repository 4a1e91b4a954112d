/**
 * The product's LSTM autoencoder on one-hot events: the same kernel, trained on the sessions at hand. Controls are the
 * same network untrained, and the same score on the events themselves, without a network.
 * @module
 */
import { randomStream } from '@bhschain/datasets';
import { initialParameters, type Architecture } from '@bhschain/models/architecture';
import { fitStrata } from '@bhschain/models/detector';
import { createKernel, type Kernel, type WindowBatch } from '@bhschain/models/kernel';
import { preTrain } from '@bhschain/models/training';
import type { FittedDetector, SequenceDetector, Session } from './sequence-detector.js';
import { vocabularyOf, type Vocabulary } from './vocabulary.js';

const STEPS = 32;
const HIDDEN = 48;
const LATENT = 8;
/** Columns: the commonest events have one each, the others share the last. More are slower and found no more (ADFA-LD). */
const VOCABULARY_MAX = 32;
const EPOCHS = 30;
const STEPS_MAX = 2_000;
const WINDOWS_PER_STEP = 64;

type Form = 'error' | 'whitened';

interface Options {
  readonly trains: boolean;
  readonly form: Form;
  /** Whiten the events themselves: no network at all. */
  readonly of?: 'features';
}

export const autoencoder: SequenceDetector = {
  name: 'lstm-autoencoder',
  standing: 'ours',
  about: 'reconstruction error: mean of the steps and half of the worst step',
  fit: (training, seed) => fitted(training, seed, { trains: true, form: 'error' }),
};

export const autoencoderWhitened: SequenceDetector = {
  name: 'lstm-autoencoder-whitened',
  standing: 'ours',
  about: 'whitened summary of the residuals, the product’s score',
  fit: (training, seed) => fitted(training, seed, { trains: true, form: 'whitened' }),
};

export const untrainedAutoencoder: SequenceDetector = {
  name: 'autoencoder-untrained',
  standing: 'control',
  about: 'the same network with its initial parameters',
  fit: (training, seed) => fitted(training, seed, { trains: false, form: 'error' }),
};

export const whitenedEvents: SequenceDetector = {
  name: 'events-whitened',
  standing: 'control',
  about: 'whitened summary of the events themselves, no network',
  fit: (training, seed) =>
    fitted(training, seed, { trains: false, form: 'whitened', of: 'features' }),
};

function fitted(training: readonly Session[], seed: number, options: Options): FittedDetector {
  const { vocabulary, batch, kernel } = networkOf(training, seed, options.trains);
  const score =
    options.form === 'error' ? errorsOf(kernel) : distancesOf(kernel, batch, options.of);
  return {
    scores(sessions) {
      const { batch: windows, sessionOf } = encoded(sessions, vocabulary);
      return meanBySession(score(windows), sessionOf, sessions.length);
    },
  };
}

interface Network {
  readonly vocabulary: Vocabulary;
  readonly batch: WindowBatch;
  readonly kernel: Kernel;
}

/** Two scores read one network, and training it is the dear part. */
const networks = new WeakMap<readonly Session[], Map<string, Network>>();

function networkOf(training: readonly Session[], seed: number, trains: boolean): Network {
  const known = networks.get(training) ?? new Map<string, Network>();
  networks.set(training, known);
  const key = `${seed} ${trains}`;
  const network = known.get(key) ?? createNetwork(training, seed, trains);
  known.set(key, network);
  return network;
}

function createNetwork(training: readonly Session[], seed: number, trains: boolean): Network {
  const vocabulary = sharedVocabulary(training);
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
  const { batch } = encoded(training, vocabulary);
  if (trains) {
    const steps = Math.round((EPOCHS * batch.lengths.length) / WINDOWS_PER_STEP);
    preTrain({
      kernel,
      parameters,
      batch,
      steps: Math.min(STEPS_MAX, steps),
      windowsPerStep: WINDOWS_PER_STEP,
      learningRate: 0.01,
      random: () => sampling.uniform(),
    });
  }
  return { vocabulary, batch, kernel };
}

/** One vocabulary for all seeds of a training set, so that what is encoded once serves all of them. */
const vocabularies = new WeakMap<readonly Session[], Vocabulary>();

function sharedVocabulary(training: readonly Session[]): Vocabulary {
  const vocabulary = vocabularies.get(training) ?? vocabularyOf(training, VOCABULARY_MAX);
  vocabularies.set(training, vocabulary);
  return vocabulary;
}

type Encoded = Readonly<{ batch: WindowBatch; sessionOf: number[] }>;
const encodings = new WeakMap<Vocabulary, WeakMap<readonly Session[], Encoded>>();

function encoded(sessions: readonly Session[], vocabulary: Vocabulary): Encoded {
  const known = encodings.get(vocabulary) ?? new WeakMap<readonly Session[], Encoded>();
  encodings.set(vocabulary, known);
  const result = known.get(sessions) ?? encode(sessions, vocabulary);
  known.set(sessions, result);
  return result;
}

/** Windows of `STEPS` one-hot events; a long session has several. */
function encode(sessions: readonly Session[], vocabulary: Vocabulary): Encoded {
  const sessionOf: number[] = [];
  const slices = sessions.flatMap(({ events }, session) =>
    Array.from({ length: Math.max(1, Math.ceil(events.length / STEPS)) }, (_, i) => {
      sessionOf.push(session);
      return events.slice(i * STEPS, (i + 1) * STEPS);
    }),
  );
  const windows = new Float32Array(slices.length * STEPS * vocabulary.size);
  slices.forEach((events, i) => {
    events.forEach((event, step) => {
      windows[(i * STEPS + step) * vocabulary.size + vocabulary.indexOf(event)] = 1;
    });
  });
  // A session without events is one step of nothing.
  const lengths = Uint8Array.from(slices, (events) => Math.max(1, events.length));
  return { batch: { windows, lengths }, sessionOf };
}

type Score = (batch: WindowBatch) => ArrayLike<number>;

function errorsOf(kernel: Kernel): Score {
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

function distancesOf(kernel: Kernel, training: WindowBatch, of?: 'features'): Score {
  const keys = [{ columnMask: 0, lengthMin: 1, lengthMax: STEPS }];
  const [stratum] = fitStrata({ kernel, batch: training, keys, ...(of && { of }) });
  return (batch) => kernel.squaredDistances(batch, stratum!, of ?? 'residuals');
}

function meanBySession(
  scores: ArrayLike<number>,
  sessionOf: readonly number[],
  sessions: number,
): number[] {
  const sums = new Array<number>(sessions).fill(0);
  const counts = new Array<number>(sessions).fill(0);
  sessionOf.forEach((session, i) => {
    sums[session]! += scores[i]!;
    counts[session]!++;
  });
  return sums.map((sum, session) => sum / counts[session]!);
}
