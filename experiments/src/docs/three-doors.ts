/**
 * `npm run docs:doors`: walks the three doors of docs/first-contact.md from a fresh clone of what is committed, as an analyst, a
 * data scientist and an operator, and writes the times into that page. A quarter of an hour or more. `-- analyst` walks one.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { walkAsAnalyst } from './analyst-walk.js';
import { blocksOf } from './documents.js';
import { walkAsOperator } from './fourth-hospital-walk.js';
import { table } from './markdown.js';
import { takeNone } from './pictures.js';
import { ROOT } from './repository.js';
import { launchBrowser, startDemo, startWatch, type Step } from './walk.js';

const PAGE = 'docs/first-contact.md';
const OWN_LOG = 'docs/how-to/evaluate-your-own-log.md';
const folder = mkdtempSync(join(tmpdir(), 'bhs-doors-'));
const clone = join(folder, 'clone');

const shell = (command: string): string =>
  execFileSync('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: clone,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

function prepared(): readonly Step[] {
  const watch = startWatch();
  execFileSync('git', ['clone', '-q', ROOT, clone]);
  watch.step('`git clone`');
  shell('npm ci --silent');
  watch.step('`npm ci`');
  shell('npm run --silent build');
  watch.step('`npm run build`');
  return watch.steps;
}

async function analyst(): Promise<readonly Step[]> {
  const browser = await launchBrowser();
  const watch = startWatch();
  const demo = startDemo(clone);
  try {
    await walkAsAnalyst({ root: clone, browser, demo, watch, picture: takeNone });
  } finally {
    await browser.close();
    await demo.stop();
  }
  return watch.steps;
}

function scientist(): readonly Step[] {
  const watch = startWatch();
  shell('npm run experiment -- run experiments/configs/quick.yaml');
  watch.step('quick study: `run`');
  shell(
    "npm run experiment -- report $(npm run -s experiment -- ls --json | grep -o 'quick-[0-9a-f]*' | head -n 1)",
  );
  watch.step('its **report**: `report`');
  shell(blocksOf(OWN_LOG).find(({ speed }) => speed === 'slow')!.text);
  watch.step('a CSV of one’s own, 400 + 200 sessions: `evaluate`');
  return watch.steps;
}

async function operator(): Promise<readonly Step[]> {
  const demo = startDemo(clone, ['--rounds', '27']);
  try {
    await demo.said(/analyst page/);
    const watch = startWatch();
    await walkAsOperator({ root: clone, demo, watch });
    return watch.steps;
  } finally {
    await demo.stop();
  }
}

const word = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(0)} s`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

const timed = (head: string, steps: readonly Step[]): string =>
  table(
    [head, 'time'],
    steps.map(({ what, atSeconds }) => [what, word(atSeconds)]),
  );

function write(name: string, text: string): void {
  const page = readFileSync(join(ROOT, PAGE), 'utf8');
  const between = new RegExp(`(<!-- ${name}:begin -->\\n)[\\s\\S]*?(\\n<!-- ${name}:end -->)`);
  if (!between.test(page)) throw new Error(`${PAGE}: expected <!-- ${name}:begin -->`);
  writeFileSync(
    join(ROOT, PAGE),
    page.replace(between, (_, begin: string, end: string) => `${begin}\n${text}\n${end}`),
  );
}

const DOORS = {
  analyst: { walk: analyst, since: 'since `npm run demo` in a built clone' },
  scientist: { walk: scientist, since: 'since the first command in a built clone' },
  operator: { walk: operator, since: 'since the first command' },
} as const;
type Door = keyof typeof DOORS;

const named = process.argv.slice(2);
const doors = (Object.keys(DOORS) as Door[]).filter(
  (door) => named.length === 0 || named.includes(door),
);
const load = (): string => loadavg()[0]!.toFixed(1);
const loadBefore = load();
try {
  write('before', timed('before any door, since its beginning', prepared()));
  for (const door of doors) {
    write(door, timed(`step, ${DOORS[door].since}`, await DOORS[door].walk()));
  }
  const when = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const commit = shell('git rev-parse --short HEAD').trim();
  write(
    'machine',
    `Walked by \`node experiments/dist/docs/three-doors.js\` on ${when} UTC, commit ${commit}: ${cpus().length} cores (${model}), Node ${process.versions.node}, npm's cache filled. Load average before and after: ${loadBefore} and ${load()}. Times are wall clock.`,
  );
} finally {
  const file = join(ROOT, PAGE);
  const options = { parser: 'markdown', printWidth: 100, singleQuote: true } as const;
  writeFileSync(file, await format(readFileSync(file, 'utf8'), options));
  rmSync(folder, { recursive: true, force: true });
}
