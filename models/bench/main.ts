/**
 * `npm run bench -w models [-- --json]`: one thread, medians of interleaved runs; exit status 1 when a bar is missed.
 */
import { cpus } from 'node:os';
import { canaryReport, createScorer, DETECTOR_ZERO, PUBLIC_CANARIES } from '../src/index.js';
import { readBars } from './bars.js';
import { createCeiling } from './ceiling.js';
import { race, type Contestant, type Timing } from './measure.js';
import { createPair } from './pair.js';
import { createOnnxRuntime } from './peers/onnx-runtime.js';
import { missingPeers } from './peers/optional.js';
import { createTfjsWasm } from './peers/tfjs.js';
import { BATCH, CLIP, forwardFlop, workloadOf, type ShapeName, type Workload } from './shapes.js';

interface Result extends Timing {
  readonly name: string;
  readonly unit: string;
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

function add(
  name: string,
  unit: string,
  own: Timing,
  peer: string | null,
  peerMedian: number | null,
): void {
  const ratio = peerMedian === null ? null : peerMedian / own.median;
  const bar = bars.get(name);
  const measured = bar?.text.includes('×') === true ? ratio : own.median;
  // A bar that speaks of a peer says nothing where the peer is missing.
  const ok =
    bar === undefined ||
    measured === null ||
    (bar.atLeast ? measured >= bar.value : measured <= bar.value);
  results.push({ name, unit, ...own, peer, peerMedian, ratio, bar: bar?.text ?? null, ok });
  if (!json) {
    const beside = ratio === null ? '' : `  ${ratio.toFixed(2)} × ${peer!}`;
    const promise = bar === undefined ? '' : `  (${bar.text}: ${ok ? 'kept' : 'MISSED'})`;
    console.log(`${name.padEnd(44)} ${own.median.toFixed(4)} ${unit}${beside}${promise}`);
  }
}

const same = (value: number): Timing => ({ median: value, min: value, max: value, runs: 1 });

function tasks(name: ShapeName, { kernel, batch, architecture }: Workload): Contestant[] {
  const { steps, features } = architecture;
  const out = new Float64Array(kernel.layout.parameterCount);
  const select = new Uint8Array(batch.lengths.length).fill(1);
  const one = {
    windows: batch.windows.slice(0, steps * features),
    lengths: batch.lengths.slice(0, 1),
  };
  return [
    { name: `plain step, ${name}`, run: () => kernel.gradient(batch) },
    {
      name: `private step, ${name}`,
      run: () => kernel.clippedSum({ ...batch, ...CLIP, select, out }),
    },
    { name: `scoring ${BATCH} windows, ${name}`, run: () => kernel.losses(batch) },
    { name: `scoring one window, ${name}`, repeat: 200, run: () => kernel.losses(one) },
  ];
}

const ceiling = await createCeiling();

const ceilingTask: Contestant = { name: 'ceiling', run: ceiling.run };
let ceilingGflops = 0;
for (const name of ['hook', 'node', 'big'] as const) {
  const workload = workloadOf(name);
  const own = tasks(name, workload);
  const peers: Contestant[] = [];
  if (name === 'big') {
    const tfjs = await createTfjsWasm(workload);
    peers.push({ name: tfjs.name, run: () => tfjs.gradient() });
    peers.push({ name: tfjs.name, run: () => tfjs.losses() });
  }
  const onnx = await createOnnxRuntime(workload);
  const onnxTask = onnx === null ? [] : [{ ...onnx, repeat: 200 }];
  const timings = await race([...own, ceilingTask, ...onnxTask, ...peers], RUNS);
  const [plain, priv, many, one, spin] = timings as [Timing, Timing, Timing, Timing, Timing];
  const onnxTiming = onnx === null ? undefined : timings[5];
  const [gradientPeer, lossesPeer] = timings.slice(5 + onnxTask.length);
  const flop = forwardFlop(workload.architecture);
  add(own[0]!.name, 'ms', plain, peers[0]?.name ?? null, gradientPeer?.median ?? null);
  add(own[1]!.name, 'ms', priv, null, null);
  add(`private over plain, ${name}`, 'ratio', same(priv.median / plain.median), null, null);
  add(own[2]!.name, 'ms', many, peers[1]?.name ?? null, lossesPeer?.median ?? null);
  add(own[3]!.name, 'ms', one, onnx?.name ?? null, onnxTiming?.median ?? null);
  // The best runs: a busy machine interrupts the long one and leaves the short one alone.
  const share = (3 * flop * BATCH) / plain.min / (ceiling.flop / spin.min);
  ceilingGflops = ceiling.flop / spin.min / 1e6;
  add(`plain step, share of the ceiling, ${name}`, 'share', same(share), null, null);
}

const scorer = createScorer(DETECTOR_ZERO.detector, DETECTOR_ZERO.table);
const full = PUBLIC_CANARIES.windows.filter(({ rows }) => rows.length === 16).slice(0, 50);
const [scoring] = await race(
  [{ name: '', repeat: 20, run: () => full.forEach((window) => scorer.score(window)) }],
  RUNS,
);
const perWindow = (t: Timing): Timing => ({
  runs: t.runs,
  median: t.median / full.length,
  min: t.min / full.length,
  max: t.max / full.length,
});
add('window of integers to score, hook', 'ms', perWindow(scoring!), null, null);
const [canaries] = await race(
  [
    {
      name: '',
      run: () => canaryReport(DETECTOR_ZERO.detector, DETECTOR_ZERO.table, PUBLIC_CANARIES),
    },
  ],
  RUNS,
);
add('report on the public canaries', 'ms', canaries!, null, null);

const pair = await createPair();
const [single, double] = await race(
  [
    { name: 'one', run: () => pair.run(1, 2 * BATCH) },
    { name: 'two', run: () => pair.run(2, BATCH) },
  ],
  RUNS,
);
await pair.close();
add('two workers over one', 'ratio', same(single!.median / double!.median), null, null);

for (const line of missingPeers()) console.error(line);

if (json) {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    ceilingGflops,
  };
  console.log(JSON.stringify({ machine, results }));
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
