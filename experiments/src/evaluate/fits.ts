/**
 * The dear part of an evaluation: every detector fitted as often as it draws, each fit a function of sessions and seed alone – so
 * here, one after the other, or in threads, with the same bits.
 * @module
 */
import { Piscina } from 'piscina';
import type { SequenceDetector, Session } from '../detectors/index.js';

export interface FitData {
  readonly fit: readonly Session[];
  readonly calibrate: readonly Session[];
  readonly test: readonly Session[];
}

export interface SeedScores {
  readonly calibration: readonly number[];
  readonly test: readonly number[];
}

/** What has to be fitted: a detector, once for each seed. */
export interface Fits {
  readonly detector: SequenceDetector;
  readonly seeds: readonly number[];
}

/** Fits of one seed that share what they train. */
export interface FitTask {
  readonly names: readonly string[];
  readonly seed: number;
}

export function scoresOf(detector: SequenceDetector, seed: number, data: FitData): SeedScores {
  const fitted = detector.fit(data.fit, seed);
  return { calibration: fitted.scores(data.calibrate), test: fitted.scores(data.test) };
}

/** In the order of `fits` and of their seeds. */
export function fitHere(
  fits: readonly Fits[],
  data: FitData,
  onFitted: (name: string) => void,
): SeedScores[][] {
  return fits.map(({ detector, seeds }) => {
    const scores = seeds.map((seed) => scoresOf(detector, seed, data));
    onFitted(detector.name);
    return scores;
  });
}

/** The same in `threads` threads; each gets the sessions once. */
export async function fitInThreads(
  fits: readonly Fits[],
  data: FitData,
  options: Readonly<{ threads: number; onFitted: (name: string) => void }>,
): Promise<SeedScores[][]> {
  const pool = new Piscina<FitTask, SeedScores[]>({
    filename: new URL('../../dist/evaluate/fit-worker.js', import.meta.url).href,
    minThreads: options.threads,
    maxThreads: options.threads,
    workerData: data,
    // The worker sees no environment: what it needs comes with the sessions.
    env: {},
  });
  try {
    const tasks = tasksOf(fits);
    const done = tasks.map((task) => pool.run(task));
    return await Promise.all(
      fits.map(async ({ detector: { name }, seeds }) => {
        const scores = await Promise.all(
          seeds.map(async (seed) => {
            const at = tasks.findIndex((task) => task.seed === seed && task.names.includes(name));
            return (await done[at]!)[tasks[at]!.names.indexOf(name)]!;
          }),
        );
        options.onFitted(name);
        return scores;
      }),
    );
  } finally {
    await pool.destroy();
  }
}

/** Detectors that read one network are fitted together, for training it is the dear part. */
function tasksOf(fits: readonly Fits[]): FitTask[] {
  const tasks = new Map<string, { names: string[]; seed: number }>();
  for (const { detector, seeds } of fits) {
    for (const seed of seeds) {
      const key = `${detector.network ?? detector.name} ${seed}`;
      const task = tasks.get(key) ?? { names: [], seed };
      tasks.set(key, task);
      task.names.push(detector.name);
    }
  }
  return [...tasks.values()];
}
