/**
 * Finished updates on disk. What lies here is what left or will leave the hospital, byte for byte; it is written once
 * (temporary file, fsync, rename, fsync of the folder) and never changed.
 * @module
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { HospitalNodeError } from '../errors.js';
import { syncFolder } from '../store/durable-file.js';

export interface ReleaseStore {
  /** Durable when it returns. A second, different content under a key is refused (`ERR_RELEASE_EXISTS`). */
  persist(key: string, bytes: Uint8Array): void;
  /** null if there is none. */
  read(key: string): Uint8Array | null;
  fileOf(key: string): string;
  keys(): string[];
}

const UPDATE = '.update';
const TEMPORARY = '.partial';

/** Opens the folder and removes what a crash left half-written: it was never released. */
export function openReleaseStore(folder: string): ReleaseStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    if (name.endsWith(TEMPORARY)) rmSync(join(folder, name));
  }
  const fileOf = (key: string): string => join(folder, `${key}${UPDATE}`);
  const read = (key: string): Uint8Array | null => {
    try {
      return new Uint8Array(readFileSync(fileOf(key)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  return {
    fileOf,
    read,
    keys: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith(UPDATE))
        .map((name) => name.slice(0, -UPDATE.length)),
    persist: (key, bytes) => {
      const existing = read(key);
      if (existing !== null) {
        if (Buffer.compare(existing, bytes) === 0) return;
        throw new HospitalNodeError(
          'ERR_RELEASE_EXISTS',
          `release ${key.slice(0, 12)}… is already on disk with other bytes; a second release is refused`,
          { release: key },
        );
      }
      const temporary = `${fileOf(key)}${TEMPORARY}`;
      const handle = openSync(temporary, 'w', 0o600);
      try {
        for (let written = 0; written < bytes.length;) {
          written += writeSync(handle, bytes, written);
        }
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(temporary, fileOf(key));
      syncFolder(folder);
    },
  };
}
