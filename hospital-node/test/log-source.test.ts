import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followFile } from '../src/access-log/followed-file.js';
import { readGzip } from '../src/access-log/gzip-file.js';
import {
  LINE_BYTES_MAX,
  LineSplitter,
  type LogLine,
  type LogSource,
} from '../src/access-log/log-source.js';
import { temporaryFolder } from './temporary-folder.js';

const ORIGIN = { inode: '1', fingerprint: 'f', offset: 0, line: 1 };

async function readAll(source: LogSource): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (;;) {
    const next = await source.read();
    if (next.length === 0) return lines;
    lines.push(...next);
  }
}

const texts = (lines: readonly LogLine[]): string[] =>
  lines.map((line) => ('text' in line ? line.text : `<${line.fault}>`));

describe('the line splitter', () => {
  it('gives the same lines and positions however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '))),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const whole = new LineSplitter(ORIGIN).push(bytes);
          const splitter = new LineSplitter(ORIGIN);
          const parts: LogLine[] = [];
          let at = 0;
          for (const cut of cuts) {
            parts.push(...splitter.push(bytes.subarray(at, at + cut)));
            at += cut;
          }
          parts.push(...splitter.push(bytes.subarray(at)));
          expect(parts).toEqual(whole);
          expect(texts(whole)).toEqual(lines);
          for (const line of whole) {
            if (!('text' in line)) continue;
            const there = bytes.subarray(line.at.offset, line.next.offset).toString();
            expect(there).toBe(`${line.text}\n`);
          }
        },
      ),
    );
  });

  it('passes over a line that is too long and goes on behind it', () => {
    const splitter = new LineSplitter(ORIGIN);
    const long = Buffer.alloc(LINE_BYTES_MAX * 3, 'x');
    const lines = [
      ...splitter.push(Buffer.from('a\n')),
      ...splitter.push(long),
      ...splitter.push(Buffer.from('x\nb\n')),
    ];
    expect(texts(lines)).toEqual(['a', `<longer than ${LINE_BYTES_MAX} bytes>`, 'b']);
    expect(lines[2]!.at).toMatchObject({ offset: 2 + long.length + 2, line: 3 });
  });

  it('reports bytes that are not UTF-8', () => {
    const lines = new LineSplitter(ORIGIN).push(Uint8Array.of(0xff, 0xfe, 0x0a, 0x61, 0x0a));
    expect(texts(lines)).toEqual(['<not UTF-8>', 'a']);
  });
});

describe('a followed file', () => {
  it('waits for the rest of a line', async () => {
    const file = join(temporaryFolder(), 'log.jsonl');
    writeFileSync(file, 'one\ntw');
    const source = await followFile(file, null);
    expect(texts(await readAll(source))).toEqual(['one']);
    appendFileSync(file, 'o\nthree\n');
    expect(texts(await readAll(source))).toEqual(['two', 'three']);
    await source.close();
  });

  it('finishes a renamed file, its late last line included, before it begins the new one', async () => {
    const file = join(temporaryFolder(), 'log.jsonl');
    writeFileSync(file, 'one\n');
    const source = await followFile(file, null);
    expect(texts(await readAll(source))).toEqual(['one']);
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, 'two\nlast without newline');
    writeFileSync(file, 'three\n');
    expect(texts(await readAll(source))).toEqual(['two', 'last without newline', 'three']);
    expect(source.gaps).toBe(0);
    await source.close();
  });

  it('goes on in the rotated file after a restart', async () => {
    const file = join(temporaryFolder(), 'log.jsonl');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const first = await followFile(file, null);
    const [line] = await readAll(first);
    await first.close();
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'four\n');
    const second = await followFile(file, line!.next);
    expect(texts(await readAll(second))).toEqual(['two', 'three', 'four']);
    await second.close();
  });

  it('begins anew, and says so, when the file was cut to nothing in place', async () => {
    const file = join(temporaryFolder(), 'log.jsonl');
    writeFileSync(file, 'one\ntwo\n');
    const source = await followFile(file, null);
    await readAll(source);
    truncateSync(file);
    appendFileSync(file, 'new\n');
    expect(texts(await readAll(source))).toEqual(['new']);
    expect(source.gaps).toBe(1);
    await source.close();
  });

  it('does not take another file with a recycled inode for the old one', async () => {
    const file = join(temporaryFolder(), 'log.jsonl');
    writeFileSync(file, 'one\ntwo\n');
    const first = await followFile(file, null);
    const lines = await readAll(first);
    await first.close();
    truncateSync(file);
    writeFileSync(file, 'other beginning\nmore of it\n');
    const second = await followFile(file, lines[lines.length - 1]!.next);
    expect(texts(await readAll(second))).toEqual(['other beginning', 'more of it']);
    expect(second.gaps).toBe(1);
    await second.close();
  });

  it('refuses a missing file with a code', async () => {
    await expect(followFile(join(temporaryFolder(), 'none'), null)).rejects.toMatchObject({
      code: 'ERR_LOG_UNREADABLE',
    });
  });
});

describe('a gzip log', () => {
  const text = Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`).join('');

  it('is read like the plain one, and from a position', async () => {
    const file = join(temporaryFolder(), 'log.jsonl.gz');
    writeFileSync(file, gzipSync(text));
    const lines = await readAll(await readGzip(file, null));
    expect(lines.map((line) => ('text' in line ? `${line.text}\n` : '')).join('')).toBe(text);
    const rest = await readAll(await readGzip(file, lines[1_233]!.next));
    expect(texts(rest)[0]).toBe('line 1234');
    expect(rest).toHaveLength(5_000 - 1_234);
  });

  it('cut short, gives what is sound and then names the last good line', async () => {
    const file = join(temporaryFolder(), 'log.jsonl.gz');
    writeFileSync(file, gzipSync(text).subarray(0, 5_000));
    const source = await readGzip(file, null);
    const sound: LogLine[] = [];
    const failure = await (async () => {
      for (;;) sound.push(...(await source.read()));
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_LOG_GZIP', facts: { lastGoodLine: sound.length } });
  });
});
