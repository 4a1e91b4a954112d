/**
 * The public worlds of detector 0. Seeds and configurations differ from any that the demo uses, and each purpose – role
 * tables, training, calibration, evaluation – has worlds of its own.
 * @module
 */
import {
  createConsortium,
  logConsortiumOf,
  randomStream,
  simulateDepartmentLog,
  type Consortium,
} from '@bhschain/datasets';

/** Far from small seeds that people type. */
const SEEDS = { roles: 910_000, training: 920_000, calibration: 930_000, evaluation: 940_000 };

function world(
  seed: number,
  days: number,
  options: Partial<Parameters<typeof createConsortium>[0]>,
): Consortium {
  return createConsortium({
    seed,
    hospitals: 2,
    staffPerHospital: 260,
    days,
    liveHours: 24,
    startMs: Date.UTC(2025, 0, 6 + (seed % 20), (seed * 5) % 24),
    incidentCopies: 0,
    ...options,
  });
}

export function roleWorlds(): Consortium[] {
  return [0, 1, 2].map((i) => world(SEEDS.roles + i, 7, { hospitals: 1, staffPerHospital: 500 }));
}

export function trainingWorlds(): Consortium[] {
  return [2.5, 4, 6, 7, 10, 16].map((days, i) => world(SEEDS.training + i, days, {}));
}

export function calibrationWorlds(): Consortium[] {
  return [6, 7, 9].map((days, i) => world(SEEDS.calibration + i, days, { staffPerHospital: 240 }));
}

export function evaluationWorlds(): Consortium[] {
  return [7, 7].map((days, i) => world(SEEDS.evaluation + i, days, { incidentCopies: 10 }));
}

/** Coded worlds: many small ones, because it is between sources that coded traffic differs most. */
function codedWorld(seed: number): Consortium {
  const random = randomStream(seed, 'coded world');
  return logConsortiumOf(simulateDepartmentLog({ seed, days: 100 + random.below(120) }), {
    file: `simulated log ${seed}`,
    hospitals: 2,
    seed,
    liveRowsLeast: 500,
  });
}

export function codedTrainingWorlds(): Consortium[] {
  return Array.from({ length: 40 }, (_, i) => codedWorld(SEEDS.training + 500 + i));
}

export function codedCalibrationWorlds(): Consortium[] {
  return Array.from({ length: 40 }, (_, i) => codedWorld(SEEDS.calibration + 500 + i));
}

export function codedEvaluationWorlds(): Consortium[] {
  return Array.from({ length: 16 }, (_, i) => codedWorld(SEEDS.evaluation + 500 + i));
}
