/**
 * Which code made a result: a hash over the compiled files that decide it, wherever they lie.
 * @module
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from './canonical.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Folders of compiled code (or single files), relative to the repository. */
const PARTS = {
  models: 'models/dist',
  datasets: 'datasets/dist',
  catalogue: 'datasets/scenarios.yaml',
  dp: 'dp/dist',
  detectors: 'experiments/dist/detectors',
  evaluation: 'experiments/dist/evaluation',
  evaluate: 'experiments/dist/evaluate',
  siem: 'experiments/dist/siem',
  hospital: 'experiments/dist/studies/hospital',
  logs: 'experiments/dist/studies/logs',
  paper: 'experiments/dist/studies/paper',
  latency: 'experiments/dist/studies/latency',
  publicWorlds: 'experiments/dist/studies/detector-zero',
} as const;
export type CodePart = keyof typeof PARTS;

const known = new Map<CodePart, string>();

/** Hash of each part. Names, contents: neither place nor time of a file counts. */
export function codeHashes(parts: readonly CodePart[]): Record<string, string> {
  return Object.fromEntries(
    parts.map((part) => {
      if (!known.has(part)) known.set(part, hashOf(join(ROOT, PARTS[part])));
      return [part, known.get(part)!];
    }),
  );
}

function hashOf(path: string): string {
  if (statSync(path).isFile()) return sha256(readFileSync(path));
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .sort();
  return sha256(
    files
      .map((name) => `${name.split(sep).join('/')} ${sha256(readFileSync(join(path, name)))}`)
      .join('\n'),
  );
}

/** Path inside the repository, for messages. */
export function inRepository(file: string): string {
  return relative(ROOT, file);
}

export const REPOSITORY: string = ROOT;
