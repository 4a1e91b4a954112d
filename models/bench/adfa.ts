/**
 * The ensemble on system-call traces that nobody here made: ADFA-LD, the visible half. Train on 833 normal traces, test on
 * 2,186 others and 429 attacks. Members are joined exactly as on the ledger, with evidence from traces that the fitted
 * member has not seen (five folds of the training traces); beside it every member alone and the controls.
 *   npm run adfa -w models      (data: `BHS_DATA`, default ../shared/data)
 */
import {
  countVectorMember,
  ngramMember,
  type Architecture,
  type Kernel,
  type Member,
  type Sequence,
  type WindowBatch,
} from '../src/index.js';
import { evidenceOf, evidenceTables, sumOfEvidence } from '../src/ensemble/evidence.js';
import {
  autoencoder,
  normScores,
  oneHot,
  overSeeds,
  quality,
  readRows,
  seeded,
  sequenceOf,
  summaryScores,
  UNTRAINED_SEEDS,
  type Quality,
} from './sequences.js';

const CALLS = 400;
/** The calls that training traces use most have columns of their own, the others share the last. */
const SHAPE: Architecture = { steps: 64, features: 32, hidden: 24, latent: 8 };
const WINDOWS_MAX = 3_000;
const SEEDS = [1, 2, 3];
const EPOCHS = 6;
const FOLDS = 5;
const STRATUM = [{ columnMask: 0, lengthMin: 1, lengthMax: 0xffff }];

function read(file: string): Sequence[] {
  return readRows(`adfa_ld/${file}`).map((fields) => sequenceOf(fields[3]!));
}

/** Windows of 64 calls, half overlapping in use, not at all in training. */
function cut({ rows }: Sequence, stride: number): number[][] {
  const events = Array.from(rows);
  const starts = [0];
  for (let at = stride; at + SHAPE.steps <= events.length; at += stride) starts.push(at);
  return starts.map((at) => events.slice(at, at + SHAPE.steps));
}

/** Columns by how often training uses a call. */
function columnsOf(training: readonly Sequence[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { rows } of training) {
    for (const call of Array.from(rows)) counts.set(call, (counts.get(call) ?? 0) + 1);
  }
  const ordered = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return new Map(ordered.slice(0, SHAPE.features - 1).map(([call], column) => [call, column]));
}

interface Trained {
  readonly kernel: Kernel;
  readonly batch: WindowBatch;
  readonly columns: ReadonlyMap<number, number>;
}

function train(training: readonly Sequence[], seed: number, epochs: number): Trained {
  const columns = columnsOf(training);
  const windows = training.flatMap((sequence) => cut(recoded(sequence, columns), SHAPE.steps));
  // From all traces alike: the first ones are not like the last.
  const every = Math.ceil(windows.length / WINDOWS_MAX);
  const batch = oneHot(
    windows.filter((_, i) => i % every === 0),
    SHAPE,
  );
  return { kernel: autoencoder(SHAPE, batch, { seed, epochs }), batch, columns };
}

function recoded({ rows }: Sequence, columns: ReadonlyMap<number, number>): Sequence {
  const rest = SHAPE.features - 1;
  return { rows: Array.from(rows, (call) => columns.get(call) ?? rest), mask: 0 };
}

/** Mean distance of a trace's windows. */
function autoencoderMember({ kernel, batch, columns }: Trained): Member<Sequence> {
  return {
    name: 'autoencoder',
    nonconformities(sequences) {
      const windows = sequences.map((s) => cut(recoded(s, columns), SHAPE.steps / 2));
      const distances = summaryScores(kernel, batch, oneHot(windows.flat(), SHAPE));
      let at = 0;
      return Uint32Array.from(windows, (own) => {
        const part = distances.slice(at, (at += own.length));
        const sum = part.reduce((all, distance) => all + distance, 0);
        return Math.min(0xffffffff, Math.trunc((256 * sum) / own.length));
      });
    },
  };
}

function membersOf(
  training: readonly Sequence[],
  seed: number,
  epochs: number,
): Member<Sequence>[] {
  return [
    autoencoderMember(train(training, seed, epochs)),
    ngramMember({ training, n: 3 }),
    ngramMember({ training, n: 6 }),
    countVectorMember({ training, of: 'shares', vocabularySize: CALLS }),
  ];
}

/** Each training trace judged by members that were fitted without its fold, `[members][traces]`. */
function crossFitted(training: readonly Sequence[], seed: number, epochs: number): Uint32Array[] {
  const random = seeded(99);
  const folds = training.map(() => Math.floor(FOLDS * random()));
  const series = membersNames.map(() => new Uint32Array(training.length));
  for (let fold = 0; fold < FOLDS; fold++) {
    const inside = [...training.keys()].filter((i) => folds[i] === fold);
    const others = training.filter((_, i) => folds[i] !== fold);
    membersOf(others, seed, epochs).forEach((member, m) => {
      const judged = member.nonconformities(inside.map((i) => training[i]!));
      inside.forEach((i, at) => (series[m]![i] = judged[at]!));
    });
  }
  return series;
}

const membersNames = ['autoencoder', '3-gram', '6-gram', 'count-vector-shares'];

function main(): void {
  const training = read('train_normal.csv.gz');
  const normal = read('validation_normal_a.csv.gz');
  const attacks = read('attack_a.csv.gz');
  const all = [...normal, ...attacks];
  const evaluate = (scores: ArrayLike<number>): Quality => {
    const list = Array.from(scores);
    return quality(list.slice(0, normal.length), list.slice(normal.length));
  };
  const run = (seed: number, epochs: number): Record<string, Quality> => {
    const members = membersOf(training, seed, epochs);
    const calibration = crossFitted(training, seed, epochs);
    const evidence = evidenceTables(membersNames, STRATUM, calibration, training);
    const series = evidenceOf(members, evidence, STRATUM, all);
    const without = (left: number): Quality =>
      evaluate(sumOfEvidence(series.filter((_, m) => m !== left)));
    return {
      ensemble: evaluate(sumOfEvidence(series)),
      ...Object.fromEntries(
        members.map((m) => [`${m.name} alone`, evaluate(m.nonconformities(all))]),
      ),
      ...Object.fromEntries(members.map((m, i) => [`ensemble without ${m.name}`, without(i)])),
    };
  };
  const runs = SEEDS.map((seed) => run(seed, EPOCHS));
  const untrained = UNTRAINED_SEEDS.map((seed) =>
    evaluate(autoencoderMember(train(training, seed, 0)).nonconformities(all)),
  );
  const lengths = all.map(({ rows }) => rows.length);
  const report = {
    data: 'adfa_ld: train_normal, validation_normal_a, attack_a',
    architecture: SHAPE,
    epochs: EPOCHS,
    seeds: SEEDS,
    arms: Object.fromEntries(
      Object.keys(runs[0]!).map((arm) => [arm, overSeeds(runs.map((each) => each[arm]!))]),
    ),
    untrainedSeeds: UNTRAINED_SEEDS,
    controls: {
      'autoencoder untrained': overSeeds(untrained),
      'trace length': evaluate(lengths),
      'squared norm of the inputs': evaluate(
        normScores(
          oneHot(
            all.map((s) => cut(s, SHAPE.steps)[0]!),
            SHAPE,
          ),
        ),
      ),
    },
  };
  console.log(JSON.stringify(report, null, 2));
}

main();
