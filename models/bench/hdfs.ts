/**
 * Does the autoencoder detect anything on a public log that nobody here made? HDFS block sessions: train on normal ones,
 * test on 1,000 normal and 1,000 abnormal ones, five seeds, with ten untrained networks and the session length as controls.
 *   npm run hdfs -w models      (data: `BHS_DATA`, default ../shared/data)
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  areaUnderCurve,
  createKernel,
  fitStrata,
  initialParameters,
  preTrain,
  type Architecture,
  type Kernel,
  type WindowBatch,
} from '../src/index.js';

const EVENTS = 30;
const SHAPE: Architecture = { steps: 32, features: EVENTS, hidden: 48, latent: 8 };
const SEEDS = [1, 2, 3, 4, 5];
const UNTRAINED = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

interface Session {
  readonly abnormal: boolean;
  readonly events: readonly number[];
}

const folder = `${process.env['BHS_DATA'] ?? '../../shared/data'}/hdfs_sessions`;

function readSessions(file: string): Session[] {
  const text = gunzipSync(readFileSync(`${folder}/${file}`)).toString('utf8');
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, label, events] = line.split(',') as [string, string, string];
    return { abnormal: label === '1', events: events.split(' ').map(Number) };
  });
}

/** One-hot events of the first 32 steps. */
function encode(sessions: readonly Session[]): WindowBatch {
  const windows = new Float32Array(sessions.length * SHAPE.steps * EVENTS);
  const lengths = Uint8Array.from(sessions, ({ events }) => Math.min(events.length, SHAPE.steps));
  sessions.forEach(({ events }, i) => {
    events.slice(0, SHAPE.steps).forEach((event, step) => {
      windows[(i * SHAPE.steps + step) * EVENTS + Math.min(event, EVENTS - 1)] = 1;
    });
  });
  return { windows, lengths };
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The product's score: whitened residual summary, its law from the training sessions. */
function summaryScores(kernel: Kernel, training: WindowBatch, batch: WindowBatch): number[] {
  const keys = [{ columnMask: 0, lengthMin: 1, lengthMax: SHAPE.steps }];
  const [stratum] = fitStrata({ kernel, batch: training, keys });
  return [...kernel.squaredDistances(batch, stratum!)];
}

/** The plain score: mean error of a session's steps, and half of its worst step's. */
function errorScores(kernel: Kernel, batch: WindowBatch): number[] {
  const residuals = kernel.reconstruct(batch);
  return Array.from(batch.lengths, (length, i) => {
    let total = 0;
    let worst = 0;
    for (let step = 0; step < length; step++) {
      let error = 0;
      for (let event = 0; event < EVENTS; event++) {
        error += residuals[(i * SHAPE.steps + step) * EVENTS + event]! ** 2;
      }
      total += error;
      worst = Math.max(worst, error);
    }
    return total / length + 0.5 * worst;
  });
}

interface Quality {
  readonly auc: number;
  readonly tpr: number;
}

type Run = Readonly<Record<'plain' | 'summary', Quality>>;

function describe(runs: readonly Run[], score: keyof Run): object {
  return {
    auc: runs.map((run) => run[score].auc),
    meanAuc: mean(runs.map((run) => run[score].auc)),
    meanTprAt32: mean(runs.map((run) => run[score].tpr)),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function main(): void {
  const training = encode(readSessions('train_normal.csv.gz'));
  const test = readSessions('valid_labelled.csv.gz');
  const batch = encode(test);
  const evaluate = (of: readonly number[]): Quality => {
    const normal = of.filter((_, i) => !test[i]!.abnormal);
    const abnormal = of.filter((_, i) => test[i]!.abnormal);
    const cut = normal.toSorted((a, b) => b - a)[Math.floor(0.032 * normal.length)]!;
    const tpr = abnormal.filter((score) => score > cut).length / abnormal.length;
    return { auc: areaUnderCurve(normal, abnormal), tpr };
  };
  const run = (seed: number, epochs: number): Run => {
    const kernel = createKernel(SHAPE);
    const parameters = initialParameters(SHAPE, seeded(seed));
    kernel.setParameters(parameters);
    const windowsPerStep = 64;
    const steps = Math.round((epochs * training.lengths.length) / windowsPerStep);
    const random = seeded(seed + 1000);
    if (steps > 0) {
      preTrain({
        kernel,
        parameters,
        batch: training,
        steps,
        windowsPerStep,
        learningRate: 0.01,
        random,
      });
    }
    return {
      plain: evaluate(errorScores(kernel, batch)),
      summary: evaluate(summaryScores(kernel, training, batch)),
    };
  };
  const trained = SEEDS.map((seed) => run(seed, 30));
  const untrained = UNTRAINED.map((seed) => run(seed, 0));
  const length = evaluate(test.map(({ events }) => Math.abs(events.length - 19)));
  const report = {
    data: 'hdfs_sessions, valid_labelled',
    architecture: SHAPE,
    trainedSeeds: SEEDS,
    autoencoder: { plain: describe(trained, 'plain'), summary: describe(trained, 'summary') },
    untrainedSeeds: UNTRAINED,
    untrained: { plain: describe(untrained, 'plain'), summary: describe(untrained, 'summary') },
    lengthDistanceFrom19: length,
  };
  console.log(JSON.stringify(report, null, 2));
}

main();
