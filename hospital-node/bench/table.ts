/**
 * The bars of the queue, and the README's table out of a committed result; a test compares both.
 * @module
 */
import type { Measured } from './queue.js';

export type StoreName = 'SQLite' | 'PostgreSQL';

export interface BenchResult extends Measured {
  readonly store: StoreName;
  /** Largest 95th percentile in milliseconds; null: measured, not promised. */
  readonly bar: number | null;
  readonly ok: boolean;
}

export interface BenchDocument {
  readonly machine: Readonly<{
    cpu: string;
    cores: number;
    memoryGb: number;
    node: string;
    loadAverageBefore: number;
    loadAverageAfter: number;
  }>;
  readonly holds: number;
  readonly results: readonly BenchResult[];
}

/** What is promised at 100,000 holds. */
const BARS: Readonly<Record<string, number>> = {
  'first page of the queue': 150,
  'a later page, 200 rows': 150,
  'a search that finds one hold': 150,
  'a search that finds nothing': 150,
  'a hold with its explanation': 200,
  'the next hold': 100,
};

export function barsOf({ name, p95 }: Measured): { bar: number | null; ok: boolean } {
  const bar = BARS[name] ?? null;
  return { bar, ok: bar === null || p95 <= bar };
}

/** One row a question, a pair of columns a store. */
export function tableOf({ machine, holds, results }: BenchDocument): string {
  const names = [...new Set(results.map(({ name }) => name))];
  const cell = (name: string, store: StoreName): string => {
    const found = results.find((each) => each.name === name && each.store === store);
    return found === undefined
      ? 'not run'
      : `${found.median} / ${found.p95} / ${found.processorMs}`;
  };
  const barOf = (name: string): string => {
    const bar = BARS[name];
    return bar === undefined ? '–' : `≤ ${bar}`;
  };
  const load = [machine.loadAverageBefore, machine.loadAverageAfter].map((each) => each.toFixed(1));
  return [
    '| median / p95 / processor, ms | bar for p95 | SQLite | PostgreSQL |',
    '| --- | --- | --- | --- |',
    ...names.map(
      (name) =>
        `| ${name} | ${barOf(name)} | ${cell(name, 'SQLite')} | ${cell(name, 'PostgreSQL')} |`,
    ),
    '',
    `${holds.toLocaleString('en')} holds; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; load ${load.join(' before, ')} after.`,
  ].join('\n');
}
