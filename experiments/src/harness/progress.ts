/**
 * How far it is, on standard error: one line a step, or a line that is overwritten on a terminal, or JSON lines.
 * @module
 */
import type { Job } from './job.js';
import type { JobListener } from './local-jobs.js';

export const PROGRESS = ['auto', 'bar', 'plain', 'json', 'none'] as const;
export type ProgressMode = (typeof PROGRESS)[number];

export interface ProgressOptions {
  readonly mode: ProgressMode;
  readonly jobs: number;
  readonly terminal: boolean;
  readonly write: (text: string) => void;
}

export function progressListener(options: ProgressOptions): JobListener {
  const mode = options.mode === 'auto' ? (options.terminal ? 'bar' : 'plain') : options.mode;
  const { write, jobs } = options;
  let done = 0;
  const name = ({ run, seed }: Job): string => `${run.id} seed ${seed}`;
  const bar = (text: string): void => {
    const width = 20;
    const full = Math.round((done / jobs) * width);
    write(
      `\r\u001b[K[${'█'.repeat(full)}${'·'.repeat(width - full)}] ${done}/${jobs}  ${text.slice(0, 80)}`,
    );
  };
  const say = (job: Job, text: string, facts: object): void => {
    if (mode === 'plain') write(`${name(job)}: ${text}\n`);
    else if (mode === 'json')
      write(`${JSON.stringify({ id: job.run.id, seed: job.seed, ...facts })}\n`);
    else if (mode === 'bar') bar(`${name(job)}: ${text}`);
  };
  return {
    stage(job, report) {
      const { name: stage, cached, why, wallMs } = report;
      say(job, `${stage}: ${cached ? 'cached' : `ran, ${(wallMs / 1000).toFixed(1)} s`} (${why})`, {
        event: 'stage',
        ...report,
      });
    },
    line: (job, line) => say(job, line, { event: 'line', line }),
    done(job, state) {
      done++;
      say(job, state, { event: 'done', state });
      if (mode === 'bar' && done === jobs) write('\n');
    },
  };
}
