/**
 * How fast a world is made and written. CPU time of this process, since other work on the machine counts less in it than in
 * wall time; collection of garbage is in it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { AccessEvent } from '@bhschain/models/features';
import {
  auditEventOf,
  createHospitalWorld,
  createLedgerNames,
  describe,
  intentsOf,
  openAccessLog,
  writeEvents,
  writeParquet,
} from '@bhschain/datasets';

const RUNS = 7;
const world = createHospitalWorld({ seed: 1, hospitals: 1, staff: 1_000, days: 2 });
const hospital = world.hospitals[0]!;
const scratch = mkdtempSync(join(tmpdir(), 'datasets-bench-'));

interface Result {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly peer: null;
  readonly peerMedian: null;
  readonly ratio: null;
  readonly bar: string | null;
  readonly ok: boolean;
}

/** The promises, read from the one table in the room's README. */
const bars = new Map(
  [
    ...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(
      /^\| ([^|]+?) +\| (([≥≤]) ([\d,]+)[^|]*?) +\|/gmu,
    ),
  ].map(([, name, text, sign, value]) => [
    name!,
    { text: text!, least: sign === '≥', value: Number(value!.replaceAll(',', '')) },
  ]),
);

function resultOf(name: string, unit: string, values: readonly number[]): Result {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const bar = bars.get(name);
  return {
    name,
    unit,
    median: Math.round(median),
    min: Math.round(sorted[0]!),
    max: Math.round(sorted.at(-1)!),
    runs: sorted.length,
    peer: null,
    peerMedian: null,
    ratio: null,
    bar: bar?.text ?? null,
    ok: bar === undefined || (bar.least ? median >= bar.value : median <= bar.value),
  };
}

/** Events a CPU second; the first run warms up and does not count. */
async function rateOf(name: string, work: () => number | Promise<number>): Promise<Result> {
  const rates: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = process.cpuUsage();
    const events = await work();
    const { user, system } = process.cpuUsage(start);
    if (run > 0) rates.push((events * 1e6) / (user + system));
  }
  return resultOf(name, 'events per CPU second', rates);
}

function count(events: Iterable<unknown>): number {
  let total = 0;
  for (const event of events) if (event !== null) total++;
  return total;
}

function* firstOf(events: Iterable<AccessEvent>, most: number): Generator<AccessEvent> {
  let left = most;
  for (const event of events) {
    if (left-- === 0) return;
    yield event;
  }
}

const MONTH = `
import { createHospitalWorld } from '@bhschain/datasets';
const [hospital] = createHospitalWorld({ seed: 1, hospitals: 1, staff: 1000 }).hospitals;
let events = 0;
for (const event of hospital.events()) if (event.timeMs > 0) events++;
console.log(process.resourceUsage().maxRSS / 1024);`;

/** A month of one hospital in a process of its own. */
function monthMb(): number {
  const of = ['--input-type=module', '--eval', MONTH];
  return Number(execFileSync(process.execPath, of, { cwd: import.meta.dirname, encoding: 'utf8' }));
}

const PART = 200_000;
const log = join(scratch, 'H1.jsonl');
const results: Result[] = [];
try {
  results.push(await rateOf('events generated', () => count(hospital.events())));
  results.push(
    await rateOf('events written as JSONL', () =>
      writeEvents(log, firstOf(hospital.events(), PART)),
    ),
  );
  results.push(
    await rateOf('events read from JSONL', async () => {
      let events = 0;
      const source = openAccessLog(log, { format: 'native', nodeId: 'H1' });
      for await (const event of source.events()) if (event.timeMs > 0) events++;
      return events;
    }),
  );
  results.push(
    await rateOf('events as FHIR AuditEvents', () => {
      let length = 0;
      for (const event of firstOf(hospital.events(), PART)) {
        length += JSON.stringify(auditEventOf(event)).length;
      }
      return length > 0 ? PART : 0;
    }),
  );
  results.push(
    await rateOf('events as ledger calls', () => {
      const names = createLedgerNames({ seed: 1, nodeId: 'H1' });
      return count(intentsOf(firstOf(hospital.events(), PART), names));
    }),
  );
  results.push(
    await rateOf('events written as Parquet', () =>
      writeParquet(join(scratch, 'H1.parquet'), firstOf(hospital.events(), PART)),
    ),
  );
  results.push(await rateOf('events described', () => describe(hospital.events()).events));
  results.push(resultOf('a month of 1,000 people, resident memory', 'MB', [monthMb()]));
} finally {
  rmSync(scratch, { recursive: true });
}

const [cpu] = cpus();
const machine = {
  cpu: cpu?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 1e9),
  node: process.version,
};
if (process.argv.includes('--json')) console.log(JSON.stringify({ machine, results }));
else {
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  for (const { name, unit, median, min, max, bar, ok } of results) {
    const range = `${median.toLocaleString('en')} ${unit} (${min.toLocaleString('en')} to ${max.toLocaleString('en')})`;
    console.log(
      `${ok ? 'ok  ' : 'MISS'} ${name.padEnd(42)} ${range}${bar === null ? '' : `; ${bar}`}`,
    );
  }
}
if (results.some((result) => !result.ok)) process.exitCode = 1;
