/**
 * `bhs-node`: what a hospital's operator types. Every command takes `--config FILE`; all but `run` take `--json`.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { doctorCommand } from './commands/doctor-command.js';
import { listEgress, showLedger, verifyLedgerCommand } from './commands/ledger-command.js';
import type { CommandOutcome } from './commands/outcome.js';
import { previewUpdate } from './commands/preview-command.js';
import { pauseCommand, statusCommand } from './commands/status-command.js';
import { loadConfig, type NodeConfig } from './config.js';
import { codeOf } from './errors.js';

interface Options {
  readonly config: string;
  readonly json?: boolean;
}

const FAILURE = 2;

function report(outcome: CommandOutcome, json: boolean): void {
  if (json) console.log(JSON.stringify(outcome.facts));
  else for (const sentence of outcome.sentences) console.log(sentence);
  process.exitCode = outcome.exitCode;
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  console.error(JSON.stringify({ code: codeOf(error), message }));
  process.exitCode = FAILURE;
}

/** Adds a command whose body gets the loaded configuration. */
function add(
  parent: Command,
  name: string,
  description: string,
  body: (config: NodeConfig) => CommandOutcome | Promise<CommandOutcome>,
): void {
  parent
    .command(name)
    .description(description)
    .requiredOption('--config <file>', 'configuration of the node')
    .option('--json', 'one JSON object instead of sentences')
    .action(async (options: Options) => {
      try {
        report(await body(loadConfig(options.config)), options.json === true);
      } catch (error) {
        fail(error);
      }
    });
}

const program = new Command('bhs-node').description('A hospital node of the anomaly federation.');

program
  .command('run')
  .description('run the node until SIGTERM or SIGINT')
  .requiredOption('--config <file>', 'configuration of the node')
  .action((options: Options) => {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const child = spawn(process.execPath, [main, '--config', options.config], { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => child.kill(signal));
    child.once('exit', (code) => {
      process.exitCode = code ?? FAILURE;
    });
  });

add(
  program,
  'status',
  'identity, last round, privacy spent, log, detector, certificate',
  (config) => statusCommand(config, Date.now()),
);
add(program, 'doctor', 'check runtime, configuration, files, privacy ledger and disk', (config) =>
  doctorCommand(config, { now: () => Date.now(), jitter: () => randomInt(2 ** 32) / 2 ** 32 }),
);
add(
  program,
  'preview-update',
  'what the next round would release and cost; draws and debits nothing',
  previewUpdate,
);
add(program, 'pause', 'decline rounds from now on', (config) => pauseCommand(config, true));
add(program, 'resume', 'take rounds again', (config) => pauseCommand(config, false));

const ledger = program.command('ledger').description('the privacy ledger');
add(ledger, 'show', 'every record', showLedger);
add(ledger, 'verify', 'the chain, and the releases on disk against it', verifyLedgerCommand);

const egress = program.command('egress').description('what left this hospital');
add(egress, 'list', 'releases with digest, time and fate', listEgress);

await program.parseAsync();
