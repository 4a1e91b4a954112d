/**
 * One round with many nodes: `npx tsx orchestrator/bench/rounds.ts [--json]`.
 *
 * Each node signs and submits like a real one; the store is the embedded SQLite on disk. Measured is the time from the
 * last submission to the sealed model, the time of one submission, the resident memory of the process, and the bytes of a
 * node, sent and kept, each size in a process of its own. *Growth* is the exponent of a power law fitted through the three
 * sizes: 1 is linear in the number of nodes, 0 is flat; of memory it is what one more node costs, beside the size of an update.
 */
import { fork } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@bhschain/dp';
import { NodeDesk } from '../src/node-desk.js';
import { encodeEnvelope } from '../src/protocol/envelope.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { signDocument } from '../src/protocol/signing.js';
import { RoundRunner } from '../src/round-runner.js';
import { UpdateDesk } from '../src/update-desk.js';
import {
  callerWith,
  handTurnedClock,
  honestUpdate,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  testAuthority,
  testFederation,
  testSigner,
} from '../test/consortium.js';

const PARAMETER_COUNT = 40_000;
const SIZES = [20, 200, 1_000];
const RUNS = 3;
/** The most that the exponent may be: at most linear in time. */
const GROWTH: readonly (readonly [string, (m: Measured) => number, number])[] = [
  ['last submission to sealed model', (m) => m.sealMs, 1.1],
  ['one submission', (m) => m.submitMs, 0.5],
];
/** Holding on to what nodes sent would cost this much a node, and more as float64. */
const UPDATE_KB = (PARAMETER_COUNT * 4) / 1_024;

interface Measured {
  readonly nodes: number;
  readonly sealMs: number;
  readonly submitMs: number;
  /** At its highest, with what the garbage collector had not come to yet. */
  readonly residentMb: number;
  /** What is still held after the round. */
  readonly heldMb: number;
  /** Update, envelope and signature, as a node sends them in a round. */
  readonly sentBytes: number;
  /** What the state folder grew by, shared out over the nodes. */
  readonly keptBytes: number;
}

async function measure(nodes: number): Promise<Measured> {
  const folder = temporaryFolder();
  const clock = handTurnedClock(START_MS);
  const { signer } = await testSigner(folder.path, clock.now);
  const authority = await testAuthority(folder.path, clock.now);
  const identity = await authority.issueNode('H1', clock.now);
  const key = createPrivateKey(identity.privateKey);
  const { store, objects } = await openDisk(folder.path, clock.now);
  const federation = testFederation({
    nodes,
    parameterCount: PARAMETER_COUNT,
    policy: { quorum: Math.floor(nodes / 2) + 1 },
  });
  const parts = { federation, store, objects, signer, nowMs: clock.nowMs };
  const runner = new RoundRunner(parts);
  const desk = new NodeDesk({ ...parts, runner, jitter: () => 0.5 });
  const updates = new UpdateDesk({ ...parts, runner });
  await runner.initialise();
  clock.now += SLOT_MS;
  await runner.openDueSlot();
  clock.now += 1_000;
  await runner.settle();
  const callers = federation.hospitals.map(({ nodeId }) =>
    callerWith(nodeId, identity.certificate),
  );
  for (const caller of callers) await desk.getWork(caller, 'ready');
  const bytesBefore = bytesUnder(folder.path);

  let sentBytes = 0;
  let lastSubmittedMs = 0;
  const submitMs: number[] = [];
  for (const [index, caller] of callers.entries()) {
    const { assignment } = await desk.getWork(caller, 'ready');
    if (assignment.kind !== 'train') throw new Error(`${caller.nodeId} got ${assignment.kind}`);
    const { round } = assignment;
    const vector = honestUpdate(index, PARAMETER_COUNT);
    // Equal bytes of two nodes would be quarantined.
    vector[0] = index;
    const update = encodeParameters(vector);
    const envelope = encodeEnvelope({
      schema: 1,
      roundId: round.id,
      nodeId: caller.nodeId,
      planHash: round.planHash,
      layoutHash: round.layoutHash,
      baseModel: round.baseModel,
      releases: [
        {
          name: 'update',
          encoding: 'int32le-2^-20',
          length: PARAMETER_COUNT,
          digest: sha256Hex(update),
        },
      ],
      ledgerHead: { seq: 1, hash: sha256Hex(caller.nodeId) },
      dataCommitment: '',
      software: 'bench',
      kernelHash: sha256Hex('kernel'),
    });
    const signature = signDocument('bhs-update-v1', envelope, key);
    const startedMs = performance.now();
    await updates.submitUpdate(caller, { envelope, signature, update });
    lastSubmittedMs = performance.now();
    sentBytes += update.length + envelope.length + signature.length;
    submitMs.push(lastSubmittedMs - startedMs);
  }
  await runner.settle();
  const sealMs = performance.now() - lastSubmittedMs;
  if ((await store.rounds.count('sealed')) !== 1) throw new Error('not sealed');
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  await store.close();
  const keptBytes = bytesUnder(folder.path) - bytesBefore;
  folder.remove();
  submitMs.sort((a, b) => a - b);
  return {
    nodes,
    sealMs,
    submitMs: submitMs[Math.floor(submitMs.length / 2)]!,
    residentMb: process.resourceUsage().maxRSS / 1_024,
    heldMb: (heapUsed + external) / 2 ** 20,
    sentBytes: sentBytes / nodes,
    keptBytes: keptBytes / nodes,
  };
}

function bytesUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .reduce((sum, each) => sum + statSync(join(each.parentPath, each.name)).size, 0);
}

/** b of the power law a·nodesᵇ that fits best on logarithmic scales. */
function exponentOf(points: readonly (readonly [nodes: number, value: number])[]): number {
  const logs = points.map(([nodes, value]) => [Math.log(nodes), Math.log(value)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const meanX = mean(logs.map(([x]) => x));
  const meanY = mean(logs.map(([, y]) => y));
  return (
    mean(logs.map(([x, y]) => (x - meanX) * (y - meanY))) /
    mean(logs.map(([x]) => (x - meanX) ** 2))
  );
}

function inOwnProcess(nodes: number): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [`--nodes=${nodes}`], {
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    child.once('message', resolve as (message: unknown) => void);
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`exit ${String(code)}`));
    });
  });
}

const single = process.argv.find((each) => each.startsWith('--nodes='));
if (single !== undefined) {
  process.send?.(await measure(Number(single.slice('--nodes='.length))));
  if (process.connected) process.disconnect();
} else {
  const results: { readonly name: string; readonly ok: boolean }[] = [];
  const row = (
    name: string,
    unit: string,
    values: readonly number[],
    most: number | null,
  ): void => {
    const sorted = [...values].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    const digits = unit === 'exponent' ? 100 : 10;
    const shown = (value: number): number => Math.round(value * digits) / digits;
    results.push({
      name,
      unit,
      median: shown(median),
      min: shown(sorted[0]!),
      max: shown(sorted.at(-1)!),
      runs: values.length,
      peer: null,
      peerMedian: null,
      ratio: null,
      bar: most === null ? null : `at most ${most} ${unit}`,
      ok: most === null || median <= most,
    } as (typeof results)[number]);
  };
  const all: Measured[][] = [];
  for (const nodes of SIZES) {
    const runs: Measured[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await inOwnProcess(nodes));
    all.push(runs);
    const largest = nodes === SIZES.at(-1);
    const of = (value: (m: Measured) => number): readonly number[] => runs.map(value);
    const at = (name: string): string => `${name}, ${nodes} nodes`;
    row(
      at('last submission to sealed model'),
      'ms',
      of((m) => m.sealMs),
      largest ? 2_000 : null,
    );
    row(
      at('one submission'),
      'ms',
      of((m) => m.submitMs),
      null,
    );
    row(
      at('resident memory'),
      'MB',
      of((m) => m.residentMb),
      largest ? 400 : null,
    );
    row(
      at('held after the round'),
      'MB',
      of((m) => m.heldMb),
      null,
    );
    row(
      at('sent by a node'),
      'bytes',
      of((m) => m.sentBytes),
      null,
    );
    row(
      at('kept of a node'),
      'bytes',
      of((m) => m.keptBytes),
      null,
    );
  }
  for (const [name, value, most] of GROWTH) {
    // One fit through the first run of each size, one through the second, and so on.
    const fits = Array.from({ length: RUNS }, (_, run) =>
      exponentOf(all.map((runs) => [runs[run]!.nodes, value(runs[run]!)])),
    );
    row(`growth with nodes: ${name}`, 'exponent', fits, most);
  }
  for (const [name, value, mostKb] of [
    ['resident memory', (m: Measured): number => m.residentMb, UPDATE_KB],
    ['held after the round', (m: Measured): number => m.heldMb, UPDATE_KB / 10],
  ] as const) {
    const first = all[0]!;
    const last = all.at(-1)!;
    const slopes = first.map((small, run) => {
      const large = last[run]!;
      return ((value(large) - value(small)) * 1_024) / (large.nodes - small.nodes);
    });
    row(`growth with nodes: ${name}`, 'kB a node', slopes, mostKb);
  }
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    node: process.version,
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify({ machine, results }));
  else console.table(results, ['name', 'median', 'min', 'max', 'unit', 'bar', 'ok']);
  process.exitCode = results.every((each) => each.ok) ? 0 : 1;
}
