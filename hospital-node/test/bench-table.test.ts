import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { barsOf, tableOf, type BenchDocument } from '../bench/table.js';

const document = JSON.parse(
  readFileSync(new URL('../bench/results/queue.json', import.meta.url), 'utf8'),
) as BenchDocument;

/** Without the padding that the formatter gives to a table. */
function cellsOf(table: string): readonly string[] {
  return table.split('\n').map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim().replace(/^-+$/, '-'))
      .join('|'),
  );
}

describe('the committed result of the queue', () => {
  it('is what the table of the README says', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const table = readme.split('<!-- bench queue -->')[1]!.split('<!-- /bench -->')[0]!.trim();
    expect(cellsOf(table)).toEqual(cellsOf(tableOf(document)));
  });

  it('is of a hundred thousand holds on both stores, each figure judged by its bar', () => {
    expect(document.stores.map(({ store }) => store)).toEqual(['SQLite', 'PostgreSQL']);
    for (const { holds, results } of document.stores) {
      expect(holds).toBe(100_000);
      for (const result of results) expect(result).toMatchObject(barsOf(result));
    }
  });
});
