/**
 * `npm run bench -w models [-- --json]`: one thread, medians of interleaved runs; exit status 1 when a bar is missed.
 */
import { cpus } from 'node:os';
import { canaryReport, createScorer, DETECTOR_ZERO, PUBLIC_CANARIES } from '../src/index.js';
import { createAdam } from '../src/training/index.js';
import { readBars } from './bars.js';
import { createCeiling } from './ceiling.js';
import { race, type Contestant, type Timing } from './measure.js';
import { createOnnxRuntime } from './peers/onnx-runtime.js';
import { missingPeers } from './peers/places.js';
import { createSteppingPeers } from './peers/stepping.js';
import { createTfjsWasm, TFJS_WASM } from './peers/tensorflow.js';
import { tryRevectorize } from './revectorize.js';
import {
  BATCH,
  CLIP,
  forwardFlop,
  membersWorkload,
  SHAPES,
  workloadOf,
  type ShapeName,
  type Workload,
} from './shapes.js';
import { createThreads } from './threads.js';

interface Result extends Timing {
  readonly name: string;
  readonly unit: string;
  /** Of what 128-bit multiplications and additions could do at best in that time; null where work is not counted so. */
  readonly ceilingShare: number | null;
  readonly peer: string | null;
  readonly peerMedian: number | null;
  /** Better than the peer when above 1. */
  readonly ratio: number | null;
  readonly bar: string | null;
  readonly ok: boolean;
}

const json = process.argv.includes('--json');
const RUNS = 9;
const bars = readBars();
const results: Result[] = [];

/** One line a result: a peer's name stands behind the result's own, and so in the table of bars. */
function add(
  name: string,
  unit: string,
  own: Timing,
  {
    peer = null,
    peerTiming,
    share = null,
  }: { peer?: string | null; peerTiming?: Timing; share?: number | null } = {},
): void {
  const peerMedian = peerTiming?.median ?? null;
  const ratio = peerMedian === null ? null : peerMedian / own.median;
  const bar = bars.get(peer === null ? name : `${name} against ${peer}`);
  const measured = ratio ?? own.median;
  const ok = bar === undefined || (bar.atLeast ? measured >= bar.value : measured <= bar.value);
  results.push({
    ...{ name, unit, ...own, ceilingShare: share, peer, peerMedian, ratio },
    ...{ bar: bar?.text ?? null, ok },
  });
  if (json) return;
  const beside = ratio === null ? '' : `  ${ratio.toFixed(2)} × ${peer!}`;
  const of = share === null ? '' : `  ${(100 * share).toFixed(0)} % of the ceiling`;
  const promise = bar === undefined ? '' : `  (${bar.text}: ${ok ? 'kept' : 'MISSED'})`;
  console.log(`${name.padEnd(40)} ${own.median.toFixed(4)} ${unit}${of}${beside}${promise}`);
}

const constant = (value: number): Timing => ({ median: value, min: value, max: value, runs: 1 });

/** A training step is a gradient, Adam, and the new parameters in the kernel; a private one has no noise here. */
function tasks(
  name: ShapeName,
  { kernel, batch, architecture, parameters }: Workload,
): Contestant[] {
  const { steps, features } = architecture;
  const out = new Float64Array(parameters.length);
  const select = new Uint8Array(batch.lengths.length).fill(1);
  const mean = new Float32Array(parameters.length);
  const adam = createAdam(parameters.length);
  const moving = parameters.slice();
  const move = (gradient: Float32Array): void => {
    adam.step(moving, gradient, 1e-6);
    kernel.setParameters(moving);
  };
  const one = {
    windows: batch.windows.slice(0, steps * features),
    lengths: batch.lengths.slice(0, 1),
  };
  return [
    {
      name: `plain step, ${name}`,
      run: () => {
        move(kernel.gradient(batch).gradient);
      },
    },
    {
      name: `private step, ${name}`,
      run: () => {
        out.fill(0);
        kernel.clippedSum({ ...batch, ...CLIP, select, out });
        for (let i = 0; i < mean.length; i++) mean[i] = out[i]! / CLIP.gridScale / BATCH;
        move(mean);
      },
    },
    { name: `scoring ${BATCH} windows, ${name}`, run: () => void kernel.losses(batch) },
    { name: `scoring one window, ${name}`, repeat: 200, run: () => void kernel.losses(one) },
  ];
}

