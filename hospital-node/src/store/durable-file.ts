/**
 * Files that are there whole or not at all, also after the power failed.
 * @module
 */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes names in a folder durable: without it a new file can vanish with the power. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Replaces a file by another in one step. @param mode - of the new file, whatever the umask */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): void {
  const unfinished = `${file}.unfinished`;
  writeFileSync(unfinished, content, { mode, flush: true });
  chmodSync(unfinished, mode);
  renameSync(unfinished, file);
  syncFolder(dirname(file));
}
