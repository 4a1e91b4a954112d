/**
 * `npm run chaos`: random faults over real processes, one seed a line, a JSON document at the end. The same seed gives
 * the same faults at the same moments; what the machine does between them is its own.
 * @module
 */
import { Command } from 'commander';
import { runSeed, type RunResult } from './run.js';

interface Flags {
  readonly seeds: string;
  readonly seed?: string;
  readonly slots: string;
  readonly parallel: string;
  readonly soak?: string;
  readonly keep?: boolean;
}

const program = new Command('chaos')
  .description(
    'Kills, freezes, cuts, slows and corrupts a running federation, and judges what is left',
  )
  .option('--seeds <n>', 'seeds 1 to n', '20')
  .option('--seed <n>', 'one seed only')
  .option('--slots <n>', 'slots under fire in a run', '2')
  .option('--parallel <n>', 'runs at the same time', '3')
  .option('--soak <hours>', 'new seeds for that long, ten slots each')
  .option('--keep', 'keep the state of runs that went well, too');

async function main(): Promise<number> {
  const flags = program.parse().opts<Flags>();
  const startedAtMs = Date.now();
  const soakUntilMs =
    flags.soak === undefined ? null : startedAtMs + Number(flags.soak) * 3_600_000;
  const slots = soakUntilMs === null ? Number(flags.slots) : 10;
  const results: RunResult[] = [];
  let next = flags.seed === undefined ? 1 : Number(flags.seed);
  const last = flags.seed === undefined ? Number(flags.seeds) : next;
  const more = (): boolean => (soakUntilMs === null ? next <= last : Date.now() < soakUntilMs);
  const lane = async (): Promise<void> => {
    while (more()) {
      const seed = next++;
      const result = await runSeed({ seed, slots, keep: flags.keep === true });
      results.push(result);
      console.error(lineOf(result));
    }
  };
  const lanes = flags.seed === undefined ? Number(flags.parallel) : 1;
  await Promise.all(Array.from({ length: lanes }, lane));
  const failed = results.filter((each) => !each.ok);
  console.log(
    JSON.stringify({
      ok: failed.length === 0,
      runs: results.length,
      failed: failed.map((each) => each.seed),
      seconds: Math.round((Date.now() - startedAtMs) / 1_000),
      sealed: results.reduce((sum, each) => sum + each.sealed, 0),
      results: results.sort((a, b) => a.seed - b.seed),
    }),
  );
  return failed.length === 0 ? 0 : 1;
}

function lineOf(result: RunResult): string {
  const { seed, ok, sealed, skipped, aborted, debits, seconds, faults, broken, folder } = result;
  const head = `${ok ? 'ok  ' : 'FAIL'} seed ${seed}  ${sealed} sealed, ${skipped} skipped, ${aborted} aborted, ${debits} debits, ${seconds} s`;
  const what = `  [${faults.join(', ')}]`;
  return ok
    ? `${head}${what}`
    : `${head}${what}\n     ${broken.join('\n     ')}\n     state kept in ${folder}; again with --seed ${seed}`;
}

process.exitCode = await main();
