/**
 * The data of a seed, stage by stage: feature rows of each hospital, public windows, an attacker's windows, SIEM totals.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHospitalWorld, type HospitalWorld, type LabelledIncident } from '@bhschain/datasets';
import type { ScoredWindow } from '@bhschain/models/detector';
import { seedNumber, seedStream } from '../../harness/seed-streams.js';
import type { StageOutput } from '../../harness/stages.js';
import type { StudyContext } from '../../harness/study.js';
import { replay } from '../detector-zero/ledger-replay.js';
import { trainingWorlds } from '../detector-zero/worlds.js';
import type { HospitalConfig } from './config.js';
import { DAY_MS, featurise, GUILTY, type Borders, type Case } from './featurise.js';
import { PUBLIC_DETECTOR } from './networks.js';
import { actSessions, RIVALS, type ActSessions } from './rivals.js';
import { RowStore, type WindowSource } from './row-store.js';
import { nodeTierCases, type NodeTierCases } from './node-tier.js';
import { siemTotals, type SiemTotals } from './siem-arm.js';

/** All that a study reads off its worlds. */
export interface StudyData {
  readonly truth: readonly LabelledIncident[];
  readonly hospitals: readonly HospitalData[];
  /** Null where no arm asks for it, or nothing was rehearsed. */
  readonly siem: WithRehearsal<SiemTotals>;
  readonly nodeTier: WithRehearsal<NodeTierCases>;
}

export interface WithRehearsal<T> {
  readonly played: T | null;
  readonly rehearsed: T | null;
}

export interface HospitalData {
  readonly nodeId: string;
  readonly output: StageOutput;
  readonly calibrationCases: readonly Case[];
  readonly liveCases: readonly Case[];
  /** Days on which incidents were played with innocent acts, if that was asked for; never among `liveCases`. */
  readonly rehearsal: Rehearsal | null;
  training(): WindowSource;
  calibration(): WindowSource;
  live(): WindowSource;
  /** Null where no rival asks for them. */
  readonly acts: (() => ActSessions) | null;
}

export interface Rehearsal {
  /** `incidents`: what was rehearsed in it. */
  readonly cases: readonly Case[];
  live(): WindowSource;
  readonly acts: HospitalData['acts'];
}

type Acts = 'guilty' | 'own';

/** @param acts - `own`: the same world with every incident rehearsed */
export function worldOf(
  config: HospitalConfig,
  seed: number,
  acts: Acts = 'guilty',
): HospitalWorld {
  const { world } = config;
  const { scenarios, stream, maliciousShare, copies, difficulties, work } = world.incidents;
  return createHospitalWorld({
    ...world,
    seed: seedNumber(seed, 'world'),
    incidents: {
      stream,
      copies,
      maliciousShare,
      difficulties,
      acts,
      work,
      ...(scenarios.length === 0 ? {} : { scenarios }),
    },
  });
}

export function bordersOf(config: HospitalConfig, world: HospitalWorld): Borders {
  return {
    trainFromMs: world.startMs + config.timeline.profileDays * DAY_MS,
    calibrateFromMs: world.liveFromMs - config.timeline.calibrationDays * DAY_MS,
    liveFromMs: world.liveFromMs,
  };
}

/** First of the world, then of its rehearsal: a world is held only while something is read off it, and never two at once. */
export async function studyData(config: HospitalConfig, context: StudyContext): Promise<StudyData> {
  const { truth, read, siem, nodeTier } = await readOff(config, 'guilty', context, hospitalsOf);
  const rehearsal = config.arms.includes('rehearsal')
    ? await readOff(config, 'own', context, rehearsalsOf)
    : null;
  return {
    truth,
    hospitals: read.map((one, i) => ({ ...one, rehearsal: rehearsal?.read[i] ?? null })),
    siem: { played: siem, rehearsed: rehearsal?.siem ?? null },
    nodeTier: { played: nodeTier, rehearsed: rehearsal?.nodeTier ?? null },
  };
}

type World = () => HospitalWorld;

async function readOff<T>(
  config: HospitalConfig,
  acts: Acts,
  context: StudyContext,
  hospitals: (config: HospitalConfig, world: World, context: StudyContext) => Promise<T[]>,
): Promise<{
  truth: readonly LabelledIncident[];
  read: T[];
  siem: SiemTotals | null;
  nodeTier: NodeTierCases | null;
}> {
  const wants = (...arms: HospitalConfig['arms']): boolean =>
    arms.some((arm) => config.arms.includes(arm));
  let made: HospitalWorld | null = null;
  const world = (): HospitalWorld => (made ??= worldOf(config, context.seed, acts));
  return {
    read: await hospitals(config, world, context),
    siem: wants('siem-tuned', 'siem-default') ? await siemOf(config, world, context, acts) : null,
    nodeTier: wants('node-tier', 'hook-and-node')
      ? await nodeTierOf(config, world, context, acts)
      : null,
    truth: world().truth,
  };
}

