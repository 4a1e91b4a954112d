/**
 * The key under which raw identifiers become handles. Made at the first start, readable by the owner only, kept in the
 * hospital; who loses it starts with an empty window store.
 * @module
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { NODE_KEY_BYTES } from './handles.js';

export function readOrMakeNodeKey(
  file: string,
  fillBytes: (bytes: Uint8Array) => void,
): Uint8Array {
  if (existsSync(file))
    return Uint8Array.from(Buffer.from(readFileSync(file, 'utf8').trim(), 'hex'));
  const key = new Uint8Array(NODE_KEY_BYTES);
  fillBytes(key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${Buffer.from(key).toString('hex')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
  chmodSync(file, 0o600);
  return key;
}
