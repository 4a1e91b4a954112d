/**
 * The core of the privacy ledger: what a record is, how records are chained, how a chain is read back and what it cost.
 *
 * Pure: the file (append, fsync) lives with the node. A record is one line of canonical JSON; its hash is
 * SHA-256(previous hash ‖ the line without its hash), so that an edit, a cut, a reordering or an insertion shows, with
 * its position. The one thing a chain cannot show is that its end was cut off at a line: compare the head with the
 * head that was published.
 * @module
 */
import { canonicalJson, parseCanonicalJson, type JsonObject } from './canonical-json.js';
import { CanonicalJsonError, LedgerRecordError, PrivacyLedgerError } from './errors.js';
import { sha256Hex } from './sha256.js';

export type LedgerKind =
  | 'opened'
  | 'ceiling-changed'
  | 'plan-approved'
  | 'debited'
  | 'released'
  | 'sent'
  | 'acknowledged'
  | 'settled'
  | 'abandoned';

export const LEDGER_KINDS: readonly LedgerKind[] = [
  'opened',
  'ceiling-changed',
  'plan-approved',
  'debited',
  'released',
  'sent',
  'acknowledged',
  'settled',
  'abandoned',
];

/** What the first record names as its predecessor. */
export const LEDGER_GENESIS: string = '0'.repeat(64);

export interface LedgerRecord {
  /** 0, 1, 2, … without gaps. */
  readonly seq: number;
  /** Hash of the record before, 64 hexadecimal digits. */
  readonly prev: string;
  readonly kind: LedgerKind;
  /** ISO 8601, UTC, milliseconds: `2026-03-01T06:00:00.000Z`. The node's clock; a claim, not evidence. */
  readonly at: string;
  readonly body: JsonObject;
  readonly hash: string;
}

export interface LedgerHead {
  readonly seq: number;
  readonly hash: string;
}

/**
 * Makes the next line. The caller appends it and calls fsync before it does what the record speaks of.
 *
 * @param head - of the ledger so far; null for the first record, which must be `opened`
 * @param at - ISO 8601 in UTC with milliseconds, as `Date.prototype.toISOString` writes it
 * @returns the line with its newline, and the new head
 * @throws {LedgerRecordError} `ERR_DP_LEDGER_RECORD`: unknown kind, not `opened` first or `opened` later, bad time,
 *   or a body that is not canonical JSON (floats!)
 */
export function appendRecord(
  head: LedgerHead | null,
  kind: LedgerKind,
  at: string,
  body: JsonObject,
): { line: string; head: LedgerHead } {
  const seq = head === null ? 0 : head.seq + 1;
  const prev = head === null ? LEDGER_GENESIS : head.hash;
  const fault = recordFault(seq, kind, at);
  if (fault !== null) throw new LedgerRecordError(fault);
  let hash: string;
  let line: string;
  try {
    const unsigned = { at, body, kind, prev, seq };
    hash = recordHash(unsigned);
    line = `${canonicalJson({ ...unsigned, hash })}\n`;
  } catch (cause) {
    if (!(cause instanceof CanonicalJsonError)) throw cause;
    throw new LedgerRecordError(cause.message, cause);
  }
  return { line, head: { seq, hash } };
}

/**
 * Reads a whole ledger and checks every link. Nothing is repaired.
 *
 * | text                               | result                                                        |
 * |------------------------------------|---------------------------------------------------------------|
 * | empty                              | no records, head null                                         |
 * | last line without its newline      | refused: a torn write; the operator decides                   |
 * | any byte changed, line cut or moved| refused at the first line that does not fit                   |
 *
 * @throws {PrivacyLedgerError} `ERR_DP_LEDGER_CORRUPT` with line, byte offset and reason
 */
export function verifyLedger(text: string): {
  records: readonly LedgerRecord[];
  head: LedgerHead | null;
} {
  const records: LedgerRecord[] = [];
  let head: LedgerHead | null = null;
  let byteOffset = 0;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const refuse = (reason: string, cause?: unknown): never => {
      throw new PrivacyLedgerError({ line: records.length + 1, byteOffset, reason, cause });
    };
    if (end === -1) refuse('the last line is cut off (no newline)');
    const line = text.slice(start, end);
    const record = readRecord(line, refuse);
    const seq: number = head === null ? 0 : head.seq + 1;
    const prev: string = head === null ? LEDGER_GENESIS : head.hash;
    if (record.seq !== seq) refuse(`seq ${record.seq} where ${seq} was due`);
    if (record.prev !== prev) refuse('prev is not the hash of the record before');
    const { hash, ...unsigned } = record;
    if (recordHash(unsigned) !== hash) refuse('hash does not fit the record');
    const fault = recordFault(record.seq, record.kind, record.at);
    if (fault !== null) refuse(fault);
    records.push(Object.freeze(record));
    head = { seq: record.seq, hash: record.hash };
    byteOffset += Buffer.byteLength(line) + 1;
    start = end + 1;
  }
  return { records: Object.freeze(records), head };
}

/** SHA-256(prev ‖ canonical JSON of the record without its hash). */
export function recordHash(unsigned: Omit<LedgerRecord, 'hash'>): string {
  const { at, body, kind, prev, seq } = unsigned;
  return sha256Hex(prev + canonicalJson({ at, body, kind, prev, seq }));
}

function recordFault(seq: number, kind: string, at: string): string | null {
  if (!(LEDGER_KINDS as readonly string[]).includes(kind)) return `unknown kind "${kind}"`;
  if ((seq === 0) !== (kind === 'opened')) {
    return seq === 0 ? 'the first record must be "opened"' : '"opened" may only be the first';
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at) || Number.isNaN(Date.parse(at))) {
    return `at: expected ISO 8601 in UTC with milliseconds, got "${at}"`;
  }
  return null;
}

function readRecord(
  line: string,
  refuse: (reason: string, cause?: unknown) => never,
): LedgerRecord {
  let value: unknown;
  try {
    value = parseCanonicalJson(line);
  } catch (cause) {
    refuse(cause instanceof Error ? cause.message : 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('not a record');
  }
  const record = value as Readonly<Record<string, unknown>>;
  const shaped =
    Object.keys(record).sort().join() === 'at,body,hash,kind,prev,seq' &&
    typeof record['at'] === 'string' &&
    typeof record['kind'] === 'string' &&
    typeof record['prev'] === 'string' &&
    typeof record['hash'] === 'string' &&
    typeof record['seq'] === 'number' &&
    typeof record['body'] === 'object' &&
    record['body'] !== null &&
    !Array.isArray(record['body']);
  if (!shaped) return refuse('fields other than at, body, hash, kind, prev, seq');
  return value as unknown as LedgerRecord;
}
