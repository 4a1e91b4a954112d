/**
 * `bhs-orchestrator`: results on standard output, talk on standard error; exit 0 ok, 1 warning or refusal, 2 failure,
 * 64 usage.
 * @module
 */
import { Command, CommanderError } from 'commander';
import { createCommandLine, USAGE_EXIT } from './commands/command-line.js';
import { addHouseCommands } from './commands/house-commands.js';
import { addMemberCommands } from './commands/member-commands.js';
import { addRoundCommands } from './commands/round-commands.js';
import { addUpdateCommands } from './commands/update-commands.js';
import { OrchestratorError } from './errors.js';

const program = new Command('bhs-orchestrator')
  .description('The orchestrator of a federation: identities, rounds, proofs.')
  .exitOverride()
  .showHelpAfterError();
const line = createCommandLine(program, {
  nowMs: () => Date.now(),
  write: (text) => {
    console.log(text);
  },
});
addRoundCommands(line);
addMemberCommands(line);
addUpdateCommands(line);
addHouseCommands(line);

try {
  await program.parseAsync();
} catch (cause) {
  if (cause instanceof CommanderError) {
    process.exitCode = cause.exitCode === 0 ? 0 : USAGE_EXIT;
    if (cause.code === 'ERR_USAGE') console.error(cause.message);
  } else {
    const code = (cause as { code?: unknown }).code;
    const message = cause instanceof Error ? cause.message : String(cause);
    console.error(typeof code === 'string' ? `${message} (${code})` : message);
    process.exitCode = cause instanceof OrchestratorError ? 1 : 2;
  }
}
