/**
 * Does the autoencoder detect anything on a public log that nobody here made? HDFS block sessions: train on normal ones,
 * test on 1,000 normal and 1,000 abnormal ones, five seeds; beside it the controls.
 *   npm run hdfs -w models      (data: `BHS_DATA`, default ../shared/data)
 */
import { countVectorMember, ngramMember, type Architecture } from '../src/index.js';
import {
  autoencoder,
  errorScores,
  normScores,
  oneHot,
  overSeeds,
  quality,
  readRows,
  sequenceOf,
  summaryScores,
  UNTRAINED_SEEDS,
  type Quality,
} from './sequences.js';

const EVENTS = 30;
const SHAPE: Architecture = { steps: 32, features: EVENTS, hidden: 48, latent: 8 };
const SEEDS = [1, 2, 3, 4, 5];
const EPOCHS = 30;
/** Steps of the moving mean in the older score. */
const FORMS = [1, 5];

interface Session {
  readonly abnormal: boolean;
  readonly sequence: ReturnType<typeof sequenceOf>;
}

function readSessions(file: string): Session[] {
  return readRows(`hdfs_sessions/${file}`).map(([, label, events]) => ({
    abnormal: label === '1',
    sequence: sequenceOf(events!),
  }));
}

function main(): void {
  const normal = readSessions('train_normal.csv.gz').map(({ sequence }) => sequence);
  const test = readSessions('valid_labelled.csv.gz');
  const sequences = test.map(({ sequence }) => sequence);
  const training = oneHot(
    normal.map(({ rows }) => rows),
    SHAPE,
  );
  const batch = oneHot(
    sequences.map(({ rows }) => rows),
    SHAPE,
  );
  const evaluate = (scores: ArrayLike<number>): Quality => {
    const of = (wanted: boolean): number[] =>
      Array.from(scores).filter((_, i) => test[i]!.abnormal === wanted);
    return quality(of(false), of(true));
  };
  const runs = (seeds: readonly number[], epochs: number): object => {
    const kernels = seeds.map((seed) => autoencoder(SHAPE, training, { seed, epochs }));
    return {
      summary: overSeeds(kernels.map((k) => evaluate(summaryScores(k, training, batch)))),
      ...Object.fromEntries(
        FORMS.map((moving) => [
          `mean error and worst ${moving}`,
          overSeeds(kernels.map((k) => evaluate(errorScores(k, batch, moving)))),
        ]),
      ),
    };
  };
  const members = [
    countVectorMember({ training: normal, of: 'counts', vocabularySize: 64 }),
    ngramMember({ training: normal, n: 1 }),
    ngramMember({ training: normal, n: 2 }),
  ];
  const report = {
    data: 'hdfs_sessions: train_normal, valid_labelled',
    architecture: SHAPE,
    epochs: EPOCHS,
    seeds: SEEDS,
    autoencoder: runs(SEEDS, EPOCHS),
    untrainedSeeds: UNTRAINED_SEEDS,
    untrained: runs(UNTRAINED_SEEDS, 0),
    members: Object.fromEntries(
      members.map((member) => [member.name, evaluate(member.nonconformities(sequences))]),
    ),
    controls: {
      'distance of length from 19': evaluate(
        sequences.map(({ rows }) => Math.abs(rows.length - 19)),
      ),
      'squared norm of the inputs': evaluate(normScores(batch)),
    },
  };
  console.log(JSON.stringify(report, null, 2));
}

main();
