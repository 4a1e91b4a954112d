/**
 * `bhs-dp`: the questions of this room on the command line. Pure: arguments and a file reader in, text and an exit
 * code out; `cli.ts` connects it to the process.
 * @module
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { calibrate } from './accounting/calibration.js';
import {
  deltaInterval,
  deltaOf,
  epsilonInterval,
  epsilonOf,
  provenEpsilonOf,
} from './accounting/epsilon.js';
import type { Accountant } from './accounting/mechanism.js';
import { DpError, PrivacyLedgerError, UnsupportedEventError, UsageError } from './errors.js';
import { decodeEvent, encodeEvent } from './event-codec.js';
import { groupDeltaBound, groupEpsilonBound, groupEvent } from './group-event.js';
import { decodePlan } from './plan-codec.js';
import { PLAN_PRESETS, planPreset, type PlanPresetName } from './plan-presets.js';
import type { Adjacency, PrivacyEvent } from './privacy-event.js';
import { verifyLedger } from './privacy-ledger.js';
import { createPrivacyPlan, type PrivacyPlan } from './privacy-plan.js';
import { privacyStatement } from './privacy-statement.js';
import { debitsOf, spentSoFar } from './spent-so-far.js';

export const HELP: string = `bhs-dp - what a mechanism costs, and what a privacy ledger says

  bhs-dp epsilon   --delta D    MECHANISM   the epsilon at D, and its certified interval
  bhs-dp delta     --epsilon E  MECHANISM   the delta at E
  bhs-dp calibrate --epsilon E --delta D --steps T [--sampling-rate Q] [--events FILE]
                                            the least noise multiplier; FILE: what is released beside the steps
  bhs-dp statement --plan FILE | --preset NAME --parameters N   [--rounds N]
                                            what a plan promises; NAME: ${PLAN_PRESETS.join(', ')}
  bhs-dp ledger verify FILE                 check every link; the position of the first fault
  bhs-dp ledger show FILE [--delta D] [--windows-per-actor K]
                                            rounds and what they cost, at the D and K that the debits state

MECHANISM
  --noise-multiplier S [--sampling-rate Q] [--steps T]   T steps of the Poisson-sampled Gaussian (Q 1, T 1)
  --events FILE                                          a JSON list of events or {"event": ..., "count": n}

epsilon, delta and calibrate
  --relation add-or-remove | replace-one | zero-out      (add-or-remove)
  --accountant pld | rdp                                 (pld)
  --windows-per-actor K                                  the cost for a person with K windows (1)

Everywhere
  --json                                                 one JSON object: inputs, result, accountant, and the interval
                                                         in which PLD certifies it (null where there is none)
  --help

Exit status: 0 done, 1 a privacy ledger that does not verify, 2 anything else that was refused.
Example: bhs-dp epsilon --noise-multiplier 3.05 --sampling-rate 0.0512 --steps 59 --delta 1e-5 --json
`;

export interface CommandLineIo {
  /** @throws {FileReadError} */
  readonly readFile: (path: string) => Uint8Array;
}

