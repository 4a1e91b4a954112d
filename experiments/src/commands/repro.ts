/**
 * `experiment repro`: a run once more, from nothing, and every bit compared.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { canonical } from '../harness/canonical.js';
import { runLocally } from '../harness/local-jobs.js';
import { progressListener } from '../harness/progress.js';
import { describeRun, findRun, readSeed, runsDirectory, seedFolder } from '../harness/run-store.js';
import { STUDIES } from '../studies/index.js';
import type { CommandIo } from './io.js';
import { integer, runsOption } from './options.js';

interface Difference {
  readonly seed: number;
  readonly name: string;
  readonly before: unknown;
  readonly now: unknown;
}

export function reproCommand(io: CommandIo): Command {
  return new Command('repro')
    .description('Run it again without anything kept; metrics and models must be the same bits.')
    .argument('<id>')
    .option('--seed <number>', 'only this one', integer(0, 999))
    .option('--json', 'one object on standard output')
    .addOption(runsOption())
    .action(async (id: string, flags: { runs?: string; seed?: number; json?: true }) => {
      const run = findRun(runsDirectory(flags.runs), id);
      const point = { config: run.config, swept: run.swept };
      const now = describeRun(STUDIES[run.study]!, point, {
        ...run,
        origins: new Map(Object.entries(run.origins)),
      });
      if (now.id !== run.id)
        io.talk(`note: code or data changed since: it would be ${now.id} today`);
      const runsDir = mkdtempSync(join(tmpdir(), 'bhs-repro-'));
      try {
        const done = run.seeds.filter(
          ({ seed, state }) => state === 'ok' && (flags.seed ?? seed) === seed,
        );
        const jobs = done.map(({ seed }) => ({ runsDir, run: now, seed }));
        await runLocally(jobs, {
          width: 1,
          signal: new AbortController().signal,
          listener: progressListener({
            mode: 'auto',
            jobs: jobs.length,
            terminal: process.stderr.isTTY,
            write: (text) => void process.stderr.write(text),
          }),
        });
        const differences = done.flatMap(({ seed, result }): Difference[] => {
          const again = readSeed(seedFolder(join(runsDir, now.id), seed), seed).result;
          if (again === null) return [{ seed, name: 'run', before: 'ok', now: 'failed' }];
          return (['metrics', 'models'] as const).flatMap((part) =>
            Object.keys({ ...result![part], ...again[part] }).flatMap((name): Difference[] => {
              const [before, after] = [result![part][name], again[part][name]];
              return canonical(before ?? null) === canonical(after ?? null)
                ? []
                : [{ seed, name, before, now: after }];
            }),
          );
        });
        const ok = done.length > 0 && differences.length === 0;
        if (flags.json)
          io.out(
            JSON.stringify({ id: run.id, ok, seeds: done.map(({ seed }) => seed), differences }),
          );
        else {
          io.out(
            [
              `${run.id}: ${ok ? `${done.length} seed(s) again, every metric and model the same bits` : done.length === 0 ? 'no finished seed to repeat' : 'NOT the same'}`,
              ...differences.map(
                ({ seed, name, before, now: after }) =>
                  `  seed ${seed} ${name}: ${String(before)} → ${String(after)}`,
              ),
            ].join('\n'),
          );
        }
        if (!ok) process.exitCode = 1;
      } finally {
        rmSync(runsDir, { recursive: true, force: true });
      }
    });
}
