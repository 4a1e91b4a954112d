/**
 * `experiment worker`: pulls seeds that others put on the queue.
 * @module
 */
import { Command, Option } from 'commander';
import { PROGRESS, progressListener, type ProgressMode } from '../harness/progress.js';
import { workOnQueue } from '../harness/queue.js';
import { runsDirectory } from '../harness/run-store.js';
import type { CommandIo } from './io.js';
import { integer, runsOption } from './options.js';

export function workerCommand(io: CommandIo): Command {
  return new Command('worker')
    .description(
      'Run seeds that others queued, of the same code and data, until Ctrl-C; results go back with the job.',
    )
    .requiredOption('--queue <url>', 'the PostgreSQL that `run --queue` was given')
    .option(
      '--idle-seconds <count>',
      'end after there was nothing to do so long',
      integer(1, 86_400),
    )
    .addOption(
      new Option('--progress <mode>', 'how to tell how far it is')
        .choices(PROGRESS)
        .default('plain'),
    )
    .addOption(runsOption())
    .action(
      async (flags: {
        queue: string;
        idleSeconds?: number;
        progress: ProgressMode;
        runs?: string;
      }) => {
        const stopper = new AbortController();
        const stop = (): void => stopper.abort();
        process.on('SIGINT', stop);
        process.on('SIGTERM', stop);
        const worked = await workOnQueue(flags.queue, {
          runsDir: runsDirectory(flags.runs),
          signal: stopper.signal,
          idleMs: flags.idleSeconds === undefined ? null : flags.idleSeconds * 1_000,
          listener: progressListener({
            mode: flags.progress,
            jobs: 1,
            terminal: process.stderr.isTTY,
            write: (text) => void process.stderr.write(text),
          }),
        });
        io.talk(`${worked} seed(s) worked`);
      },
    );
}