async function hospitalsOf(
  config: HospitalConfig,
  world: World,
  context: StudyContext,
): Promise<Omit<HospitalData, 'rehearsal'>[]> {
  const hospitals: Omit<HospitalData, 'rehearsal'>[] = [];
  for (const [place, nodeId] of nodeIdsOf(config).entries()) {
    const output = await context.stage({
      name: `featurise ${nodeId}`,
      code: ['models', 'datasets', 'catalogue', 'publicWorlds', 'hospital'],
      config: {
        seed: context.seed,
        nodeId,
        world: config.world,
        timeline: config.timeline,
        rounds: config.training.rounds,
        windowsPerActorMax: config.training.windowsPerActorMax,
        benignShare: config.evaluation.benignShare,
      },
      make(dir) {
        const made = featurise({
          world: world(),
          hospital: world().hospitals[place]!,
          borders: bordersOf(config, world()),
          roles: PUBLIC_DETECTOR.roles,
          rounds: config.training.rounds,
          windowsPerActorMax: config.training.windowsPerActorMax,
          samples: sampler(config.evaluation.benignShare, context.seed),
        });
        made.training.write(join(dir, 'training.bin'));
        made.calibration.write(join(dir, 'calibration.bin'));
        made.live.write(join(dir, 'live.bin'));
        const { calibrationCases, liveCases } = made;
        writeFileSync(join(dir, 'cases.json'), JSON.stringify({ calibrationCases, liveCases }));
      },
    });
    const cases = JSON.parse(readFileSync(join(output.dir, 'cases.json'), 'utf8')) as Pick<
      HospitalData,
      'calibrationCases' | 'liveCases'
    >;
    const store = (name: string) => (): RowStore => RowStore.read(join(output.dir, `${name}.bin`));
    hospitals.push({
      nodeId,
      output,
      ...cases,
      training: store('training'),
      calibration: store('calibration'),
      live: store('live'),
      acts: await actsOf(config, { world, place, nodeId, acts: 'guilty', cases }, context),
    });
  }
  return hospitals;
}

/** Only days with a rehearsal are kept: everything else is the same as in the world itself. */
async function rehearsalsOf(
  config: HospitalConfig,
  world: World,
  context: StudyContext,
): Promise<Rehearsal[]> {
  const rehearsals: Rehearsal[] = [];
  for (const [place, nodeId] of nodeIdsOf(config).entries()) {
    const output = await context.stage({
      name: `rehearsal ${nodeId}`,
      code: ['models', 'datasets', 'catalogue', 'publicWorlds', 'hospital'],
      config: { seed: context.seed, nodeId, world: config.world, timeline: config.timeline },
      make(dir) {
        const { live, liveCases } = featurise({
          world: world(),
          hospital: world().hospitals[place]!,
          borders: bordersOf(config, world()),
          roles: PUBLIC_DETECTOR.roles,
          rounds: 1,
          windowsPerActorMax: 1,
          samples: () => false,
        });
        live.write(join(dir, 'live.bin'));
        writeFileSync(join(dir, 'cases.json'), JSON.stringify(liveCases));
      },
    });
    const liveCases = JSON.parse(readFileSync(join(output.dir, 'cases.json'), 'utf8')) as Case[];
    const cases = { calibrationCases: [], liveCases };
    rehearsals.push({
      cases: liveCases,
      live: () => RowStore.read(join(output.dir, 'live.bin')),
      acts: await actsOf(config, { world, place, nodeId, acts: 'own', cases }, context),
    });
  }
  return rehearsals;
}

/** What a hospital's people did session by session, for the rivals. */
async function actsOf(
  config: HospitalConfig,
  of: Readonly<{
    world: World;
    place: number;
    nodeId: string;
    acts: Acts;
    cases: Pick<HospitalData, 'calibrationCases' | 'liveCases'>;
  }>,
  context: StudyContext,
): Promise<HospitalData['acts']> {
  if (!RIVALS.some(({ name }) => (config.arms as readonly string[]).includes(name))) return null;
  const { world, place, nodeId, acts, cases } = of;
  const output = await context.stage({
    name: `${acts === 'guilty' ? 'acts' : 'acts, rehearsal'} ${nodeId}`,
    code: ['models', 'datasets', 'catalogue', 'hospital'],
    config: {
      seed: context.seed,
      nodeId,
      world: config.world,
      timeline: config.timeline,
      benignShare: config.evaluation.benignShare,
    },
    make(dir) {
      const sessions = actSessions(world().hospitals[place]!, bordersOf(config, world()), cases);
      writeFileSync(join(dir, 'acts.json'), JSON.stringify(sessions));
    },
  });
  return () => JSON.parse(readFileSync(join(output.dir, 'acts.json'), 'utf8')) as ActSessions;
}

function nodeIdsOf(config: HospitalConfig): string[] {
  return Array.from({ length: config.world.hospitals }, (_, i) => `H${i + 1}`);
}

