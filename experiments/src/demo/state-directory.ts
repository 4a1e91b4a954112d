/**
 * The folder a demo lives in: where each file stands, which version wrote it, and that only one demo uses it.
 * @module
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { ExperimentError } from '../errors.js';
import type { DemoPolicy } from './round-policy.js';

/** Raised whenever what stands in the folder can no longer be resumed by this program. */
export const STATE_VERSION = 4;

export interface StatePaths {
  readonly root: string;
  readonly lock: string;
  readonly demo: string;
  readonly truth: string;
  readonly summary: string;
  readonly logs: string;
  readonly ledger: string;
  /** Blocks of the development ledger. */
  readonly blocks: string;
  /** Home of the real network, under `--fabric`. */
  readonly network: string;
  readonly orchestrator: string;
  readonly ehrGateway: string;
  readonly processes: string;
  hospital(nodeId: string): string;
  log(nodeId: string): string;
}

export function statePaths(directory: string): StatePaths {
  const root = resolve(directory);
  return {
    root,
    lock: join(root, 'lock'),
    demo: join(root, 'demo.json'),
    truth: join(root, 'truth.json'),
    summary: join(root, 'summary.json'),
    logs: join(root, 'logs'),
    ledger: join(root, 'ledger'),
    blocks: join(root, 'ledger', 'blocks'),
    network: join(root, 'ledger', 'network'),
    orchestrator: join(root, 'orchestrator'),
    ehrGateway: join(root, 'ehr-gateway'),
    processes: join(root, 'processes'),
    hospital: (nodeId) => join(root, 'hospitals', nodeId),
    log: (nodeId) => join(root, 'logs', `${nodeId}.jsonl`),
  };
}

export interface StateLock {
  release(): void;
}

/**
 * Takes the folder for this process. A lock whose process is gone (kill −9, power loss) is taken over.
 *
 * @throws {ExperimentError} `ERR_DEMO_STATE_LOCKED` while another demo runs there
 */
export function lockState(paths: StatePaths, pid: number): StateLock {
  mkdirSync(paths.root, { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(paths.lock, 'wx', 0o600);
      writeSync(file, `${pid}\n`);
      closeSync(file);
      return { release: () => rmSync(paths.lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(paths.lock, 'utf8').trim());
      if (Number.isInteger(holder) && holder > 0 && isAlive(holder)) {
        throw new ExperimentError(
          'ERR_DEMO_STATE_LOCKED',
          `${paths.root} is in use by the demo with process id ${holder}; stop it, or choose another folder with --state`,
          { stateDir: paths.root, pid: holder },
        );
      }
      rmSync(paths.lock, { force: true });
    }
  }
  throw new ExperimentError('ERR_DEMO_STATE_LOCKED', `${paths.lock} is contended; try again`, {
    stateDir: paths.root,
  });
}

/** Whether another instance holds the folder; for the reader, which must not look at a moving target. */
export function lockHolder(paths: StatePaths): number | null {
  if (!existsSync(paths.lock)) return null;
  const holder = Number(readFileSync(paths.lock, 'utf8').trim());
  return Number.isInteger(holder) && holder > 0 && isAlive(holder) ? holder : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export type LedgerKind = 'development' | 'fabric';

/** What a folder says about the demo in it. */
export interface DemoRecord {
  readonly stateVersion: number;
  readonly ledger: LedgerKind;
  readonly seed: number;
  readonly hospitals: readonly string[];
  readonly source:
    | { readonly kind: 'simulated' }
    | { readonly kind: 'log'; readonly file: string; readonly sha256: string };
  readonly rounds: number;
  readonly policy: DemoPolicy;
  /** The hospital whose first update the screening sets aside, or null. */
  readonly strangeUpdate: string | null;
  readonly days: number | null;
  /** Log time at which calls begin to go through the ledger, ms UTC. */
  readonly liveFromMs: number;
  /** Slot of the first round. */
  readonly originSlot: number;
  readonly vocabulary: { readonly hash: string; readonly size: number } | null;
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
  /** Calls that the live part makes on the ledger. */
  readonly liveCallCount: number;
  /** Sentences about the source. */
  readonly notes: readonly string[];
}

/** Everything that a state folder may hold; anything else means that the folder is somebody else's. */
const OWN_ENTRIES = [
  'lock',
  'demo.json',
  'truth.json',
  'summary.json',
  'logs',
  'ledger',
  'orchestrator',
  'hospitals',
  'ehr-gateway',
  'processes',
];

/**
 * Removes what an interrupted set-up left (no `demo.json` yet, so nothing was ever started).
 *
 * @throws {ExperimentError} `ERR_DEMO_STATE_FOREIGN` if the folder holds anything that no demo wrote
 */
export function clearUnfinishedSetup(paths: StatePaths): void {
  const entries = readdirSync(paths.root);
  const foreign = entries.find((entry) => !OWN_ENTRIES.includes(entry));
  if (foreign !== undefined) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_FOREIGN',
      `${paths.root} holds '${foreign}', which no demo wrote; choose an empty folder with --state`,
      { stateDir: paths.root, entry: foreign },
    );
  }
  for (const entry of entries.filter((each) => each !== 'lock')) {
    rmSync(join(paths.root, entry), { recursive: true, force: true });
  }
}

/**
 * @returns the record, or null for an empty or new folder
 * @throws {ExperimentError} `ERR_DEMO_STATE_VERSION` if another version, or something else, wrote the folder
 */
export function readDemoRecord(paths: StatePaths): DemoRecord | null {
  if (!existsSync(paths.demo)) return null;
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(paths.demo, 'utf8'));
  } catch (error) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_VERSION',
      `${paths.demo} is not readable JSON; remove the folder or choose another with --state`,
      { stateDir: paths.root },
      { cause: error },
    );
  }
  const version = (record as { stateVersion?: unknown }).stateVersion;
  if (version !== STATE_VERSION) {
    throw new ExperimentError(
      'ERR_DEMO_STATE_VERSION',
      `${paths.root} was written by another version: expected state version ${STATE_VERSION}, got ${String(version)}; remove it or choose another folder with --state`,
      { stateDir: paths.root, expected: STATE_VERSION, got: String(version) },
    );
  }
  return record as DemoRecord;
}
