/**
 * Calls that look like an attack rather than like a mishap, for the audit log: who, what, which code. A caller that
 * repeats itself is written down now and then, so that nobody can fill the log.
 * @module
 */
import type { FederationError, FederationErrorCode } from './errors.js';
import type { Log } from './federation.js';
import type { FederationStore } from './store/store.js';

export type RefusalAudit = (method: string, who: string, error: FederationError) => void;

/** What honest software does not run into. */
const SUSPICIOUS: readonly FederationErrorCode[] = [
  'ERR_IDENTITY_UNKNOWN',
  'ERR_TOKEN_INVALID',
  'ERR_CERTIFICATE_REVOKED',
  'ERR_NODE_MISMATCH',
  'ERR_FEDERATION_MISMATCH',
  'ERR_LEDGER_ROLLED_BACK',
  'ERR_PLAN_MISMATCH',
  'ERR_LAYOUT_MISMATCH',
  'ERR_BASE_MODEL_MISMATCH',
  'ERR_ENVELOPE',
  'ERR_SIGNATURE',
  'ERR_OBJECT_LIMIT',
  'ERR_CHUNK_DIGEST',
  'ERR_REQUEST',
  'ERR_ROUND_UNKNOWN',
];

const REPEAT_MS = 60_000;
const REMEMBERED_MAX = 4_096;

export function auditRefusals(store: FederationStore, nowMs: () => number, log: Log): RefusalAudit {
  const writtenAtMs = new Map<string, number>();
  return (method, who, error) => {
    if (!SUSPICIOUS.includes(error.code)) return;
    const atMs = nowMs();
    const key = `${who}/${method}/${error.code}`;
    if (atMs - (writtenAtMs.get(key) ?? -Infinity) < REPEAT_MS) return;
    if (writtenAtMs.size >= REMEMBERED_MAX) writtenAtMs.clear();
    writtenAtMs.set(key, atMs);
    log.warn({ method, who, code: error.code }, 'call refused');
    store.audit
      .append('refused', atMs, { method, who, code: error.code })
      .catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : 'unknown';
        log.error({ error: reason }, 'refusal not audited');
      });
  };
}
