/**
 * Privacy mutation testing: each bug of a room's catalogue is put into a copy of its `src`, and the named test must fail.
 * The room is the folder that npm starts a script in; `mutants/catalogue.json` is its list.
 *
 *   npm run mutants -w dp            all of them, and writes KILLS.md
 *   npm run mutants -w dp -- 06 17   some of them
 *   npm run mutants -w models
 *
 * Exit status 1 when a mutant survives, or when a patch no longer fits the source.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

const room = process.cwd();
const here = join(room, 'mutants');
// Under dist: ignored by git, by the linters, and still below the packages that the tests import.
const work = join(room, 'dist', 'mutants');
const wanted = new Set(process.argv.slice(2));
const catalogue = JSON.parse(readFileSync(join(here, 'catalogue.json'), 'utf8'));
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);

function prepare() {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const part of ['src', 'test', 'bin', 'README.md']) {
    if (existsSync(join(room, part)))
      cpSync(join(room, part), join(work, part), { recursive: true });
  }
  writeFileSync(
    join(work, 'vitest.config.mjs'),
    "export default { test: { include: ['test/**/*.test.ts'], testTimeout: 120000, bail: 1 } };\n",
  );
}

/** Runs one test file against the patched copy. @returns name of the first failing test, or null */
function failingTest(test) {
  const report = join(work, 'report.json');
  rmSync(report, { force: true });
  const run = spawnSync(
    process.execPath,
    [vitest, 'run', '--root', work, '--reporter=json', `--outputFile=${report}`, `test/${test}.`],
    { encoding: 'utf8', timeout: 300_000 },
  );
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return `the test run broke (${run.status ?? 'timeout'})`;
  }
  for (const file of results.testResults) {
    const failed = file.assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) return failed.fullName;
    if (file.status === 'failed') return `${test}: ${file.message.split('\n')[0]}`;
  }
  return null;
}

function patch(edit) {
  const path = join(work, 'src', edit.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(edit.find).length !== 2) {
    throw new Error(`${edit.file}: expected the text once: ${edit.find.slice(0, 60)}`);
  }
  writeFileSync(
    path,
    source.replace(edit.find, () => edit.replace),
  );
}

prepare();
const rows = [];
let survivors = 0;
for (const mutant of catalogue) {
  if (wanted.size > 0 && !wanted.has(mutant.id)) continue;
  const type = mutant.type === true ? 'yes' : '';
  if (mutant.elsewhere !== undefined) {
    rows.push([mutant.id, mutant.origin, mutant.bug, `elsewhere: ${mutant.elsewhere}`, type]);
    continue;
  }
  cpSync(join(room, 'src'), join(work, 'src'), { recursive: true });
  let verdict;
  try {
    for (const edit of [mutant, ...(mutant.also ?? [])]) patch(edit);
    const killer = failingTest(mutant.test);
    verdict = killer === null ? 'SURVIVED' : `${mutant.test}: ${killer}`;
  } catch (error) {
    verdict = `SURVIVED (${error.message})`;
  }
  if (verdict.startsWith('SURVIVED')) survivors++;
  process.stdout.write(`${mutant.id}  ${mutant.bug}  ->  ${verdict}\n`);
  rows.push([mutant.id, mutant.origin, mutant.bug, verdict, type]);
}
rmSync(work, { recursive: true, force: true });

if (wanted.size === 0) {
  const killed = rows.filter(([, , , verdict]) => !/^(SURVIVED|elsewhere)/.test(verdict)).length;
  const escape = (text) => text.replaceAll('|', '\\|');
  writeFileSync(
    join(here, 'KILLS.md'),
    [
      '# Privacy mutants',
      '',
      `Each row is a public bug, or one of ours, put back into a copy of this room; the named test fails on it. Made by \`npm run mutants -w ${basename(room)}\`. "Type" says that the straightforward form of the misuse does not compile either.`,
      '',
      `${killed} of ${killed + survivors} applicable mutants are killed.`,
      '',
      '| # | origin | bug | killed by | type |',
      '|---|---|---|---|---|',
      ...rows.map((row) => `| ${row.map(escape).join(' | ')} |`),
      '',
    ].join('\n'),
  );
  execFileSync(process.execPath, [
    createRequire(import.meta.url).resolve('prettier/bin/prettier.cjs'),
    '--write',
    join(here, 'KILLS.md'),
  ]);
}
process.exitCode = survivors === 0 ? 0 : 1;
