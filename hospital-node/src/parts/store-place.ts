/**
 * Where this node's database lies, as the configuration says it.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../config.js';
import { HospitalNodeError } from '../errors.js';
import type { StorePlace } from '../store/index.js';

/** @throws {HospitalNodeError} `ERR_FILE` if `store.passwordFile` cannot be read */
export function storePlaceOf({ stateDir, store }: NodeConfig): StorePlace {
  if (store.url === null) return { file: join(stateDir, 'node.sqlite') };
  return { url: store.url, password: passwordIn(store.passwordFile) };
}

function passwordIn(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new HospitalNodeError('ERR_FILE', `${file} cannot be read`, { file }, cause);
  }
}
