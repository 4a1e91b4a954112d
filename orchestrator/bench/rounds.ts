/**
 * One round with many nodes: `npx tsx orchestrator/bench/rounds.ts [--json]`.
 *
 * Each node signs and submits like a real one; the store is the embedded SQLite on disk. Measured is the time from the
 * last submission to the sealed model, the time of one submission, and the resident memory of the process, each size in
 * a process of its own.
 */
import { fork } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
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

interface Measured {
  readonly nodes: number;
  readonly sealMs: number;
  readonly submitMs: number;
  readonly residentMb: number;
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
    submitMs.push(lastSubmittedMs - startedMs);
  }
  await runner.settle();
  const sealMs = performance.now() - lastSubmittedMs;
  if ((await store.rounds.count('sealed')) !== 1) throw new Error('not sealed');
  await store.close();
  folder.remove();
  submitMs.sort((a, b) => a - b);
  return {
    nodes,
    sealMs,
    submitMs: submitMs[Math.floor(submitMs.length / 2)]!,
    residentMb: process.resourceUsage().maxRSS / 1_024,
  };
}

function inOwnProcess(nodes: number): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [`--nodes=${nodes}`], {
      execArgv: process.execArgv,
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
  for (const nodes of SIZES) {
    const runs: Measured[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await inOwnProcess(nodes));
    const row = (
      name: string,
      unit: string,
      value: (m: Measured) => number,
      bar: number | null,
    ): void => {
      const sorted = runs.map(value).sort((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)]!;
      const result = {
        name: `${name}, ${nodes} nodes`,
        unit,
        median: Math.round(median * 10) / 10,
        min: Math.round(sorted[0]! * 10) / 10,
        max: Math.round(sorted.at(-1)! * 10) / 10,
        runs: RUNS,
        peer: null,
        peerMedian: null,
        ratio: null,
        bar: bar === null ? null : `at most ${bar} ${unit}`,
        ok: bar === null || median <= bar,
      };
      results.push(result);
    };
    const largest = nodes === 1_000;
    row('last submission to sealed model', 'ms', (m) => m.sealMs, largest ? 2_000 : null);
    row('one submission', 'ms', (m) => m.submitMs, null);
    row('resident memory', 'MB', (m) => m.residentMb, largest ? 400 : null);
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
