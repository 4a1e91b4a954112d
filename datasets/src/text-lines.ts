/**
 * Text files line by line, plain or gzip (told by their first bytes), in constant memory.
 * @module
 */

import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { DatasetError } from './errors.js';

const LINE_LENGTH_MAX = 1 << 20;

/**
 * The lines of a file without their ends; of an endless line nothing is kept beyond 1 MiB.
 *
 * @throws {DatasetError} `ERR_EVENT_LOG_MISSING`, `ERR_EVENT_LOG_GZIP`, `ERR_EVENT_LOG_MALFORMED` for a line that is too long
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(file)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, '');
    if (rest.length > LINE_LENGTH_MAX) {
      throw new DatasetError(
        'ERR_EVENT_LOG_MALFORMED',
        `${file}: a line is longer than ${LINE_LENGTH_MAX} characters`,
        { file, most: LINE_LENGTH_MAX },
      );
    }
  }
  if (rest !== '') yield rest.replace(/\r$/, '');
}

async function* textOf(file: string): AsyncGenerator<string> {
  let zipped = false;
  let source: ReadStream | null = null;
  try {
    zipped = await startsAsGzip(file);
    source = createReadStream(file);
    const plain = zipped ? source.pipe(createGunzip()) : source;
    if (zipped) source.on('error', (error) => plain.destroy(error));
    const decoder = new TextDecoder();
    for await (const chunk of plain) yield decoder.decode(chunk as Uint8Array, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { code = '' } = cause as { code?: string };
    const unzip = zipped && code.startsWith('Z_');
    throw new DatasetError(
      unzip ? 'ERR_EVENT_LOG_GZIP' : 'ERR_EVENT_LOG_MISSING',
      unzip
        ? `${file}: the gzip stream is cut short or corrupt (${reason})`
        : `${file}: cannot be read (${reason})`,
      { file, reason },
      { cause },
    );
  } finally {
    source?.destroy();
  }
}

async function startsAsGzip(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}
