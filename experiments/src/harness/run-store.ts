/**
 * Where runs lie: `runs/<name>-<8 hex of configuration, data and code>/seed-007/`. A folder's name says what made it;
 * nothing in it depends on a date. The listing is read from the folders themselves.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ExperimentError } from '../errors.js';
import { canonical, sha256 } from './canonical.js';
import { closest } from './closest.js';
import { codeHashes } from './code-hash.js';
import type { StageReport } from './stages.js';
import type { Study, StudyResult } from './study.js';
import { textOf, type Config, type ConfigValue, type SweepPoint } from './study-config.js';

export type SeedState = 'ok' | 'failed' | 'stopped' | 'open';

export interface SeedManifest {
  readonly format: 'experiment-seed/1';
  readonly id: string;
  readonly study: string;
  readonly seed: number;
  readonly hashes: {
    readonly config: string;
    readonly data: string;
    readonly code: Readonly<Record<string, string>>;
    readonly lockFile: string;
  };
  readonly commit: string | null;
  /** Uncommitted changes at the time. */
  readonly dirty: boolean | null;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryPeakMiB: number;
  readonly kernelHash: string;
  readonly noise: string;
  readonly seedPurposes: readonly string[];
  readonly sweep: Readonly<Record<string, ConfigValue>>;
  readonly startedAt: string;
  readonly wallMs: number;
  readonly exit: Exclude<SeedState, 'open'>;
  readonly error: string | null;
  readonly stages: readonly StageReport[];
}

export interface RunInfo {
  readonly format: 'experiment-run/1';
  readonly id: string;
  readonly study: string;
  readonly title: string;
  readonly evidence: boolean;
  readonly config: Config;
  readonly configHash: string;
  readonly dataHash: string;
  readonly codeHash: string;
  readonly swept: Readonly<Record<string, ConfigValue>>;
  readonly overrides: readonly string[];
  /** The file that named it, as given, for the command that does it again. */
  readonly file: string;
  readonly origins: Readonly<Record<string, string>>;
}

export interface SeedRun {
  readonly seed: number;
  readonly folder: string;
  readonly state: SeedState;
  readonly manifest: SeedManifest | null;
  readonly result: StudyResult | null;
}

export interface Run extends RunInfo {
  readonly folder: string;
  readonly seeds: readonly SeedRun[];
}

export function runsDirectory(given?: string): string {
  return resolve(given ?? 'runs');
}

export function describeRun(
  study: Study,
  point: SweepPoint,
  about: Readonly<{
    file: string;
    overrides: readonly string[];
    origins: ReadonlyMap<string, string>;
  }>,
): RunInfo {
  const { config, swept } = point;
  const dataHash = study.dataHash(config);
  const code = codeHashes(study.code);
  const codeHash = sha256(canonical(code));
  // How often and by how many processes a thing is done is no part of what it is.
  const repeated = new Set(['seeds', 'title', 'evidence']);
  const what = Object.fromEntries(Object.entries(config).filter(([key]) => !repeated.has(key)));
  const configHash = sha256(canonical(what));
  const suffix = Object.entries(swept)
    .map(([path, value]) => `-${path.split('.').at(-1)!}-${textOf(value)}`)
    .join('')
    .replaceAll(/[^a-zA-Z0-9.-]+/g, '-');
  return {
    format: 'experiment-run/1',
    id: `${textOf(config['name'])}${suffix}-${sha256([configHash, dataHash, codeHash].join('/')).slice(0, 8)}`,
    study: study.name,
    title: textOf(config['title']),
    evidence: config['evidence'] === true,
    config,
    configHash,
    dataHash,
    codeHash,
    swept,
    overrides: about.overrides,
    file: about.file,
    origins: Object.fromEntries(about.origins),
  };
}

/** Makes the folder of a run and writes what it is. */
export function openRun(runsDir: string, info: RunInfo): string {
  const folder = join(runsDir, info.id);
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, 'run.json'), `${JSON.stringify(info, null, 2)}\n`);
  writeWhole(join(folder, 'config.resolved.yaml'), resolvedYaml(info));
  writeWhole(join(folder, 'overrides.txt'), info.overrides.map((line) => `${line}\n`).join(''));
  return folder;
}

/** The configuration with the place of every value as a comment. */
export function resolvedYaml({ config, origins }: Pick<RunInfo, 'config' | 'origins'>): string {
  const lines: string[] = [];
  const walk = (value: Config, path: string, indent: string): void => {
    for (const [key, part] of Object.entries(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
        lines.push(`${indent}${key}:`);
        walk(part as Config, at, `${indent}  `);
      } else {
        const text = stringify(part, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
        lines.push(`${indent}${key}: ${text} # ${origins[at] ?? 'default'}`);
      }
    }
  };
  walk(config, '', '');
  return `${lines.join('\n')}\n`;
}

export function seedFolder(runFolder: string, seed: number): string {
  return join(runFolder, `seed-${String(seed).padStart(3, '0')}`);
}

export function listRuns(runsDir: string): Run[] {
  if (!existsSync(runsDir)) return [];
  return readdirSync(runsDir)
    .sort()
    .filter((name) => existsSync(join(runsDir, name, 'run.json')))
    .map((name) => readRun(runsDir, name));
}

/** @throws {ExperimentError} `ERR_RUN_UNKNOWN`; the beginning of an id is enough if it is of one run only */
export function findRun(runsDir: string, id: string): Run {
  const names = listRuns(runsDir).map((run) => run.id);
  const found = names.includes(id) ? [id] : names.filter((name) => name.startsWith(id));
  if (found.length === 1) return readRun(runsDir, found[0]!);
  const meant = closest(id, names);
  throw new ExperimentError(
    'ERR_RUN_UNKNOWN',
    `id: expected ${found.length > 1 ? `one of ${found.join(', ')}` : `a run in ${runsDir}`}, got ${JSON.stringify(id)}${meant === null ? '' : `; did you mean ${meant}?`}`,
    { id, found: found.length },
  );
}

function readRun(runsDir: string, name: string): Run {
  const folder = join(runsDir, name);
  const info = readJson(join(folder, 'run.json')) as RunInfo;
  const seeds = readdirSync(folder)
    .filter((entry) => /^seed-\d+$/.test(entry))
    .map((entry) => readSeed(join(folder, entry), Number(entry.slice(5))))
    .sort((a, b) => a.seed - b.seed);
  return { ...info, folder, seeds };
}

export function readSeed(folder: string, seed: number): SeedRun {
  const manifest = readJson(join(folder, 'manifest.json')) as SeedManifest | null;
  const result = readJson(join(folder, 'summary.json')) as StudyResult | null;
  const state = manifest === null ? 'open' : manifest.exit;
  return {
    seed,
    folder,
    state: state === 'ok' && result === null ? 'open' : state,
    manifest,
    result,
  };
}

function readJson(file: string): unknown {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as unknown) : null;
}

/** Never half a file. */
export function writeWhole(file: string, text: string | Uint8Array): void {
  const draft = `${file}.${process.pid}.part`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}
