/**
 * Lines of a log with their positions. A source only reads; it keeps no state on disk. Positions survive restarts and
 * rotation because a file is known by its inode *and* by its first bytes (inodes are given out again).
 * @module
 */

/** The place of a line, or of the line that will come next. */
export interface LogPosition {
  readonly inode: string;
  /** SHA-256 (first 16 hex) of the file's first line, at most 256 bytes of it; '' while the file is empty. */
  readonly fingerprint: string;
  /** Byte offset in the (uncompressed) file. */
  readonly offset: number;
  /** 1-based number of the line in its file. */
  readonly line: number;
}

export type LogLine = Readonly<{
  at: LogPosition;
  /** Where reading goes on after this line. */
  next: LogPosition;
}> &
  ({ readonly text: string } | { readonly fault: string });

export interface LogSource {
  /** The next complete lines, at most about a mebibyte of them; none means: nothing more for now. */
  read(): Promise<readonly LogLine[]>;
  /** Set when the file could not be continued where it was left (truncated, or gone with its tail). */
  readonly gaps: number;
  close(): Promise<void>;
}

/** Longer lines are malformed; nothing of an access event needs a tenth of it. */
export const LINE_BYTES_MAX = 65_536;

/** How much one `read` takes in. */
export const READ_BYTES = 262_144;

const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Cuts bytes into lines. Holds at most one unfinished line of {@link LINE_BYTES_MAX} bytes; the rest of a longer one is
 * passed over, and the line is reported as a fault.
 */
export class LineSplitter {
  #position: LogPosition;
  #pending: Buffer = Buffer.alloc(0);
  #overlongBytes = 0;

  constructor(start: LogPosition) {
    this.#position = start;
  }

  /** Where the unfinished line begins. */
  get position(): LogPosition {
    return this.#position;
  }

  get hasPartialLine(): boolean {
    return this.#pending.length > 0 || this.#overlongBytes > 0;
  }

  rename(fingerprint: string): void {
    this.#position = { ...this.#position, fingerprint };
  }

  push(chunk: Uint8Array): LogLine[] {
    const lines: LogLine[] = [];
    let from = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, from);
      if (newline < 0) break;
      lines.push(this.#finish(chunk.subarray(from, newline), 1));
      from = newline + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The last line of a file that ends without a newline and will not grow any more. */
  flush(): LogLine[] {
    return this.hasPartialLine ? [this.#finish(new Uint8Array(0), 0)] : [];
  }

  #keep(rest: Uint8Array): void {
    if (this.#overlongBytes > 0 || this.#pending.length + rest.length > LINE_BYTES_MAX) {
      this.#overlongBytes += this.#pending.length + rest.length;
      this.#pending = Buffer.alloc(0);
    } else if (rest.length > 0) {
      this.#pending = Buffer.concat([this.#pending, rest]);
    }
  }

  #finish(end: Uint8Array, newlineBytes: 0 | 1): LogLine {
    const at = this.#position;
    const length = this.#overlongBytes + this.#pending.length + end.length;
    const bytes =
      this.#overlongBytes > 0 || length > LINE_BYTES_MAX
        ? null
        : Buffer.concat([this.#pending, end]);
    this.#pending = Buffer.alloc(0);
    this.#overlongBytes = 0;
    this.#position = { ...at, offset: at.offset + length + newlineBytes, line: at.line + 1 };
    const place = { at, next: this.#position };
    if (bytes === null) return { ...place, fault: `longer than ${LINE_BYTES_MAX} bytes` };
    try {
      return { ...place, text: decoder.decode(bytes) };
    } catch {
      return { ...place, fault: 'not UTF-8' };
    }
  }
}
