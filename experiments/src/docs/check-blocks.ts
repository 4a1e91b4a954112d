/**
 * `npm run docs:check`: every command block of every document, in order, in a fresh clone of what is committed. Minutes to
 * half an hour. `-- FILE…` runs the blocks of these documents only.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBlock } from './command-blocks.js';
import { blocksOf, documents } from './documents.js';
import { ROOT } from './repository.js';

const TIMEOUT_MS = 900_000;
const wanted = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'bhs-docs-'));
const clone = join(folder, 'clone');
let passed = 0;
let failed = 0;
let skipped = 0;
const begun = Date.now();
const since = (ms: number): string => `${((Date.now() - ms) / 1000).toFixed(1)} s`;
try {
  execFileSync('git', ['clone', '-q', ROOT, clone]);
  const shell = (command: string): unknown =>
    execFileSync('bash', ['-c', command], { cwd: clone, stdio: ['ignore', 'ignore', 'inherit'] });
  shell('npm ci --ignore-scripts --silent && npm run --silent build');
  for (const file of documents().filter((each) => wanted.length === 0 || wanted.includes(each))) {
    for (const block of blocksOf(file)) {
      if (block.speed === 'no-run') {
        skipped += 1;
        console.log(`SKIP  ${block.at}  ${block.why ?? ''}`);
        continue;
      }
      const typed = Date.now();
      try {
        await runBlock(block, { cwd: clone, timeoutMs: TIMEOUT_MS });
        passed += 1;
        console.log(`PASS  ${block.at}  ${since(typed)}`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL  ${error instanceof Error ? error.message : String(error)}`);
        break; // what follows in this document rests on it
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} ran, ${failed} failed, ${skipped} say why not; ${since(begun)} in all`);
process.exitCode = failed === 0 ? 0 : 1;
