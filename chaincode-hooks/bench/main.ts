/**
 * `npm run bench -w chaincode-hooks [-- --json] [--seconds N] [--levels 8,32] [--csv FILE] [--quick]`
 *
 * 1. Processor time of the guard (`guard-cpu.ts`), with the promises of the README.
 * 2. Throughput on the development ledger (`embedded-ledger.ts`): guard off, shadow, enforce, at 1 to 300 clients in a closed
 *    loop, arms interleaved; what reading the detector's blobs in every call costs; one hot session; a service account.
 *
 * With `--fabric` the second part runs on a real network instead (`fabric-network.ts`), and the first is left out.
 *
 * Exit status 1 when a bar of the README is missed. `--quick`: the first part, and two levels of the second.
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

import { DETECTOR_ZERO } from '@bhschain/models/detector';

import { ARMS, type ArmName } from './arm.js';
import { closedLoop, type LoadFigures } from './closed-loop.js';
import { BATCH, HOSPITALS, startEmbeddedArm, type Arm } from './embedded-ledger.js';
import { startFabricArms, type FabricArms } from './fabric-network.js';
import { guardCpu } from './guard-cpu.js';

interface Result {
  readonly name: string;
  readonly unit: 'ms' | '1/s' | '1';
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly peer: string | null;
  readonly peerMedian: number | null;
  readonly ratio: number | null;
  readonly bar: string | null;
  readonly ok: boolean;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    fabric: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    levels: { type: 'string' },
    csv: { type: 'string' },
  },
});
/** A real network commits some twenty calls a second on two cores, so that two seconds would say little. */
const seconds = Number(options.seconds ?? (options.fabric ? 10 : 2));
/** In flight, and the client counts of the paper's second table. */
const LEVELS =
  options.levels?.split(',').map(Number) ??
  (options.quick ? [8, 32] : [1, 8, 25, 32, 50, 100, 128, 150, 200, 250, 300]);
/** Where arms are compared: several runs, interleaved, and the arm that reads the blobs. */
const COMPARED = [8, 32];
const RUNS = options.quick ? 3 : 5;
/** Of the throughput without a guard, what the guard leaves on a real network. */
const KEPT_MIN = 0.8;

const say = (line: string): void => {
  if (!options.json) console.log(line);
};
const results: Result[] = [];

const bars = readBars();
for (const [name, values] of options.fabric ? [] : await guardCpu()) {
  const bar = bars.get(name) ?? null;
  const median = middle(values);
  const ok = bar === null || median <= bar.value;
  results.push(resultOf(name, 'ms', values, { bar: bar?.text ?? null, ok }));
  const promise = bar === null ? '' : `  (${bar.text}: ${ok ? 'kept' : 'MISSED'})`;
  say(`${name.padEnd(48)} ${median.toFixed(3)} ms${promise}`);
}

const csv = options.csv === undefined ? null : createWriteStream(options.csv);
csv?.write('arm,load,clients,run,client,start_ms,latency_ms,code,disposition\n');

const arms = new Map<ArmName, Arm>();
const clientsMost = Math.max(...LEVELS);
const fabric: FabricArms | null = options.fabric
  ? await startFabricArms(ARMS, clientsMost, say)
  : null;
