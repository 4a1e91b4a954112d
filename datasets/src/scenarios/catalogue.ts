/**
 * The catalogue of scenarios: names, who can see them, and magnitudes by difficulty, as data with a hash.
 * @module
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Difficulty, ScenarioKind } from '../consortium.js';
import { DatasetError, pictureOf } from '../errors.js';
import { SCENARIOS } from './scenarios.js';

export type View = 'insider' | 'exfiltration' | 'ransomware';
/** Hook, node, any node that reads all blocks, orchestrator. */
export type Watcher = 'H' | 'N' | 'C' | 'O';

export interface CatalogueEntry {
  readonly kind: ScenarioKind;
  readonly views: readonly View[];
  readonly seenBy: readonly Watcher[];
  readonly levels: Readonly<Record<Difficulty, Readonly<Record<string, number>>>>;
}

export interface Catalogue {
  /** By number: `S1` … `S18`, `S20`. */
  readonly scenarios: Readonly<Record<string, CatalogueEntry>>;
  /** SHA-256 of the file. */
  readonly hash: string;
}

const FILE = new URL('../../scenarios.yaml', import.meta.url);
const VIEWS: readonly View[] = ['insider', 'exfiltration', 'ransomware'];
const WATCHERS: readonly Watcher[] = ['H', 'N', 'C', 'O'];
const LEVELS = ['1', '2', '3'];

/**
 * @param file - another catalogue; default the one of this package
 * @throws {DatasetError} `ERR_SCENARIO_CATALOGUE` with the path of the faulty element, what came and what was expected
 */
export function readCatalogue(file: URL | string = FILE): Catalogue {
  const text = readFileSync(file, 'utf8');
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    refuse('file', cause instanceof Error ? cause.message : String(cause), 'YAML');
  }
  const root = objectAt('file', document);
  only('file', root, ['format', 'scenarios']);
  if (root['format'] !== 'scenarios/1') refuse('format', root['format'], 'scenarios/1');
  const entries = objectAt('scenarios', root['scenarios']);
  only('scenarios', entries, Object.keys(SCENARIOS));
  return {
    scenarios: Object.fromEntries(
      Object.keys(SCENARIOS).map((id) => [id, entryOf(id, entries[id])]),
    ),
    hash: createHash('sha256').update(text).digest('hex'),
  };
}

function entryOf(id: string, value: unknown): CatalogueEntry {
  const entry = objectAt(id, value);
  only(id, entry, ['kind', 'views', 'seenBy', 'levels']);
  const { kind, magnitudes } = SCENARIOS[id]!;
  if (entry['kind'] !== kind) refuse(`${id}.kind`, entry['kind'], kind);
  const levels = objectAt(`${id}.levels`, entry['levels']);
  only(`${id}.levels`, levels, LEVELS);
  return {
    kind,
    views: listAt(`${id}.views`, entry['views'], VIEWS),
    seenBy: listAt(`${id}.seenBy`, entry['seenBy'], WATCHERS),
    levels: Object.fromEntries(
      LEVELS.map((level) => [level, levelOf(`${id}.levels.${level}`, levels[level], magnitudes)]),
    ) as CatalogueEntry['levels'],
  };
}

function levelOf(
  path: string,
  value: unknown,
  names: readonly string[],
): Readonly<Record<string, number>> {
  const level = objectAt(path, value);
  only(path, level, names);
  for (const name of names) {
    const got = level[name];
    if (typeof got !== 'number' || !Number.isFinite(got) || got < 0 || got > 1_000_000) {
      refuse(`${path}.${name}`, got, 'a number from 0 to 1000000');
    }
  }
  return level as Record<string, number>;
}

function objectAt(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(path, value, 'a mapping');
  }
  return value as Record<string, unknown>;
}

function listAt<T extends string>(path: string, value: unknown, of: readonly T[]): readonly T[] {
  const isOf = (each: unknown): boolean => (of as readonly unknown[]).includes(each);
  if (!Array.isArray(value) || value.length === 0 || !value.every(isOf)) {
    refuse(path, value, `a list of ${of.join(', ')}`);
  }
  return value as T[];
}

function only(path: string, value: Record<string, unknown>, names: readonly string[]): void {
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) refuse(`${path}.${name}`, 'a key', `one of ${names.join(', ')}`);
  }
  for (const name of names) {
    if (!Object.hasOwn(value, name)) refuse(`${path}.${name}`, 'nothing', 'a value');
  }
}

function refuse(path: string, got: unknown, expected: string): never {
  const picture = pictureOf(got);
  throw new DatasetError(
    'ERR_SCENARIO_CATALOGUE',
    `${path}: expected ${expected}, got ${picture}`,
    {
      path,
      got: picture,
      expected,
    },
  );
}
