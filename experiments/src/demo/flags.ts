/** The demo's command line: what may be asked for, within which bounds. @module */
import { parseArgs } from 'node:util';
import { ExperimentError } from '../errors.js';

export interface DemoFlags {
  /** Hospitals in the consortium, 2…8. Quorum, attestations and endorsements are ⌊N/2⌋ + 1. */
  readonly hospitals: number;
  /** Sealed training rounds before the orchestrator stops scheduling. */
  readonly rounds: number;
  /** Days of log, most of them history before the live part; null = the source's own default. */
  readonly days: number | null;
  readonly seed: number;
  readonly stateDir: string;
  /** First analyst page's port; hospital k listens on port + k − 1. Null = 8787 upwards, moving on where taken. */
  readonly port: number | null;
  /** A real event log instead of the simulated consortium. */
  readonly log: string | null;
  /** A real Hyperledger Fabric network instead of the development ledger. */
  readonly fabric: boolean;
  /** A hospital whose first update is defective on purpose, for people to decide about; null for none. */
  readonly strangeUpdate: string | null;
  readonly exit: boolean;
  readonly json: boolean;
}

export type DemoCommand =
  | { readonly kind: 'run'; readonly flags: DemoFlags }
  | { readonly kind: 'verify'; readonly stateDir: string; readonly json: boolean }
  | { readonly kind: 'help' };

export const DEMO_HELP = `Runs the whole system on this machine: one access, from a hospital's log line to a human decision.

  npm run demo -- [flags]

  --hospitals N   hospitals in the consortium, 2 to 8 (default 3; with --fabric 5)
  --rounds N      private training rounds to seal, 1 to 100 (default 3)
  --days N        days of log, most of them history before the live part
                  (simulated: 1 to 60, default 7; with --log: 1 to 365, default 180)
  --seed N        the simulated world and the planted incidents (default 1)
  --log FILE      a real event log (CSV or CSV.gz: case, seq, date or time, group, activity)
  --fabric        on a real Hyperledger Fabric network: a peer and an orderer a hospital, BFT from
                  four hospitals on (Linux; Go 1.26 builds Fabric once)
  --strange-update H2
                  a simulated defect: that hospital's first update is one that the screening sets
                  aside; rounds of four minutes leave time to decide about it on the dashboard
  --state DIR     where everything is kept (default .demo); a second start resumes it
  --port N        the first hospital's analyst page (default: 8787, or the next free one)
  --exit          two scripted people decide, then everything stops and is verified
  --json          one machine-readable summary on standard output, everything else on standard error
  --verify DIR    only read what an earlier run left in DIR and check every claim there
  --help          this text

Examples
  npm run demo
  npm run -s demo -- --exit --json
  npm run demo -- --strange-update H2
  npm run demo -- --log ../shared/data/hospital_event_logs/sepsis.csv.gz --exit
`;

const KNOWN = [
  'hospitals',
  'rounds',
  'days',
  'seed',
  'state',
  'port',
  'log',
  'fabric',
  'strange-update',
  'exit',
  'json',
  'verify',
  'help',
] as const;
const SWITCHES: ReadonlySet<string> = new Set(['fabric', 'exit', 'json', 'help']);

/**
 * @param argv - arguments after the script's name
 * @throws {ExperimentError} `ERR_DEMO_FLAG` naming the flag, what came and what was expected
 */
export function parseDemoFlags(argv: readonly string[]): DemoCommand {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      KNOWN.map((name) => [name, { type: SWITCHES.has(name) ? 'boolean' : 'string' }]),
    ),
  });
  const values = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind === 'positional') {
      throw flagError(token.value, `unexpected argument '${token.value}'; flags begin with --`);
    }
    if (token.kind !== 'option') continue;
    if (!(KNOWN as readonly string[]).includes(token.name)) {
      const near = nearest(token.name);
      throw flagError(
        token.rawName,
        `unknown flag ${token.rawName}${near === null ? '' : `; did you mean --${near}?`} (--help lists all)`,
      );
    }
    if (values.has(token.name)) throw flagError(token.rawName, `${token.rawName} given twice`);
    const isSwitch = SWITCHES.has(token.name);
    if (isSwitch && token.value !== undefined) {
      throw flagError(token.rawName, `${token.rawName} takes no value, got '${token.value}'`);
    }
    // A value that looks like a flag was forgotten, not meant.
    if (
      !isSwitch &&
      (token.value === undefined || (token.value.startsWith('--') && !token.inlineValue))
    ) {
      throw flagError(token.rawName, `${token.rawName} needs a value`);
    }
    values.set(token.name, token.value ?? true);
  }
  if (values.has('help')) return { kind: 'help' };
  const text = (name: string): string | null => {
    const value = values.get(name);
    return typeof value === 'string' ? value : null;
  };
  const json = values.has('json');
  const verify = text('verify');
  if (verify !== null) {
    const extra = [...values.keys()].find((name) => name !== 'verify' && name !== 'json');
    if (extra !== undefined) throw flagError(`--${extra}`, `--${extra} does not go with --verify`);
    return { kind: 'verify', stateDir: verify, json };
  }
  const integer = (name: string, fallback: number, low: number, high: number): number => {
    const raw = text(name);
    if (raw === null) return fallback;
    const value = /^\d{1,10}$/.test(raw) ? Number(raw) : Number.NaN;
    if (!(value >= low && value <= high)) {
      throw flagError(
        `--${name}`,
        `--${name}: expected a whole number from ${low} to ${high}, got '${raw}'`,
      );
    }
    return value;
  };
  const log = text('log');
  const hospitals = integer('hospitals', values.has('fabric') ? 5 : 3, 2, 8);
  return {
    kind: 'run',
    flags: {
      hospitals,
      rounds: integer('rounds', 3, 1, 100),
      days: values.has('days') ? integer('days', 7, 1, log === null ? 60 : 365) : null,
      seed: integer('seed', 1, 0, 4_294_967_295),
      stateDir: text('state') ?? '.demo',
      port: values.has('port') ? integer('port', 8787, 1, 65_527) : null,
      log,
      fabric: values.has('fabric'),
      strangeUpdate: strangeHospital(text('strange-update'), hospitals),
      exit: values.has('exit'),
      json,
    },
  };
}

/** Two other hospitals judge it, and make up the quorum without it. */
function strangeHospital(nodeId: string | null, hospitals: number): string | null {
  if (nodeId === null) return null;
  if (hospitals < 3) {
    throw flagError(
      '--strange-update',
      `--strange-update: expected at least 3 hospitals, got ${hospitals}`,
    );
  }
  const known = Array.from({ length: hospitals }, (_, index) => `H${index + 1}`);
  if (known.includes(nodeId)) return nodeId;
  throw flagError(
    '--strange-update',
    `--strange-update: expected one of ${known.join(', ')}, got '${nodeId}'`,
  );
}

function flagError(flag: string, message: string): ExperimentError {
  return new ExperimentError('ERR_DEMO_FLAG', message, { flag });
}

/** The known flag within two edits, for "did you mean". */
function nearest(name: string): string | null {
  let best: string | null = null;
  let bestDistance = 3;
  for (const known of KNOWN) {
    const distance = editDistance(name, known);
    if (distance < bestDistance) {
      best = known;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      current.push(
        Math.min(
          previous[j]! + 1,
          current[j - 1]! + 1,
          previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous[b.length]!;
}
