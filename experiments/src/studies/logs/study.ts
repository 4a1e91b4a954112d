/**
 * Real logs: HDFS and ADFA-LD with their labels, BPIC 2011, Sepsis and LANL with planted user switches; every detector of
 * `experiment evaluate`, with its controls.
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  injectUserSwitch,
  loadAdfa,
  loadBpic2011,
  loadHdfs,
  loadLanl,
  loadSepsis,
  type ActData,
} from '@bhschain/datasets';
import { Type } from 'typebox';
import { switchedSessions } from '../../detectors/index.js';
import { ExperimentError } from '../../errors.js';
import { evaluate, type DetectorResult, type EvaluationInput } from '../../evaluate/evaluate.js';
import { sha256 } from '../../harness/canonical.js';
import { REPOSITORY } from '../../harness/code-hash.js';
import { seedNumber } from '../../harness/seed-streams.js';
import type { Study } from '../../harness/study.js';

const LOGS = ['hdfs', 'adfa', 'bpic2011', 'sepsis', 'lanl'] as const;
type Log = (typeof LOGS)[number];

const FOLDERS: Readonly<Record<Log, string>> = {
  hdfs: 'hdfs_sessions',
  adfa: 'adfa_ld',
  bpic2011: 'hospital_event_logs',
  sepsis: 'hospital_event_logs',
  lanl: 'auth_logs',
};

interface LogConfig {
  readonly data: { readonly log: Log; readonly dir: string };
  readonly detectors: readonly string[];
  readonly userSwitch: {
    readonly share: number;
    readonly cosineLeast: number;
    readonly cosineMost: number;
    readonly windowActs: number;
    readonly profileWindowsLeast: number;
    readonly pairsMost: number;
  };
}

const closed = { additionalProperties: false };
const share = (value: number): ReturnType<typeof Type.Number> =>
  Type.Number({ minimum: 0, maximum: 1, default: value });

export const logStudy: Study = {
  name: 'logs',
  about: 'real logs with labels or planted user switches; every detector and its controls',
  schema: Type.Object(
    {
      study: Type.Literal('logs'),
      name: Type.String({ pattern: '^[a-z][a-z0-9-]{1,40}$' }),
      title: Type.String({ default: '' }),
      evidence: Type.Boolean({ default: true }),
      seeds: Type.Array(Type.Integer({ minimum: 0, maximum: 999 }), {
        minItems: 1,
        default: [1, 2, 3, 4, 5],
      }),
      /** Names as `experiment evaluate` knows them; none: all that fit. */
      detectors: Type.Array(Type.String(), { default: [] }),
      data: Type.Object(
        {
          log: Type.Unsafe<Log>({ type: 'string', enum: [...LOGS] }),
          /** Relative to the repository. */
          dir: Type.String({ default: '../shared/data' }),
        },
        closed,
      ),
      userSwitch: Type.Object(
        {
          /** Foreign acts in a switched window. */
          share: share(1),
          cosineLeast: share(0),
          cosineMost: share(1),
          windowActs: Type.Integer({ minimum: 2, maximum: 1_000, default: 20 }),
          profileWindowsLeast: Type.Integer({ minimum: 1, maximum: 1_000, default: 5 }),
          /** Of those in the band, drawn anew for each seed. */
          pairsMost: Type.Integer({ minimum: 1, maximum: 100_000, default: 100_000 }),
        },
        closed,
      ),
    },
    closed,
  ),
  code: ['models', 'datasets', 'detectors', 'evaluation', 'evaluate', 'logs'],
  dataHash: (config) => {
    const { log, dir } = (config as unknown as LogConfig).data;
    return hashOf(folderOf(log, dir));
  },
  async run(config, context) {
    const { data, detectors, userSwitch } = config as unknown as LogConfig;
    folderOf(data.log, data.dir);
    const input = await sessionsOf(
      data.log,
      resolve(REPOSITORY, data.dir),
      userSwitch,
      context.seed,
    );
    const evaluation = evaluate({
      ...input,
      ...(detectors.length === 0 ? {} : { detectors }),
      seeds: [seedNumber(context.seed, 'initial-parameters')],
      controlSeeds: controlSeedsOf(context.seed),
      onFitted: (name) => context.say(`fitted ${name}`),
    });
    for (const one of evaluation.detectors) context.record({ kind: 'detector', ...one });
    return {
      metrics: {
        trainingSessions: evaluation.sessions.train,
        calibrationSessions: evaluation.sessions.calibrate,
        testSessions: evaluation.sessions.test,
        abnormalSessions: evaluation.abnormal,
        ...Object.fromEntries(
          evaluation.detectors.flatMap((one): [string, number][] => [
            [`${one.name}.auc`, one.auc.mean],
            ...(one.aucWithinGroups === null
              ? []
              : [[`${one.name}.aucWithinGroups`, one.aucWithinGroups] as [string, number]]),
            [`${one.name}.recall`, recallAt032(one)],
            [`${one.name}.fixedRate`, one.atTheta.falsePositiveRate],
            [`${one.name}.fixedRecall`, one.atTheta.recall],
          ]),
        ),
      },
      tables: {
        classes: evaluation.detectors.flatMap(({ name, classes }) =>
          classes.length < 2
            ? []
            : classes.map(({ label, sessions, auc, recall }) => ({
                detector: name,
                class: label,
                sessions,
                auc,
                'recall at θ': recall,
              })),
        ),
      },
      models: {},
      notes: [
        `unit: ${data.log === 'hdfs' || data.log === 'adfa' ? 'session' : 'window of one actor'}; recall places the threshold on test normals, the fixed one on calibration sessions before`,
        ...evaluation.notes,
      ],
    };
  },
};

