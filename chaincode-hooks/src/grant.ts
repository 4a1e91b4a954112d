/**
 * `grant~<actor>~<quarantine>`: the right to make one quarantined request again, once, under one's own key. Named by
 * the quarantine, because one actor may hold releases of two calls with the same arguments (two closed sessions have none).
 * @module
 */
import { parseJsonObject } from './canonical-json.js';
import { ChaincodeError } from './errors.js';

/** A release is worth a day. */
export const GRANT_MS: number = 24 * 3_600_000;

export interface Grant {
  /** The quarantine that was released. */
  readonly quarantine: string;
  /** SHA-256 of function and arguments without session and context: the request that it permits. */
  readonly digest: string;
  readonly expires: number;
  /** Actor ids of the two people who decided. */
  readonly approvers: readonly string[];
}

/** Null if there is none. */
export function parseGrant(bytes: Uint8Array): Grant | null {
  if (bytes.length === 0) return null;
  const raw = parseJsonObject(bytes, 'grant');
  if (
    typeof raw['quarantine'] !== 'string' ||
    typeof raw['digest'] !== 'string' ||
    !Number.isSafeInteger(raw['expires'])
  ) {
    throw new ChaincodeError('ERR_LEDGER_VALUE', 'grant: a property is missing or of wrong kind');
  }
  return raw as unknown as Grant;
}

/** Actor and quarantine are already in the grant's key; `digest` is of the call that claims it. */
export function isUsable(grant: Grant | null, digest: string, nowMs: number): boolean {
  return grant !== null && grant.digest === digest && nowMs <= grant.expires;
}
