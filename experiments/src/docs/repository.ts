/** Where things lie, seen from the root of the repository. @module */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

export const ROOMS: readonly string[] = [
  'dp',
  'models',
  'datasets',
  'orchestrator',
  'chaincode-hooks',
  'hospital-node',
  'experiments',
];

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export const readJson = (path: string): unknown => JSON.parse(read(path)) as unknown;
