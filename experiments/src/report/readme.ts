/**
 * Renews the parts of the READMEs that come from somewhere else: `npm run readme` tables and sentences from committed results,
 * `npm run readme -- --demo` also the demo's output, from a run on this machine.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headlineTable, resultsTable, type DetectorZeroResult } from './results-table.js';
import { findings, logsTable, studiesTable } from './studies-table.js';
import { readStudyResults, type StudyResultFile } from './study-result.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const README = join(ROOT, 'README.md');
const ROOM_README = join(ROOT, 'experiments', 'README.md');
const RESULTS = join(ROOT, 'experiments', 'results');

/** The text between `<!-- name:begin -->` and `<!-- name:end -->` replaced. */
export function withBlock(text: string, name: string, content: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md: expected ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** The README of the repository with what committed results say. */
export function frontReadme(text: string, studies: readonly StudyResultFile[]): string {
  return withBlock(
    withBlock(text, 'results', resultsTable(readResults())),
    'headline',
    headlineTable(studies),
  );
}

/** This room's README with what committed results say. */
export function roomReadme(text: string, studies: readonly StudyResultFile[]): string {
  const blocks = [
    ['studies', studiesTable(studies)],
    ['logs', logsTable(studies)],
    [
      'findings',
      findings(studies)
        .map((sentence) => `- ${sentence}`)
        .join('\n'),
    ],
  ] as const;
  return blocks.reduce((whole, [name, content]) => withBlock(whole, name, content), text);
}

export function readResults(): DetectorZeroResult {
  return JSON.parse(
    readFileSync(join(RESULTS, 'detector-zero.json'), 'utf8'),
  ) as DetectorZeroResult;
}

/** One run with `--exit`: what a person sees, one-time passwords taken out, repetitions of one kind cut to the first. */
function demoOutput(): string {
  const state = mkdtempSync(join(tmpdir(), 'bhs-readme-'));
  try {
    const main = join(ROOT, 'experiments', 'dist', 'demo', 'main.js');
    const run = spawnSync(process.execPath, [main, '--exit', '--state', state], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
      maxBuffer: 64 * 1024 * 1024,
    });
    if (run.status !== 0)
      throw new Error(`the demo ended with ${String(run.status)}: ${run.stderr}`);
    const seen = new Set<string>();
    const lines = run.stdout
      .replaceAll(state, '.demo')
      .replaceAll(
        /(sign in: \w+ \/ )\S+(\s+second person: \w+ \/ )\S+/g,
        '$1<one-time>$2<one-time>',
      )
      .replaceAll(/((?:supervisor|privacy-officer) \w+ \/ )\S+/g, '$1<one-time>')
      .replaceAll(/(operator: \w+ \/ )\S+/g, '$1<one-time>')
      .split('\n')
      .filter((line) => {
        const kind = line
          .replaceAll(/^\s*[\d.]+ s/g, '')
          .replaceAll(/\d+/g, '#')
          .replaceAll(/[0-9a-f#]{6,}/g, '…');
        const repeats =
          /calls in quarantine so far|resubmitted by its actor|persisted its|debited its|enrolled|verified and attested|version #|sealed,/.test(
            kind,
          );
        if (repeats && seen.has(kind)) return false;
        seen.add(kind);
        return true;
      });
    return `\`\`\`console no-run a recorded run\n$ npm run demo -- --exit\n${lines.join('\n').trimEnd()}\n\`\`\``;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const studies = readStudyResults(RESULTS);
  let text = frontReadme(readFileSync(README, 'utf8'), studies);
  if (process.argv.includes('--demo')) text = withBlock(text, 'demo-output', demoOutput());
  writeFileSync(README, text);
  const room = readFileSync(ROOM_README, 'utf8');
  writeFileSync(ROOM_README, roomReadme(room, studies));
}
