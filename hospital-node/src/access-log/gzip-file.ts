/**
 * A log that is finished and compressed. It is read once and does not grow; positions count uncompressed bytes.
 * @module
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { AccessLogError } from '../errors.js';
import { LineSplitter, type LogLine, type LogPosition, type LogSource } from './log-source.js';

/**
 * @throws {AccessLogError} `ERR_LOG_UNREADABLE` if the file is missing; `read` throws `ERR_LOG_GZIP` with the last good
 *   line if the file is cut short or damaged
 */
export async function readGzip(file: string, from: LogPosition | null): Promise<LogSource> {
  let inode: string;
  try {
    inode = String((await stat(file, { bigint: true })).ino);
  } catch (cause) {
    throw new AccessLogError(
      'ERR_LOG_UNREADABLE',
      `access log ${file} cannot be read`,
      { file },
      cause,
    );
  }
  const known = from?.inode === inode ? from : null;
  return new GzipFile(file, {
    inode,
    fingerprint: 'gzip',
    offset: known?.offset ?? 0,
    line: known?.line ?? 1,
  });
}

class GzipFile implements LogSource {
  readonly gaps = 0;
  readonly #file: string;
  readonly #splitter: LineSplitter;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #stop: () => void;
  #skipBytes: number;
  #ended = false;

  constructor(file: string, start: LogPosition) {
    this.#file = file;
    this.#splitter = new LineSplitter(start);
    this.#skipBytes = start.offset;
    const compressed = createReadStream(file);
    const plain = createGunzip();
    compressed.on('error', (error) => plain.destroy(error));
    compressed.pipe(plain);
    this.#chunks = (plain as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    this.#stop = () => {
      compressed.destroy();
      plain.destroy();
    };
  }

  async read(): Promise<readonly LogLine[]> {
    while (!this.#ended) {
      const chunk = await this.#next();
      if (chunk === null) {
        this.#ended = true;
        return this.#splitter.flush();
      }
      const skipped = Math.min(this.#skipBytes, chunk.length);
      this.#skipBytes -= skipped;
      const lines = this.#splitter.push(chunk.subarray(skipped));
      if (lines.length > 0) return lines;
    }
    return [];
  }

  close(): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }

  async #next(): Promise<Buffer | null> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? null : next.value;
    } catch (cause) {
      const { line } = this.#splitter.position;
      throw new AccessLogError(
        'ERR_LOG_GZIP',
        `${this.#file} is cut short or damaged: ${cause instanceof Error ? cause.message : 'unreadable'}; the last good line is ${line - 1}`,
        { file: this.#file, lastGoodLine: line - 1 },
        cause,
      );
    }
  }
}
