/**
 * `npm run check:pages -w orchestrator [-- --json]`: how fast every page of the dashboard is painted, how long it blocks and
 * how much it shifts, in a real browser over a real federation, against `dashboard/page-budget.json`. Exit status 1 if a
 * budget is missed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { buildDashboard } from './dashboard-build.js';
import { startDashboardWorld } from './dashboard-world.js';
import { closeAll } from './world.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const PAGES = ['rounds', 'nodes', 'privacy', 'models', 'updates', 'metrics', 'audit'];
/** Runs in the page before its first byte. Source: web.dev, Web Vitals. */
const WATCH = `
  globalThis.bhsSeen = { lcpMs: 0, blockingMs: 0, layoutShift: 0 };
  const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe('largest-contentful-paint', (entry) => (bhsSeen.lcpMs = entry.startTime));
  observe('longtask', (entry) => (bhsSeen.blockingMs += Math.max(0, entry.duration - 50)));
  observe('layout-shift', (entry) => { if (!entry.hadRecentInput) bhsSeen.layoutShift += entry.value; });
`;
type Figures = Readonly<Record<'lcpMs' | 'blockingMs' | 'layoutShift', number>>;
const LOADS = 3;
const SETTLE_MS = 400;
const BUDGET = JSON.parse(
  readFileSync(new URL('../dashboard/page-budget.json', import.meta.url), 'utf8'),
) as Readonly<
  Record<'lcpMs' | 'blockingMs' | 'layoutShift' | 'startGzipBytes' | 'bundleGzipBytes', number>
>;

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

async function measured(executablePath: string): Promise<readonly Result[]> {
  const dist = await buildDashboard();
  const { base } = await startDashboardWorld({ dashboardDir: dist });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.addInitScript(WATCH);
  const results: Result[] = [];
  for (const hash of PAGES) {
    const figures: Figures[] = [];
    for (let load = 0; load < LOADS; load++) {
      await page.goto('about:blank');
      await page.goto(`${base}/#${hash}`);
      await page.waitForSelector('main .part');
      await page.waitForTimeout(SETTLE_MS);
      figures.push(await page.evaluate<Figures>('bhsSeen'));
    }
    const add = (what: string, unit: string, values: readonly number[], bar: number): void =>
      void results.push(resultOf(`${hash}: ${what}`, unit, values, bar));
    add(
      'largest paint',
      'ms',
      figures.map((each) => each.lcpMs),
      BUDGET.lcpMs,
    );
    add(
      'blocking',
      'ms',
      figures.map((each) => each.blockingMs),
      BUDGET.blockingMs,
    );
    add(
      'layout shift',
      '',
      figures.map((each) => each.layoutShift),
      BUDGET.layoutShift,
    );
  }
  await browser.close();
  const sizes = readdirSync(join(dist, 'assets')).map((name) => ({
    name,
    bytes: gzipSync(readFileSync(join(dist, 'assets', name))).length,
  }));
  const sum = (list: typeof sizes): number => list.reduce((total, { bytes }) => total + bytes, 0);
  const start = sizes.filter(({ name }) => name.startsWith('index-'));
  return [
    ...results,
    resultOf('bundle to begin with, gzip', 'B', [sum(start)], BUDGET.startGzipBytes),
    resultOf('bundle in all, gzip', 'B', [sum(sizes)], BUDGET.bundleGzipBytes),
  ];
}

if (CHROMIUM === undefined) {
  const hint = 'check:pages: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
} else {
  const results = await measured(CHROMIUM).finally(closeAll);
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
