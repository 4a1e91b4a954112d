/**
 * `bhs-experiment`, as `npm run experiment -- …`: exit status 0 done, 1 a seed failed or a comparison differs, 2 it could
 * not run, 64 wrong usage.
 * @module
 */
import { Command, CommanderError } from 'commander';
import { dataCommand } from './commands/data.js';
import { collectCommand, compareCommand, listCommand, showCommand } from './commands/inspect.js';
import { exportCommand } from './commands/export.js';
import { modelCommand } from './commands/model.js';
import { reportCommand } from './commands/report.js';
import { reproCommand } from './commands/repro.js';
import { runCommand } from './commands/run.js';
import { schemaCommand } from './commands/schema.js';
import { workerCommand } from './commands/worker.js';
import { evaluateCommand } from './evaluate/command.js';

const EXIT = { failed: 2, usage: 64 } as const;

const io = {
  out: (text: string): void => void process.stdout.write(`${text}\n`),
  talk: (line: string): void => void process.stderr.write(`${line}\n`),
};

const program = new Command('experiment')
  .description('Every number that is claimed, measured again by one command.')
  .exitOverride();

for (const command of [
  runCommand,
  listCommand,
  showCommand,
  compareCommand,
  reportCommand,
  reproCommand,
  evaluateCommand,
  dataCommand,
  modelCommand,
  exportCommand,
  schemaCommand,
  workerCommand,
  collectCommand,
]) {
  // Sub-commands of sub-commands throw as well, so that wrong usage has one exit status.
  const made = command(io).exitOverride();
  for (const part of made.commands) part.exitOverride();
  program.addCommand(made);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  const { code = 'ERR_UNEXPECTED', message, stack } = error as Error & { code?: string };
  io.talk(code === 'ERR_UNEXPECTED' ? (stack ?? message) : `${code}: ${message}`);
  return EXIT.failed;
}
