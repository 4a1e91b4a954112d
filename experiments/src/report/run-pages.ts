/**
 * What a finished run leaves beside its seeds: one page, the same as Markdown, and every figure as a file with its numbers.
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../harness/run-store.js';
import { figureCsv, figureSvg } from './charts/frame.js';
import { reportHtml, reportMarkdown } from './report.js';
import { sectionsOf } from './sections.js';
import { studyResultOf } from './study-result.js';

/** Writes `report.html`, `report.md` and `plots/<figure>.svg|csv`; a run without a finished seed gets none. */
export function writeRunPages(folder: string, run: Run): void {
  if (!run.seeds.some(({ state }) => state === 'ok')) return;
  const study = studyResultOf([run]);
  const plots = join(folder, 'plots');
  // A later seed may bring other figures.
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  for (const { heading, figure } of sectionsOf(study)) {
    if (figure === undefined) continue;
    const file = join(plots, slugOf(heading));
    writeFileSync(`${file}.svg`, figureSvg(figure));
    writeFileSync(`${file}.csv`, `${figureCsv(figure)}\n`);
  }
  writeFileSync(join(folder, 'report.html'), reportHtml([study]));
  writeFileSync(join(folder, 'report.md'), reportMarkdown([study]));
}

/** `Scenario × difficulty` is `scenario-difficulty`. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll('ε', 'epsilon')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
