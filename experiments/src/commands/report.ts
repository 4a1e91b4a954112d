/**
 * `experiment report`: runs, or all committed results, as one page.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { ExperimentError } from '../errors.js';
import { REPOSITORY } from '../harness/code-hash.js';
import { findRun, listRuns, runsDirectory, type Run } from '../harness/run-store.js';
import { reportHtml, reportMarkdown } from '../report/report.js';
import {
  nameOf,
  readStudyResults,
  rounded,
  studyResultOf,
  type StudyResultFile,
} from '../report/study-result.js';
import type { CommandIo } from './io.js';
import { runsOption } from './options.js';

const RESULTS = join(REPOSITORY, 'experiments', 'results');

export function reportCommand(io: CommandIo): Command {
  return new Command('report')
    .description('One offline page, HTML and Markdown.')
    .argument('[id...]', 'runs; those of one name (a sweep) become one study')
    .option('--all', 'every committed result')
    .option('--publish', 'also write the runs’ figures to experiments/results')
    .option('--out <dir>', 'where report.html and report.md go', '.')
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action(
      (
        ids: string[],
        flags: { all?: true; publish?: true; out: string; runs?: string; json?: true },
      ) => {
        const runsDir = runsDirectory(flags.runs);
        if (ids.length > 0 === (flags.all === true)) {
          throw new ExperimentError(
            'ERR_RUN_UNKNOWN',
            `report: expected ids or --all, got ${flags.all ? 'both' : 'neither'}`,
          );
        }
        const studies = flags.all ? readStudyResults(RESULTS) : studiesOf(ids, runsDir);
        if (flags.publish) {
          for (const study of studies) {
            writeFileSync(
              join(RESULTS, `${study.name}.json`),
              `${JSON.stringify(study, rounded, 1)}\n`,
            );
          }
        }
        const out = resolve(flags.out);
        mkdirSync(out, { recursive: true });
        const files = { html: join(out, 'report.html'), markdown: join(out, 'report.md') };
        writeFileSync(files.html, reportHtml(studies));
        writeFileSync(files.markdown, reportMarkdown(studies));
        io.out(
          flags.json
            ? JSON.stringify({ studies: studies.map(({ name }) => name), ...files })
            : `${files.html}\n${files.markdown}`,
        );
      },
    );
}

/** Of runs of the same point, which other code or data made, the one that began last. */
function newest(runs: readonly Run[]): Run[] {
  const begun = ({ seeds }: Run): string =>
    seeds.map(({ manifest }) => manifest?.startedAt ?? '').reduce((a, b) => (a > b ? a : b), '');
  const points = new Map<string, Run>();
  for (const run of runs) {
    const point = JSON.stringify(run.swept);
    const known = points.get(point);
    if (known === undefined || begun(run) > begun(known)) points.set(point, run);
  }
  return [...points.values()];
}

function studiesOf(ids: readonly string[], runsDir: string): StudyResultFile[] {
  const all = listRuns(runsDir);
  const byName = new Map<string, typeof all>();
  for (const id of ids) {
    // A name stands for all points of its sweep.
    const named = all.filter((run) => nameOf(run) === id);
    const chosen = named.length > 0 ? newest(named) : [findRun(runsDir, id)];
    for (const run of chosen) {
      if (!run.seeds.some(({ state }) => state === 'ok')) continue;
      const name = nameOf(run);
      byName.set(name, [...(byName.get(name) ?? []), run]);
    }
  }
  if (byName.size === 0) {
    throw new ExperimentError(
      'ERR_RUN_UNKNOWN',
      `id: expected a run with a finished seed, got ${ids.join(', ')}`,
    );
  }
  return [...byName.values()].map(studyResultOf);
}
