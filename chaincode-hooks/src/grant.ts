/**
 * `grant~<actor>~<digest>`: the right to make one quarantined request again, once, under one's own key.
 * @module
 */
import { parseJsonObject } from './canonical-json.js';
import { ChaincodeError } from './errors.js';

/** A release is worth a day. */
export const GRANT_MS: number = 24 * 3_600_000;

export interface Grant {
  /** The quarantine that was released. */
  readonly quarantine: string;
  readonly expires: number;
  /** Actor ids of the two people who decided. */
  readonly approvers: readonly string[];
}

/** Null if there is none. */
export function parseGrant(bytes: Uint8Array): Grant | null {
  if (bytes.length === 0) return null;
  const raw = parseJsonObject(bytes, 'grant');
  if (typeof raw['quarantine'] !== 'string' || !Number.isSafeInteger(raw['expires'])) {
    throw new ChaincodeError('ERR_LEDGER_VALUE', 'grant: quarantine or expires of wrong kind');
  }
  return raw as unknown as Grant;
}

/** `claimed` is the quarantine that the call names; actor and request are already in the grant's key. */
export function isUsable(grant: Grant | null, claimed: string, nowMs: number): boolean {
  return grant !== null && grant.quarantine === claimed && nowMs <= grant.expires;
}
