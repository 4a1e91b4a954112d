import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { writeParquetTable } from '../src/index.js';

it('a table of words and numbers comes back as it went, missing figures too', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bhs-table-'));
  try {
    const rows = [
      { arm: 'siem-tuned', metric: 'recall', value: 0.75 },
      { arm: '', metric: 'incidents', value: 570 },
      { arm: 'ünder, "quoted"', metric: 'auc', value: null },
    ];
    const file = join(dir, 'table.parquet');
    await writeParquetTable(file, { arm: 'STRING', metric: 'STRING', value: 'DOUBLE' }, rows);
    expect(await parquetReadObjects({ file: await asyncBufferFromFile(file) })).toEqual(rows);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
