/**
 * Seeds side by side on this machine, one child process each.
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job } from './job.js';
import type { SeedState } from './run-store.js';
import type { StageReport } from './stages.js';

export interface JobOutcome {
  readonly job: Job;
  readonly state: SeedState;
}

export interface JobListener {
  stage(job: Job, report: StageReport): void;
  line(job: Job, line: string): void;
  done(job: Job, state: SeedState): void;
}

type Message =
  | { readonly type: 'stage'; readonly report: StageReport }
  | { readonly type: 'line'; readonly line: string }
  | { readonly type: 'done'; readonly state: SeedState };

const CHILD = fileURLToPath(new URL('./job-main.js', import.meta.url));

/**
 * What a seed may hold of objects, in MiB. It needs a third; without a bound V8 collects only every other gigabyte. What is
 * larger than any study here asks for more with `NODE_OPTIONS=--max-old-space-size=…`.
 */
const HEAP_MIB = 1_280;

/** Runs all jobs, at most `width` at once. After `signal` no job is begun, and those at work end after their round. */
export async function runLocally(
  jobs: readonly Job[],
  options: Readonly<{ width: number; signal: AbortSignal; listener: JobListener }>,
): Promise<JobOutcome[]> {
  const { width, signal, listener } = options;
  const outcomes: JobOutcome[] = [];
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const state = signal.aborted ? 'stopped' : await runChild(job, signal, listener);
      outcomes.push({ job, state });
      if (!signal.aborted || state !== 'stopped') listener.done(job, state);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, lane));
  return outcomes;
}

function runChild(job: Job, signal: AbortSignal, listener: JobListener): Promise<SeedState> {
  return new Promise((resolve) => {
    const child: ChildProcess = fork(CHILD, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...process.execArgv, ...heapBound(process.env)],
    });
    let state: SeedState = 'failed';
    const stop = (): void => {
      if (child.connected) child.send({ type: 'stop' });
    };
    signal.addEventListener('abort', stop, { once: true });
    child.on('message', (message: Message) => {
      if (message.type === 'stage') listener.stage(job, message.report);
      else if (message.type === 'line') listener.line(job, message.line);
      else state = message.state;
    });
    child.on('error', () => undefined);
    child.on('close', (code, killed) => {
      signal.removeEventListener('abort', stop);
      if (killed !== null) listener.line(job, `its process was ended by ${killed}`);
      resolve(code === 0 ? state : state === 'ok' ? 'failed' : state);
    });
    child.send({ type: 'job', job });
  });
}

function heapBound({ NODE_OPTIONS: asked = '' }: NodeJS.ProcessEnv): string[] {
  return asked.includes('--max-old-space-size') ? [] : [`--max-old-space-size=${HEAP_MIB}`];
}
