/**
 * A log that grows, as `tail -F` sees it: appended to, renamed away and begun anew, or cut to nothing in place.
 * @module
 */
import { createHash } from 'node:crypto';
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AccessLogError } from '../errors.js';
import {
  LineSplitter,
  READ_BYTES,
  type LogLine,
  type LogPosition,
  type LogSource,
} from './log-source.js';

const FINGERPRINT_BYTES = 256;

/**
 * Follows `file` from `from`, or from its beginning. Rotated predecessors (`file.1`, `file-20261122` …: same folder,
 * same leading name) are finished before the current file is begun.
 *
 * @throws {AccessLogError} `ERR_LOG_UNREADABLE` if the file is missing or cannot be read
 */
export async function followFile(file: string, from: LogPosition | null): Promise<LogSource> {
  const followed = new FollowedFile(file);
  await followed.start(from);
  return followed;
}

class FollowedFile implements LogSource {
  gaps = 0;
  readonly #file: string;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #handle: FileHandle | null = null;
  #inode = '';
  #offset = 0;
  #splitter = new LineSplitter({ inode: '', fingerprint: '', offset: 0, line: 1 });

  constructor(file: string) {
    this.#file = file;
  }

  async start(from: LogPosition | null): Promise<void> {
    if (from === null) {
      await this.#open(this.#file, null);
      return;
    }
    const known = await this.#find(from);
    if (known !== null) {
      await this.#open(known, from);
      return;
    }
    this.gaps += 1;
    await this.#open(this.#file, null);
  }

  async read(): Promise<readonly LogLine[]> {
    const chunk = await this.#chunk();
    if (chunk !== null) return this.#splitter.push(chunk);
    if (await this.#wasTruncated()) {
      this.gaps += 1;
      await this.#open(this.#file, null);
      return this.read();
    }
    const successor = await this.#successor();
    if (successor === null) return [];
    // The writer may have added a last line between our reading the end and its renaming the file.
    const late = await this.#chunk();
    if (late !== null) return this.#splitter.push(late);
    const last = this.#splitter.flush();
    await this.#open(successor, null);
    return last.length > 0 ? last : this.read();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #chunk(): Promise<Uint8Array | null> {
    const { bytesRead } = await this.#handle!.read(this.#buffer, 0, READ_BYTES, this.#offset);
    if (bytesRead === 0) return null;
    this.#offset += bytesRead;
    if (this.#splitter.position.fingerprint === '') {
      this.#splitter.rename(await fingerprintOf(this.#handle!));
    }
    return this.#buffer.subarray(0, bytesRead);
  }

  async #open(path: string, at: LogPosition | null): Promise<void> {
    await this.close();
    try {
      this.#handle = await open(path, 'r');
      const { ino } = await this.#handle.stat({ bigint: true });
      this.#inode = String(ino);
      const fingerprint = await fingerprintOf(this.#handle);
      const start = {
        inode: this.#inode,
        fingerprint,
        offset: at?.offset ?? 0,
        line: at?.line ?? 1,
      };
      this.#offset = start.offset;
      this.#splitter = new LineSplitter(start);
    } catch (cause) {
      throw new AccessLogError(
        'ERR_LOG_UNREADABLE',
        `access log ${path} cannot be read`,
        { path },
        cause,
      );
    }
  }

  async #wasTruncated(): Promise<boolean> {
    const { size } = await this.#handle!.stat();
    return size < this.#offset;
  }

  /** The file to go on with once this one is finished: the next younger of the same name, or null. */
  async #successor(): Promise<string | null> {
    const files = await this.#family();
    const index = files.findIndex((each) => each.inode === this.#inode);
    return (index < 0 ? files.at(-1) : files[index + 1])?.path ?? null;
  }

  async #find(from: LogPosition): Promise<string | null> {
    for (const each of await this.#family()) {
      if (each.inode !== from.inode || each.size < from.offset) continue;
      const handle = await open(each.path, 'r');
      try {
        if (from.fingerprint === '' || (await fingerprintOf(handle)) === from.fingerprint) {
          return each.path;
        }
      } finally {
        await handle.close();
      }
    }
    return null;
  }

  /** The log and its rotated predecessors, oldest first; the current file is always last. */
  async #family(): Promise<{ path: string; inode: string; size: number }[]> {
    const folder = dirname(this.#file);
    const name = basename(this.#file);
    const found: { path: string; inode: string; size: number; changed: bigint }[] = [];
    for (const entry of await readdir(folder).catch(() => [])) {
      if (!entry.startsWith(name) || entry.endsWith('.gz')) continue;
      const path = join(folder, entry);
      const facts = await stat(path, { bigint: true }).catch(() => null);
      if (facts?.isFile() !== true) continue;
      found.push({
        path,
        inode: String(facts.ino),
        size: Number(facts.size),
        changed: facts.mtimeNs,
      });
    }
    const current = found.filter((each) => each.path === this.#file);
    const rotated = found.filter((each) => each.path !== this.#file);
    rotated.sort((a, b) => (a.changed < b.changed ? -1 : a.changed > b.changed ? 1 : 0));
    return [...rotated, ...current];
  }
}

async function fingerprintOf(handle: FileHandle): Promise<string> {
  const head = Buffer.alloc(FINGERPRINT_BYTES);
  const { bytesRead } = await handle.read(head, 0, FINGERPRINT_BYTES, 0);
  if (bytesRead === 0) return '';
  const newline = head.subarray(0, bytesRead).indexOf(0x0a);
  // Until the first line (or its first 256 bytes) is there, the file is not recognisable yet.
  if (newline < 0 && bytesRead < FINGERPRINT_BYTES) return '';
  const first = head.subarray(0, newline < 0 ? bytesRead : newline);
  return createHash('sha256').update(first).digest('hex').slice(0, 16);
}
