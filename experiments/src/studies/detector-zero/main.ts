/**
 * Makes detector 0, its public table and the public canaries from the simulator, and reports what they are worth beside
 * the controls. The same command gives the same bytes.
 *
 * `npm run detector-zero` – options: `--check` compares with the committed modules instead of writing them; `--quick` trains few
 * steps and writes nothing, so it is no evidence; `--logs DIR` also tries real event logs.
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLogConsortium, randomStream, type Consortium } from '@bhschain/datasets';
import { DEFAULT_ARCHITECTURE } from '@bhschain/models/architecture';
import {
  canaryReport,
  createScorer,
  encodeCanaries,
  encodeDetector,
  encodeTable,
  generatedModule,
  type CalibrationTable,
  type Canaries,
  type Detector,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { COLUMN, type RoleTables } from '@bhschain/models/features';
import { createKernel } from '@bhschain/models/kernel';
import { atThreshold, label, rank, type KindResult, type LabelledCalls } from './evaluation.js';
import { replay, type JudgedCall } from './ledger-replay.js';
import { countRoleTables } from './role-counts.js';
import {
  calibrate,
  kernelOf,
  nonconformities,
  trainDetector,
  whiten,
  type TrainingSet,
} from './train.js';
import * as worlds from './worlds.js';

const ALPHA = 0.032;
const CALLS_PER_ACTOR_MAX = 150;
const COMMAND = 'npm run detector-zero';
const TARGET = join(
  fileURLToPath(new URL('.', import.meta.url)),
  '../../../../models/src/detector',
);

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    steps: { type: 'string', default: '4000' },
    logs: { type: 'string' },
  },
});
const started = performance.now();
const steps = flags.quick ? 200 : Number(flags.steps);

say('role tables');
const roles = countRoleTables(worlds.roleWorlds());
say('training windows');
const windows: TrainingSet = {
  full: worlds.trainingWorlds().flatMap((world) => sampled(world, { share: 0.22 })),
  coded: worlds.codedTrainingWorlds().flatMap((world) => sampled(world, { share: 1 })),
};
say(`${windows.full.length} full and ${windows.coded.length} coded windows`);
const detector = trainDetector({ windows, roles, seed: 'one', steps, log: say });
say('calibration');
const table = calibrateInTheLoop(detector);
for (const { columnMask, lengthMin, lengthMax, n } of table.strata) {
  say(`  mask ${columnMask.toString(16)} lengths ${lengthMin}-${lengthMax}: n = ${n}`);
}

say('evaluation, simulated hospitals');
const evaluation = worlds.evaluationWorlds();
report(evaluation, roles);
say('evaluation, simulated department logs');
report(worlds.codedEvaluationWorlds(), null);
const logs = flags.logs ?? join(process.cwd(), '../shared/data/hospital_event_logs');
for (const name of ['sepsis.csv.gz', 'bpic2011_hospital.csv.gz']) {
  const file = join(logs, name);
  if (!existsSync(file)) {
    say(`${name}: not there, skipped`);
    continue;
  }
  const seeds = flags.quick ? [1] : [1, 2, 3];
  const seen = await Promise.all(
    seeds.map((seed) => createLogConsortium({ file, hospitals: 3, seed })),
  );
  say(`evaluation, real log ${name}`);
  report(seen, null);
}

const canaries = makeCanaries(evaluation);
const canary = canaryReport(detector, table, canaries);
say(
  `canaries: ${canaries.windows.length} windows, AUC ${canary.auc.toFixed(4)}, alert rate ${canary.alertRatePpm} ppm`,
);
publish({
  'detector-zero.ts': generatedModule(COMMAND, {
    DETECTOR_ZERO_BASE64: encodeDetector(detector),
    TABLE_ZERO_BASE64: encodeTable(table),
  }),
  'public-canaries.ts': generatedModule(COMMAND, {
    PUBLIC_CANARIES_BASE64: encodeCanaries(canaries),
  }),
});
say(`detector ${encodeDetector(detector).length} bytes, table ${encodeTable(table).length} bytes`);

/** Windows of a benign world, a share of them, with some calls diverted at random, so that diversion is no novelty. */
function sampled(world: Consortium, options: Readonly<{ share: number }>): ScoredWindow[] {
  const random = randomStream('detector-zero', 'sample', world.startMs, world.liveFromMs);
  const hot = new Map<string, boolean>();
  const calls = replay(world, {
    roles,
    diverts({ session }) {
      if (!hot.has(session)) hot.set(session, random.chance(0.08));
      return hot.get(session)! && random.chance(0.35);
    },
    plays: innocent(world),
  });
  return evenly(calls)
    .filter(() => random.chance(options.share))
    .map(({ window }) => window);
}

/** At most so many calls of one actor, so that a log's one great department does not speak for all departments. */
function evenly(calls: Iterable<JudgedCall>): JudgedCall[] {
  const counts = new Map<string, number>();
  return [...calls].filter(({ actor }) => {
    const count = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, count);
    return count <= CALLS_PER_ACTOR_MAX;
  });
}

/** Leaves the planted incidents out. */
function innocent(world: Consortium): (session: string) => boolean {
  const guilty = new Set(world.truth.flatMap((incident) => incident.eventIds));
  const sessions = new Set<string>();
  if (guilty.size > 0) {
    for (const hospital of world.hospitals) {
      for (const event of hospital.events()) {
        if (guilty.has(event.eventId) && event.session !== null) sessions.add(event.session);
      }
    }
  }
  return (session) => !sessions.has(session);
}