/** Peers by the number of our task that they do. */
async function peersOf(
  name: ShapeName,
  workload: Workload,
): Promise<{ of: number; task: Contestant }[]> {
  const { batch } = workload;
  const peers: { of: number; task: Contestant }[] = [];
  const onnx = await createOnnxRuntime({ [name]: workload }, ({ steps, features }) =>
    batch.windows.slice(0, steps * features),
  );
  if (onnx !== null) peers.push({ of: 3, task: { ...onnx, repeat: 200 } });
  if (name !== 'big') return peers;
  const engine = await createTfjsWasm(workload);
  peers.push({ of: 0, task: { name: TFJS_WASM, run: () => void engine.gradient(batch) } });
  peers.push({ of: 2, task: { name: TFJS_WASM, run: () => void engine.losses(batch) } });
  const stepping = await createSteppingPeers(workload);
  for (const peer of stepping.peers) {
    peers.push({ of: ['plain', 'private', 'scoring'].indexOf(peer.step), task: peer });
  }
  closing.push(stepping.close);
  return peers;
}

const closing: (() => unknown)[] = [];
const ceiling = await createCeiling();
let ceilingFlopPerMs = 0;
for (const name of Object.keys(SHAPES) as ShapeName[]) {
  const workload = workloadOf(name);
  const own = tasks(name, workload);
  const peers = await peersOf(name, workload);
  const spinning: Contestant = { name: 'ceiling', run: ceiling.run };
  const timings = await race([spinning, ...own, ...peers.map(({ task }) => task)], RUNS);
  const [spin, ...rest] = timings as [Timing, ...Timing[]];
  ceilingFlopPerMs = ceiling.flop / spin.min;
  const forward = forwardFlop(workload.architecture);
  const flop = [3 * forward * BATCH, 3 * forward * BATCH, forward * BATCH, forward];
  own.forEach((task, i) => {
    // The best runs: a busy machine interrupts the long one and leaves the short one alone.
    const share = flop[i]! / rest[i]!.min / ceilingFlopPerMs;
    const rivals = peers.flatMap(({ of, task: rival }, k) =>
      of === i ? [{ peer: rival.name, peerTiming: rest[own.length + k]! }] : [],
    );
    if (rivals.length === 0) add(task.name, 'ms', rest[i]!, { share });
    for (const rival of rivals) add(task.name, 'ms', rest[i]!, { share, ...rival });
  });
  add(`private over plain, ${name}`, 'ratio', constant(rest[1]!.median / rest[0]!.median));
  add(
    `plain step, share of the ceiling, ${name}`,
    'share',
    constant(flop[0]! / rest[0]!.min / ceilingFlopPerMs),
  );
}

const members = membersWorkload();
const rival = await createOnnxRuntime(members.networks, members.windowOf);
const [together, theirs] = await race(
  [
    { name: '', repeat: 200, run: members.score },
    ...(rival === null ? [] : [{ ...rival, repeat: 200 }]),
  ],
  RUNS,
);
add('one window through all members, hook', 'ms', together!);
if (rival !== null) {
  add('one window through all members, hook', 'ms', together!, {
    peer: rival.name,
    peerTiming: theirs!,
  });
}

const scorer = createScorer(DETECTOR_ZERO.detector, DETECTOR_ZERO.table);
const full = PUBLIC_CANARIES.windows.filter(({ rows }) => rows.length === 16).slice(0, 50);
const [scoring, canaries] = await race(
  [
    {
      name: '',
      repeat: 20,
      run: () => {
        for (const window of full) scorer.score(window);
      },
    },
    {
      name: '',
      run: () => void canaryReport(DETECTOR_ZERO.detector, DETECTOR_ZERO.table, PUBLIC_CANARIES),
    },
  ],
  RUNS,
);
const perWindow = (t: Timing): Timing => ({
  runs: t.runs,
  median: t.median / full.length,
  min: t.min / full.length,
  max: t.max / full.length,
});
add('window of integers to score, hook', 'ms', perWindow(scoring!));
add('report on the public canaries', 'ms', canaries!);

const threads = createThreads(workloadOf('big', 2 * BATCH));
const [single, double] = await race(
  [
    { name: 'one', run: () => threads.run(1) },
    { name: 'two', run: () => threads.run(2) },
  ],
  RUNS,
);
await threads.close();
add('two workers over one', 'ratio', constant(single!.median / double!.median));

for (const { node, sameBits, without, with: joined } of tryRevectorize([
  '22.23.3',
  '24.21.0',
  '26.10.0',
])) {
  if (!sameBits) throw new Error(`revectorised kernel differs in bits on Node ${node}`);
  add(`plain step, revectorised, Node ${node}`, 'ms', constant(joined), {
    peer: 'without the flag',
    peerTiming: constant(without),
  });
}

for (const close of closing) close();
for (const line of missingPeers()) console.error(line);

if (json) {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    ceilingGflops: ceilingFlopPerMs / 1e6,
  };
  console.log(JSON.stringify({ machine, results }));
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
