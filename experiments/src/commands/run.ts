/**
 * `experiment run`: the configurations of a file, each on its seeds.
 * @module
 */
import { rmSync } from 'node:fs';
import { Command, Option } from 'commander';
import { aggregate, type Aggregate } from '../harness/aggregate.js';
import { runLocally } from '../harness/local-jobs.js';
import { PROGRESS, progressListener, type ProgressMode } from '../harness/progress.js';
import { runOnQueue } from '../harness/queue.js';
import {
  describeRun,
  findRun,
  readSeed,
  resolvedYaml,
  runsDirectory,
  seedFolder,
  type RunInfo,
} from '../harness/run-store.js';
import { loadStudyConfig, textOf } from '../harness/study-config.js';
import { writeRunPages } from '../report/run-pages.js';
import { STUDIES } from '../studies/index.js';
import type { Job } from '../harness/job.js';
import type { CommandIo } from './io.js';
import { integer, runsOption } from './options.js';

interface Flags {
  readonly seeds?: number;
  readonly jobs: number;
  readonly resume?: true;
  readonly fresh?: true;
  readonly dryRun?: true;
  readonly json?: true;
  readonly progress: ProgressMode;
  readonly queue?: string;
  readonly runs?: string;
}

/** What `--json` prints of one configuration. */
export interface RunOutcome {
  readonly id: string;
  readonly folder: string;
  readonly ok: boolean;
  readonly metrics: Readonly<Record<string, Aggregate>>;
}

export function runCommand(io: CommandIo): Command {
  return new Command('run')
    .description('Run the study of a configuration file; what is done already is not done again.')
    .argument('<file>', 'YAML, see experiments/configs')
    .argument('[path=value...]', 'values that replace those of the file; a list is a sweep')
    .option('--seeds <count>', 'seeds 1 … count instead of those of the file', integer(1, 999))
    .option('--jobs <count>', 'seeds at once on this machine', integer(1, 64), 1)
    .addOption(new Option('--resume', 'go on where it stopped (the default)').conflicts('fresh'))
    .option('--fresh', 'forget what is there of these runs, and every kept stage')
    .option('--dry-run', 'say what would run')
    .option(
      '--queue <url>',
      'put the seeds on pg-boss in this PostgreSQL; workers anywhere run them',
    )
    .option('--json', 'one object on standard output')
    .addOption(
      new Option('--progress <mode>', 'how to tell how far it is')
        .choices(PROGRESS)
        .default('auto'),
    )
    .addOption(runsOption())
    .action(async (file: string, overrides: string[], flags: Flags) => {
      const runsDir = runsDirectory(flags.runs);
      const { points, origins } = loadStudyConfig({ file, overrides, schemas: schemas() });
      const runs = points.map((point) => {
        const study = STUDIES[textOf(point.config['study'])]!;
        return describeRun(study, point, { file, overrides, origins });
      });
      const jobs = runs.flatMap((run) =>
        seedsOf(run, flags.seeds).map((seed): Job => ({ runsDir, run, seed })),
      );
      if (flags.dryRun) {
        io.out(dryRun(runs, jobs));
        return;
      }
      if (flags.fresh)
        for (const { run } of jobs)
          rmSync(`${runsDir}/${run.id}`, { recursive: true, force: true });
      if (flags.fresh) rmSync(`${runsDir}/cache`, { recursive: true, force: true });
      const stopper = new AbortController();
      const interrupted = (): void => {
        if (stopper.signal.aborted) return;
        io.talk('\nstopping after the round at hand …');
        stopper.abort();
      };
      process.on('SIGINT', interrupted);
      process.on('SIGTERM', interrupted);
      const listener = progressListener({
        mode: flags.progress,
        jobs: jobs.length,
        terminal: process.stderr.isTTY,
        write: (text) => void process.stderr.write(text),
      });
      try {
        if (flags.queue === undefined) {
          await runLocally(jobs, { width: flags.jobs, signal: stopper.signal, listener });
        } else {
          await runOnQueue(flags.queue, jobs, { signal: stopper.signal, listener });
        }
      } finally {
        process.off('SIGINT', interrupted);
        process.off('SIGTERM', interrupted);
      }
      for (const { id } of runs) writeRunPages(`${runsDir}/${id}`, findRun(runsDir, id));
      const outcomes = runs.map((run) => outcomeOf(runsDir, run, jobs));
      const ok = outcomes.every((one) => one.ok);
      if (flags.json)
        io.out(JSON.stringify(outcomes.length === 1 ? outcomes[0] : { ok, runs: outcomes }));
      else for (const outcome of outcomes) io.out(headline(outcome));
      if (stopper.signal.aborted && !ok)
        io.talk(`to go on: npm run experiment -- ${again(file, overrides, flags)}`);
      if (!ok) process.exitCode = 1;
    });
}

export function schemas(): Record<string, (typeof STUDIES)[string]['schema']> {
  return Object.fromEntries(Object.values(STUDIES).map((study) => [study.name, study.schema]));
}

function seedsOf(run: RunInfo, count: number | undefined): readonly number[] {
  if (count !== undefined) return Array.from({ length: count }, (_, i) => i + 1);
  return run.config['seeds'] as readonly number[];
}

function outcomeOf(runsDir: string, run: RunInfo, jobs: readonly Job[]): RunOutcome {
  const seeds = jobs
    .filter((job) => job.run === run)
    .map(({ seed }) => readSeed(seedFolder(`${runsDir}/${run.id}`, seed), seed));
  return {
    id: run.id,
    folder: `${runsDir}/${run.id}`,
    ok: seeds.every(({ state }) => state === 'ok'),
    metrics: aggregate(seeds.flatMap(({ result }) => (result === null ? [] : [result.metrics]))),
  };
}

function headline({ id, folder, ok, metrics }: RunOutcome): string {
  const lines = Object.entries(metrics)
    .filter(([name]) => /(^|\.)(recall|auc)$/.test(name))
    .map(
      ([name, { mean, low, high, seeds }]) =>
        `  ${name.padEnd(34)} ${mean.toFixed(3)}${seeds > 1 ? ` [${low.toFixed(3)}, ${high.toFixed(3)}]` : ''}`,
    );
  return [`${id}: ${ok ? 'done' : 'NOT whole'}`, ...lines, `  ${folder}`].join('\n');
}

function dryRun(runs: readonly RunInfo[], jobs: readonly Job[]): string {
  return runs
    .map((run) => {
      const own = jobs
        .filter((job) => job.run === run)
        .map(({ seed, runsDir }) => {
          const { state } = readSeed(seedFolder(`${runsDir}/${run.id}`, seed), seed);
          return `seed ${seed} ${state === 'ok' ? 'is done' : 'would run'}`;
        });
      return `${run.id}: ${own.join(', ')}\n${resolvedYaml(run).replaceAll(/^/gm, '  ').trimEnd()}`;
    })
    .join('\n');
}

function again(file: string, overrides: readonly string[], flags: Flags): string {
  return [
    'run',
    file,
    ...overrides.map((text) => (/[\s[\]*]/.test(text) ? `'${text}'` : text)),
    ...(flags.seeds === undefined ? [] : ['--seeds', flags.seeds]),
    ...(flags.jobs === 1 ? [] : ['--jobs', flags.jobs]),
    ...(flags.runs === undefined ? [] : ['--runs', flags.runs]),
    '--resume',
  ].join(' ');
}
