/**
 * `npm run bench -w chaincode-hooks [-- --fabric] [--table2] [--json] [--save FILE] [--csv FILE]`
 * `[--rounds 5] [--seconds N] [--levels 8,32] [--block-ms 50]`
 *
 * 1. Processor time of the guard (`guard-cpu.ts`), with the promises of the README.
 * 2. Throughput in a closed loop (`plan.ts`), arms interleaved round by round (`arm.ts`): on the development ledger, or with
 *    `--fabric` on a real network of five hospitals. `--table2`: the client counts of the paper's second table instead.
 *
 * `--save` writes the document that `--json` prints. Exit status 1 when a promise of the README is missed.
 */
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { DETECTOR_ZERO } from '@bhschain/models/detector';

import type { ArmName } from './arm.js';
import { closedLoop, type LoadFigures, type ProcessorTime } from './closed-loop.js';
import { HOSPITALS, startEmbeddedArm, type Arm, type Batch } from './embedded-ledger.js';
import { startFabricArms } from './fabric-network.js';
import { loadResult, spreadOf, type LoadResult, type Spread } from './figures.js';
import { guardCpu } from './guard-cpu.js';
import { PROMISED, planOf, type PlannedLoad } from './plan.js';

/** A figure with its promise, if there is one. */
export interface Result extends Spread {
  readonly name: string;
  readonly unit: 'ms' | '1';
  readonly runs: number;
  readonly bar: string | null;
  readonly ok: boolean;
}

export interface BenchDocument {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly results: readonly Result[];
  readonly loads: readonly LoadResult[];
}

/** Of the throughput without a guard, what the guard leaves on a real network. */
const KEPT_MIN = 0.8;
const IDLE_MS = 3_000;
const BLOCK_MESSAGES_MAX = 200;

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      fabric: { type: 'boolean', default: false },
      table2: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      'block-ms': { type: 'string', default: '50' },
      levels: { type: 'string' },
      csv: { type: 'string' },
      save: { type: 'string' },
    },
  });
  const say = (line: string): void => {
    if (!options.json) console.log(line);
  };
  const plan = planOf({
    levels: options.levels?.split(',').map(Number) ?? null,
    table2: options.table2,
    rounds: Number(options.rounds),
    seconds: Number(options.seconds ?? (options.fabric ? 3 : 2)),
  });
  const loadBefore = loadavg();
  const results = await guardResults(say);
  const csv = options.csv === undefined ? null : createWriteStream(options.csv);
  csv?.write('arm,load,clients,round,client,start_ms,latency_ms,code,disposition\n');

  const ledger = await startLedger(options.fabric, Number(options['block-ms']), plan, say);
  const loads: LoadResult[] = [];
  const documentNow = (): BenchDocument => ({
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      loadAverageBefore: loadBefore.map((load) => Math.round(load)),
      loadAverageAfter: loadavg().map((load) => Math.round(load)),
      node: process.version,
      detectorBytes: DETECTOR_ZERO.detectorBytes.length,
      topology: ledger.topology,
      block: ledger.batch,
    },
    results: options.fabric ? [...results, ...keptResults(loads)] : results,
    loads,
  });
  try {
    for (const { call, cpu } of ledger.arms.values()) {
      await closedLoop({ clients: 8, seconds: 3, call, cpu, idle: NO_TIME });
    }
    const idle = await idleTime([...ledger.arms.values()][0]!.cpu);
    say(`\n${HEADER}`);
    for (const planned of plan) {
      const rounds = await measure(planned, ledger.arms, idle);
      const { load, clients } = planned;
      for (const [arm, figures] of rounds) {
        const result = loadResult({ load, clients, arm }, figures, rounds.get('off'));
        loads.push(result);
        say(lineOf(result));
        for (const [round, { samples }] of figures.entries()) {
          for (const { client, startMs, ms, code, disposition } of samples) {
            csv?.write(
              `${arm},${load},${clients},${round},${client},${startMs.toFixed(1)},${ms.toFixed(1)},${code ?? ''},${disposition ?? ''}\n`,
            );
          }
        }
      }
      // After each load, so that a bench that is stopped has said what it knew.
      if (options.save !== undefined) {
        writeFileSync(options.save, `${JSON.stringify(documentNow(), null, 2)}\n`);
      }
    }
  } finally {
    await ledger.close();
    csv?.end();
  }
  const document = documentNow();
  if (options.json) console.log(JSON.stringify(document));
  else say(`\n${JSON.stringify(document.machine)}`);
  process.exitCode = document.results.every(({ ok }) => ok) ? 0 : 1;
}

const NO_TIME: ProcessorTime = { chaincodeMs: 0, ledgerMs: 0 };

