/**
 * `bhs-node`: what a hospital's operator types. Results on standard output, talk on standard error; exit 0 ok, 1 a warning
 * or a refusal, 2 a failure, 64 wrong usage.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { showAudit, verifyAudit } from './commands/audit-command.js';
import { checkConfig, diffConfig, explainConfig } from './commands/config-command.js';
import { doctorCommand } from './commands/doctor-command.js';
import { verifyEvidence } from './commands/evidence-command.js';
import { leaveCommand, rotateCommand } from './commands/identity-commands.js';
import { joinCommand } from './commands/join-command.js';
import {
  exportLedger,
  listEgress,
  showEgress,
  showLedger,
  verifyLedgerCommand,
} from './commands/ledger-command.js';
import type { CommandOutcome } from './commands/outcome.js';
import {
  addPersonCommand,
  listPersonsCommand,
  removePersonCommand,
} from './commands/person-command.js';
import { previewUpdate } from './commands/preview-command.js';
import { reportCommand } from './commands/report-command.js';
import { pauseCommand, statusCommand } from './commands/status-command.js';
import { checkUpgrade } from './commands/upgrade-command.js';
import { verifyRoundCommand } from './commands/verify-round-command.js';
import { loadConfig } from './config.js';
import { codeOf } from './errors.js';
import { PERSON_ROLES } from './review/people.js';

/** What the commands take, by commander's names; each command declares the ones that it reads. */
interface Options {
  readonly config: string;
  readonly json?: boolean;
  readonly waitMinutes?: string;
  readonly offline?: boolean;
  readonly out?: string;
  readonly response?: string;
  readonly reason?: string;
  readonly pre?: boolean;
  readonly only?: string[];
  readonly bundle?: string;
  readonly role?: string;
  readonly cert?: string;
  readonly key?: string;
}

const FAILURE = 2;
const USAGE = 64;

const nowMs = (): number => Date.now();
const jitter = (): number => randomInt(2 ** 32) / 2 ** 32;
const say = (sentence: string): void => console.error(sentence);
/** Who stands behind a command in the audit log: the account of this machine. */
const operator = { by: userInfo().username, nowMs };

const program = new Command('bhs-node')
  .description('A hospital node of the anomaly federation.')
  .exitOverride()
  .showHelpAfterError();

/** Adds a command; its body answers with sentences, facts and an exit status. */
function verb(
  parent: Command,
  name: string,
  description: string,
  example: string,
  body: (
    options: Options,
    ...args: (string | undefined)[]
  ) => CommandOutcome | Promise<CommandOutcome>,
): Command {
  return parent
    .command(name)
    .description(description)
    .requiredOption('--config <file>', 'configuration of the node')
    .option('--json', 'one JSON object instead of sentences')
    .addHelpText('after', `\nExample:\n  $ bhs-node ${example}`)
    .exitOverride()
    .action(async (...passed: unknown[]) => {
      // Commander passes the arguments, then the options, then the command itself.
      const options = passed.at(-2) as Options;
      const args = passed.slice(0, -2) as (string | undefined)[];
      try {
        report(await body(options, ...args), options.json === true);
      } catch (error) {
        fail(error, options.json === true);
      }
    });
}

function report({ facts, sentences, exitCode }: CommandOutcome, json: boolean): void {
  if (json) console.log(JSON.stringify(facts));
  else for (const sentence of sentences) console.log(sentence);
  process.exitCode = exitCode;
}

function fail(error: unknown, json: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  console.error(json ? JSON.stringify({ code, message }) : `${message} (${code})`);
  process.exitCode = FAILURE;
}

