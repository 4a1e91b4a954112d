/** Where the rooms' builds lie, and how a configuration file is written. @module */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A file of a room's build. Packages export their doors only, so the way leads over their manifest's folder. */
export function moduleOf(room: string, file: string): string {
  const here = createRequire(import.meta.url);
  const door = room === 'chaincode-hooks' ? `@bhschain/${room}/events` : `@bhschain/${room}`;
  return join(dirname(here.resolve(door)), file);
}

export function writeJson(file: string, value: object): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  return file;
}
