/**
 * Whether the table that follows from the hospitals' noised histograms holds the alert rate better than the public one.
 * Simulated hospitals, no incidents: each counts the windows of one six-hour slot as its node would, the table follows from
 * the sum, and the next slot's calls are judged with both tables.
 *
 *     npm run build && node experiments/dist/calibration/shared-histogram.js [seed]
 * @module
 */
import { createConsortium, createHospitalWorld, type Consortium } from '@bhschain/datasets';
import {
  createExperimentRandom,
  createSecureRandom,
  sampleDiscreteGaussian,
  type SecureRandom,
} from '@bhschain/dp';
import {
  binsOf,
  createScorer,
  DETECTOR_ZERO,
  federatedTable,
  HISTOGRAM_BINS,
  tailNoise,
  type CalibrationTable,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { replay } from '../studies/detector-zero/ledger-replay.js';
import { nodeWindows, SLOT_MS } from './node-windows.js';

const HOUR_MS = 3_600_000;
const HOSPITALS = 3;
const NOISE_EXPONENTS = [4, 5];
const DRAWS = 5;
/** Of the next slot's calls: enough for a tenth of a point. */
const CALL_SHARE = 0.1;

const seed = Number(process.argv[2] ?? 1);
const { detector, table } = DETECTOR_ZERO;
const publicScorer = createScorer(detector, table);
const words = createExperimentRandom(`shared histogram ${seed}`);
const uniform = (): number => {
  const word = new Uint32Array(1);
  words.fill(word);
  return word[0]! / 2 ** 32;
};

function worlds(): Readonly<Record<string, Consortium>> {
  const world = createHospitalWorld({
    seed,
    hospitals: HOSPITALS,
    staff: 1_200,
    days: 4,
    liveDays: 1,
    load: 0.5,
    serviceShare: 0,
    incidents: { stream: 'benign' },
  });
  return {
    'the generator that detector 0 comes from': createConsortium({
      seed,
      hospitals: HOSPITALS,
      staffPerHospital: 1_200,
      days: 3,
      liveHours: 12,
      incidentCopies: 0,
    }),
    'the hospital-scale generator': { ...world, liveFromMs: world.liveFromMs + SLOT_MS },
  };
}

/** A share of the next slot's calls, each as an endorser would judge it. */
function nextCalls(world: Consortium): ScoredWindow[] {
  const calls: ScoredWindow[] = [];
  const from = world.liveFromMs + SLOT_MS;
  for (const { call, window } of replay(world, { roles: detector.roles, diverts: () => false })) {
    if (call.timeMs >= from && call.timeMs < from + SLOT_MS && uniform() < CALL_SHARE) {
      calls.push(window);
    }
  }
  return calls;
}

function noisedSum(
  counts: readonly number[],
  noiseExponent: number,
  random: SecureRandom,
): number[] {
  const sum = [...counts];
  const noise = new Int32Array(HISTOGRAM_BINS);
  for (let hospital = 0; hospital < HOSPITALS; hospital++) {
    sampleDiscreteGaussian(noise, { scaleExponent: noiseExponent, random });
    noise.forEach((each, bin) => (sum[bin]! += each));
  }
  return sum;
}

function heldPpm(nonconformities: readonly ScoredWindow[], by: CalibrationTable): number {
  const scores = createScorer(detector, by).scoreAll(nonconformities);
  const held = scores.filter(({ scoreMillionths }) => scoreMillionths >= by.theta).length;
  return Math.round((1e6 * held) / scores.length);
}

const random = createSecureRandom((bytes) => {
  const drawn = new Uint32Array(bytes.length / 4);
  words.fill(drawn);
  bytes.set(new Uint8Array(drawn.buffer));
});
console.error(`The hospitals are simulated; seed ${seed}; target ${table.alphaPpm} ppm of calls.`);
for (const [name, world] of Object.entries(worlds())) {
  const windows = nodeWindows(world, HOUR_MS);
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (const bin of binsOf(publicScorer, windows)) counts[bin]!++;
  const calls = nextCalls(world);
  const facts = { simulated: name, seed, windows: windows.length, calls: calls.length };
  const exact = { counts, contributors: HOSPITALS, noiseExponent: 0, binMs: HOUR_MS };
  console.log(
    JSON.stringify({
      ...facts,
      targetPpm: table.alphaPpm,
      publicTablePpm: heldPpm(calls, table),
      withoutNoisePpm: heldPpm(calls, federatedTable(table, exact)),
      ...Object.fromEntries(
        NOISE_EXPONENTS.map((noiseExponent) => [
          `noise2^${noiseExponent}`,
          {
            tailNoise: Number(tailNoise({ ...exact, noiseExponent }, table).toFixed(3)),
            federatedPpm: Array.from({ length: DRAWS }, () => {
              const noised = noisedSum(counts, noiseExponent, random);
              return heldPpm(
                calls,
                federatedTable(table, { ...exact, counts: noised, noiseExponent }),
              );
            }),
          },
        ]),
      ),
    }),
  );
}
