/**
 * From scores to figures. Unit of alerts and of their rate: the actor-day. An incident is found if one of its actor-days
 * alerts. Intervals draw whole incidents and whole actors, whose days are not independent.
 * @module
 */
import { areaUnderCurve } from '@bhschain/models/detector';
import type { LabelledIncident } from '@bhschain/datasets';
import { conformal } from '../../evaluation/conformal.js';
import { mcNemar, wilson, type Interval } from '../../evaluation/intervals.js';
import { recallAtRate, thresholdAt } from '../../evaluation/matched-rate.js';
import { OPERATING_RATES } from '../../evaluation/ranking.js';
import { seedStream } from '../../harness/seed-streams.js';
import type { HospitalConfig } from './config.js';
import type { Case } from './featurise.js';

export interface ArmScores {
  readonly arm: string;
  /** Of every live case without an incident. */
  readonly benign: readonly number[];
  /** By incident id; an incident that left no case is as benign as can be. */
  readonly incidents: ReadonlyMap<string, number>;
  /** Of calibration cases; null where nothing was fixed before the test. */
  readonly calibration: readonly number[] | null;
  /** The same by what went before the first guilty call; null where that cannot be told. */
  readonly beforeGuilt: ReadonlyMap<string, number> | null;
  /** The same incidents with innocent acts, and every day of theirs; null where nothing was rehearsed. */
  readonly rehearsal: {
    readonly incidents: ReadonlyMap<string, number>;
    readonly days: readonly number[];
  } | null;
  /** Calls at θ: share of benign ones held, and incidents with a held guilty call; null where calls have no score. */
  readonly calls: { readonly heldShare: number; readonly found: ReadonlySet<string> } | null;
}

export interface ArmResult {
  readonly arm: string;
  readonly incidents: number;
  readonly benignCases: number;
  readonly auc: number;
  /** At α of benign actor-days, on these very days: both systems at the same rate. */
  readonly recall: number;
  readonly recallInterval: Interval;
  /** Of those that the catalogue says the hook can see. */
  readonly recallHook: number;
  readonly recallAt: Readonly<Record<string, number>>;
  /** Control: share found at the same threshold before the first guilty call, by chance or by how incidents are planted. */
  readonly recallBeforeGuilt: number | null;
  /**
   * Control: what the same threshold flags where every guilty act was replaced by one of the person's own, at the same moment.
   * `dayRate` of the days, `recall` of the incidents; `byAct`: share of incidents found whose rehearsal is not.
   */
  readonly rehearsal: {
    readonly days: number;
    readonly dayRate: number;
    readonly recall: number;
    readonly byAct: number;
  } | null;
  /** With the threshold of the days before. */
  readonly fixed: {
    readonly rate: number;
    readonly rateInterval: Interval;
    readonly recall: number;
  } | null;
  readonly calls: { readonly heldShare: number; readonly recall: number } | null;
}

export interface CellResult {
  readonly arm: string;
  readonly scenario: string;
  readonly kind: string;
  readonly difficulty: number;
  readonly seenBy: string;
  readonly incidents: number;
  readonly found: number;
  readonly recall: number;
  readonly low: number;
  readonly high: number;
  /** Found in the rehearsal; null where nothing was rehearsed. */
  readonly rehearsed: number | null;
  /** Found, and the rehearsal not. */
  readonly byAct: number | null;
}

export interface Judgement {
  readonly arm: ArmResult;
  readonly cells: readonly CellResult[];
  readonly found: ReadonlySet<string>;
  /** Incidents whose rehearsal was found. */
  readonly foundRehearsed: ReadonlySet<string> | null;
}

