/**
 * What a grant permits: the digest of one request.
 * @module
 */
import { createHash } from 'node:crypto';

const UNIT_SEPARATOR = '\u001f';

/**
 * Hex SHA-256 of `Contract:function` and the arguments joined by 0x1F, session (first) and context (last) left out: the same
 * request made again in another session has the same digest, and nothing else has.
 */
export function callDigest(functionName: string, args: readonly string[]): string {
  return createHash('sha256')
    .update([functionName, ...args.slice(1, -1)].join(UNIT_SEPARATOR))
    .digest('hex');
}