function recallAt032({ recallAt }: DetectorResult): number {
  return recallAt.find((point) => point.falsePositiveRate === 0.032)!.recall;
}

/** Two untrained networks a seed: five seeds have ten different ones (detection.md §10: one says nothing). */
function controlSeedsOf(seed: number): number[] {
  return ['first', 'second'].map((which) =>
    seedNumber(seed, 'initial-parameters', 'untrained', which),
  );
}

function folderOf(log: Log, dir: string): string {
  const folder = join(resolve(REPOSITORY, dir), FOLDERS[log]);
  if (existsSync(folder)) return folder;
  throw new ExperimentError(
    'ERR_STUDY_DATA',
    `data.dir: expected a folder with ${FOLDERS[log]}/, got ${JSON.stringify(dir)}`,
    { dir, log },
  );
}

function hashOf(folder: string): string {
  const files = readdirSync(folder)
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  return sha256(
    files.map((name) => `${name} ${sha256(readFileSync(join(folder, name)))}`).join('\n'),
  );
}

type Parts = Pick<EvaluationInput, 'train' | 'calibrate' | 'calibrateFrom' | 'test'>;

async function sessionsOf(
  log: Log,
  dir: string,
  options: LogConfig['userSwitch'],
  seed: number,
): Promise<Parts> {
  if (log === 'hdfs' || log === 'adfa') {
    const { train, test } = await (log === 'hdfs' ? loadHdfs(dir) : loadAdfa(dir));
    return { train, test };
  }
  const acts = await { bpic2011: loadBpic2011, sepsis: loadSepsis, lanl: loadLanl }[log](dir);
  return switched(acts, options, seed);
}

function switched(
  { rows, borders }: ActData,
  options: LogConfig['userSwitch'],
  seed: number,
): Parts {
  const parts = injectUserSwitch(rows, {
    seed: seedNumber(seed, 'user-switch'),
    share: options.share,
    cosine: [options.cosineLeast, options.cosineMost],
    windowActs: options.windowActs,
    profileWindowsLeast: options.profileWindowsLeast,
    pairsMost: options.pairsMost,
    ...(borders === null ? {} : { borders }),
  });
  const { train, calibrate, test } = switchedSessions(parts);
  return {
    train,
    ...(calibrate.length === 0 ? {} : { calibrate, calibrateFrom: 'the weeks between' }),
    test,
  };
}
