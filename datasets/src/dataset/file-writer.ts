/**
 * Text files in constant memory, plain or gzip, with the hash of what lies on disk.
 * @module
 */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export interface WrittenFile {
  /** Relative to the data set, with `/`. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Lines, or rows of a table; null for a file that is neither. */
  readonly rows: number | null;
}

const CHUNK_LENGTH = 1 << 16;

/** Writes lines; gzip has no time stamp in it, so equal lines are equal bytes. */
export async function writeLines(
  path: string,
  lines: Iterable<string>,
  options: Readonly<{ gzip: boolean }>,
): Promise<Omit<WrittenFile, 'file'>> {
  mkdirSync(dirname(path), { recursive: true });
  let rows = 0;
  function* chunks(): Generator<string> {
    let chunk = '';
    for (const line of lines) {
      rows++;
      chunk += `${line}\n`;
      if (chunk.length < CHUNK_LENGTH) continue;
      yield chunk;
      chunk = '';
    }
    if (chunk !== '') yield chunk;
  }
  const hash = createHash('sha256');
  let bytes = 0;
  async function* tapped(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      hash.update(part);
      bytes += part.length;
      yield part;
    }
  }
  const source = Readable.from(chunks());
  const sink = createWriteStream(path);
  if (options.gzip) {
    const zip: Transform = createGzip({ level: 6 });
    await pipeline(source, zip, tapped, sink);
  } else {
    await pipeline(source, tapped, sink);
  }
  return { bytes, sha256: hash.digest('hex'), rows };
}

/** Size and hash of a file that is there. */
export async function digestOfFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