export function judgeArm(
  scores: ArmScores,
  world: Readonly<{ truth: readonly LabelledIncident[]; benignCases: readonly Case[] }>,
  options: Readonly<{ seed: number; evaluation: HospitalConfig['evaluation'] }>,
): Judgement {
  const { truth, benignCases } = world;
  const { evaluation, seed } = options;
  const alpha = evaluation.falsePositiveRate;
  const scoreOf = ({ id }: LabelledIncident): number => scores.incidents.get(id) ?? -Infinity;
  const abnormal = truth.map(scoreOf);
  const threshold = thresholdAt(scores.benign, alpha);
  const found = new Set(truth.filter((one) => scoreOf(one) > threshold).map(({ id }) => id));
  const { rehearsal } = scores;
  const foundRehearsed =
    rehearsal === null
      ? null
      : new Set(
          truth
            .filter(({ id }) => (rehearsal.incidents.get(id) ?? -Infinity) > threshold)
            .map(({ id }) => id),
        );
  const hook = truth.filter(({ seenBy }) => seenBy.includes('H')).map(scoreOf);
  return {
    arm: {
      arm: scores.arm,
      incidents: truth.length,
      benignCases: scores.benign.length,
      auc: areaUnderCurve(scores.benign, abnormal),
      recall: recallAtRate(scores.benign, abnormal, alpha),
      recallInterval: bootstrapRecall(scores, world, {
        seed,
        alpha,
        draws: evaluation.bootstrapDraws,
      }),
      recallHook: recallAtRate(scores.benign, hook, alpha),
      recallAt: Object.fromEntries(
        OPERATING_RATES.map((rate) => [String(rate), recallAtRate(scores.benign, abnormal, rate)]),
      ),
      recallBeforeGuilt:
        scores.beforeGuilt === null
          ? null
          : truth.filter(({ id }) => (scores.beforeGuilt!.get(id) ?? -Infinity) > threshold)
              .length / truth.length,
      rehearsal:
        rehearsal === null
          ? null
          : {
              days: rehearsal.days.length,
              dayRate:
                rehearsal.days.filter((score) => score > threshold).length /
                Math.max(1, rehearsal.days.length),
              recall: foundRehearsed!.size / truth.length,
              byAct: [...found].filter((id) => !foundRehearsed!.has(id)).length / truth.length,
            },
      fixed: scores.calibration === null ? null : fixedOf(scores.calibration),
      calls:
        scores.calls === null
          ? null
          : { heldShare: scores.calls.heldShare, recall: scores.calls.found.size / truth.length },
    },
    cells: cellsOf(),
    found,
    foundRehearsed,
  };

  function fixedOf(calibration: readonly number[]): NonNullable<ArmResult['fixed']> {
    const pValue = conformal(calibration);
    const alarms = scores.benign.filter((score) => pValue(score) <= alpha).length;
    return {
      rate: alarms / Math.max(1, benignCases.length),
      rateInterval: wilson(alarms, benignCases.length),
      recall: abnormal.filter((score) => pValue(score) <= alpha).length / truth.length,
    };
  }

  function cellsOf(): CellResult[] {
    const cells = new Map<string, LabelledIncident[]>();
    for (const incident of truth) {
      const key = `${incident.scenario.padStart(3, '0')} ${incident.difficulty}`;
      cells.set(key, [...(cells.get(key) ?? []), incident]);
    }
    return [...cells]
      .sort(([a], [b]) => order(a) - order(b))
      .map(([, own]): CellResult => {
        const { scenario, kind, difficulty, seenBy } = own[0]!;
        const hits = own.filter(({ id }) => found.has(id)).length;
        return {
          arm: scores.arm,
          scenario,
          kind,
          difficulty,
          seenBy: seenBy.join(' '),
          incidents: own.length,
          found: hits,
          recall: recallAtRate(scores.benign, own.map(scoreOf), alpha),
          ...wilson(hits, own.length),
          rehearsed:
            foundRehearsed === null ? null : own.filter(({ id }) => foundRehearsed.has(id)).length,
          byAct:
            foundRehearsed === null
              ? null
              : own.filter(({ id }) => found.has(id) && !foundRehearsed.has(id)).length,
        };
      });
  }
}

function order(key: string): number {
  const [scenario, difficulty] = key.split(' ') as [string, string];
  return Number(scenario.replaceAll(/\D/g, '')) * 10 + Number(difficulty);
}

function bootstrapRecall(
  scores: ArmScores,
  {
    truth,
    benignCases,
  }: Readonly<{ truth: readonly LabelledIncident[]; benignCases: readonly Case[] }>,
  { seed, alpha, draws }: Readonly<{ seed: number; alpha: number; draws: number }>,
): Interval {
  // The same draws for every arm, so that differences between arms are not differences of luck.
  const random = seedStream(seed, 'bootstrap');
  const actors = new Map<string, number[]>();
  benignCases.forEach(({ nodeId, actor }, i) => {
    const key = `${nodeId} ${actor}`;
    const own = actors.get(key);
    if (own === undefined) actors.set(key, [scores.benign[i]!]);
    else own.push(scores.benign[i]!);
  });
  const groups = [...actors.values()];
  const recalls = Array.from({ length: draws }, () => {
    const benign = groups.flatMap(() => groups[random.below(groups.length)]!);
    const abnormal = truth.map(
      () => scores.incidents.get(truth[random.below(truth.length)]!.id) ?? -Infinity,
    );
    return recallAtRate(benign, abnormal, alpha);
  }).sort((a, b) => a - b);
  return { low: recalls[Math.floor(0.025 * draws)]!, high: recalls[Math.ceil(0.975 * draws) - 1]! };
}

export interface Comparison {
  readonly arm: string;
  readonly rival: string;
  readonly onlyArm: number;
  readonly onlyRival: number;
  readonly p: number;
}

/** The same incidents, both at the same rate (McNemar, exact). */
export function compareArms(
  arm: Pick<Judgement, 'arm' | 'found'>,
  rival: Pick<Judgement, 'arm' | 'found'>,
): Comparison {
  const onlyArm = [...arm.found].filter((id) => !rival.found.has(id)).length;
  const onlyRival = [...rival.found].filter((id) => !arm.found.has(id)).length;
  return {
    arm: arm.arm.arm,
    rival: rival.arm.arm,
    onlyArm,
    onlyRival,
    p: mcNemar(onlyArm, onlyRival),
  };
}
