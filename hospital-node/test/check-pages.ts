/**
 * `npm run check:pages -w hospital-node [-- --json]`: how fast every page of the console is painted, how long it blocks and
 * how much it shifts, in a real browser over a seeded server, against `console/page-budget.json`. Exit status 1 if a
 * budget is missed. What needs no clock is a test (`page-checks.e2e.test.ts`).
 * @module
 */
import { cpus, loadavg } from 'node:os';
import { buildConsole, hasBrowser, launchBrowser, signIn } from './console-browser.js';
import { bundleSizes, consolePages, PAGE_BUDGET } from './console-pages.js';
import { figuresOf, type PageFigures } from './page-checks.js';
import { startSeededServer } from './seeded-server.js';

const LOADS = 3;
const SETTLE_MS = 400;

interface Result {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly bar: number;
  readonly ok: boolean;
}

function resultOf(name: string, unit: string, values: readonly number[], bar: number): Result {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const [min, max] = [sorted[0]!, sorted.at(-1)!];
  return { name, unit, median, min, max, runs: sorted.length, bar, ok: median <= bar };
}

async function measured(): Promise<readonly Result[]> {
  const consoleDir = await buildConsole();
  await using server = await startSeededServer({ consoleDir, history: true });
  await using browser = await launchBrowser();
  const page = await browser.open({ port: server.port });
  await signIn(page, 'oda');
  const results: Result[] = [];
  for (const { name, hash, ready } of consolePages(server)) {
    const figures: PageFigures[] = [];
    for (let load = 0; load < LOADS; load++) {
      await page.goto('about:blank');
      await page.goto(`http://127.0.0.1:${server.port}/${hash}`);
      await page.waitForSelector(ready);
      await page.waitForTimeout(SETTLE_MS);
      figures.push(await figuresOf(page));
    }
    const of = (pick: (each: (typeof figures)[number]) => number): number[] => figures.map(pick);
    results.push(
      resultOf(
        `${name}: largest paint`,
        'ms',
        of(({ lcpMs }) => lcpMs),
        PAGE_BUDGET.lcpMs,
      ),
      resultOf(
        `${name}: blocking`,
        'ms',
        of((f) => f.blockingMs),
        PAGE_BUDGET.blockingMs,
      ),
      resultOf(
        `${name}: layout shift`,
        '',
        of((f) => f.layoutShift),
        PAGE_BUDGET.layoutShift,
      ),
    );
  }
  const { start, all } = bundleSizes(consoleDir);
  return [
    ...results,
    resultOf('bundle to begin with, gzip', 'B', [start], PAGE_BUDGET.startGzipBytes),
    resultOf('bundle in all, gzip', 'B', [all], PAGE_BUDGET.bundleGzipBytes),
  ];
}

if (hasBrowser('check:pages')) {
  const results = await measured();
  const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, loadAverage: loadavg()[0] };
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
  } else {
    for (const { name, unit, median, min, max, bar, ok } of results) {
      const figure = (value: number): string => `${Number(value.toFixed(3))}`;
      process.stdout.write(
        `${ok ? 'PASS' : 'FAIL'}  ${name.padEnd(30)} ${figure(median)} ${unit} (${figure(min)}–${figure(max)}; at most ${bar})\n`,
      );
    }
    process.stdout.write(`load ${machine.loadAverage!.toFixed(1)} on ${machine.cores} cores\n`);
  }
  process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
}
