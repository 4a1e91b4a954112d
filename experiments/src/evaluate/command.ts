/**
 * `experiment evaluate`: every detector on a log that somebody brings.
 * @module
 */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { evaluateInThreads, type Evaluation } from './evaluate.js';
import { sessionsOfFiles } from './sessions-of-files.js';
import { textReport } from './text-report.js';

interface Flags {
  readonly train: string;
  readonly test?: string;
  readonly calibrate?: string;
  readonly columns?: string;
  readonly detector?: readonly string[];
  readonly order?: 'file';
  readonly seeds: number;
  readonly switchShare: number;
  readonly json?: true;
}

export function evaluateCommand(io: {
  readonly out: (text: string) => void;
  readonly talk: (line: string) => void;
}): Command {
  return new Command('evaluate')
    .description(
      'Fit every detector on a log of yours and say how well each ranks and holds its rate.',
    )
    .requiredOption('--train <file>', 'labelled session CSV or event log, plain or gzip')
    .option('--test <file>', 'the same form; an event log may be split by time instead')
    .option('--calibrate <file>', 'fixes the threshold; default the last fifth of training')
    .option(
      '--columns <names>',
      'id=…,label=…,events=…[,group=…], or of an event log case=…,time=…,group=…,activity=…',
    )
    .option('--detector <name...>', 'only these; default all that fit the data')
    .option(
      '--order <how>',
      'event logs: rows in file order are time order; default by their times',
      only('file'),
    )
    .option('--seeds <count>', 'fits of each detector that draws at random', count(1, 100), 3)
    .option('--switch-share <share>', 'event logs: foreign acts in a switched window', share, 1)
    .option('--json', 'one object on standard output')
    .action(async (flags: Flags) => {
      const { files, kind, ...sessions } = await sessionsOfFiles({ ...flags, seed: 1 });
      const evaluation = await evaluateInThreads(
        {
          ...sessions,
          ...(flags.detector === undefined ? {} : { detectors: flags.detector }),
          seeds: Array.from({ length: flags.seeds }, (_, i) => i + 1),
          onFitted: (name) => io.talk(`fitted ${name}`),
        },
        availableParallelism(),
      );
      io.out(flags.json ? JSON.stringify({ kind, files, ...evaluation }) : page(kind, evaluation));
    });
}

function page(kind: string, evaluation: Evaluation): string {
  return `${kind}: ${textReport(evaluation)}`;
}

function only<T extends string>(expected: T): (text: string) => T {
  return (text) => {
    if (text !== expected) throw new InvalidArgumentError(`expected ${expected}, got ${text}.`);
    return expected;
  };
}

function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected an integer from ${least} to ${most}, got ${text}.`);
  };
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError(`expected a share above 0, at most 1, got ${text}.`);
}
