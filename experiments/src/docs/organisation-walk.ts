/**
 * `node experiments/dist/docs/organisation-walk.js`: types docs/how-to/add-an-organisation.md from its first block to its last, in a
 * fresh clone of what is committed, against a real network of the demo; prints when each section was through. Linux, Go; minutes.
 * @module
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { blocksOf } from './documents.js';
import { read, ROOT } from './repository.js';
import { startWatch } from './walk.js';

const PAGE = 'docs/how-to/add-an-organisation.md';
const WALK_MS = 900_000;
const MARK = '@ through: ';

const lines = read(PAGE).split('\n');
/** Heading of the section that a block stands in. */
const sectionOf = (at: string): string =>
  lines
    .slice(0, Number(at.split(':')[1]))
    .findLast((line) => line.startsWith('#'))!
    .replace(/^#+ /, '');

const blocks = blocksOf(PAGE);
/** The first terminal. */
const channel = blocks.find(({ why }) => why?.startsWith('stays up') === true)!;
/** The second: one shell, so that names and jobs go on from block to block. */
const script = blocks
  .filter((block) => block !== channel)
  .map(({ at, text }) => `${text}\necho '${MARK}${sectionOf(at).replaceAll("'", '’')}'`)
  .join('\n');

const folder = mkdtempSync(join(tmpdir(), 'bhs-organisation-'));
const clone = join(folder, 'clone');

/** A terminal: a shell whose jobs end with it. */
function terminal(text: string): { process: ChildProcess; out: Readable; ended: Promise<unknown> } {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: clone,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  return {
    process: child,
    out: child.stdout,
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}

function close({ process: { pid } }: ReturnType<typeof terminal>): void {
  try {
    process.kill(-pid!, 'SIGINT');
  } catch {
    // Nothing of it runs any more.
  }
}

execFileSync('git', ['clone', '-q', ROOT, clone]);
execFileSync('bash', ['-c', 'npm ci --silent && npm run --silent build'], {
  cwd: clone,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const watch = startWatch();
const first = terminal(channel.text);
const open = [first];
const timer = setTimeout(() => {
  open.forEach(close);
}, WALK_MS);
try {
  let up = false;
  for await (const line of createInterface({ input: first.out })) {
    up = line.includes('analyst page');
    if (up) break;
  }
  if (!up) throw new Error(`${channel.at}: the demo did not come up`);
  watch.step('the channel: three hospitals, their pages open');
  first.out.resume(); // it goes on talking
  const second = terminal(script);
  open.push(second);
  for await (const line of createInterface({ input: second.out })) {
    if (line.startsWith(MARK)) watch.step(line.slice(MARK.length));
    else console.log(`          ${line}`);
  }
  if ((await second.ended) !== 0) process.exitCode = 1;
} finally {
  clearTimeout(timer);
  open.forEach(close);
  await first.ended;
  rmSync(folder, { recursive: true, force: true });
}
