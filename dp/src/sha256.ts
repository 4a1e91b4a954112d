/**
 * SHA-256 (FIPS 180-4), from the platform.
 * @module
 */
import { createHash } from 'node:crypto';

/** @returns 64 lower-case hexadecimal digits; a string is hashed as UTF-8 */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
