/**
 * `npm run bench -w dp [-- --json]`: what this room promises about speed, measured in CPU time, and the
 * law of 10^8 draws.
 *
 * A peer (Google's dp_accounting, in Python) runs in turns with ours when `bench/peers/requirements.txt` is installed
 * for the interpreter that `--python=PATH` names (default python3); else its columns are null.
 * @module
 */
import { randomFillSync } from 'node:crypto';
import os from 'node:os';
import {
  calibrateNoiseMultiplier,
  createSecureRandom,
  epsilonOf,
  sampleDiscreteGaussian,
  type PrivacyEvent,
} from '../src/index.js';
import { startPeer, type Peer } from './peer.js';

interface Result {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly peer: string | null;
  readonly peerMedian: number | null;
  /** Above 1: better than the peer. */
  readonly ratio: number | null;
  readonly bar: string;
  readonly ok: boolean;
}

const RUNS = 9;
const json = process.argv.includes('--json');
const random = createSecureRandom((bytes) => randomFillSync(bytes));

function dpSgd(q: number, s: number, count: number): PrivacyEvent {
  const event: PrivacyEvent = { kind: 'gaussian', noiseMultiplier: s };
  return {
    kind: 'self-composed',
    count,
    event: { kind: 'poisson-sampled', samplingProbability: q, event },
  };
}

/** CPU time of this process, as the peer states it: other work on the machine counts less than in wall time. */
function milliseconds(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Ours and the peer's in turns, after two warm runs. `values` turns milliseconds into the unit of the result. */
async function compare(o: {
  name: string;
  unit: string;
  work: () => unknown;
  value?: (ms: number) => number;
  bar: string;
  ok: (median: number) => boolean;
  peer?: { name: string; run: () => Promise<number | null> };
}): Promise<Result> {
  const value = o.value ?? ((ms: number): number => ms);
  o.work();
  o.work();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    ours.push(value(milliseconds(o.work)));
    const other = await o.peer?.run();
    if (typeof other === 'number') theirs.push(value(other));
  }
  const middle = median(ours);
  const peerMedian = theirs.length === 0 ? null : median(theirs);
  const lessIsBetter = o.value === undefined;
  return {
    name: o.name,
    unit: o.unit,
    median: middle,
    min: Math.min(...ours),
    max: Math.max(...ours),
    runs: RUNS,
    peer: peerMedian === null ? null : o.peer!.name,
    peerMedian,
    ratio: peerMedian === null ? null : lessIsBetter ? peerMedian / middle : middle / peerMedian,
    bar: o.bar,
    ok: o.ok(middle),
  };
}

async function accounting(peer: Peer | null): Promise<Result[]> {
  const results: Result[] = [];
  for (const [steps, fine] of [
    [1000, 1.5153622494],
    [10_000, 5.1925849247],
  ] as const) {
    const event = dpSgd(0.01, 1.1, steps);
    const excess = epsilonOf(event, { delta: 1e-5 }) - fine;
    results.push(
      await compare({
        name: `epsilon, q .01, s 1.1, ${steps} steps`,
        unit: 'CPU ms',
        work: () => epsilonOf(event, { delta: 1e-5 }),
        bar: `at most 100 ms, within 1e-5 above the value on a grid of 2e-5 (now ${excess.toExponential(1)})`,
        ok: (ms) => ms <= 100 && excess <= 1e-5 && excess > -1e-6,
        ...(peer === null
          ? {}
          : {
              peer: {
                name: 'dp_accounting, grid 1e-4',
                run: () => peer.ask({ q: 0.01, s: 1.1, steps, delta: 1e-5 }),
              },
            }),
      }),
    );
  }
  results.push(
    await compare({
      name: 'calibration, q .0512, 59 steps',
      unit: 'CPU ms',
      work: () =>
        calibrateNoiseMultiplier({
          epsilon: 0.5,
          delta: 1e-5,
          samplingRate: 0.0512,
          steps: 59,
          adjacency: 'add-or-remove-one',
        }),
      bar: 'at most 1,000 ms',
      ok: (ms) => ms <= 1000,
      ...(peer === null
        ? {}
        : {
            peer: {
              name: 'dp_accounting, grid 1e-4',
              run: () => peer.ask({ q: 0.0512, steps: 59, delta: 1e-5, epsilon: 0.5 }),
            },
          }),
    }),
  );
  return results;
}

