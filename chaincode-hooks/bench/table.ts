/**
 * The tables of the README, made of result files: `npx tsx bench/table.ts FILE` prints that of one run, with several files the
 * one that says which run kept the promise. A test compares.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import type { Spread } from './figures.js';
import type { BenchDocument } from './main.js';

export function throughputTable({ loads }: Pick<BenchDocument, 'loads'>): string {
  const rows = loads.map((one) =>
    [
      one.load,
      String(one.clients),
      one.arm,
      one.perSecond.median.toFixed(1),
      inWords(one.ofOff),
      inWords(one.processorOfOff),
      [one.p50Ms, one.p95Ms, one.p99Ms].map((ms) => ms.toFixed(0)).join(' / '),
      `${(100 * one.quarantineShare).toFixed(0)} %`,
      `${(100 * one.failedShare).toFixed(0)} %`,
      one.chaincodeMs.toFixed(1),
      one.ledgerMs.toFixed(0),
    ].join(' | '),
  );
  return [
    'load | clients | arm | committed/s | of off (least–most) | processor time of off | p50 / p95 / p99 ms | held | failed | chaincodes, CPU ms/call | peers and orderers',
    '--- | --- | --- | --- | --- | --- | --- | --- | --- | --- | ---',
    ...rows,
  ]
    .map((row) => `| ${row} |`)
    .join('\n');
}

/** Which run kept the promise, row by row in the order given. */
export function keptTable(
  documents: readonly Pick<BenchDocument, 'machine' | 'results'>[],
): string {
  const rows = documents.map(({ machine, results }) => {
    const { block, loadAverageBefore } = machine as unknown as NetworkFacts;
    const kept = results.filter(({ name }) => name.startsWith('throughput kept by enforce'));
    return [
      String(loadAverageBefore[0]),
      `${block.timeoutMs} ms`,
      ...kept.map((one) => `${inWords(one)}, ${one.ok ? 'kept' : '**missed**'}`),
    ].join(' | ');
  });
  return [
    'load average before | blocks cut after | of `off` at 8 in flight (least–most) | at 32',
    '--- | --- | --- | ---',
    ...rows,
  ]
    .map((row) => `| ${row} |`)
    .join('\n');
}

/** Of a result's `machine`, what the table of promises shows. */
interface NetworkFacts {
  readonly block: { readonly timeoutMs: number };
  readonly loadAverageBefore: readonly number[];
}

function inWords(spread: Spread | null): string {
  if (spread === null) return '';
  const [median, min, max] = [spread.median, spread.min, spread.max].map((x) => x.toFixed(2));
  return `${median} (${min}–${max})`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const documents = process.argv
    .slice(2)
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as BenchDocument);
  console.log(documents.length === 1 ? throughputTable(documents[0]!) : keptTable(documents));
}
