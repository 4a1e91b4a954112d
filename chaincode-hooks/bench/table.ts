/**
 * The table of the README, made of a result file: `npx tsx bench/table.ts FILE` prints it. A test compares.
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

function inWords(spread: Spread | null): string {
  if (spread === null) return '';
  const [median, min, max] = [spread.median, spread.min, spread.max].map((x) => x.toFixed(2));
  return `${median} (${min}–${max})`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const document = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as BenchDocument;
  console.log(throughputTable(document));
}