async function noise(): Promise<Result[]> {
  const many = new Int32Array(1_000_000);
  const words = new Uint32Array(many.length);
  const vector = new Int32Array(40_000);
  const floats = new Float64Array(many.length);
  const perSecond = (ms: number): number => many.length / 1e6 / (ms / 1000);
  const boxMuller = (): void => {
    random.fill(words);
    for (let i = 0; i < floats.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[i]! + 1) / 4_294_967_297));
      const angle = (words[i + 1]! / 4_294_967_296) * 2 * Math.PI;
      floats[i] = radius * Math.cos(angle);
      floats[i + 1] = radius * Math.sin(angle);
    }
  };
  return [
    await compare({
      name: 'exact discrete Gaussian, m 18, one thread',
      unit: 'million/CPU s',
      work: () => sampleDiscreteGaussian(many, { scaleExponent: 18, random }),
      value: perSecond,
      bar: 'at least 5 million a second; beside: float Box-Muller on the same words (not secure)',
      ok: (rate) => rate >= 5,
      peer: { name: 'float Box-Muller', run: () => Promise.resolve(milliseconds(boxMuller)) },
    }),
    await compare({
      name: 'noise of a 40,000-parameter vector',
      unit: 'CPU ms',
      work: () => sampleDiscreteGaussian(vector, { scaleExponent: 18, random }),
      bar: 'at most 10 ms',
      ok: (ms) => ms <= 10,
    }),
  ];
}

/** 10^8 draws: the variance to six standard errors, the counts of 128 cells by chi-square. */
function law(): Result {
  const batch = new Int32Array(1_000_000);
  const sigma = 2 ** 12;
  const cells = new Float64Array(128);
  const masses = new Float64Array(128);
  const cellOf = (y: number): number =>
    Math.min(127, Math.max(0, Math.floor((y * 16) / sigma) + 64));
  let total = 0;
  for (let y = -8 * sigma; y <= 8 * sigma; y++) {
    const height = Math.exp((-y * y) / (2 * sigma * sigma));
    masses[cellOf(y)] = masses[cellOf(y)]! + height;
    total += height;
  }
  let squares = 0;
  const draws = 100 * batch.length;
  const ms = milliseconds(() => {
    for (let i = 0; i < 100; i++) {
      sampleDiscreteGaussian(batch, { scaleExponent: 12, random });
      for (const y of batch) {
        squares += y * y;
        cells[cellOf(y)] = cells[cellOf(y)]! + 1;
      }
    }
  });
  const chiSquare = cells.reduce((sum, count, i) => {
    const due = (draws * masses[i]!) / total;
    return due < 10 ? sum : sum + (count - due) ** 2 / due;
  }, 0);
  const errors = (squares / draws / sigma ** 2 - 1) / Math.sqrt(2 / draws);
  return {
    name: '10^8 draws: variance in standard errors; chi-square on 127 degrees',
    unit: 'chi-square',
    median: chiSquare,
    min: chiSquare,
    max: chiSquare,
    runs: 1,
    peer: null,
    peerMedian: null,
    ratio: null,
    bar: `chi-square below 200, variance within 5 standard errors (now ${errors.toFixed(2)}; ${(ms / 1000).toFixed(1)} CPU s)`,
    ok: chiSquare < 200 && Math.abs(errors) < 5,
  };
}

const peer = await startPeer();
const results = [...(await accounting(peer)), ...(await noise()), law()];
peer?.close();
const cpu = os.cpus()[0]?.model ?? 'unknown';
const machine = `${cpu}, ${os.cpus().length} threads, Node ${process.version}`;
if (json) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
else {
  process.stdout.write(`${machine}\n`);
  for (const r of results) {
    const beside =
      r.peer === null
        ? ''
        : `  ${r.peer} ${r.peerMedian!.toPrecision(3)}, ratio ${r.ratio!.toFixed(2)}`;
    process.stdout.write(
      `${r.ok ? 'ok  ' : 'MISS'} ${r.name}: ${r.median.toPrecision(3)} ${r.unit} (${r.min.toPrecision(3)}-${r.max.toPrecision(3)})${beside}  [${r.bar}]\n`,
    );
  }
}
process.exitCode = results.every((result) => result.ok) ? 0 : 1;
