/** The documents whose command blocks are run. @module */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commandBlocks, type CommandBlock } from './command-blocks.js';
import { read, ROOT } from './repository.js';

/** Every Markdown file of the repository, tracked or about to be. */
export function documents(): readonly string[] {
  return execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'],
    { cwd: ROOT, encoding: 'utf8' },
  )
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .sort();
}

export const blocksOf = (file: string): readonly CommandBlock[] => commandBlocks(file, read(file));
