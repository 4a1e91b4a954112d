/**
 * Makes detector 0, its public table and the public canaries from the simulator, and reports what they are worth beside
 * the controls. The same command gives the same bytes.
 *
 * `npm run detector-zero` – after `--`: `--check` compares with the committed modules instead of writing; `--quick` trains few
 * steps and writes nothing, so it is no evidence; `--logs DIR` says where real event logs are.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLogConsortium, randomStream, type Consortium } from '@bhschain/datasets';
import {
  canaryReport,
  encodeCanaries,
  encodeDetector,
  encodeTable,
  generatedModule,
  type CalibrationTable,
  type Canaries,
  type Detector,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { label } from './detector-zero/evaluation.js';
import { replay, type JudgedCall } from './detector-zero/ledger-replay.js';
import { guardOf, linesOf, report, type Arm, type WorldReport } from './detector-zero/report.js';
import { countRoleTables } from './detector-zero/role-counts.js';
import {
  calibrate,
  featuresMemberOf,
  JOINT_NETWORK,
  trainDetector,
  withMembers,
  type CalibrationWindow,
} from './detector-zero/train.js';
import { calibrationCalls, trainingSet } from './detector-zero/windows.js';
import * as worlds from './detector-zero/worlds.js';

const CALIBRATION_PASSES = 3;
const CANARIES = { normal: 300, attacks: 150 };
const COMMAND = 'npm run detector-zero';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    logs: { type: 'string', default: join(ROOT, '../shared/data/hospital_event_logs') },
  },
});
const started = performance.now();

say('role tables');
const roles = countRoleTables(worlds.roleWorlds());
say('training windows');
const windows = trainingSet(roles);
say(`${windows.full.length} full and ${windows.coded.length} coded windows`);
const steps = flags.quick ? 200 : 2_500;
const detector = trainDetector({ windows, roles, seed: 'one', steps, log: say });
say('calibration');
const { table, seen } = calibrateInTheLoop(detector);
for (const { columnMask, lengthMin, lengthMax, n } of table.strata) {
  say(`  without columns ${columnMask.toString(16)}, ${lengthMin} to ${lengthMax} rows: n = ${n}`);
}
const arms = controls();
const evaluation = worlds.evaluationWorlds();
const reports = [
  evaluated('simulated hospitals', evaluation),
  evaluated('simulated department logs', worlds.codedEvaluationWorlds()),
  ...(await realLogs()),
];
const canaries = makeCanaries(evaluation);
const canary = canaryReport(detector, table, canaries);
say(
  `canaries: ${canaries.windows.length}, AUC ${canary.auc.toFixed(4)}, alerts ${canary.alertRatePpm} ppm`,
);
const detectorBytes = encodeDetector(detector);
const tableBytes = encodeTable(table);
say(`detector ${detectorBytes.length} bytes, table ${tableBytes.length} bytes`);
publish(
  'models/src/detector/detector-zero.ts',
  generatedModule(COMMAND, { DETECTOR_ZERO_BASE64: detectorBytes, TABLE_ZERO_BASE64: tableBytes }),
);
publish(
  'models/src/detector/public-canaries.ts',
  generatedModule(COMMAND, { PUBLIC_CANARIES_BASE64: encodeCanaries(canaries) }),
);
// Real logs are not everywhere, so their figures are kept apart from what the check compares.
if (!flags.check && !flags.quick) writeResults();

/** Held calls stay in the ring and make the next score stranger, so the table is fitted with the guard at work. */
function calibrateInTheLoop(of: Detector): {
  readonly table: CalibrationTable;
  readonly seen: readonly CalibrationWindow[];
} {
  let diverts: (call: JudgedCall) => boolean = () => false;
  for (let pass = 1; ; pass++) {
    const calls = calibrationCalls(roles, diverts);
    const fitted = calibrate(of, calls);
    if (pass === CALIBRATION_PASSES) return { table: fitted, seen: calls };
    diverts = guardOf(of, fitted);
  }
}

/** What the figures of detector 0 stand beside, each with a table of its own from the same windows. */
function controls(): Arm[] {
  const untrained = trainDetector({ windows, roles, seed: 'untrained', steps: 0, log: say });
  const { normaliser } = detector;
  const features = featuresMemberOf(windows, normaliser, JOINT_NETWORK.columns);
  const arm = (name: string, of: Detector): Arm => ({
    name,
    detector: of,
    table: calibrate(of, seen),
  });
  return [
    arm('untrained network', untrained),
    arm('features whitened, no network', {
      ...detector,
      members: [features],
      parameters: new Int32Array(0),
    }),
    arm(
      'count of unseen acts and pairs',
      withMembers(detector, ({ kind }) => kind === 'unseen'),
    ),
  ];
}

function evaluated(name: string, of: readonly Consortium[]): WorldReport {
  const result = report({ worlds: name, evaluated: of, peers: roles, detector, table, arms });
  linesOf(result).forEach(say);
  return result;
}

async function realLogs(): Promise<WorldReport[]> {
  const results: WorldReport[] = [];
  for (const name of ['sepsis.csv.gz', 'bpic2011_hospital.csv.gz']) {
    const file = join(flags.logs, name);
    if (!existsSync(file)) {
      say(`${file}: not there, skipped`);
      continue;
    }
    const seeds = [1, 2, 3];
    const logs = seeds.map((seed) => createLogConsortium({ file, hospitals: 3, seed }));
    results.push(evaluated(`real log ${name}`, await Promise.all(logs)));
  }
  return results;
}

/** Benign windows and windows of incident calls, drawn at random, each judged on its own. */
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
    ...random.shuffled(normal).slice(0, CANARIES.normal),
    ...random.shuffled(attacks).slice(0, CANARIES.attacks),
  ];
  return {
    windows: chosen,
    labels: Uint8Array.from(chosen, (_, i) => (i < CANARIES.normal ? 0 : 1)),
  };
}

function publish(name: string, text: string): void {
  const file = join(ROOT, name);
  if (flags.check) {
    const same = existsSync(file) && readFileSync(file, 'utf8') === text;
    say(`${name}: ${same ? 'the committed bytes' : 'DIFFERS from the committed bytes'}`);
    if (!same) process.exitCode = 1;
  } else if (!flags.quick) {
    writeFileSync(file, text);
    say(`${name}: written, ${text.length} characters`);
  }
}

function writeResults(): void {
  const results = {
    study: 'detector-zero',
    command: COMMAND,
    node: process.version,
    adamSteps: steps,
    windows: { full: windows.full.length, coded: windows.coded.length },
    calibration: table.strata.map(({ columnMask, lengthMin, lengthMax, n, pool }) => ({
      columnMask,
      lengthMin,
      lengthMax,
      n,
      pool,
    })),
    canaries: { auc: canary.auc, alertRatePpm: canary.alertRatePpm },
    reports,
  };
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
  mkdirSync(join(ROOT, 'experiments/results'), { recursive: true });
  const file = join(ROOT, 'experiments/results/detector-zero.json');
  writeFileSync(file, `${JSON.stringify(results, rounded, 2)}\n`);
}

function say(line: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
