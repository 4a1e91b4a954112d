/**
 * The bars of the queue, and the README's table out of a committed result; a test compares both.
 * @module
 */
import type { Measured } from './queue.js';

export type StoreName = 'SQLite' | 'PostgreSQL';

export interface BenchResult extends Measured {
  /** Largest 95th percentile in milliseconds; null: measured, not promised. */
  readonly bar: number | null;
  readonly ok: boolean;
}

export interface StoreResult {
  readonly store: StoreName;
  readonly holds: number;
  readonly loadAverageBefore: number;
  readonly loadAverageAfter: number;
  readonly results: readonly BenchResult[];
}

export interface BenchDocument {
  readonly machine: Readonly<{ cpu: string; cores: number; memoryGb: number; node: string }>;
  readonly stores: readonly StoreResult[];
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

/** One row a question, one column a store, and a line that says how busy the machine was. */
export function tableOf({ machine, stores }: BenchDocument): string {
  const names = [...new Set(stores.flatMap(({ results }) => results.map(({ name }) => name)))];
  const cell = ({ results }: StoreResult, name: string): string => {
    const found = results.find((each) => each.name === name);
    return found === undefined ? '' : `${found.median} / ${found.p95} / ${found.processorMs}`;
  };
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const bar = (name: string): string => (name in BARS ? `≤ ${BARS[name]}` : '');
  const busy = stores.map(
    (each) =>
      `${each.store}: ${each.holds.toLocaleString('en')} holds, load ${each.loadAverageBefore.toFixed(1)} before and ${each.loadAverageAfter.toFixed(1)} after`,
  );
  return [
    row(['median / p95 / processor, ms', 'bar for p95', ...stores.map(({ store }) => store)]),
    row(['---', '---', ...stores.map(() => '---')]),
    ...names.map((name) => row([name, bar(name), ...stores.map((each) => cell(each, name))])),
    '',
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. ${busy.join('; ')}.`,
  ].join('\n');
}
