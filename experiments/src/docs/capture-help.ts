/**
 * Loaded before a program that uses commander: in place of running, the program prints the help of all its commands as one
 * JSON list. So the reference of the command lines is what the programs say of themselves.
 * @module
 */
import { Command } from 'commander';

/** One command and what its `--help` prints. */
export interface CommandHelp {
  /** `bhs-node config explain`. */
  readonly name: string;
  readonly help: string;
}

const WIDTH = 100;

function helpOf(command: Command, parents: readonly string[]): CommandHelp[] {
  let help = '';
  command.configureOutput({
    getOutHelpWidth: () => WIDTH,
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  const path = [...parents, command.name()];
  return [
    { name: path.join(' '), help: help.trimEnd() },
    ...command.commands.flatMap((each) => helpOf(each, path)),
  ];
}

function print(this: Command): never {
  process.stdout.write(JSON.stringify(helpOf(this, [])));
  process.exit(0);
}

Command.prototype.parse = print;
Command.prototype.parseAsync = print;
