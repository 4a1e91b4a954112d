/**
 * The node's audit log: who did what, when. Apart from the technical log, one JSON line a record, each naming the one
 * before by its hash, so that a changed, missing or exchanged line is found with its position.
 *
 * Several processes write (the node, and commands beside it), so each append holds the lock of a SQLite file: the kernel
 * lets go of it whatever way a process dies. What a chain cannot show is a cut end; therefore the head is written into the
 * node's technical log at each start, and `bhs-node audit verify` prints it.
 * @module
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson, sha256Hex, type JsonObject } from '@bhschain/dp';
import { DatabaseSync } from '@photostructure/sqlite';
import { AuditLogError } from '../errors.js';
import { syncFolder } from '../store/durable-file.js';

/** What is worth a record; a closed list, so that a reader can rely on the words. */
export const AUDIT_KINDS = [
  'started',
  'stopped',
  'config-changed',
  'join-requested',
  'joined',
  'rejoined',
  'certificate-renewed',
  'paused',
  'resumed',
  'left',
  'round-refused',
  'detector-attested',
  'detector-refused',
  'call-reported',
  'days-ranked',
  'day-looked-at',
  'person-added',
  'person-removed',
  'signed-in',
  'sign-in-refused',
  'session-revoked',
  're-identified',
  'exported',
  'suppression-proposed',
  'suppression-approved',
  'suppression-ended',
  'case-changed',
  'alert-budget-proposed',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

export interface AuditRecord {
  readonly seq: number;
  /** Hash of the record before; '' for the first. */
  readonly prev: string;
  /** ISO 8601, UTC */
  readonly at: string;
  /** A person's account at this hospital, or `node`. */
  readonly by: string;
  readonly kind: AuditKind;
  readonly body: JsonObject;
  /** SHA-256 of the canonical JSON of all the above. */
  readonly hash: string;
}

export interface AuditEntry {
  readonly kind: AuditKind;
  readonly by: string;
  /** Small facts; never a patient, a log line or a key. */
  readonly body?: JsonObject;
}

export interface AuditLog {
  /** Durable when it returns. @throws {AuditLogError} `ERR_AUDIT_IO`, `ERR_AUDIT_CHAIN` */
  append(entry: AuditEntry): AuditRecord;
  /** The newest records of a kind, the latest first, looked for in the last megabytes of the file; the chain is not checked. */
  newest(kind: AuditKind, count: number): readonly AuditRecord[];
}

const LOCK_WAIT_MS = 10_000;
const NEWLINE = 0x0a;
const TAIL_BYTES = 65_536;
const LOOKED_AT_BYTES = 4 * 1_048_576;

export const auditFileOf = (stateDir: string): string => join(stateDir, 'audit.jsonl');

/** @param o.now - Unix milliseconds */
export function openAuditLog(o: {
  readonly stateDir: string;
  readonly now: () => number;
}): AuditLog {
  const file = auditFileOf(o.stateDir);
  mkdirSync(o.stateDir, { recursive: true, mode: 0o700 });
  return {
    append: (entry) => locked(file, () => appendTo(file, entry, o.now())),
    newest: (kind, count) =>
      lastLines(file)
        .filter((line) => line.includes(`"kind":"${kind}"`))
        .slice(-count)
        .reverse()
        .map((line) => JSON.parse(line) as AuditRecord),
  };
}

/** Whole lines only: the first may have begun before what is read, the last may be in the making. */
function lastLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - LOOKED_AT_BYTES);
    const bytes = Buffer.alloc(size - from);
    readSync(handle, bytes, 0, bytes.length, from);
    return bytes
      .toString('utf8')
      .split('\n')
      .slice(from === 0 ? 0 : 1, -1);
  } finally {
    closeSync(handle);
  }
}

