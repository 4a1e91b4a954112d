/**
 * Makes the figures of `models/src/detector/window-shares.ts`: the share of ordinary windows, as nodes cut them, that lie at or
 * below p = α of the public table. Simulated, public, from worlds that nothing else uses.
 *
 *     npm run build && node experiments/dist/calibration/window-shares.js
 * @module
 */
import { createConsortium } from '@bhschain/datasets';
import { createScorer, DETECTOR_ZERO } from '@bhschain/models/detector';
import { nodeWindows } from './node-windows.js';

const WORLDS = 8;
const FIRST_SEED = 950_000;
const HOUR_MS = 3_600_000;

const scorer = createScorer(DETECTOR_ZERO.detector, DETECTOR_ZERO.table);
const totals = new Map([HOUR_MS, 6 * HOUR_MS].map((binMs) => [binMs, { windows: 0, held: 0 }]));
for (let i = 0; i < WORLDS; i++) {
  const world = createConsortium({
    seed: FIRST_SEED + i,
    hospitals: 2,
    staffPerHospital: 300,
    days: 3 + (i % 4),
    liveHours: 6 * (1 + (i % 4)),
    incidentCopies: 0,
  });
  for (const [binMs, total] of totals) {
    const scores = scorer.scoreAll(nodeWindows(world, binMs));
    total.windows += scores.length;
    total.held += scores.filter(
      ({ scoreMillionths }) => scoreMillionths >= scorer.table.theta,
    ).length;
  }
}
for (const [binMs, { windows, held }] of totals) {
  console.log(
    JSON.stringify({
      simulated: true,
      binMs,
      windows,
      sharePpm: Math.round((1e6 * held) / windows),
    }),
  );
}
