/**
 * Command blocks of a document: what a reader would type, found and run.
 *
 * | first line of the fence      | what becomes of it                                                               |
 * | ---------------------------- | -------------------------------------------------------------------------------- |
 * | `sh`, `console`              | run with every `npm test`: seconds, one terminal, nothing but this repository      |
 * | `sh slow`                    | run by `npm run docs:check` in a fresh clone: minutes                              |
 * | `sh slow until TEXT`         | the same for what stays up: run until TEXT is printed, then Ctrl-C                 |
 * | `sh no-run WHY`              | not run, and the reader of the source sees why                                    |
 *
 * A `console` block shows its output: lines after a `$ ` line are compared, see {@link differenceOf}.
 * @module
 */
import { spawn } from 'node:child_process';

export type Speed = 'quick' | 'slow' | 'no-run';

export interface CommandBlock {
  /** From the root of the repository, with the line of the fence. */
  readonly at: string;
  readonly language: 'sh' | 'console';
  readonly speed: Speed;
  /** Of a slow block that stays up: what it prints when it is up. */
  readonly until: string | null;
  /** Of a block that is not run. */
  readonly why: string | null;
  readonly text: string;
}

const FENCE = /^(\s*)```(sh|console)\b ?(.*)$/;

/** @throws {TypeError} for a tag that is none of the four */
export function commandBlocks(file: string, markdown: string): readonly CommandBlock[] {
  const lines = markdown.split('\n');
  const blocks: CommandBlock[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = FENCE.exec(lines[i]!);
    if (fence === null) continue;
    const [, indent = '', language = '', tag = ''] = fence;
    const end = lines.indexOf(`${indent}\`\`\``, i + 1);
    const at = `${file}:${i + 1}`;
    if (end < 0) throw new TypeError(`${at}: expected the end of the block`);
    blocks.push({
      at,
      language: language as 'sh' | 'console',
      ...meaningOf(tag.trim(), at),
      text: lines
        .slice(i + 1, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
    });
    i = end;
  }
  return blocks;
}

function meaningOf(tag: string, at: string): Pick<CommandBlock, 'speed' | 'until' | 'why'> {
  if (tag === '') return { speed: 'quick', until: null, why: null };
  const [, why] = /^no-run (.+)$/.exec(tag) ?? [];
  if (why !== undefined) return { speed: 'no-run', until: null, why };
  const slow = /^slow(?: until (.+))?$/.exec(tag);
  if (slow !== null) return { speed: 'slow', until: slow[1] ?? null, why: null };
  throw new TypeError(
    `${at}: expected nothing, slow, slow until TEXT, or no-run WHY, got ${JSON.stringify(tag)}`,
  );
}

/** A command of a `console` block, and the output shown below it. */
export interface ShownCommand {
  readonly command: string;
  readonly output: string;
}

export function shownCommands(text: string): readonly ShownCommand[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { command, output: output.join('\n').trimEnd() };
    });
}

/** What differs between two runs of the same thing: hashes, times, ports, spaces at line ends. */
function masked(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\b[0-9a-f]{8,}\b/g, '<hash>')
    .replaceAll(/(127\.0\.0\.1|localhost):\d+/g, '$1:<port>')
    .trimEnd();
}

/**
 * The first line that is not as shown, or null. Hashes, times and ports count as equal; a line `…` stands for any number of
 * lines, `…` within a line for any text.
 */
export function differenceOf(shown: string, printed: string): string | null {
  const actual = printed.trimEnd().split('\n').map(masked);
  let next = 0;
  let skipping = false;
  for (const line of shown.trimEnd().split('\n').map(masked)) {
    if (line.trim() === '…') {
      skipping = true;
      continue;
    }
    const pattern = new RegExp(
      `^${line
        .split('…')
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    const found = actual.findIndex(
      (each, index) => index >= next && (skipping || index === next) && pattern.test(each),
    );
    if (found < 0) return `expected ${JSON.stringify(line)}, got ${JSON.stringify(actual[next])}`;
    next = found + 1;
    skipping = false;
  }
  return skipping || next === actual.length ? null : `expected no more, got ${actual[next]!}`;
}

export interface RunOptions {
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a block as one shell script. @throws {Error} with what was printed, if it does not do what the document says */
export async function runBlock(block: CommandBlock, o: RunOptions): Promise<void> {
  if (block.language === 'sh') {
    await runScript(block.text, block.until, o, block.at);
    return;
  }
  for (const { command, output } of shownCommands(block.text)) {
    const printed = await runScript(command, null, o, block.at);
    const difference = output === '' ? null : differenceOf(output, printed);
    if (difference !== null) throw new Error(`${block.at}: ${command}: ${difference}\n${printed}`);
  }
}

/** Standard output. Everything that the script started ends with it. */
async function runScript(
  script: string,
  until: string | null,
  o: RunOptions,
  at: string,
): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: o.cwd,
    env: { ...process.env, NO_COLOR: '1', ...o.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const group = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // It has ended.
    }
  };
  let out = '';
  let all = '';
  /** What closures have seen; an object, so that the type checker does not think it stays as it is. */
  const seen = { up: false, timeout: false };
  const heard = (chunk: Buffer): void => {
    all += chunk.toString();
    if (until !== null && !seen.up && all.includes(until)) {
      seen.up = true;
      group('SIGINT');
    }
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    heard(chunk);
  });
  child.stderr.on('data', heard);
  const timer = setTimeout(() => {
    seen.timeout = true;
    group('SIGKILL');
  }, o.timeoutMs);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (seen.timeout)
    throw new Error(`${at}: not through after ${o.timeoutMs} ms\n${all.slice(-4_000)}`);
  if (until !== null && !seen.up) {
    throw new Error(`${at}: expected ${JSON.stringify(until)}\n${all.slice(-4_000)}`);
  }
  if (until === null && status !== 0) {
    throw new Error(`${at}: exit status ${String(status)}\n${all.slice(-4_000)}`);
  }
  return out;
}