/** What the processes spend in a second without any call. */
async function idleTime(cpu: () => ProcessorTime): Promise<ProcessorTime> {
  const before = cpu();
  await sleep(IDLE_MS);
  const after = cpu();
  return {
    chaincodeMs: (1000 * (after.chaincodeMs - before.chaincodeMs)) / IDLE_MS,
    ledgerMs: (1000 * (after.ledgerMs - before.ledgerMs)) / IDLE_MS,
  };
}

/** All arms of one load, interleaved; each round begins with another arm. */
async function measure(
  { load, clients, seconds, rounds, arms: names }: PlannedLoad,
  arms: ReadonlyMap<ArmName, Arm>,
  idle: ProcessorTime,
): Promise<ReadonlyMap<ArmName, readonly LoadFigures[]>> {
  const figures = new Map<ArmName, LoadFigures[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]!;
      const { call, hotCall, serviceCall, cpu } = arms.get(name)!;
      const calls = {
        'own sessions': call,
        'one hot session': hotCall,
        'a service account': serviceCall,
      };
      figures.get(name)!.push(await closedLoop({ clients, seconds, call: calls[load], cpu, idle }));
    }
  }
  return figures;
}

interface BenchLedger {
  readonly arms: ReadonlyMap<ArmName, Arm>;
  readonly topology: string;
  readonly batch: Batch;
  close(): Promise<void>;
}

async function startLedger(
  fabric: boolean,
  blockMs: number,
  plan: readonly PlannedLoad[],
  say: (line: string) => void,
): Promise<BenchLedger> {
  const names = [...new Set(plan.flatMap(({ arms }) => arms))];
  const clients = Math.max(...plan.map((one) => one.clients));
  const batch = { timeoutMs: blockMs, messagesMax: BLOCK_MESSAGES_MAX };
  if (fabric) {
    const network = await startFabricArms(names, clients, batch, say);
    return { ...network, arms: new Map(network.arms.map((arm) => [arm.name, arm])) };
  }
  const arms = new Map<ArmName, Arm>();
  for (const name of names) arms.set(name, await startEmbeddedArm(name, clients, batch));
  return {
    arms,
    topology: `development ledger: ${HOSPITALS.length} hospitals, one chaincode process each, ${Math.floor(HOSPITALS.length / 2) + 1} endorsements, one process orders and commits; clients in this process`,
    batch,
    async close() {
      for (const arm of arms.values()) await arm.close();
    },
  };
}

async function guardResults(say: (line: string) => void): Promise<Result[]> {
  const bars = readBars();
  return [...(await guardCpu())].map(([name, values]) => {
    const bar = bars.get(name) ?? null;
    const spread = spreadOf(values);
    const ok = bar === null || spread.median <= bar.value;
    const promise = bar === null ? '' : `  (${bar.text}: ${ok ? 'kept' : 'MISSED'})`;
    say(`${name.padEnd(48)} ${spread.median.toFixed(3)} ms${promise}`);
    return { name, unit: 'ms', runs: values.length, ...spread, bar: bar?.text ?? null, ok };
  });
}

function keptResults(loads: readonly LoadResult[]): readonly Result[] {
  return loads.flatMap(({ load, clients, arm, ofOff, rounds }) =>
    load === 'own sessions' && PROMISED.includes(clients) && arm === 'enforce' && ofOff !== null
      ? [
          {
            name: `throughput kept by enforce at ${clients} in flight`,
            unit: '1' as const,
            runs: rounds,
            ...ofOff,
            bar: `≥ ${KEPT_MIN} of off`,
            ok: ofOff.median >= KEPT_MIN,
          },
        ]
      : [],
  );
}

const HEADER =
  'load, arm                     clients    1/s  of off     p50     p95     p99  held failed a block  chaincode  ledger  cores busy';

function lineOf(one: LoadResult): string {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return [
    `${one.load}, ${one.arm}`.padEnd(30),
    String(one.clients).padStart(7),
    one.perSecond.median.toFixed(1).padStart(7),
    (one.ofOff?.median.toFixed(2) ?? '').padStart(8),
    ...[one.p50Ms, one.p95Ms, one.p99Ms].map((ms) => ms.toFixed(0).padStart(8)),
    percent(one.quarantineShare).padStart(6),
    percent(one.failedShare).padStart(7),
    one.callsPerBlock.toFixed(1).padStart(8),
    `${one.chaincodeMs.toFixed(1)} ms`.padStart(11),
    `${one.ledgerMs.toFixed(0)} ms`.padStart(8),
    percent(one.busyShare).padStart(8),
  ].join('');
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

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main();
}