program
  .command('run')
  .description('run the node until SIGTERM or SIGINT')
  .requiredOption('--config <file>', 'configuration of the node')
  .addHelpText('after', '\nExample:\n  $ bhs-node run --config node.yaml')
  .action((options: Options) => {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const child = spawn(process.execPath, [main, '--config', options.config], { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => child.kill(signal));
    child.once('exit', (code) => {
      process.exitCode = code ?? FAILURE;
    });
  });

for (const [name, description] of [
  ['join', 'join a federation with an invitation; the same command goes on after an interruption'],
  ['rejoin', 'the same for a node that expired or was revoked; keeps its privacy ledger'],
] as const) {
  verb(program, name, description, `${name} bhs1:eyJ… --config node.yaml`, (o, line) =>
    joinCommand({
      configFile: o.config,
      line: line ?? null,
      rejoin: name === 'rejoin',
      waitMinutes: minutes(o.waitMinutes!),
      offline: o.offline === true ? { out: o.out ?? null, response: o.response ?? null } : null,
      say,
      jitter,
      sleep: (ms) => delay(ms),
      ...operator,
    }),
  )
    .argument('[invitation]', 'the line bhs1:…; left out: go on with what is under way')
    .option('--wait-minutes <n>', 'how long to wait for the approval', '15')
    .option('--offline', 'exchange files instead of calling the federation')
    .option('--out <file>', 'with --offline: write the request here')
    .option('--response <file>', 'with --offline: the federation’s answer');
}

verb(program, 'rotate', 'a new key and certificate, now', 'rotate --config node.yaml', (o) =>
  rotateCommand(loadConfig(o.config), operator),
);
verb(
  program,
  'leave',
  'give the place in the federation up; privacy ledger and audit log stay',
  'leave --reason "merger" --yes --config node.yaml',
  (o) => leaveCommand(loadConfig(o.config), { ...operator, reason: o.reason! }),
)
  .requiredOption('--reason <text>', 'goes into the audit log')
  .requiredOption('--yes', 'the certificates are revoked at once');

verb(
  program,
  'status',
  'identity, last round, privacy spent, log, detector, certificate',
  'status --config node.yaml',
  (o) => statusCommand(loadConfig(o.config), nowMs()),
);
verb(
  program,
  'doctor',
  'every check with its code: what was found, and what to do',
  'doctor --only NET TIM --config node.yaml',
  (o) =>
    doctorCommand({
      configFile: o.config,
      pre: o.pre === true,
      only: o.only ?? [],
      bundle: o.bundle ?? null,
      now: nowMs,
      jitter,
    }),
)
  .option('--pre', 'only what can be looked at before joining')
  .option('--only <codes...>', 'groups or codes, for example NET IDN-002')
  .option('--bundle <file>', 'also write a report without names, addresses and paths');
verb(
  program,
  'preview-update',
  'what the next round would release and cost; draws and debits nothing',
  'preview-update --config node.yaml',
  (o) => previewUpdate(loadConfig(o.config)),
);
for (const [name, paused] of [
  ['pause', true],
  ['resume', false],
] as const) {
  verb(
    program,
    name,
    paused ? 'decline rounds from now on' : 'take rounds again',
    `${name} --config node.yaml`,
    (o) => pauseCommand(loadConfig(o.config), { ...operator, paused }),
  );
}
verb(
  program,
  'report',
  'the second line: open a review of a committed call that this hospital finds strange',
  'report 5f3c… --reason "record of a colleague, no relation" --config node.yaml',
  (o, txId) =>
    reportCommand(loadConfig(o.config), { ...operator, jitter, txId: txId!, reason: o.reason! }),
)
  .argument('<txid>', 'transaction id of the call')
  .requiredOption('--reason <text>', 'stays in this hospital; its digest goes onto the channel');
verb(
  program,
  'verify-round',
  'recompute a sealed round from its signed updates and compare the bits',
  'verify-round last --config node.yaml',
  (o, round) => verifyRoundCommand(loadConfig(o.config), { round: round ?? '', nowMs }),
).argument('<round>', 'slot index, start of its slot, or `last`');

const config = program.command('config').description('the configuration file');
verb(config, 'check', 'is it sound?', 'config check --config node.yaml', (o) =>
  checkConfig(o.config),
);
verb(
  config,
  'explain',
  'every key: value in force, where it comes from, default, meaning',
  'config explain --config node.yaml',
  (o) => explainConfig(o.config),
);

verb(
  config,
  'diff',
  'keys that differ from another file, or from the defaults',
  'config diff node.before.yaml --config node.yaml',
  (o, other) => diffConfig(o.config, other ?? null),
).argument('[file]', 'the other configuration; left out: the defaults');

verb(
  program,
  'upgrade',
  'would this program take over what the running one keeps? changes nothing',
  'upgrade --check --config node.yaml',
  (o) => checkUpgrade(loadConfig(o.config)),
).requiredOption('--check', 'look only; the upgrade itself is installing and starting');

const ledger = program.command('ledger').description('the privacy ledger');
verb(ledger, 'show', 'every record', 'ledger show --config node.yaml', (o) =>
  showLedger(loadConfig(o.config)),
);
verb(
  ledger,
  'verify',
  'the chain, and the releases on disk against it',
  'ledger verify --config node.yaml',
  (o) => verifyLedgerCommand(loadConfig(o.config)),
);

verb(
  ledger,
  'export',
  'every record, what was spent and what left, as one file that can be checked without this node',
  'ledger export --out ledger-2026.json --config node.yaml',
  (o) => exportLedger(loadConfig(o.config), o.out!),
).requiredOption('--out <file>', 'a new file');

const person = program.command('person').description('local accounts of the analyst page');
verb(
  person,
  'add',
  'an account, or a new password and key for one; the password is shown once',
  'person add ana --role analyst --cert ana.cert.pem --key ana.key.pem --config node.yaml',
  (o, name) =>
    addPersonCommand(loadConfig(o.config), {
      ...operator,
      name: name!,
      role: o.role!,
      certFile: o.cert!,
      keyFile: o.key!,
    }),
)
  .argument('<name>', 'to sign in with: lower-case letters, digits, - and .')
  .requiredOption('--role <role>', PERSON_ROLES.join(', '))
  .requiredOption(
    '--cert <file>',
    'certificate of the hospital’s authority with the attribute role',
  )
  .requiredOption('--key <file>', 'its private key; kept encrypted under the password');
verb(
  person,
  'remove',
  'end an account, its sessions and its key',
  'person remove ana --config node.yaml',
  (o, name) => removePersonCommand(loadConfig(o.config), { ...operator, name: name! }),
).argument('<name>', 'whose account');
verb(person, 'list', 'names and roles', 'person list --config node.yaml', (o) =>
  listPersonsCommand(loadConfig(o.config)),
);

const audit = program.command('audit').description('who did what, and when');
verb(audit, 'show', 'every record', 'audit show --config node.yaml', (o) =>
  showAudit(loadConfig(o.config)),
);
verb(
  audit,
  'verify',
  'the chain, with the position of a fault',
  'audit verify --config node.yaml',
  (o) => verifyAudit(loadConfig(o.config)),
);

const egress = program.command('egress').description('what left this hospital');
verb(egress, 'list', 'releases with digest, time and fate', 'egress list --config node.yaml', (o) =>
  listEgress(loadConfig(o.config)),
);
verb(
  egress,
  'show',
  'one release: bytes, interval, receipt, and what its plan promises',
  'egress show 82640 --config node.yaml',
  (o, which) => showEgress(loadConfig(o.config), which!),
).argument('<release>', 'slot index, or the first digits of the digest');

program
  .command('evidence')
  .description('an evidence file of a hold')
  .command('verify')
  .description('signature, blocks, detector, score, and two people: one line each, no network')
  .argument('<file>', 'as the analyst page saved it')
  .option('--json', 'one JSON object instead of sentences')
  .addHelpText('after', '\nExample:\n  $ bhs-node evidence verify H-12.evidence.json')
  .exitOverride()
  .action(async (file: string, options: Pick<Options, 'json'>) => {
    try {
      report(await verifyEvidence(file), options.json === true);
    } catch (error) {
      fail(error, options.json === true);
    }
  });

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && value <= 10_080) return value;
  throw new CommanderError(USAGE, 'ERR_USAGE', `--wait-minutes: expected 0 to 10080, got ${text}`);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed the sentence and the help.
  process.exitCode = error.exitCode === 0 ? 0 : USAGE;
}
