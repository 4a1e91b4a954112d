import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { loadResult } from '../bench/figures.js';
import type { LoadFigures } from '../bench/closed-loop.js';
import type { BenchDocument } from '../bench/main.js';
import { keptTable, throughputTable } from '../bench/table.js';

function resultOf(name: string): BenchDocument {
  const file = new URL(`../bench/results/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as BenchDocument;
}

/** Without the padding that the formatter gives to a table. */
function cellsOf(table: string): readonly string[] {
  return table.split('\n').map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim().replace(/^-+$/, '-'))
      .join('|'),
  );
}

/** The table of the README between `<!-- bench NAME -->` and the end of it. */
function tableOfReadme(name: string): string {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  return readme.split(`<!-- bench ${name} -->`)[1]!.split('<!-- /bench -->')[0]!.trim();
}

/** The runs at the promised levels, those on a machine with nothing else to do first. */
const PROMISED_RUNS = ['fabric-quiet', 'fabric-blocks-200', 'fabric'];

test('the README says first what an idle machine kept, missed bars included', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(cellsOf(tableOfReadme('kept'))).toEqual(cellsOf(keptTable(PROMISED_RUNS.map(resultOf))));
  const order = [...readme.matchAll(/<!-- bench ([\w-]+) -->/g)].map(([, name]) => name);
  expect(order).toEqual(['kept', ...PROMISED_RUNS, 'fabric-table2']);
});

describe.each(['fabric', 'fabric-quiet', 'fabric-blocks-200', 'fabric-table2'])(
  'the result %s',
  (name) => {
    const document = resultOf(name);

    test('is what the table of the README says', () => {
      expect(cellsOf(tableOfReadme(name))).toEqual(cellsOf(throughputTable(document)));
    });

    test('says on what machine, network and block settings, and how busy it was', () => {
      for (const property of ['cpu', 'cores', 'node', 'topology', 'block', 'loadAverageBefore']) {
        expect(document.machine).toHaveProperty(property);
      }
    });
  },
);

describe('the figures of an arm', () => {
  const round = (perSecond: number, chaincodeCpuMs: number): LoadFigures => ({
    clients: 8,
    seconds: 2,
    committed: 10,
    failed: 0,
    quarantined: 1,
    perSecond,
    callsPerBlock: 5,
    p50Ms: 1,
    p95Ms: 2,
    p99Ms: 3,
    chaincodeCpuMs,
    ledgerCpuMs: 10,
    busyShare: 1,
    samples: Array.from({ length: 10 }, () => ({
      client: 0,
      startMs: 0,
      ms: 1,
      code: 0,
      disposition: 'allowed',
      block: 7,
    })),
  });
  const of = { load: 'own sessions', clients: 8, arm: 'enforce' } as const;

  test('compare each round with the round beside it, whatever the machine did in the next', () => {
    const off = [round(10, 0), round(100, 0), round(20, 0)];
    const on = [round(9, 10), round(80, 10), round(10, 10)];
    const result = loadResult(of, on, off);
    expect(result.ofOff).toEqual({ median: 0.8, min: 0.5, max: 0.9 });
    expect(result.processorOfOff).toEqual({ median: 2, min: 2, max: 2 });
    expect(result.quarantineShare).toBe(0.1);
  });

  test('compare with nothing where off did not run', () => {
    expect(loadResult(of, [round(9, 1)], undefined).ofOff).toBeNull();
    expect(loadResult({ ...of, arm: 'off' }, [round(9, 1)], [round(9, 1)]).ofOff).toBeNull();
  });
});
