/**
 * What is the ensemble worth? The three networks with all members beside one joint network with all members, each member
 * alone, each left out, the older score forms and untrained networks: AUC and recall at 3.2 % on simulated worlds, three
 * seeds of training. Every arm is calibrated on the same windows; the worlds are those that detector 0 is reported on.
 *
 * `node experiments/dist/studies/detector-zero-arms.js` – writes `experiments/results/detector-zero-arms.json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  errorFormMember,
  ENSEMBLE_NETWORKS,
  fitTable,
  joinedScores,
  membersOf,
  type Detector,
  type Member,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { label, rank } from './detector-zero/evaluation.js';
import { replay } from './detector-zero/ledger-replay.js';
import { ALPHA, merge } from './detector-zero/report.js';
import { countRoleTables } from './detector-zero/role-counts.js';
import { halvesOf, JOINT_NETWORK, STRATUM_KEYS, trainDetector } from './detector-zero/train.js';
import { calibrationCalls, trainingSet } from './detector-zero/windows.js';
import * as worlds from './detector-zero/worlds.js';

const SEEDS = ['one', 'two', 'three'];
const STEPS = 1_500;
const COMMAND = 'node experiments/dist/studies/detector-zero-arms.js';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const started = performance.now();

interface Figure {
  readonly auc: number;
  readonly recall: number;
}

const roles = countRoleTables(worlds.roleWorlds());
const windows = trainingSet(roles);
say(`${windows.full.length} full and ${windows.coded.length} coded windows`);
const calls = calibrationCalls(roles, () => false);
const { halfA, halfB } = halvesOf(calls);
const kinds = {
  'simulated hospitals': worlds.evaluationWorlds(),
  'simulated department logs': worlds.codedEvaluationWorlds(),
};
const evaluated = Object.entries(kinds).map(([name, of]) => {
  const labelled = merge(
    of.map((world) => label(world, [...replay(world, { roles, diverts: () => false })])),
  );
  return { name, labelled, seen: labelled.calls.map((call): ScoredWindow => call.window) };
});
say('worlds replayed');

const figures = new Map<string, Figure[][]>();
for (const seed of SEEDS) {
  const members = membersOf(trained(seed, STEPS, false)).map(remembered);
  const joint = trained(seed, STEPS, true);
  const jointMembers = membersOf(joint).map(remembered);
  const untrained = membersOf(trained(`untrained ${seed}`, 0, false)).map(remembered);
  add('three networks and members', members);
  add('joint network and members', jointMembers);
  add('untrained three and members', untrained);
  add('three networks alone', members.slice(0, ENSEMBLE_NETWORKS.length));
  add('joint network alone', jointMembers.slice(0, 1));
  add('untrained three alone', untrained.slice(0, ENSEMBLE_NETWORKS.length));
  for (const member of members) {
    add(`${member.name} alone`, [member]);
    add(
      `all but ${member.name}`,
      members.filter((other) => other !== member),
    );
  }
  for (const form of ['windowed', 'recent'] as const) {
    add(`joint network, ${form} error`, [olderForm(joint, form)]);
  }
  say(`seed ${seed}`);
}
const results = {
  study: 'detector-zero-arms',
  command: COMMAND,
  node: process.version,
  seeds: SEEDS,
  adamSteps: STEPS,
  worlds: evaluated.map(({ name, labelled }) => ({ name, calls: labelled.calls.length })),
  arms: [...figures].map(([arm, runs]) => ({
    arm,
    worlds: evaluated.map(({ name }, world) => ({
      worlds: name,
      auc: spread(runs.map((run) => run[world]!.auc)),
      recall: spread(runs.map((run) => run[world]!.recall)),
    })),
  })),
};
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
mkdirSync(join(ROOT, 'experiments/results'), { recursive: true });
writeFileSync(
  join(ROOT, 'experiments/results/detector-zero-arms.json'),
  `${JSON.stringify(results, rounded, 2)}\n`,
);

function trained(seed: string, steps: number, joint: boolean): Detector {
  const networks = joint ? [JOINT_NETWORK] : ENSEMBLE_NETWORKS;
  return trainDetector({ windows, roles, seed, steps, networks, log: () => undefined });
}

function olderForm(detector: Detector, form: 'windowed' | 'recent'): Member {
  const { kernel } = membersOf(detector)[0]!;
  const { normaliser } = detector;
  return errorFormMember({
    spec: JOINT_NETWORK,
    kernel: kernel!,
    normaliser,
    strata: STRATUM_KEYS,
    form,
  });
}

/** What a member says of windows does not depend on the arm that asks: each list of windows is judged once. */
function remembered(member: Member): Member {
  const known = new WeakMap<readonly ScoredWindow[], Uint32Array>();
  return {
    name: member.name,
    nonconformities(of) {
      const values = known.get(of) ?? member.nonconformities(of);
      known.set(of, values);
      return values;
    },
  };
}

function add(arm: string, members: readonly Member[]): void {
  const table = fitTable({ members, strata: STRATUM_KEYS, halfA, halfB });
  const run = evaluated.map(({ name, labelled, seen }): Figure => {
    const scores = joinedScores(members, table, seen).map((score) => score.nonconformity);
    const { auc, recall } = rank(labelled, scores, ALPHA);
    say(`${name}: ${arm.padEnd(36)} AUC ${auc.toFixed(3)}  TPR@3.2% ${recall.toFixed(3)}`);
    return { auc, recall };
  });
  figures.set(arm, [...(figures.get(arm) ?? []), run]);
}

function spread(values: readonly number[]): { mean: number; least: number; most: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, least: Math.min(...values), most: Math.max(...values) };
}

function say(line: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