try {
  for (const arm of fabric?.arms ?? []) arms.set(arm.name, arm);
  if (fabric === null) {
    for (const name of ARMS) arms.set(name, await startEmbeddedArm(name, clientsMost));
  }
  for (const arm of arms.values())
    await closedLoop({ clients: 8, seconds: 1, call: arm.call, cpu: arm.cpu });
  say('');
  say(
    `${'arm'.padEnd(28)} clients   1/s     p50     p95     p99  held  failed  chaincode  ledger  cores busy`,
  );
  for (const clients of LEVELS) await measureLevel(clients);
  for (const name of ['off', 'enforce'] as const) {
    const arm = arms.get(name)!;
    note(name, 'one hot session', [
      await closedLoop({ clients: 8, seconds, call: arm.hotCall, cpu: arm.cpu }),
    ]);
    note(name, 'a service account', [
      await closedLoop({ clients: 32, seconds, call: arm.serviceCall, cpu: arm.cpu }),
    ]);
  }
} finally {
  for (const arm of arms.values()) await arm.close();
  await fabric?.close();
  csv?.end();
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  loadAverage: loadavg().map((load) => Math.round(load * 10) / 10),
  node: process.version,
  detectorBytes: DETECTOR_ZERO.detectorBytes.length,
  topology:
    fabric?.topology ??
    `development ledger: ${HOSPITALS.length} hospitals, one chaincode process each, ${Math.floor(HOSPITALS.length / 2) + 1} endorsements, one process orders and commits; clients in this process`,
  block: fabric?.batch ?? BATCH,
};
if (options.json) console.log(JSON.stringify({ machine, results }));
else say(`\n${JSON.stringify(machine)}`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/** All arms at one number of clients, interleaved. */
async function measureLevel(clients: number): Promise<void> {
  const compared = COMPARED.includes(clients);
  const figures = new Map<ArmName, LoadFigures[]>();
  for (let run = 0; run < (compared ? RUNS : 1); run++) {
    for (const [name, arm] of arms) {
      if (name === 'read-blobs' && !compared) continue;
      const measured = await closedLoop({ clients, seconds, call: arm.call, cpu: arm.cpu });
      figures.set(name, [...(figures.get(name) ?? []), measured]);
    }
  }
  const off = middle(figures.get('off')!.map(({ perSecond }) => perSecond));
  for (const [name, runs] of figures) note(name, 'own sessions', runs, off);
}

function note(arm: ArmName, load: string, runs: readonly LoadFigures[], off?: number): void {
  const of = (pick: (figures: LoadFigures) => number): readonly number[] => runs.map(pick);
  const { clients } = runs[0]!;
  const label = `${arm}, ${load}`;
  const name = `${label}, ${clients} clients`;
  const perSecond = of((one) => one.perSecond);
  const ratio = off === undefined || arm === 'off' ? null : middle(perSecond) / off;
  results.push(
    resultOf(`${name}: committed`, '1/s', perSecond, {
      ...(ratio === null ? {} : { peer: 'off', peerMedian: off!, ratio }),
      ...(options.fabric && arm === 'enforce' && ratio !== null && COMPARED.includes(clients)
        ? { bar: `≥ ${KEPT_MIN} of off`, ok: ratio >= KEPT_MIN }
        : {}),
    }),
    resultOf(
      `${name}: p50`,
      'ms',
      of((one) => one.p50Ms),
    ),
    resultOf(
      `${name}: p95`,
      'ms',
      of((one) => one.p95Ms),
    ),
    resultOf(
      `${name}: p99`,
      'ms',
      of((one) => one.p99Ms),
    ),
    resultOf(
      `${name}: quarantine share`,
      '1',
      of((one) => one.quarantined / one.committed),
    ),
    resultOf(
      `${name}: failed share`,
      '1',
      of((one) => one.failed / one.samples.length),
    ),
    resultOf(
      `${name}: processor time of the chaincodes a call`,
      'ms',
      of((one) => one.chaincodeCpuMs),
    ),
    resultOf(
      `${name}: processor time of the ledger a call`,
      'ms',
      of((one) => one.ledgerCpuMs),
    ),
    resultOf(
      `${name}: share of all cores busy, by whomever`,
      '1',
      of((one) => one.busyShare),
    ),
  );
  const one = (values: readonly number[], width: number, digits = 1): string =>
    middle(values).toFixed(digits).padStart(width);
  say(
    [
      label.padEnd(28),
      String(clients).padStart(7),
      one(perSecond, 6, 0),
      one(
        of((each) => each.p50Ms),
        8,
      ),
      one(
        of((each) => each.p95Ms),
        8,
      ),
      one(
        of((each) => each.p99Ms),
        8,
      ),
      one(
        of((each) => (100 * each.quarantined) / each.committed),
        5,
        0,
      ) + ' %',
      one(
        of((each) => (100 * each.failed) / each.samples.length),
        5,
        0,
      ) + ' %',
      one(
        of((each) => each.chaincodeCpuMs),
        8,
        2,
      ) + ' ms',
      one(
        of((each) => each.ledgerCpuMs),
        6,
        2,
      ) + ' ms',
      one(
        of((each) => 100 * each.busyShare),
        7,
        0,
      ) + ' %',
      ratio === null ? '' : `  ${ratio.toFixed(2)} of off`,
    ].join(''),
  );
  for (const [run, { samples }] of runs.entries()) {
    for (const { client, startMs, ms, code, disposition } of samples) {
      csv?.write(
        `${arm},${load},${clients},${run},${client},${startMs.toFixed(1)},${ms.toFixed(1)},${code ?? ''},${disposition ?? ''}\n`,
      );
    }
  }
}

function resultOf(
  name: string,
  unit: Result['unit'],
  values: readonly number[],
  more: Partial<Result> = {},
): Result {
  return {
    name,
    unit,
    median: middle(values),
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
    peer: null,
    peerMedian: null,
    ratio: null,
    bar: null,
    ok: true,
    ...more,
  };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Rows of the README's table, `| name | ≤ 1 ms |`. */
function readBars(): ReadonlyMap<string, { readonly text: string; readonly value: number }> {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  return new Map(
    [...readme.matchAll(/^\| ([^|]+?) +\| (≤ ([\d.]+) ms) +\|/gmu)].map(
      ([, name, text, value]) => [name!, { text: text!, value: Number(value) }] as const,
    ),
  );
}
