/**
 * Every page of the console, by address, with what shows that it is there.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { SeededServer } from './seeded-server.js';

export interface ConsolePage {
  readonly name: string;
  readonly hash: string;
  readonly ready: string;
}

/** @param o - a seeded server with a history */
export function consolePages(o: Pick<SeededServer, 'holds' | 'days'>): readonly ConsolePage[] {
  return [
    { name: 'queue', hash: '#/', ready: '#rows .row' },
    { name: 'hold', hash: `#/hold/${o.holds[1]!}`, ready: '.heat-grid' },
    { name: 'days', hash: '#/days', ready: '.days .part' },
    { name: 'day', hash: `#/days/${o.days!.explained}`, ready: '.history' },
    { name: 'day with calls', hash: `#/days/${o.days!.exports}`, ready: 'svg.chart' },
    { name: 'cases', hash: '#/cases', ready: 'h2:text-is("Cases")' },
    { name: 'suppressions', hash: '#/suppressions', ready: 'h2:text-is("Suppressions")' },
    { name: 'supervisor', hash: '#/supervisor', ready: 'table.budget' },
  ];
}

export interface PageBudget {
  readonly lcpMs: number;
  readonly blockingMs: number;
  readonly layoutShift: number;
  /** What is loaded before anything is asked for. */
  readonly startGzipBytes: number;
  readonly bundleGzipBytes: number;
  readonly targetPx: number;
}

export const PAGE_BUDGET: PageBudget = JSON.parse(
  readFileSync(fileURLToPath(new URL('../console/page-budget.json', import.meta.url)), 'utf8'),
) as PageBudget;

export interface BundleSizes {
  readonly start: number;
  readonly all: number;
}

/** gzip, bytes, of the built page. */
export function bundleSizes(consoleDir: string): BundleSizes {
  const sizes = readdirSync(`${consoleDir}/assets`).map((name) => ({
    name,
    bytes: gzipSync(readFileSync(`${consoleDir}/assets/${name}`)).length,
  }));
  const sum = (list: typeof sizes): number => list.reduce((total, { bytes }) => total + bytes, 0);
  return { start: sum(sizes.filter(({ name }) => name.startsWith('index-'))), all: sum(sizes) };
}
