/**
 * The arms that train: federated with and without noise, central, each hospital alone.
 * @module
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScoredWindow } from '@bhschain/models/detector';
import type { WindowBatch } from '@bhschain/models/kernel';
import { seedStream } from '../../harness/seed-streams.js';
import { writeWhole } from '../../harness/run-store.js';
import type { StageOutput } from '../../harness/stages.js';
import type { StudyContext } from '../../harness/study.js';
import type { HospitalConfig } from './config.js';
import {
  federate,
  isMalicious,
  roundPlanOf,
  type HospitalTraining,
  type RoundPlan,
} from './federation.js';
import { attackerWindows, type HospitalData } from './hospital-data.js';
import { batchesOf, publicParameters, scratchParameters, trainCentrally } from './networks.js';

export interface TrainedArm {
  readonly output: StageOutput;
  readonly parameters: Float32Array;
}

const CODE = ['models', 'dp', 'hospital'] as const;
const PARAMETERS = 'parameters.bin';
const CHECKPOINT = 'checkpoint.json';

/** Of each hospital and round, made once for all arms of a seed. */
export interface TrainingWindows {
  readonly hospitals: readonly {
    readonly nodeId: string;
    /** How many there are, by round. */
    readonly counts: readonly number[];
    /** Made when they are asked for: those of all rounds would fill the memory. */
    windows(round: number): readonly ScoredWindow[];
  }[];
  /** Public N: the median hospital's windows in a round. */
  readonly nominalWindows: number;
  readonly inputs: Readonly<Record<string, StageOutput>>;
}

export async function trainingWindows(
  config: HospitalConfig,
  data: readonly HospitalData[],
  context: StudyContext,
): Promise<TrainingWindows> {
  const { rounds, contamination } = config.training;
  const { attack } = config;
  const poisonsWindows = attack.kind === 'boiling-frog' || attack.kind === 'backdoor';
  const attacker =
    contamination > 0 || poisonsWindows ? await attackerWindows(config, context) : null;
  const hospitals = data.map((one, place) => {
    const { nodeId } = one;
    const store = one.training();
    const places = Array.from({ length: rounds }, () => [] as number[]);
    for (const { index, group } of store.places()) places[group]!.push(index);
    const random = seedStream(context.seed, 'contamination', nodeId);
    const foul = places.map((own, round) => {
      if (attacker === null) return null;
      const share = !(poisonsWindows && isMalicious(attack, place))
        ? contamination
        : attack.kind === 'backdoor'
          ? 0.5
          : (0.5 * (round + 1)) / rounds;
      return own.map(() => (random.chance(share) ? random.pick(attacker.windows) : null));
    });
    return {
      nodeId,
      counts: places.map((own) => own.length),
      windows: (round: number) =>
        store.windows(places[round]).map((window, i) => foul[round]?.[i] ?? window),
    };
  });
  const counts = hospitals.flatMap((one) => one.counts).sort((a, b) => a - b);
  return {
    hospitals,
    nominalWindows: Math.max(1, counts[counts.length >> 1] ?? 1),
    inputs: {
      ...Object.fromEntries(data.map(({ nodeId, output }) => [nodeId, output])),
      ...(attacker === null ? {} : { attacker: attacker.output }),
    },
  };
}

function startOf(config: HospitalConfig, seed: number): Float32Array {
  return config.training.start === 'scratch'
    ? scratchParameters(seedStream(seed, 'initial-parameters'))
    : publicParameters();
}

/** Rounds over the given hospitals; every finished round is on disk, and an interrupted training goes on after the last one. */
export async function trainFederated(
  arm: string,
  options: Readonly<{
    config: HospitalConfig;
    windows: TrainingWindows;
    epsilon: number | 'none';
    context: StudyContext;
    /** Default all. */
    only?: string;
  }>,
): Promise<TrainedArm & { readonly plan: RoundPlan }> {
  const { config, windows, epsilon, context, only } = options;
  const chosen = windows.hospitals.filter(({ nodeId }) => only === undefined || nodeId === only);
  const plan = roundPlanOf(config, { nominalWindows: windows.nominalWindows, epsilon });
  const output = await context.stage({
    name: `train ${arm}`,
    code: CODE,
    config: {
      arm: only ?? 'all',
      seed: context.seed,
      training: { ...config.training, epsilon },
      attack: config.attack,
      world: config.world,
    },
    inputs: windows.inputs,
    async make(dir) {
      const checkpoint = join(dir, CHECKPOINT);
      const resume = existsSync(checkpoint) ? readCheckpoint(checkpoint) : undefined;
      if (resume !== undefined)
        context.say(`${arm}: goes on after round ${resume.round} of ${config.training.rounds}`);
      const batches = new Map<string, readonly WindowBatch[]>();
      const hospitals = chosen.map((own): HospitalTraining => ({
        nodeId: own.nodeId,
        batches(round) {
          const key = `${own.nodeId} ${round}`;
          if (!batches.has(key)) batches.clear();
          const made = batches.get(key) ?? batchesOf(own.windows(round));
          batches.set(key, made);
          return made;
        },
      }));
      const parameters = await federate({
        start: startOf(config, context.seed),
        hospitals,
        rounds: config.training.rounds,
        plan,
        attack: config.attack,
        seed: `${context.seed}/${arm}`,
        ...(resume === undefined ? {} : { resume }),
        async onRound(report, now) {
          appendFileSync(join(dir, 'rounds.jsonl'), `${JSON.stringify({ arm, ...report })}\n`);
          writeWhole(checkpoint, JSON.stringify({ round: report.round + 1, parameters: [...now] }));
          context.say(`${arm}: round ${report.round + 1} of ${config.training.rounds}`);
          await context.pause();
        },
      });
      rmSync(checkpoint, { force: true });
      writeParameters(dir, parameters);
    },
  });
  for (const line of readFileSync(join(output.dir, 'rounds.jsonl'), 'utf8').trim().split('\n')) {
    context.record({ kind: 'round', ...(JSON.parse(line) as object) });
  }
  return { output, parameters: readParameters(output.dir), plan };
}

export async function trainPooled(
  options: Readonly<{ config: HospitalConfig; windows: TrainingWindows; context: StudyContext }>,
): Promise<TrainedArm> {
  const { config, windows, context } = options;
  const output = await context.stage({
    name: 'train central',
    code: CODE,
    config: {
      seed: context.seed,
      training: config.training,
      attack: config.attack,
      world: config.world,
    },
    inputs: windows.inputs,
    make(dir) {
      const parameters = trainCentrally({
        start: startOf(config, context.seed),
        windows: windows.hospitals.flatMap((one) =>
          one.counts.flatMap((_, round) => one.windows(round)),
        ),
        steps: config.training.centralSteps,
        random: seedStream(context.seed, 'window-sampling', 'central'),
      });
      writeParameters(dir, parameters);
    },
  });
  return { output, parameters: readParameters(output.dir) };
}

function readCheckpoint(file: string): { round: number; parameters: Float32Array } {
  const { round, parameters } = JSON.parse(readFileSync(file, 'utf8')) as {
    round: number;
    parameters: number[];
  };
  return { round, parameters: Float32Array.from(parameters) };
}

function writeParameters(dir: string, parameters: Float32Array): void {
  writeFileSync(
    join(dir, PARAMETERS),
    new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength),
  );
}

function readParameters(dir: string): Float32Array {
  const bytes = readFileSync(join(dir, PARAMETERS));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
