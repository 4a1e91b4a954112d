/**
 * The privacy ledger on disk: one line a record, only ever appended to, on the platter before anybody acts on it.
 * What a record means and how the chain is checked is `dp`'s; this file knows about bytes.
 * @module
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  appendRecord,
  PrivacyLedgerError,
  verifyLedger,
  type JsonObject,
  type LedgerHead,
  type LedgerKind,
  type LedgerRecord,
} from '@bhschain/dp';
import { LedgerFileError } from '../errors.js';
import { syncFolder } from '../store/durable-file.js';

/** The beginning of a last record: the process died while it was written, so nobody ever acted on it. */
export interface TornTail {
  readonly byteOffset: number;
  readonly byteCount: number;
  /** Where the bytes were put. */
  readonly file: string;
}

export interface LedgerFile {
  readonly file: string;
  readonly records: readonly LedgerRecord[];
  readonly head: LedgerHead | null;
  readonly tornTail: TornTail | null;
  /** The record is durable when this returns; if it throws, the file refuses everything from then on. */
  append(kind: LedgerKind, body: JsonObject): LedgerRecord;
  close(): void;
}

/**
 * Opens or begins the ledger and verifies every link.
 *
 * | found                                        | done                                                   |
 * |----------------------------------------------|--------------------------------------------------------|
 * | nothing                                      | begun; file and folder are synced                      |
 * | the beginning of a last record               | set aside in `<file>.torn-<offset>`, reported          |
 * | a last record up to its hash, no newline     | refused: it was written, so it may have been acted on  |
 * | other bytes after the last newline           | refused, with line and byte offset                     |
 * | a changed, missing or exchanged line inside  | refused, with line and byte offset                     |
 *
 * @param now - the time that records carry, Unix milliseconds
 * @throws {LedgerFileError} `ERR_LEDGER_CORRUPT` with line and offset, `ERR_LEDGER_IO`
 */
export function openLedgerFile(file: string, now: () => number): LedgerFile {
  const { records, head, tail } = readWhole(file);
  const tornTail = tail.bytes.length > 0 ? setAside(file, tail.byteOffset, tail.bytes) : null;
  return new AppendOnlyFile(file, now, [...records], head, tornTail);
}

/** Reads and verifies as `openLedgerFile`, without touching the file; a torn tail is reported, not moved. */
export function readLedger(file: string): {
  readonly records: readonly LedgerRecord[];
  readonly head: LedgerHead | null;
  readonly tornBytes: number;
} {
  const { records, head, tail } = readWhole(file);
  return { records, head, tornBytes: tail.bytes.length };
}

const NEWLINE = 0x0a;

function readWhole(file: string): ReturnType<typeof verifyLedger> & {
  readonly tail: { readonly byteOffset: number; readonly bytes: Uint8Array };
} {
  const bytes = read(file);
  const byteOffset = bytes.lastIndexOf(NEWLINE) + 1;
  const verified = verify(file, bytes.subarray(0, byteOffset));
  const tail = bytes.subarray(byteOffset);
  const reason = tail.length > 0 ? tailFault(tail) : null;
  if (reason !== null)
    throw corrupt(file, { line: verified.records.length + 1, byteOffset, reason });
  return { ...verified, tail: { byteOffset, bytes: tail } };
}

const RECORD_START = '{"at":"';

/**
 * Why a tail without its newline is no torn write; null if it is the beginning of a record. The keys of a record are
 * sorted, so after its hash come only what the chain implies and the kind: such a tail was as good as written. To drop
 * it would free a spent interval, whichever of its last bytes was damaged.
 */
function tailFault(tail: Uint8Array): string | null {
  let text: string;
  try {
    // As a stream: a write may end in the middle of a character.
    text = new TextDecoder('utf-8', { fatal: true }).decode(tail, { stream: true });
  } catch {
    return 'the bytes after the last newline are no record';
  }
  if (/"hash":"[0-9a-f]{64}/.test(text)) {
    return 'the last record is written up to its hash but does not end as one; its spend may not be dropped';
  }
  const begins = text.startsWith(RECORD_START) || RECORD_START.startsWith(text);
  // Canonical JSON escapes control characters.
  return begins && !/\p{Cc}/u.test(text) ? null : 'the bytes after the last newline are no record';
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw new LedgerFileError('ERR_LEDGER_IO', `${file} cannot be read`, { file }, cause);
  }
}

function verify(file: string, bytes: Buffer): ReturnType<typeof verifyLedger> {
  try {
    return verifyLedger(bytes.toString('utf8'));
  } catch (cause) {
    throw cause instanceof PrivacyLedgerError ? corrupt(file, cause, cause) : cause;
  }
}

function corrupt(
  file: string,
  at: Readonly<{ line: number; byteOffset: number; reason: string }>,
  cause?: unknown,
): LedgerFileError {
  const { line, byteOffset, reason } = at;
  return new LedgerFileError(
    'ERR_LEDGER_CORRUPT',
    `${file}: line ${line}, byte ${byteOffset}: ${reason}; no round runs until a person has looked at it`,
    { file, line, byteOffset, reason },
    cause,
  );
}

function setAside(file: string, byteOffset: number, tail: Uint8Array): TornTail {
  const aside = `${file}.torn-${byteOffset}`;
  try {
    writeFileSync(aside, tail, { flush: true });
    const handle = openSync(file, 'r+');
    try {
      ftruncateSync(handle, byteOffset);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    syncFolder(dirname(file));
  } catch (cause) {
    throw new LedgerFileError(
      'ERR_LEDGER_IO',
      `${file}: torn tail cannot be set aside`,
      { file },
      cause,
    );
  }
  return { byteOffset, byteCount: tail.length, file: aside };
}

class AppendOnlyFile implements LedgerFile {
  readonly file: string;
  readonly records: LedgerRecord[];
  readonly tornTail: TornTail | null;
  head: LedgerHead | null;
  readonly #now: () => number;
  readonly #handle: number;
  #fault: unknown = null;

  constructor(
    file: string,
    now: () => number,
    records: LedgerRecord[],
    head: LedgerHead | null,
    tornTail: TornTail | null,
  ) {
    this.file = file;
    this.records = records;
    this.head = head;
    this.tornTail = tornTail;
    this.#now = now;
    try {
      this.#handle = openSync(file, 'a', 0o600);
      fsyncSync(this.#handle);
      syncFolder(dirname(file));
    } catch (cause) {
      throw new LedgerFileError('ERR_LEDGER_IO', `${file} cannot be opened`, { file }, cause);
    }
  }

  append(kind: LedgerKind, body: JsonObject): LedgerRecord {
    if (this.#fault !== null) throw this.#io(this.#fault);
    const { line, head } = appendRecord(this.head, kind, new Date(this.#now()).toISOString(), body);
    try {
      const bytes = Buffer.from(line);
      for (let written = 0; written < bytes.length;) {
        written += writeSync(this.#handle, bytes, written);
      }
      fsyncSync(this.#handle);
    } catch (cause) {
      // After a failed sync nobody knows what the disk holds; only a fresh start that reads it back may go on.
      this.#fault = cause;
      throw this.#io(cause);
    }
    const record = JSON.parse(line) as LedgerRecord;
    this.records.push(record);
    this.head = head;
    return record;
  }

  close(): void {
    closeSync(this.#handle);
  }

  #io(cause: unknown): LedgerFileError {
    return new LedgerFileError(
      'ERR_LEDGER_IO',
      `${this.file} cannot be written; the node must be restarted`,
      { file: this.file },
      cause,
    );
  }
}
