/**
 * What a directory says about the network in it. The file is written last when a network is made: a directory that has
 * the marker but no record was never finished, and nothing was ever started from it.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { NetworkError } from './errors.js';
import { topologyOf, type NetworkOptions, type Topology } from './topology.js';

type Recorded = Omit<NetworkOptions, 'dir'>;

const MARKER = '.bhschain-network';
const RECORD = 'network.json';
const RECORD_VERSION = 1;

/**
 * Makes the directory ours.
 * @throws {NetworkError} `ERR_NETWORK_DIRECTORY` if it holds anything that no launcher wrote
 */
export function claimDirectory(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (existsSync(join(dir, MARKER))) return;
  const [foreign] = readdirSync(dir);
  if (foreign !== undefined) {
    throw new NetworkError(
      'ERR_NETWORK_DIRECTORY',
      `${dir} holds '${foreign}', which no launcher wrote; choose an empty directory`,
      { dir, entry: foreign },
    );
  }
  writeFileSync(join(dir, MARKER), '');
}

/** Empties a directory of ours, marker last. */
export function wipeDirectory(dir: string): void {
  if (!existsSync(dir)) return;
  requireMarker(dir);
  for (const entry of readdirSync(dir).filter((each) => each !== MARKER)) {
    rmSync(join(dir, entry), { recursive: true, force: true });
  }
  rmSync(dir, { recursive: true, force: true });
}

export function requireMarker(dir: string): void {
  if (existsSync(join(dir, MARKER))) return;
  throw new NetworkError('ERR_NETWORK_DIRECTORY', `${dir}: holds no network of this launcher`, {
    dir,
  });
}

/** Null if no network was finished there. @throws {NetworkError} `ERR_NETWORK_DIRECTORY` if it cannot be read */
export function readRecord(dir: string): Topology | null {
  const file = join(dir, RECORD);
  if (!existsSync(file)) return null;
  try {
    const { version, ...recorded } = JSON.parse(readFileSync(file, 'utf8')) as Recorded & {
      version: number;
    };
    if (version !== RECORD_VERSION) {
      throw new Error(`expected version ${RECORD_VERSION}, got ${String(version)}`);
    }
    return topologyOf({ ...recorded, dir });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkError(
      'ERR_NETWORK_DIRECTORY',
      `${file}: ${reason}; remove the network with \`down --wipe\``,
      { dir },
      { cause },
    );
  }
}

/** Whole or not at all: whoever is killed in between has left a directory without a record. */
export function writeRecord(options: NetworkOptions): void {
  const { hospitalCount, ordering, portBase, batch } = options;
  const record = { version: RECORD_VERSION, hospitalCount, ordering, portBase, batch };
  const file = join(options.dir, RECORD);
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
