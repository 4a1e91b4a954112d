/**
 * The code hash: which guard, which features, which kernel judged.
 *
 * SHA-256 over the compiled modules of this room (without the embedded peer, which judges nothing) and of `models` as far
 * as the chaincode loads them; the kernel is one of those modules. Its first eight bytes stand in every ring value, so an
 * endorser with other code produces other bytes and is not combined with the rest.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { byCodeUnit } from './canonical-json.js';

const NOT_JUDGING = ['embedded-peer', 'network'];
const MODEL_FOLDERS = ['architecture', 'detector', 'features', 'kernel'];

/** Hex SHA-256 of the code that this process runs. Reads files: call it once, at start. */
export function codeHash(): string {
  const own = path.dirname(fileURLToPath(import.meta.url));
  const models = path.resolve(
    path.dirname(createRequire(import.meta.url).resolve('@bhschain/models/features')),
    '..',
  );
  const hash = createHash('sha256');
  const add = (label: string, folder: string): void => {
    for (const file of modulesIn(folder)) {
      hash
        .update(`${label}/${file}\0`)
        .update(readFileSync(path.join(folder, file)))
        .update('\0');
    }
  };
  add('chaincode-hooks', own);
  for (const folder of MODEL_FOLDERS) add(`models/${folder}`, path.join(models, folder));
  return hash.digest('hex');
}

/** Relative names of the modules below a folder, with `/`, in code-unit order. */
function modulesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => /(?<!\.d)\.[jt]s$/.test(name) && !NOT_JUDGING.includes(name.split('/')[0]!))
    .sort(byCodeUnit);
}
