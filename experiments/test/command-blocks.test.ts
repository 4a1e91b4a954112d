import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  commandBlocks,
  differenceOf,
  runBlock,
  shownCommands,
  type CommandBlock,
} from '../src/docs/command-blocks.js';
import { blocksOf, documents } from '../src/docs/documents.js';
import { ROOT } from '../src/docs/repository.js';

const folders: string[] = [];
/** Empty but for the installed packages, so that `npx bhs-…` is this repository's. */
function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-docs-'));
  folders.push(folder);
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const block = (text: string, more: Partial<CommandBlock> = {}): CommandBlock => ({
  at: 'x.md:1',
  language: 'sh',
  speed: 'quick',
  until: null,
  why: null,
  text,
  ...more,
});
const o = { cwd: tmpdir(), timeoutMs: 20_000 };

describe('the runner', () => {
  it('reads the four tags and refuses a fifth', () => {
    const text =
      '```sh\na\n```\n```sh slow\nb\n```\n```sh slow until up now\nc\n```\n```sh no-run two terminals\nd\n```';
    expect(commandBlocks('x.md', text).map(({ speed, until, why }) => [speed, until, why])).toEqual(
      [
        ['quick', null, null],
        ['slow', null, null],
        ['slow', 'up now', null],
        ['no-run', null, 'two terminals'],
      ],
    );
    expect(() => commandBlocks('x.md', '```sh later\n```')).toThrow(/x\.md:1: expected/);
  });

  it('compares output but for hashes, times, ports and what is left out', () => {
    expect(differenceOf('a 0123456789ab\n…\nb', 'a fedcba9876\nx\ny\nb\n')).toBeNull();
    expect(differenceOf('at 127.0.0.1:80 … done', 'at 127.0.0.1:99 is done')).toBeNull();
    expect(differenceOf('a\nb', 'a\nc')).toMatch(/expected "b", got "c"/);
    expect(differenceOf('a', 'a\nb')).toMatch(/no more/);
    expect(shownCommands('$ one\nx\n$ two')).toEqual([
      { command: 'one', output: 'x' },
      { command: 'two', output: '' },
    ]);
  });

  it('fails for a wrong status, a wrong output, and what never comes up', async () => {
    await expect(runBlock(block('true; false; true'), o)).rejects.toThrow(/exit status 1/);
    await expect(runBlock(block('$ echo a\nb', { language: 'console' }), o)).rejects.toThrow(
      /expected "b", got "a"/,
    );
    await expect(runBlock(block('echo down', { until: 'up' }), o)).rejects.toThrow(/expected "up"/);
    await expect(runBlock(block('sleep 60'), { ...o, timeoutMs: 200 })).rejects.toThrow(
      /not through/,
    );
  });

  it('stops what stays up once it is up', async () => {
    await runBlock(block('echo up; sleep 60', { until: 'up' }), o);
  });
});

describe('the documents', () => {
  it('give a reason for every block that is not run', () => {
    const blocks = documents().flatMap(blocksOf);
    expect(blocks.filter(({ speed }) => speed !== 'no-run').length).toBeGreaterThan(10);
    for (const { at, speed, why } of blocks) {
      if (speed === 'no-run') expect(why!.split(' ').length, at).toBeGreaterThan(2);
    }
  });

  const quick = documents()
    .map((file) => ({ file, blocks: blocksOf(file).filter(({ speed }) => speed === 'quick') }))
    .filter(({ blocks }) => blocks.length > 0);
  it.each(quick)('$file: what is typed there works', { timeout: 120_000 }, async ({ blocks }) => {
    const cwd = freshFolder();
    for (const each of blocks) await runBlock(each, { cwd, timeoutMs: 60_000 });
  });
});