export interface CommandLineResult {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

const OPTIONS = {
  'noise-multiplier': { type: 'string' },
  'sampling-rate': { type: 'string' },
  steps: { type: 'string' },
  epsilon: { type: 'string' },
  delta: { type: 'string' },
  events: { type: 'string' },
  relation: { type: 'string' },
  accountant: { type: 'string' },
  'windows-per-actor': { type: 'string' },
  plan: { type: 'string' },
  preset: { type: 'string' },
  parameters: { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Option = keyof typeof OPTIONS;
type Values = { readonly [K in Option]?: string | boolean };

const QUESTION = [
  'events',
  'sampling-rate',
  'steps',
  'relation',
  'accountant',
  'windows-per-actor',
] as const;

/** What each command looks at; anything else is refused, so that nobody believes an option that had no say. */
const TAKES: Readonly<Record<string, readonly Option[]>> = {
  epsilon: ['delta', 'noise-multiplier', ...QUESTION],
  delta: ['epsilon', 'noise-multiplier', ...QUESTION],
  calibrate: ['epsilon', 'delta', ...QUESTION],
  statement: ['plan', 'preset', 'parameters', 'rounds'],
  'ledger verify': [],
  'ledger show': ['delta', 'windows-per-actor'],
};

/** What a command found: an object for `--json`, lines for people. */
interface Answer {
  readonly json: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
  readonly exitCode?: 0 | 1;
}

/** Runs one command. Never throws: a refusal is one line of JSON {code, message, …} on standard error. */
export function runCommandLine(argv: readonly string[], io: CommandLineIo): CommandLineResult {
  try {
    const { values, positionals } = parse(argv);
    const [command] = positionals;
    if (values.help === true || command === undefined || command === 'help') {
      return {
        exitCode: command === undefined && values.help !== true ? 2 : 0,
        stdout: HELP,
        stderr: '',
      };
    }
    const answer = dispatch(positionals, values, io);
    const stdout =
      values.json === true ? `${JSON.stringify(answer.json)}\n` : `${answer.lines.join('\n')}\n`;
    return { exitCode: answer.exitCode ?? 0, stdout, stderr: '' };
  } catch (error) {
    if (!(error instanceof DpError)) throw error;
    const { code, message } = error;
    if (error instanceof PrivacyLedgerError) {
      const { line, byteOffset, reason } = error;
      return refused(1, { code, message, line, byteOffset, reason });
    }
    return refused(2, { code, message });
  }
}

function refused(exitCode: 1 | 2, facts: Readonly<Record<string, unknown>>): CommandLineResult {
  return { exitCode, stdout: '', stderr: `${JSON.stringify(facts)}\n` };
}

function parse(argv: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : 'bad arguments', cause);
  }
}

function dispatch(positionals: readonly string[], values: Values, io: CommandLineIo): Answer {
  const [command, action, file, ...rest] = positionals;
  if (command === 'ledger') {
    if (file === undefined || rest.length > 0)
      throw new UsageError('ledger: expected verify FILE or show FILE');
    checkOptions(`ledger ${String(action)}`, values);
    if (action === 'verify') return ledgerVerify(file, io);
    if (action === 'show') return ledgerShow(file, values, io);
    throw new UsageError(`ledger: expected verify or show, got "${String(action)}"`);
  }
  if (action !== undefined) throw new UsageError(`${String(command)}: unexpected "${action}"`);
  checkOptions(String(command), values);
  switch (command) {
    case 'epsilon':
      return epsilonCommand(values, io);
    case 'delta':
      return deltaCommand(values, io);
    case 'calibrate':
      return calibrateCommand(values, io);
    case 'statement':
      return statementCommand(values, io);
    default:
      throw new UsageError(
        `unknown command "${String(command)}"; expected epsilon, delta, calibrate, statement or ledger`,
      );
  }
}

function checkOptions(command: string, values: Values): void {
  const takes = TAKES[command];
  if (takes === undefined) return;
  const idle = Object.keys(values).find(
    (name) => name !== 'json' && !(takes as readonly string[]).includes(name),
  );
  if (idle !== undefined) throw new UsageError(`${command}: --${idle} has no meaning here`);
}

function epsilonCommand(values: Values, io: CommandLineIo): Answer {
  const question = questionOf(values, io);
  const delta = requiredNumber(values, 'delta');
  const options = { ...question.options, delta };
  const group = groupedOrNull(question);
  const epsilon =
    group === null
      ? groupEpsilonBound(question.event, question.group, options)
      : epsilonOf(group, options);
  const interval =
    group !== null && question.options.accountant === 'pld'
      ? epsilonInterval(group, options)
      : null;
  return {
    json: {
      command: 'epsilon',
      inputs: { ...question.inputs, delta },
      accountant: question.options.accountant,
      epsilon: finite(epsilon),
      interval: interval && { lower: finite(interval.lower), upper: finite(interval.upper) },
      groupRule: groupRule(question, group),
    },
    lines: [
      `epsilon ${shown(epsilon)} at delta ${delta} (${question.options.adjacency}, ${question.options.accountant})`,
      ...certifiedIn(interval),
      ...byAnyRule(question, group),
    ],
  };
}

function deltaCommand(values: Values, io: CommandLineIo): Answer {
  const question = questionOf(values, io);
  const epsilon = requiredNumber(values, 'epsilon');
  const options = { ...question.options, epsilon };
  const group = groupedOrNull(question);
  const delta =
    group === null
      ? groupDeltaBound(question.event, question.group, options)
      : deltaOf(group, options);
  const interval =
    group !== null && question.options.accountant === 'pld' ? deltaInterval(group, options) : null;
  return {
    json: {
      command: 'delta',
      inputs: { ...question.inputs, epsilon },
      accountant: question.options.accountant,
      delta,
      interval,
      groupRule: groupRule(question, group),
    },
    lines: [
      `delta ${delta.toPrecision(8)} at epsilon ${epsilon} (${question.options.adjacency}, ${question.options.accountant})`,
      ...certifiedIn(interval),
      ...byAnyRule(question, group),
    ],
  };
}

function calibrateCommand(values: Values, io: CommandLineIo): Answer {
  const options = optionsOf(values);
  const epsilon = requiredNumber(values, 'epsilon');
  const delta = requiredNumber(values, 'delta');
  const steps = countOf(values, 'steps', 1);
  const samplingRate = numberOf(values, 'sampling-rate') ?? 1;
  const beside = typeof values.events === 'string' ? readEvents(values.events, io) : null;
  const group = groupOf(values);
  const family = (noiseMultiplier: number): PrivacyEvent => {
    const training = stepsOf(noiseMultiplier, samplingRate, steps);
    const event: PrivacyEvent =
      beside === null ? training : { kind: 'composed', events: [training, beside] };
    return groupEvent(event, group);
  };
  decodeEvent(family(1)); // ranges of q and T, with a coded error
  const target = { ...options, epsilon, delta };
  const idle = samplingRate === 0 || steps === 0;
  const noiseMultiplier =
    idle && provenEpsilonOf(family(1), target) <= epsilon ? 0 : calibrate(family, target, 1e-9);
  const interval =
    options.accountant === 'pld' ? epsilonInterval(family(noiseMultiplier), target) : null;
  return {
    json: {
      command: 'calibrate',
      inputs: {
        epsilon,
        delta,
        samplingRate,
        steps,
        relation: options.adjacency,
        windowsPerActor: group,
        beside: beside && encodeEvent(beside),
      },
      accountant: options.accountant,
      noiseMultiplier,
      // Of the ε that this multiplier has.
      interval: interval && { lower: finite(interval.lower), upper: finite(interval.upper) },
    },
    lines: [
      `noise multiplier ${noiseMultiplier.toPrecision(11)} keeps epsilon ${epsilon} at delta ${delta} (${options.adjacency}, ${options.accountant})`,
    ],
  };
}

function statementCommand(values: Values, io: CommandLineIo): Answer {
  const plan = planOf(values, io);
  const rounds = countOf(values, 'rounds', 0);
  const statement = privacyStatement(plan, { roundsSoFar: rounds });
  const inputs = {
    plan: values.plan ?? null,
    preset: values.preset ?? null,
    parameters: plan.parameterCount,
    rounds,
  };
  // Of a window, under the plan's own relation and δ; ε of the actor stands in `epsilonMicro`.
  const interval = epsilonInterval(plan.event, {
    delta: plan.target.delta,
    adjacency: plan.adjacency,
  });
  return {
    json: { command: 'statement', inputs, accountant: 'pld', interval, ...statement.machine },
    lines: statement.text,
  };
}

function ledgerVerify(file: string, io: CommandLineIo): Answer {
  const { records, head } = verifyLedger(utf8(io.readFile(file)));
  return {
    json: {
      command: 'ledger verify',
      inputs: { file },
      file,
      ok: true,
      records: records.length,
      head,
    },
    lines: [
      head === null
        ? `${file}: empty`
        : `${file}: ${records.length} records verify; head ${head.seq} ${head.hash}`,
    ],
  };
}

function ledgerShow(file: string, values: Values, io: CommandLineIo): Answer {
  const { records, head } = verifyLedger(utf8(io.readFile(file)));
  const asked = {
    delta: numberOf(values, 'delta') ?? undefined,
    windowsPerActor: values['windows-per-actor'] === undefined ? undefined : groupOf(values),
  };
  const { delta, windowsPerActor, actorInterval, ...spent } = spentSoFar(records, asked);
  const { lower, upper } = actorInterval;
  const rounds = debitsOf(records).map((debit) => ({ ...debit, event: encodeEvent(debit.event) }));
  return {
    json: {
      command: 'ledger show',
      inputs: {
        file,
        delta: asked.delta ?? null,
        windowsPerActor: asked.windowsPerActor ?? null,
      },
      accountant: 'pld',
      file,
      head,
      delta,
      windowsPerActor,
      spent,
      // Of the actor's ε.
      interval: { lower: finite(lower), upper: finite(upper) },
      rounds,
    },
    lines: [
      `${file}: ${records.length} records, ${spent.rounds} rounds debited`,
      `window: epsilon ${shown(spent.windowEpsilon)}; actor with up to ${windowsPerActor} window${windowsPerActor === 1 ? '' : 's'} a round: epsilon ${shown(spent.actorEpsilon)} (delta ${delta})`,
      ...records.map(
        ({ seq, at, kind, body }) =>
          `${seq}  ${at}  ${kind}  ${JSON.stringify(body).slice(0, 120)}`,
      ),
    ],
  };
}

interface Question {
  /** As one window sees it. */
  readonly event: PrivacyEvent;
  /** Windows of a person. */
  readonly group: number;
  readonly options: { readonly adjacency: Adjacency; readonly accountant: Accountant };
  readonly inputs: Readonly<Record<string, unknown>>;
}

function questionOf(values: Values, io: CommandLineIo): Question {
  const options = optionsOf(values);
  const group = groupOf(values);
  const noiseMultiplier = numberOf(values, 'noise-multiplier');
  if ((noiseMultiplier === null) === (values.events === undefined)) {
    throw new UsageError('expected either --noise-multiplier or --events');
  }
  let event: PrivacyEvent;
  if (noiseMultiplier === null) event = readEvents(String(values.events), io);
  else {
    const samplingRate = numberOf(values, 'sampling-rate') ?? 1;
    event = decodeEvent(stepsOf(noiseMultiplier, samplingRate, countOf(values, 'steps', 1)));
  }
  return {
    event,
    group,
    options,
    inputs: { event: encodeEvent(event), relation: options.adjacency, windowsPerActor: group },
  };
}

function groupRule(question: Question, group: PrivacyEvent | null): string | null {
  if (question.group === 1) return null;
  return group === null ? 'generic' : 'exact';
}

function certifiedIn(interval: Readonly<{ lower: number; upper: number }> | null): string[] {
  if (interval === null) return [];
  const { lower, upper } = interval;
  return [`certified in [${shown(lower)}, ${shown(upper)}], truncation and round-off included`];
}

function byAnyRule(question: Question, group: PrivacyEvent | null): string[] {
  if (group !== null) return [];
  return [
    `by the bound for any mechanism: no exact rule for ${question.group} windows of a person in these events`,
  ];
}

/** Null where only the bound that holds for every mechanism is left. */
function groupedOrNull({ event, group }: Question): PrivacyEvent | null {
  try {
    return groupEvent(event, group);
  } catch (error) {
    if (error instanceof UnsupportedEventError) return null;
    throw error;
  }
}

function stepsOf(
  noiseMultiplier: number,
  samplingProbability: number,
  count: number,
): PrivacyEvent {
  const event: PrivacyEvent = { kind: 'gaussian', noiseMultiplier };
  return {
    kind: 'self-composed',
    count,
    event: { kind: 'poisson-sampled', samplingProbability, event },
  };
}

/** A list of events, or of {event, count}. */
function readEvents(file: string, io: CommandLineIo): PrivacyEvent {
  let list: unknown;
  try {
    list = JSON.parse(utf8(io.readFile(file)));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`${file}: not JSON (${cause.message})`, cause);
  }
  if (!Array.isArray(list)) throw new UsageError(`${file}: expected a JSON list of events`);
  const events = list.map((item: unknown): PrivacyEvent => {
    if (typeof item === 'object' && item !== null && 'event' in item && !('kind' in item)) {
      const { event, count, ...rest } = item as { event: unknown; count?: unknown };
      const [extra] = Object.keys(rest);
      if (extra !== undefined)
        throw new UsageError(`${file}: unknown field "${extra}" beside event and count`);
      return decodeEvent({ kind: 'self-composed', event, count: count ?? 1 });
    }
    return decodeEvent(item);
  });
  return { kind: 'composed', events };
}

