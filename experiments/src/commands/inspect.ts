/**
 * `experiment ls`, `show`, `compare`, `gc`: what is there.
 * @module
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { aggregate, type Aggregate } from '../harness/aggregate.js';
import { findRun, listRuns, resolvedYaml, runsDirectory, type Run } from '../harness/run-store.js';
import type { CommandIo } from './io.js';
import { runsOption } from './options.js';

interface Flags {
  readonly runs?: string;
  readonly json?: true;
}

export function listCommand(io: CommandIo): Command {
  return new Command('ls')
    .description('Runs that are here.')
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action((flags: Flags) => {
      const runs = listRuns(runsDirectory(flags.runs)).map((run) => ({
        id: run.id,
        study: run.study,
        seeds: run.seeds.map(({ seed, state }) => ({ seed, state })),
        title: run.title,
      }));
      if (flags.json) {
        io.out(JSON.stringify({ runs }));
        return;
      }
      io.out(
        runs.length === 0
          ? 'no runs here'
          : runs
              .map(({ id, seeds, title }) => {
                const done = seeds.filter(({ state }) => state === 'ok').length;
                return `${id.padEnd(44)} ${done}/${seeds.length} seeds  ${title}`;
              })
              .join('\n'),
      );
    });
}

export function metricsOf(run: Run): Record<string, Aggregate> {
  return aggregate(run.seeds.flatMap(({ result }) => (result === null ? [] : [result.metrics])));
}

export function showCommand(io: CommandIo): Command {
  return new Command('show')
    .description('One run: its figures, or its configuration with the origin of every value.')
    .argument('<id>', 'or the beginning of one')
    .option('--config', 'the configuration, each value with its origin')
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action((id: string, flags: Flags & { config?: true }) => {
      const run = findRun(runsDirectory(flags.runs), id);
      const metrics = metricsOf(run);
      if (flags.json) {
        const { config, origins, folder } = run;
        const seeds = run.seeds.map(({ seed, state, manifest }) => ({ seed, state, manifest }));
        io.out(JSON.stringify({ id: run.id, folder, config, origins, metrics, seeds }));
        return;
      }
      if (flags.config) {
        io.out(resolvedYaml(run).trimEnd());
        return;
      }
      io.out(
        [
          `${run.id}  ${run.title}${run.evidence ? '' : '  (no evidence)'}`,
          ...run.seeds.map(
            ({ seed, state, manifest }) =>
              `  seed ${seed}: ${state}${manifest === null ? '' : `, ${(manifest.wallMs / 1000).toFixed(1)} s, ${manifest.memoryPeakMiB} MiB${manifest.error === null ? '' : `, ${manifest.error}`}`}`,
          ),
          ...Object.entries(metrics).map(
            ([name, value]) => `  ${name.padEnd(40)} ${cellOf(value)}`,
          ),
          ...run.seeds
            .flatMap(({ result }) => result?.notes ?? [])
            .filter((note, i, all) => all.indexOf(note) === i)
            .map((note) => `  note: ${note}`),
          `  ${run.folder}`,
        ].join('\n'),
      );
    });
}

/** Mean ± sd [95 % interval]; one seed has no interval. */
export function cellOf({ mean, sd, low, high, seeds }: Aggregate): string {
  const digits = (value: number): string =>
    Number.isInteger(value) && Math.abs(value) > 1 ? String(value) : value.toFixed(3);
  return seeds < 2
    ? `${digits(mean)} (one seed)`
    : `${digits(mean)} ± ${digits(sd)} [${digits(low)}, ${digits(high)}]`;
}

export function compareCommand(io: CommandIo): Command {
  return new Command('compare')
    .description(
      'Runs side by side; differences within the spread of the first run are marked as noise.',
    )
    .argument('<id...>')
    .option('--md', 'Markdown')
    .option('--html', 'HTML')
    .option('--csv', 'CSV')
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action((ids: string[], flags: Flags & { md?: true; html?: true; csv?: true }) => {
      const runs = ids.map((id) => findRun(runsDirectory(flags.runs), id));
      const metrics = runs.map(metricsOf);
      const names = [...new Set(metrics.flatMap((one) => Object.keys(one)))];
      if (flags.json) {
        io.out(JSON.stringify({ runs: runs.map(({ id }, i) => ({ id, metrics: metrics[i] })) }));
        return;
      }
      const header = ['metric', ...runs.map(({ id }) => id)];
      const rows = names.map((name) => [
        name,
        ...metrics.map((one, i) => {
          const value = one[name];
          if (value === undefined) return '–';
          const base = metrics[0]![name];
          const isNoise =
            i > 0 &&
            base !== undefined &&
            base.seeds > 1 &&
            Math.abs(value.mean - base.mean) <= 2 * base.sd;
          return `${cellOf(value)}${isNoise ? ' noise' : ''}`;
        }),
      ]);
      io.out(
        tableIn(flags.csv ? 'csv' : flags.html ? 'html' : flags.md ? 'md' : 'text', [
          header,
          ...rows,
        ]),
      );
    });
}

export function tableIn(
  form: 'csv' | 'html' | 'md' | 'text',
  rows: readonly (readonly string[])[],
): string {
  if (form === 'csv') {
    return rows
      .map((row) =>
        row
          .map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
          .join(','),
      )
      .join('\n');
  }
  if (form === 'md') {
    const [header, ...rest] = rows;
    return [header!, header!.map(() => '---'), ...rest]
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n');
  }
  if (form === 'html') {
    const cells = (row: readonly string[], tag: string): string =>
      `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
    const [header, ...rest] = rows;
    return `<table><thead>${cells(header!, 'th')}</thead><tbody>${rest.map((row) => cells(row, 'td')).join('')}</tbody></table>`;
  }
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export function collectCommand(io: CommandIo): Command {
  return new Command('gc')
    .description('Remove kept stages and half-made ones; runs stay.')
    .addOption(runsOption())
    .action((flags: Flags) => {
      const cache = join(runsDirectory(flags.runs), 'cache');
      let removed = 0;
      try {
        for (const name of readdirSync(cache)) {
          rmSync(join(cache, name), { recursive: true, force: true });
          removed++;
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      io.out(`${removed} entries removed`);
    });
}
