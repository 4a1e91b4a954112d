/**
 * One seed of one run, from start to finish, wherever it runs: in a child of the command or in a worker of a queue.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { kernelHash } from '@bhschain/models/kernel';
import { ExperimentError } from '../errors.js';
import { STUDIES } from '../studies/index.js';
import { sha256 } from './canonical.js';
import { codeHashes, REPOSITORY } from './code-hash.js';
import {
  openRun,
  readSeed,
  seedFolder,
  writeWhole,
  type RunInfo,
  type SeedManifest,
  type SeedRun,
} from './run-store.js';
import { textOf } from './study-config.js';
import { SEED_PURPOSES } from './seed-streams.js';
import { createStageRunner, type StageReport } from './stages.js';

export interface Job {
  readonly runsDir: string;
  readonly run: RunInfo;
  readonly seed: number;
}

export interface JobWatcher {
  onStage(report: StageReport): void;
  onLine(line: string): void;
  stopAsked(): boolean;
}

/** Runs a seed that is not done yet; what is done is read. Never throws for a fault of the study: it is in the manifest. */
export async function runSeed({ runsDir, run, seed }: Job, watcher: JobWatcher): Promise<SeedRun> {
  const folder = seedFolder(openRun(runsDir, run), seed);
  const known = existsSync(folder) ? readSeed(folder, seed) : null;
  if (known?.state === 'ok') return known;
  mkdirSync(folder, { recursive: true });
  // What an earlier attempt wrote about itself goes; what it computed is kept by the stages.
  for (const name of ['metrics.jsonl', 'summary.json', 'manifest.json', 'stdout.log']) {
    rmSync(join(folder, name), { force: true });
  }
  const study = STUDIES[run.study]!;
  const startedAt = new Date();
  const started = performance.now();
  const stages = createStageRunner({
    cacheDir: join(runsDir, 'cache'),
    owner: `${textOf(run.config['name'])}/${seed}`,
    onReport(report) {
      const { name, cached, why, wallMs } = report;
      const what = cached ? 'cached' : `ran, ${(wallMs / 1000).toFixed(1)} s`;
      appendFileSync(join(folder, 'stdout.log'), `${name}: ${what} (${why})\n`);
      watcher.onStage(report);
    },
    whileWaiting: pause,
  });
  const say = (line: string): void => {
    appendFileSync(join(folder, 'stdout.log'), `${line}\n`);
    watcher.onLine(line);
  };
  let exit: SeedManifest['exit'] = 'ok';
  let error: string | null = null;
  try {
    const result = await study.run(run.config, {
      seed,
      async stage(request) {
        await pause();
        return stages.stage(request);
      },
      record: (line) => appendFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify(line)}\n`),
      pause,
      say,
      file(name) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        return join(folder, name);
      },
    });
    writeWhole(
      join(folder, 'summary.json'),
      `${JSON.stringify({ id: run.id, seed, ...result }, null, 2)}\n`,
    );
  } catch (cause) {
    exit =
      cause instanceof ExperimentError && cause.code === 'ERR_RUN_STOPPED' ? 'stopped' : 'failed';
    const { code, message, stack } = cause as Error & { code?: string };
    error = code === undefined ? (stack ?? message) : `${code}: ${message}`;
    if (exit === 'failed') say(error);
  }
  const manifest: SeedManifest = {
    format: 'experiment-seed/1',
    id: run.id,
    study: run.study,
    seed,
    hashes: {
      config: run.configHash,
      data: run.dataHash,
      code: codeHashes(study.code),
      lockFile: sha256(readFileSync(join(REPOSITORY, 'package-lock.json'))),
    },
    ...commitOf(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryPeakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    kernelHash,
    noise: 'seeded: an experiment, no protection of anybody',
    seedPurposes: SEED_PURPOSES,
    sweep: run.swept,
    startedAt: startedAt.toISOString(),
    wallMs: Math.round(performance.now() - started),
    exit,
    error,
    stages: stages.reports,
  };
  writeWhole(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return readSeed(folder, seed);

  async function pause(): Promise<void> {
    await turn();
    if (watcher.stopAsked()) {
      throw new ExperimentError('ERR_RUN_STOPPED', `seed ${seed}: stopped as asked`, { seed });
    }
  }
}

function commitOf(): { commit: string | null; dirty: boolean | null } {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: REPOSITORY,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain', '-uno') !== '' };
  } catch {
    // An installed package has no history.
    return { commit: null, dirty: null };
  }
}
