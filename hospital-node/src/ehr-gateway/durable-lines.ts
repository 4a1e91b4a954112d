/**
 * An append-only file of JSON lines. `append` resolves when its line is on the disk; lines that arrive while one flush
 * is under way share the next (group commit). A torn last line, left by a crash, is cut off at the opening.
 * @module
 */
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { HospitalNodeError } from '../errors.js';

export interface DurableLines {
  append(value: object): Promise<void>;
  close(): Promise<void>;
}

export interface OpenedLines<T> {
  readonly file: DurableLines;
  /** What was there. */
  readonly lines: readonly T[];
}

/** @throws {HospitalNodeError} `ERR_JOURNAL_CORRUPT` with the line number, if a whole line is not JSON */
export async function openDurableLines<T extends object>(path: string): Promise<OpenedLines<T>> {
  const lines = readLines<T>(path);
  const handle = await open(path, 'a', 0o600);
  return { file: new LinesFile(handle), lines };
}

/** Every whole line; a torn last one is cut off. @throws {HospitalNodeError} `ERR_JOURNAL_CORRUPT` */
export function readLines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) truncateSync(path, whole);
  const texts = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
  return texts.map((text, index) => {
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new HospitalNodeError(
        'ERR_JOURNAL_CORRUPT',
        `${path}: line ${index + 1} is not JSON`,
        { path, line: index + 1 },
        cause,
      );
    }
  });
}

class LinesFile implements DurableLines {
  readonly #handle: FileHandle;
  #waiting: string[] = [];
  #next: Promise<void> | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  append(value: object): Promise<void> {
    this.#waiting.push(`${JSON.stringify(value)}\n`);
    if (this.#next === null) {
      this.#next = this.#last.then(() => this.#flush());
      this.#last = this.#next;
    }
    return this.#next;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#next = null;
    await this.#handle.appendFile(text);
    await this.#handle.datasync();
  }
}