function planOf(values: Values, io: CommandLineIo): PrivacyPlan {
  if ((values.plan === undefined) === (values.preset === undefined)) {
    throw new UsageError('expected either --plan FILE or --preset NAME');
  }
  if (values.plan !== undefined && values.parameters !== undefined) {
    throw new UsageError('statement: --parameters has no meaning beside --plan');
  }
  if (typeof values.plan === 'string') return decodePlan(io.readFile(values.plan));
  return createPrivacyPlan(
    planPreset(values.preset as PlanPresetName, {
      parameterCount: countOf(values, 'parameters', null),
    }),
  );
}

const RELATIONS: Readonly<Record<string, Adjacency>> = {
  'add-or-remove': 'add-or-remove-one',
  'add-or-remove-one': 'add-or-remove-one',
  'replace-one': 'replace-one',
  'zero-out': 'zero-out',
};

function optionsOf(values: Values): { adjacency: Adjacency; accountant: Accountant } {
  const relation = String(values.relation ?? 'add-or-remove');
  const adjacency = Object.hasOwn(RELATIONS, relation) ? RELATIONS[relation] : undefined;
  if (adjacency === undefined) {
    throw new UsageError(
      `--relation: expected add-or-remove, replace-one or zero-out, got "${relation}"`,
    );
  }
  const accountant = String(values.accountant ?? 'pld');
  if (accountant !== 'pld' && accountant !== 'rdp') {
    throw new UsageError(`--accountant: expected pld or rdp, got "${accountant}"`);
  }
  return { adjacency, accountant };
}

function numberOf(values: Values, name: keyof Values): number | null {
  const text = values[name];
  if (typeof text !== 'string') return null;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`--${name}: expected a number, got "${text}"`);
  return value;
}

function requiredNumber(values: Values, name: keyof Values): number {
  const value = numberOf(values, name);
  if (value === null) throw new UsageError(`--${name} is missing`);
  return value;
}

function countOf(values: Values, name: keyof Values, otherwise: number | null): number {
  const value = numberOf(values, name) ?? otherwise;
  if (value === null) throw new UsageError(`--${name} is missing`);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new UsageError(`--${name}: expected a whole number, got "${String(values[name])}"`);
  }
  return value;
}

function groupOf(values: Values): number {
  return countOf(values, 'windows-per-actor', 1);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** JSON has no infinity: it is null there. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function shown(epsilon: number): string {
  return Number.isFinite(epsilon) ? epsilon.toPrecision(8) : 'infinite';
}