/** Held calls stay in the ring and make the next score stranger, so the table is fitted with the guard at work. */
function calibrateInTheLoop(of: Detector): CalibrationTable {
  const held = [...worlds.calibrationWorlds(), ...worlds.codedCalibrationWorlds()];
  let fitted: CalibrationTable | null = null;
  for (let pass = 0; pass < 3; pass++) {
    const diverts = fitted === null ? (): boolean => false : guardOf(of, fitted);
    const seen = held.flatMap((world) =>
      evenly(replay(world, { roles, diverts, plays: innocent(world) })).map((call) => call.window),
    );
    fitted = calibrate(of, seen);
  }
  return fitted!;
}

function guardOf(of: Detector, by: CalibrationTable): (call: JudgedCall) => boolean {
  const scorer = createScorer(of, by);
  return ({ window }) => scorer.score(window).scoreMillionths >= by.theta;
}

function report(evaluated: readonly Consortium[], peers: RoleTables | null): void {
  const scorer = createScorer(detector, table);
  const labelled: LabelledCalls = merge(
    evaluated.map((world) =>
      label(world, [...replay(world, { roles: peers, diverts: guardOf(detector, table) })]),
    ),
  );
  const seen = labelled.calls.map((call) => call.window);
  const results = scorer.scoreAll(seen);
  const ours = results.map((score) => score.nonconformity);
  const alarms = results.map((score) => score.scoreMillionths >= table.theta);
  const benignScores = ours.filter((_, i) => labelled.incidents[i] === null);
  const falseHolds = alarms.filter((alarm, i) => alarm && labelled.incidents[i] === null).length;
  say(
    `  realised: ${((1000 * falseHolds) / benignScores.length).toFixed(1)} of 1000 benign calls held (n = ${benignScores.length})`,
  );
  const running = atThreshold(labelled, ours, (_, i) => alarms[i]!, benignScores);
  for (const kind of running.kinds) say(`  ${row(kind)}`);
  say(`  at θ: mean AUC ${running.auc.toFixed(3)}, calls held ${running.recall.toFixed(3)}`);
  const compare = (name: string, scores: readonly number[]): void => {
    const { auc, recall } = rank(labelled, scores, ALPHA);
    say(`  ${name.padEnd(34)} AUC ${auc.toFixed(3)}  TPR@3.2% ${recall.toFixed(3)}`);
  };
  compare('detector 0', ours);
  const untrained = trainDetector({
    windows,
    roles,
    seed: 'untrained',
    steps: 0,
    log: () => undefined,
  });
  compare(
    'control: untrained network',
    nonconformities(
      {
        kernel: kernelOf(untrained),
        strata: untrained.strata,
        normaliser: untrained.normaliser,
        of: 'residuals',
      },
      seen,
    ),
  );
  const plain = createKernel(DEFAULT_ARCHITECTURE);
  const strata = whiten(plain, windows, detector.normaliser, 'features');
  compare(
    'control: features whitened',
    nonconformities(
      { kernel: plain, strata, normaliser: detector.normaliser, of: 'features' },
      seen,
    ),
  );
  compare('control: unseen acts and pairs', seen.map(unseen));
}

function unseen({ rows }: ScoredWindow): number {
  return rows.reduce((sum, r) => sum + r[COLUMN.actUnseen]! + r[COLUMN.pairUnseen]!, 0);
}

function merge(parts: readonly LabelledCalls[]): LabelledCalls {
  return {
    calls: parts.flatMap((part) => part.calls),
    incidents: parts.flatMap((part, world) =>
      part.incidents.map((of) => (of === null ? null : { ...of, id: `${world} ${of.id}` })),
    ),
  };
}

function row(kind: KindResult): string {
  return (
    `${kind.kind.padEnd(24)} ${kind.difficulty}  AUC ${kind.auc.toFixed(3)}  calls held ${kind.recall.toFixed(3)}` +
    `  incidents found ${(kind.found * kind.incidents).toFixed(0)}/${kind.incidents}`
  );
}

/** At most 400 KB: benign windows and one window of each incident call, drawn at random. */
function makeCanaries(from: readonly Consortium[]): Canaries {
  const random = randomStream('detector-zero', 'canaries');
  const normal: ScoredWindow[] = [];
  const attacks: ScoredWindow[] = [];
  for (const world of from) {
    const { calls, incidents } = label(world, [...replay(world, { roles, diverts: () => false })]);
    calls.forEach(({ window }, i) => {
      const incident = incidents[i] ?? null;
      if (incident === null) normal.push(window);
      else if (incident.expected === 'quarantined') attacks.push(window);
    });
  }
  const chosen = [
    ...random
      .shuffled(normal)
      .slice(0, 300)
      .map((window) => ({ window, attack: 0 })),
    ...random
      .shuffled(attacks)
      .slice(0, 150)
      .map((window) => ({ window, attack: 1 })),
  ];
  return {
    windows: chosen.map(({ window }) => window),
    labels: Uint8Array.from(chosen, ({ attack }) => attack),
  };
}

function publish(modules: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(modules)) {
    const file = join(TARGET, name);
    if (flags.check) {
      const same = existsSync(file) && readFileSync(file, 'utf8') === text;
      say(`${name}: ${same ? 'the committed bytes' : 'DIFFERS from the committed bytes'}`);
      if (!same) process.exitCode = 1;
    } else if (!flags.quick) {
      writeFileSync(file, text);
      say(`${name}: written, ${text.length} characters`);
    }
  }
}

function say(line: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