function sampler(share: number, seed: number): (actor: string, day: number) => boolean {
  const known = new Map<string, boolean>();
  return (actor, day) => {
    if (share === 1) return true;
    const key = `${actor} ${day}`;
    let chosen = known.get(key);
    if (chosen === undefined) {
      chosen = seedStream(seed, 'case-sample', actor, day).chance(share);
      known.set(key, chosen);
    }
    return chosen;
  };
}

/** Benign windows of the public simulator, on which detector 0 was made: what controls are fitted on. */
export async function publicWindows(
  config: HospitalConfig,
  context: StudyContext,
): Promise<{ output: StageOutput; windows: ScoredWindow[] }> {
  const most = config.evaluation.publicWindows;
  const output = await context.stage({
    name: 'public windows',
    code: ['models', 'datasets', 'publicWorlds', 'hospital'],
    config: { most },
    make(dir) {
      const store = new RowStore();
      const worlds = trainingWorlds();
      for (const world of worlds) {
        let seen = 0;
        const until = Math.ceil(((worlds.indexOf(world) + 1) * most) / worlds.length);
        for (const { window } of replay(world, {
          roles: PUBLIC_DETECTOR.roles,
          diverts: () => false,
        })) {
          if (store.size >= until) break;
          // Every fifth, so that neighbours, which share rows, are few.
          if (seen++ % 5 !== 0) continue;
          let last = 0;
          for (const row of window.rows) last = store.addRow(row);
          store.addWindow(last, window.rows.length, { mask: window.mask, group: 0, flag: 0 });
        }
      }
      store.write(join(dir, 'windows.bin'));
    },
  });
  return { output, windows: RowStore.read(join(output.dir, 'windows.bin')).windows() };
}

/** Windows full of an attacker's calls, from a world of another seed: what contaminates or poisons training. */
export async function attackerWindows(
  config: HospitalConfig,
  context: StudyContext,
): Promise<{ output: StageOutput; windows: ScoredWindow[] }> {
  const world = {
    ...config.world,
    hospitals: 1,
    incidents: { ...config.world.incidents, copies: 4 },
  };
  const output = await context.stage({
    name: 'attacker windows',
    code: ['models', 'datasets', 'catalogue', 'hospital'],
    config: { seed: context.seed, world, timeline: config.timeline },
    make(dir) {
      const other = createHospitalWorld({
        ...world,
        seed: seedNumber(context.seed, 'contamination'),
        incidents: {
          stream: 'balanced',
          copies: world.incidents.copies,
          difficulties: world.incidents.difficulties,
          ...(world.incidents.scenarios.length === 0
            ? {}
            : { scenarios: world.incidents.scenarios }),
        },
      });
      const { live } = featurise({
        world: other,
        hospital: other.hospitals[0]!,
        borders: bordersOf(config, other),
        roles: PUBLIC_DETECTOR.roles,
        rounds: 1,
        windowsPerActorMax: 1,
        samples: () => false,
      });
      const store = new RowStore();
      for (const window of live.windows()) {
        // Not overlapping, like all training windows.
        if ((window.flag & GUILTY) === 0 || window.rows.length < 16 || window.index % 16 !== 15)
          continue;
        let last = 0;
        for (const row of window.rows) last = store.addRow(row);
        store.addWindow(last, window.rows.length, { mask: window.mask, group: 0, flag: GUILTY });
      }
      store.write(join(dir, 'windows.bin'));
    },
  });
  return { output, windows: RowStore.read(join(output.dir, 'windows.bin')).windows() };
}

async function siemOf(
  config: HospitalConfig,
  world: World,
  context: StudyContext,
  acts: Acts,
): Promise<SiemTotals> {
  const output = await context.stage({
    name: acts === 'guilty' ? 'siem' : 'siem, rehearsal',
    code: ['datasets', 'catalogue', 'siem', 'hospital'],
    config: {
      seed: context.seed,
      world: config.world,
      timeline: config.timeline,
      budget: config.evaluation.falsePositiveRate,
    },
    make(dir) {
      const totals = siemTotals(
        world(),
        bordersOf(config, world()),
        config.evaluation.falsePositiveRate,
      );
      writeFileSync(join(dir, 'totals.json'), JSON.stringify(totals));
    },
  });
  return JSON.parse(readFileSync(join(output.dir, 'totals.json'), 'utf8')) as SiemTotals;
}

async function nodeTierOf(
  config: HospitalConfig,
  world: World,
  context: StudyContext,
  acts: Acts,
): Promise<NodeTierCases> {
  const output = await context.stage({
    name: acts === 'guilty' ? 'node tier' : 'node tier, rehearsal',
    code: ['models', 'datasets', 'catalogue', 'siem', 'hospital'],
    config: { seed: context.seed, world: config.world, timeline: config.timeline },
    make(dir) {
      const cases = nodeTierCases(world(), bordersOf(config, world()));
      writeFileSync(join(dir, 'cases.json'), JSON.stringify(cases));
    },
  });
  return JSON.parse(readFileSync(join(output.dir, 'cases.json'), 'utf8')) as NodeTierCases;
}
