/**
 * A process that answers one question of `memory.test.ts` and prints, as JSON, what came out and by how much its peak of
 * resident memory grew. Garbage is collected before it starts, so that the growth is the question's own.
 * @module
 */
import {
  calibrate,
  calibrateNoiseMultiplier,
  createPrivacyPlan,
  deltaOf,
  DpError,
  epsilonInterval,
  epsilonOf,
  gaussianMuOf,
  groupEvent,
  planPreset,
  privacyStatement,
  truePositiveRateOf,
  type PrivacyEvent,
} from '../src/index.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

const delta = 1e-5;
const addRemove = { delta, adjacency: 'add-or-remove-one' } as const;

function laplace(noiseMultiplier: number): PrivacyEvent {
  return { kind: 'laplace', noiseMultiplier };
}

function lattice(sigma: number, sensitivity: number): PrivacyEvent {
  return { kind: 'discrete-gaussian', sigma, sensitivity };
}

function capped(datasetSize: number, batchMax: number): PrivacyEvent {
  const [samplingProbability, noiseMultiplier] = [0.05, 1];
  const kind = 'truncated-poisson-gaussian';
  return { kind, datasetSize, samplingProbability, batchMax, noiseMultiplier };
}

function different(count: number, event: (i: number) => PrivacyEvent): PrivacyEvent {
  return all(...Array.from({ length: count }, (_, i) => event(i)));
}

/** Ordinary, heavy and impossible. */
export const QUESTIONS: Readonly<Record<string, () => unknown>> = {
  'the default plan': () => epsilonInterval(dpSgd(0.0512, 3.05, 59), { delta }),
  'little noise, 100,000 steps': () => epsilonInterval(dpSgd(0.01, 0.3, 100_000), { delta }),
  'a rare record, a million steps': () => epsilonInterval(dpSgd(1e-6, 0.2, 1e6), { delta }),
  'much noise, 10,000 steps': () => epsilonInterval(dpSgd(0.5, 200, 10_000), { delta }),
  'nearly the full batch, hardly any noise': () =>
    epsilonInterval(dpSgd(0.9999, 0.1, 1000), { delta }),
  'a billion steps': () => epsilonOf(dpSgd(0.5, 1, 1e9), { delta }),
  'ε far beyond use': () => deltaOf(dpSgd(0.9, 0.05, 1e5), { epsilon: 1e5 }),
  'the least δ': () => epsilonOf(dpSgd(0.001, 1e6, 1e6), { delta: 1e-9 }),
  'calibration, ε .01': () =>
    calibrateNoiseMultiplier({ ...addRemove, epsilon: 0.01, samplingRate: 0.01, steps: 10_000 }),
  'calibration, ε .001 over 100,000 steps': () =>
    calibrateNoiseMultiplier({ ...addRemove, epsilon: 1e-3, samplingRate: 0.5, steps: 100_000 }),
  'calibration of Laplace': () =>
    calibrate((b) => times(500, laplace(b)), { ...addRemove, epsilon: 1 }),
  'a million Laplace releases': () => epsilonInterval(times(1e6, laplace(300)), { delta }),
  'the lattice of a plan, m 18': () =>
    epsilonInterval(times(59, poisson(0.0512, lattice(2 ** 18, 85_951))), { delta }),
  'ten lattices': () =>
    epsilonInterval(
      different(10, (i) => poisson(0.1 + i / 100, lattice(2 ** 15 + i, 10_000))),
      { delta },
    ),
  'forty lattices': () =>
    epsilonOf(
      different(40, (i) => lattice(2 ** 15 + i, 10_000)),
      { delta },
    ),
  'a lattice without end': () => epsilonOf(lattice(1e9, 1), { delta }),
  'three hundred different steps': () =>
    epsilonOf(
      different(300, (i) => dpSgd(0.01 + i / 1000, 3 + i / 100, 2)),
      { delta },
    ),
  'an actor of 24 windows over 30 days': () =>
    epsilonInterval(groupEvent(dpSgd(0.0512, 3.05, 59 * 120), 24), { delta }),
  'capped batches': () => epsilonInterval(times(1000, capped(20_000, 1100)), { delta }),
  'capped batches of two billion': () => epsilonInterval(times(9, capped(2e9, 1e8)), { delta }),
  'Rényi, a million steps': () => epsilonOf(dpSgd(0.01, 1.1, 1e6), { delta, accountant: 'rdp' }),
  'Rényi, fixed-size samples': () =>
    epsilonOf(
      {
        kind: 'sampled-without-replacement',
        datasetSize: 1e6,
        sampleSize: 1000,
        event: gaussian(2),
      },
      { delta, accountant: 'rdp', adjacency: 'replace-one' },
    ),
  'attack power': () => [
    gaussianMuOf(dpSgd(0.0512, 3.05, 5900), { errorRateMin: 1e-6 }),
    truePositiveRateOf(dpSgd(0.0512, 3.05, 5900), { falsePositiveRate: 1e-3 }),
  ],
  'the statement of a year': () =>
    privacyStatement(createPrivacyPlan(planPreset('hospital', { parameterCount: 2956 })), {
      roundsSoFar: 1460,
    }),
};

const asked = QUESTIONS[process.argv[2] ?? ''];
if (asked !== undefined) {
  epsilonOf(dpSgd(0.05, 3, 3), { delta }); // the code itself is no answer's memory
  (globalThis as { gc?: () => void }).gc?.();
  const before = process.memoryUsage.rss();
  let refused: string | null = null;
  try {
    asked();
  } catch (error) {
    if (!(error instanceof DpError)) throw error;
    refused = `${error.code}: ${error.message}`;
  }
  // maxRSS is in KiB.
  const grown = process.resourceUsage().maxRSS * 1024 - before;
  process.stdout.write(JSON.stringify({ refused, grown }));
}