function locked<T>(file: string, use: () => T): T {
  const lock = new DatabaseSync(`${file}.lock`, { timeout: LOCK_WAIT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return use();
  } catch (cause) {
    if (cause instanceof AuditLogError) throw cause;
    throw new AuditLogError('ERR_AUDIT_IO', `${file} cannot be written`, { file }, cause);
  } finally {
    if (lock.isTransaction) lock.exec('ROLLBACK');
    lock.close();
  }
}

function appendTo(file: string, entry: AuditEntry, nowMs: number): AuditRecord {
  const handle = openSync(file, 'a+', 0o600);
  try {
    const last = lastRecord(handle, file);
    const record = sealed({
      seq: last === null ? 0 : last.seq + 1,
      prev: last?.hash ?? '',
      at: new Date(nowMs).toISOString(),
      by: entry.by,
      kind: entry.kind,
      body: entry.body ?? {},
    });
    writeSync(handle, `${canonicalJson(record as unknown as JsonObject)}\n`);
    fsyncSync(handle);
    if (last === null) syncFolder(dirname(file));
    return record;
  } finally {
    closeSync(handle);
  }
}

/** The last whole line. An unfinished one (the process died while it wrote) is set aside: nobody acted on it. */
function lastRecord(handle: number, file: string): AuditRecord | null {
  const { size } = fstatSync(handle);
  if (size === 0) return null;
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - from);
  readSync(handle, tail, 0, tail.length, from);
  const end = tail.lastIndexOf(NEWLINE) + 1;
  if (end < tail.length) {
    writeFileSync(`${file}.torn-${from + end}`, tail.subarray(end), { flush: true, mode: 0o600 });
    ftruncateSync(handle, from + end);
    fsyncSync(handle);
  }
  if (end === 0) return null;
  const start = tail.lastIndexOf(NEWLINE, end - 2) + 1;
  const line = tail.toString('utf8', start, end - 1);
  const record = parsed(line);
  if (record === null || record.hash !== hashOf(record)) {
    throw new AuditLogError(
      'ERR_AUDIT_CHAIN',
      `${file}: the last record was changed; nothing is added until a person has looked at it`,
      { file, byteOffset: from + start },
    );
  }
  return record;
}

/** What `verify` found. `fault` is null for an unbroken chain. */
export interface AuditReport {
  readonly records: readonly AuditRecord[];
  readonly head: { readonly seq: number; readonly hash: string } | null;
  readonly tornBytes: number;
  readonly fault: {
    /** Counted from 1. */
    readonly line: number;
    readonly byteOffset: number;
    readonly reason: string;
  } | null;
}

/** Walks the whole chain without touching the file; a missing file is an empty log. */
export function readAuditLog(stateDir: string): AuditReport {
  const bytes = readOrEmpty(auditFileOf(stateDir));
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const records: AuditRecord[] = [];
  let fault: AuditReport['fault'] = null;
  for (let offset = 0; offset < end && fault === null;) {
    const next = bytes.indexOf(NEWLINE, offset) + 1;
    const record = parsed(bytes.toString('utf8', offset, next - 1));
    const reason = faultOf(record, records);
    if (reason !== null) fault = { line: records.length + 1, byteOffset: offset, reason };
    else records.push(record!);
    offset = next;
  }
  const last = records.at(-1);
  return {
    records,
    head: last === undefined ? null : { seq: last.seq, hash: last.hash },
    tornBytes: bytes.length - end,
    fault,
  };
}

function faultOf(record: AuditRecord | null, before: readonly AuditRecord[]): string | null {
  if (record === null) return 'not a record';
  if (record.seq !== before.length)
    return `expected record ${before.length}, found record ${record.seq}`;
  if (record.prev !== (before.at(-1)?.hash ?? '')) return 'does not name the record before it';
  return record.hash === hashOf(record) ? null : 'its content does not fit its hash';
}

function parsed(line: string): AuditRecord | null {
  try {
    const value = JSON.parse(line) as AuditRecord | null;
    return typeof value === 'object' && typeof value?.hash === 'string' ? value : null;
  } catch {
    return null;
  }
}

function sealed(record: Omit<AuditRecord, 'hash'>): AuditRecord {
  return { ...record, hash: sha256Hex(canonicalJson(record)) };
}

function hashOf(record: AuditRecord): string | null {
  const { hash, ...rest } = record;
  try {
    return sealed(rest).hash;
  } catch {
    // Not even canonical JSON can be made of it (a fraction, say): somebody else wrote it.
    return hash === '' ? null : '';
  }
}

function readOrEmpty(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw new AuditLogError('ERR_AUDIT_IO', `${file} cannot be read`, { file }, cause);
  }
}
