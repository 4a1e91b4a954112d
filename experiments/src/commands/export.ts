/**
 * `experiment export`: the figures of a run for other tools, one row a seed and metric.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { writeParquetTable } from '@bhschain/datasets';
import { findRun, runsDirectory, type Run } from '../harness/run-store.js';
import { textOf } from '../harness/study-config.js';
import { tableIn } from './inspect.js';
import type { CommandIo } from './io.js';
import { runsOption } from './options.js';

interface Row {
  readonly run: string;
  readonly swept: string;
  readonly seed: number;
  readonly arm: string;
  readonly metric: string;
  /** null where it does not exist. */
  readonly value: number | null;
}

export function exportCommand(io: CommandIo): Command {
  return new Command('export')
    .description('The figures of a run as a table, one row a seed and metric.')
    .argument('<id>', 'or the beginning of one')
    .addOption(new Option('--csv', 'CSV (the default)').conflicts('parquet'))
    .option('--parquet', 'Parquet')
    .option('--out <file>', 'where to (default <id>.csv or <id>.parquet here)')
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action(
      async (id: string, flags: { parquet?: true; out?: string; runs?: string; json?: true }) => {
        const run = findRun(runsDirectory(flags.runs), id);
        const rows = rowsOf(run);
        const file = resolve(flags.out ?? `${run.id}.${flags.parquet ? 'parquet' : 'csv'}`);
        if (flags.parquet) {
          await writeParquetTable(
            file,
            {
              run: 'STRING',
              swept: 'STRING',
              seed: 'DOUBLE',
              arm: 'STRING',
              metric: 'STRING',
              value: 'DOUBLE',
            },
            rows.map((row) => ({ ...row })),
          );
        } else {
          const cells = rows.map(({ run: name, swept, seed, arm, metric, value }) =>
            [name, swept, seed, arm, metric, value ?? ''].map(String),
          );
          const table = tableIn('csv', [
            ['run', 'swept', 'seed', 'arm', 'metric', 'value'],
            ...cells,
          ]);
          writeFileSync(file, `${table}\n`);
        }
        io.out(
          flags.json ? JSON.stringify({ file, rows: rows.length }) : `${file}: ${rows.length} rows`,
        );
      },
    );
}

/** `federated.recall` is the metric `recall` of the arm `federated`; a metric of the world has no arm. */
function rowsOf(run: Run): Row[] {
  const swept = Object.entries(run.swept)
    .map(([path, value]) => `${path}=${textOf(value)}`)
    .join(' ');
  return run.seeds.flatMap(({ seed, result }) =>
    Object.entries(result?.metrics ?? {}).map(([name, value]): Row => {
      const dot = name.lastIndexOf('.');
      return {
        run: run.id,
        swept,
        seed,
        arm: name.slice(0, Math.max(0, dot)),
        metric: name.slice(dot + 1),
        value,
      };
    }),
  );
}
