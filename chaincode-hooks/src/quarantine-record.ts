/**
 * The record under `q~<txid>` (a call that was diverted) and `rev~<txid>` (a call that ran and must be reviewed).
 *
 * It holds no argument, no record handle and no name: the digest binds the call, and whoever may see its arguments finds
 * them in the block. The score stands here and nowhere else.
 * @module
 */
import { canonicalBytes, parseJsonObject, type JsonObject } from './canonical-json.js';
import { ChaincodeError } from './errors.js';

export const REVIEW_STATES = [
  'open',
  'claimed',
  'proposed',
  'released',
  'rejected',
  'escalated',
  'closed',
] as const;
export type ReviewState = (typeof REVIEW_STATES)[number];

export const REVIEW_ACTIONS = ['release', 'reject'] as const;
export type ReviewAction = (typeof REVIEW_ACTIONS)[number];

/** What was found. `attack` and `policy-breach` never train and never calibrate. */
export const FINDINGS = [
  'undetermined',
  'attack',
  'policy-breach',
  'accident',
  'benign-expected',
  'false-positive-model',
  'false-positive-data',
  'duplicate',
  'test',
] as const;
export type Finding = (typeof FINDINGS)[number];

/**
 * Why there is a record. Only a call with cause `score`, `detector-unusable`, `grant-invalid` or `epoch-overdue` can be granted
 * again; `break-glass` and `policy` ran (a rule of the access policy asks for the review), and `second-line` is a hospital's own
 * finding after the commit.
 */
export const QUARANTINE_CAUSES = [
  'score',
  'arity',
  'unknown-function',
  'detector-unusable',
  'grant-invalid',
  'break-glass',
  'epoch-overdue',
  'second-line',
  'policy',
] as const;
export type QuarantineCause = (typeof QUARANTINE_CAUSES)[number];

export interface ReviewHistoryEntry {
  /** `file`, `report`, `claim`, `unclaim`, `propose`, `approve`, `return`, `escalate`, `appeal`, `close`. */
  readonly step: string;
  readonly by: string;
  readonly mspId: string;
  /** Transaction time: the client's word within ± 15 minutes. */
  readonly atMs: number;
  readonly to: ReviewState;
}

export interface ReviewProposal {
  readonly by: string;
  readonly action: ReviewAction;
  readonly finding: Finding;
  /** SHA-256 (hex) of the reviewer's reason; the text stays in the hospital. */
  readonly reasonDigest: string;
}

export interface QuarantineRecord {
  readonly txId: string;
  readonly actor: string;
  readonly mspId: string;
  /** `Contract:function`. */
  readonly function: string;
  /** SHA-256 of function and arguments without session and context: what a grant permits. */
  readonly digest: string;
  readonly session: string;
  /** When the access is said to have happened; `filedMs` is the transaction's own time. */
  readonly atMs: number;
  readonly filedMs: number;
  readonly cause: QuarantineCause;
  /** Millionths; null if no detector judged the call. */
  readonly score: number | null;
  readonly modelVersion: number | null;
  readonly modelHash: string | null;
  /** The feature columns that weighed most, with the integer value of the call's own row; at most three. */
  readonly reasons: readonly { readonly column: string; readonly value: number }[];
  /** SHA-256 of the ring that was judged, this call's row included; empty if there was none. */
  readonly ringDigest: string;
  /** Of the guard that judged. */
  readonly codeHash: string;
  readonly state: ReviewState;
  /** Counts the steps; every step names the version it expects. */
  readonly version: number;
  readonly deadlineMs: number;
  /** Actor id of the analyst who works on it. */
  readonly holder: string | null;
  readonly proposal: ReviewProposal | null;
  readonly appealed: boolean;
  readonly history: readonly ReviewHistoryEntry[];
}

export function encodeQuarantineRecord(record: QuarantineRecord): Uint8Array {
  return canonicalBytes(record as unknown as JsonObject);
}

/**
 * @throws {ChaincodeError} `ERR_LEDGER_VALUE` naming the property that is missing or of the wrong kind
 */
export function decodeQuarantineRecord(bytes: Uint8Array): QuarantineRecord {
  const raw = parseJsonObject(bytes, 'quarantine record');
  for (const name of ['txId', 'actor', 'mspId', 'function', 'digest', 'session', 'codeHash']) {
    check(name, typeof raw[name] === 'string');
  }
  for (const name of ['atMs', 'filedMs', 'version', 'deadlineMs']) {
    check(name, Number.isSafeInteger(raw[name]));
  }
  check('cause', (QUARANTINE_CAUSES as readonly unknown[]).includes(raw['cause']));
  check('state', (REVIEW_STATES as readonly unknown[]).includes(raw['state']));
  check('score', raw['score'] === null || Number.isSafeInteger(raw['score']));
  check('reasons', Array.isArray(raw['reasons']));
  check('history', Array.isArray(raw['history']));
  return raw as unknown as QuarantineRecord;
}

function check(property: string, ok: boolean): void {
  if (!ok) {
    throw new ChaincodeError(
      'ERR_LEDGER_VALUE',
      `quarantine record: ${property} missing or of wrong kind`,
      { property },
    );
  }
}
