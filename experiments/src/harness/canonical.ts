/**
 * One text for one value, so that hashes of configurations do not depend on the order of keys.
 * @module
 */
import { createHash } from 'node:crypto';

/** JSON with sorted keys; numbers as JavaScript writes them. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
