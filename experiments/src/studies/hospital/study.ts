/**
 * Simulated hospitals, every arm on the same days: does the federation find what the SIEM does not, and what does the
 * training add to what needs no training?
 * @module
 */
import { writeFileSync } from 'node:fs';
import {
  canaryReport,
  DETECTOR_ZERO,
  encodeDetector,
  PUBLIC_CANARIES,
  type Detector,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { DAY_MEMBERS } from '@bhschain/models/features';
import { sha256 } from '../../harness/canonical.js';
import { seedStream } from '../../harness/seed-streams.js';
import type { Study, StudyContext, StudyResult } from '../../harness/study.js';
import { HOSPITAL_SCHEMA, hospitalConfig, type HospitalConfig } from './config.js';
import {
  curveOf,
  histogramOf,
  hospitalRows,
  type CurveRow,
  type HistogramRow,
  type HospitalRow,
} from './curves.js';
import { publicWindows, studyData, type HospitalData } from './hospital-data.js';
import type { Case } from './featurise.js';
import type { SiemTotals } from './siem-arm.js';
import { withOwnLaws, withReleasedLaws } from './laws.js';
import { compareArms, judgeArm, type ArmScores, type Judgement } from './judging.js';
import { NETWORK_NAMES, PUBLIC_DETECTOR, untrainedDetector, withParameters } from './networks.js';
import { driftMetrics, driftOf } from './drift.js';
import { RIVALS, rivalScores } from './rivals.js';
import { roundRows, roundsCsv, type RoundRow } from './rounds.js';
import {
  createHospitalScorer,
  type HospitalScorer,
  type HospitalScores,
  type NodeTier,
} from './scoring.js';
import {
  trainFederated,
  trainingWindows,
  trainPooled,
  type TrainingWindows,
} from './training-arms.js';
import { shortened, shuffled } from './variants.js';

export const hospitalStudy: Study = {
  name: 'hospital',
  about:
    'simulated hospitals with planted incidents: ours, the SIEM, controls, at the same false-positive rate',
  schema: HOSPITAL_SCHEMA,
  code: ['models', 'datasets', 'catalogue', 'dp', 'detectors', 'evaluation', 'siem', 'hospital'],
  dataHash: () => '',
  run: (config, context) => runHospitalStudy(hospitalConfig(config), context),
};

/** Members of the ensemble that make an arm of their own. */
const MEMBER_ARMS: Readonly<Record<string, readonly string[]>> = {
  'networks-only': NETWORK_NAMES,
  'feature-norm': ['features'],
  'likelihood-ratio': ['likelihood-ratio'],
  'unseen-count': ['unseen'],
  trigrams: ['trigrams'],
  insider: ['insider'],
  exfiltration: ['exfiltration'],
  ransomware: ['ransomware'],
};

async function runHospitalStudy(
  config: HospitalConfig,
  context: StudyContext,
): Promise<StudyResult> {
  const { seed } = context;
  const has = (arm: HospitalConfig['arms'][number]): boolean => config.arms.includes(arm);
  const { hospitals, truth, siem, nodeTier } = await studyData(config, context);
  const alpha = config.evaluation.falsePositiveRate;
  const benignCases = hospitals.flatMap(({ liveCases }) =>
    liveCases.filter((one) => one.incidents.length === 0),
  );
  const models: Record<string, string> = {};
  const notes: string[] = [];
  const judged: Judgement[] = [];
  const curves: CurveRow[] = [];
  const histograms: HistogramRow[] = [];
  const byHospital: HospitalRow[] = [];
  /** Incidents with a held call, by arm. */
  const held = new Map<string, ReadonlySet<string>>();
  const canaryAucs: [string, number][] = [];
  const judge = (scores: ArmScores): Judgement => {
    // Single untrained networks are one arm in every figure.
    const of = { ...scores, arm: scores.arm.replace(/^untrained \d+$/, 'untrained') };
    curves.push(curveOf(of, truth));
    const histogram = histogramOf(of);
    if (histogram !== null) histograms.push(histogram);
    if (of.arm !== 'untrained') byHospital.push(...hospitalRows(of, { truth, benignCases }, alpha));
    if (scores.calls !== null) held.set(scores.arm, scores.calls.found);
    const result = judgeArm(
      scores,
      { truth, benignCases },
      { seed, evaluation: config.evaluation },
    );
    context.record({ kind: 'arm', ...result.arm });
    judged.push(result);
    context.say(
      `${scores.arm.padEnd(18)} AUC ${result.arm.auc.toFixed(3)}  recall ${result.arm.recall.toFixed(3)} ` +
        `[${result.arm.recallInterval.low.toFixed(3)}, ${result.arm.recallInterval.high.toFixed(3)}] at ${alpha * 100} % of actor-days`,
    );
    return result;
  };

  (['siem-default', 'siem-tuned'] as const).forEach((arm, which) => {
    if (!has(arm)) return;
    const rehearsal = (of: SiemTotals): NonNullable<ArmScores['rehearsal']> => {
      const days = hospitals.flatMap((one) => one.rehearsal!.cases);
      const { benign, incidents } = pointsOf(of, which, days);
      return { days: benign, incidents };
    };
    judge({
      arm,
      ...pointsOf(siem.played!, which, benignCases),
      beforeGuilt: null,
      rehearsal: siem.rehearsed === null ? null : rehearsal(siem.rehearsed),
      calibration: null,
      calls: null,
    });
  });

  const windows: TrainingWindows | null = config.arms.some((arm) =>
    [
      ...['federated', 'federated-private', 'central', 'local-only'],
      ...['own-laws', 'released-laws'],
    ].includes(arm),
  )
    ? await trainingWindows(config, hospitals, context)
    : null;
  const trained: [string, (nodeId: string) => Detector][] = [];
  const relawed: typeof trained = [];
  const rounds: RoundRow[] = [];
  const train = async (arm: string, epsilon: number | 'none'): Promise<void> => {
    const result = await trainFederated(arm, { config, windows: windows!, epsilon, context });
    trained.push([arm, () => withParameters(result.parameters)]);
    rounds.push(...roundRows(arm, result.output.dir, result.plan));
    if (epsilon === 'none') return;
    const { certified, noiseMultiplier, nominalWindows, target } = result.plan.plan;
    notes.push(
      `${arm}: ε = ${certified.pld} for one window and ${certified.actor} for an actor, each in one round, at δ = ${target.delta} ` +
        `(add or remove one, PLD), noise multiplier ${noiseMultiplier.toFixed(2)}, N = ${nominalWindows}; the noise is seeded`,
    );
  };
  if (has('federated')) await train('federated', 'none');
  if (has('federated-private')) await train('federated-private', config.training.epsilon);
  if (has('central')) {
    const { parameters } = await trainPooled({ config, windows: windows!, context });
    trained.push(['central', () => withParameters(parameters)]);
  }
  if (has('local-only')) {
    const own = new Map<string, Detector>();
    // Alone, nobody poisons anybody.
    const alone: HospitalConfig = { ...config, attack: { ...config.attack, kind: 'none' } };
    const clean =
      config.attack.kind === 'none' ? windows! : await trainingWindows(alone, hospitals, context);
    for (const { nodeId } of hospitals) {
      const { parameters } = await trainFederated(`local ${nodeId}`, {
        config: alone,
        windows: clean,
        epsilon: 'none',
        context,
        only: nodeId,
      });
      own.set(nodeId, withParameters(parameters));
    }
    trained.push(['local-only', (nodeId) => own.get(nodeId)!]);
  }

  if (has('own-laws')) {
    const own = new Map(
      windows!.hospitals.map((hospital): [string, Detector] => [
        hospital.nodeId,
        withOwnLaws(PUBLIC_DETECTOR, ofRounds(hospital)),
      ]),
    );
    relawed.push(['own-laws', (nodeId) => own.get(nodeId)!]);
  }
  if (has('released-laws')) {
    const { rounds: count, deltaExponent, epsilon } = config.training;
    const released = withReleasedLaws(PUBLIC_DETECTOR, windows!.hospitals, {
      ...{ rounds: count, epsilon, deltaExponent },
      seed: String(seed),
    });
    relawed.push(['released-laws', () => released.detector]);
    notes.push(
      `released-laws: one Gaussian release a round and window at ε = ${epsilon}, δ = 1e-${deltaExponent} (add or remove one), noise multiplier ` +
        `${released.noiseMultiplier.toFixed(2)}; ${released.strataMoved} of ${released.strata} strata had windows enough; the noise is seeded`,
    );
  }

  const scorers = new Map<string, HospitalScorer>();
  const scorerOf = (data: HospitalData): HospitalScorer => {
    const scorer = scorers.get(data.nodeId) ?? createHospitalScorer(data, { seed, alpha });
    scorers.set(data.nodeId, scorer);
    return scorer;
  };
  const scoresOf = (
    detectorOf: (nodeId: string) => Detector,
    names: readonly string[] | null,
    node?: NodeTier,
  ): HospitalScores[] =>
    hospitals.map((data) => scorerOf(data).score(detectorOf(data.nodeId), names, node));
  const judgeDetector = (
    arm: string,
    detectorOf: (nodeId: string) => Detector,
    names: readonly string[] | null,
  ): Judgement => judge(armScores(arm, hospitals, scoresOf(detectorOf, names)));

  if (has('detector-zero')) judgeDetector('detector-zero', () => PUBLIC_DETECTOR, null);
  for (const [arm, detectorOf] of trained) {
    await context.pause();
    judgeDetector(arm, detectorOf, null);
    const detector = detectorOf(hospitals[0]!.nodeId);
    canaryAucs.push([arm, canaryAucOf(detector)]);
    const bytes = encodeDetector(detector);
    models[arm] = sha256(bytes);
    writeFileSync(context.file(`model/${arm}.detector`), bytes);
    if (has('networks-only')) judgeDetector(`${arm}: networks only`, detectorOf, NETWORK_NAMES);
  }
  for (const [arm, detectorOf] of relawed) {
    await context.pause();
    judgeDetector(arm, detectorOf, null);
  }
  if (has('node-tier') || has('hook-and-node')) {
    const node: NodeTier = {
      members: DAY_MEMBERS.length,
      of: (one) => nodeTier.played![nameOf(one)] ?? null,
      rehearsed: (one) => nodeTier.rehearsed?.[nameOf(one)] ?? null,
    };
    if (has('node-tier')) {
      judge(
        armScores(
          'node-tier',
          hospitals,
          hospitals.map((data) => scorerOf(data).scoreNode(node)),
        ),
      );
    }
    if (has('hook-and-node')) {
      // With the detector that the product would run: the most private of those that were trained.
      const [, detectorOf] = trained.find(([arm]) => arm === 'federated-private') ??
        trained.find(([arm]) => arm === 'federated') ?? ['', () => PUBLIC_DETECTOR];
      judge(armScores('hook-and-node', hospitals, scoresOf(detectorOf, null, node)));
    }
  }
  for (const [arm, names] of Object.entries(MEMBER_ARMS)) {
    if (has(arm as HospitalConfig['arms'][number]))
      judgeDetector(arm, () => PUBLIC_DETECTOR, names);
  }
  for (const rival of RIVALS) {
    if (!has(rival.name as HospitalConfig['arms'][number])) continue;
    await context.pause();
    const scores = hospitals.map((data) => rivalScores(rival, data, seed));
    judge(armScores(rival.name, hospitals, scores));
  }
  if (has('ablation')) await ablationArms();
  const drift = has('drift') ? driftOf(hospitals, { seed, alpha }) : null;
  const untrained = has('untrained') ? await untrainedArms() : [];
  if (has('random')) {
    const random = seedStream(seed, 'random-score');
    judge(
      armScores(
        'random',
        hospitals,
        hospitals.map(({ nodeId, liveCases, calibrationCases, rehearsal }) => ({
          nodeId,
          calibration: calibrationCases.map(() => random.uniform()),
          live: liveCases.map(() => random.uniform()),
          beforeGuilt: null,
          rehearsed: rehearsal?.cases.map(() => random.uniform()) ?? null,
          calls: null,
        })),
      ),
    );
  }
  if (rounds.length > 0) writeFileSync(context.file('rounds.csv'), roundsCsv(rounds));
  const rival = judged.find(({ arm }) => arm.arm === 'siem-tuned');
  writeFileSync(
    context.file('incidents.json'),
    JSON.stringify(
      truth.map(({ id, scenario, kind, difficulty, seenBy }) => ({
        id,
        scenario,
        kind,
        difficulty,
        seenBy,
        found: judged.filter((one) => one.found.has(id)).map(({ arm }) => arm.arm),
      })),
    ),
  );
  const untrainedRecalls = untrained.map(({ arm }) => arm.recall);
  return {
    metrics: {
      incidents: truth.length,
      benignActorDays: benignCases.length,
      ...Object.fromEntries(
        judged.flatMap(({ arm }): [string, number][] => [
          [`${arm.arm}.recall`, arm.recall],
          [`${arm.arm}.recallHook`, arm.recallHook],
          [`${arm.arm}.auc`, arm.auc],
          ...(arm.recallBeforeGuilt === null
            ? []
            : [[`${arm.arm}.recallBeforeGuilt`, arm.recallBeforeGuilt] as [string, number]]),
          ...(arm.rehearsal === null
            ? []
            : [
                [`${arm.arm}.rehearsedRate`, arm.rehearsal.dayRate] as [string, number],
                [`${arm.arm}.rehearsedRecall`, arm.rehearsal.recall] as [string, number],
                [`${arm.arm}.recallByAct`, arm.rehearsal.byAct] as [string, number],
              ]),
          ...(arm.fixed === null
            ? []
            : [
                [`${arm.arm}.fixedRate`, arm.fixed.rate] as [string, number],
                [`${arm.arm}.fixedRecall`, arm.fixed.recall] as [string, number],
              ]),
          ...(arm.calls === null
            ? []
            : [
                [`${arm.arm}.heldShare`, arm.calls.heldShare] as [string, number],
                [`${arm.arm}.callRecall`, arm.calls.recall] as [string, number],
              ]),
        ]),
      ),
      ...Object.fromEntries(canaryAucs.map(([arm, auc]) => [`${arm}.canaryAuc`, auc])),
      ...Object.fromEntries(lostShares()),
      ...(drift === null ? {} : Object.fromEntries(driftMetrics(drift, truth.length))),
      ...(untrainedRecalls.length === 0
        ? {}
        : {
            'untrained.recall': mean(untrainedRecalls),
            'untrained.recallLow': Math.min(...untrainedRecalls),
            'untrained.recallHigh': Math.max(...untrainedRecalls),
            'untrained.auc': mean(untrained.map(({ arm }) => arm.auc)),
          }),
    },
    tables: {
      arms: judged.map(({ arm }) => ({ ...arm })),
      cells: judged
        .filter(({ arm }) => !arm.arm.startsWith('untrained '))
        .flatMap(({ cells }) => cells.map((cell) => ({ ...cell }))),
      againstSiem:
        rival === undefined
          ? []
          : judged.filter((one) => one !== rival).map((one) => ({ ...compareArms(one, rival) })),
      weeks: (drift?.weeks ?? []).map((row) => ({ ...row })),
      rounds: rounds.map((row) => ({ ...row })),
      curves: curves.map((row) => ({ ...row })),
      histograms: histograms.map((row) => ({ ...row })),
      hospitals: byHospital.map((row) => ({ ...row })),
    },
    models,
    notes: [
      'simulated hospitals; the guard is not at work (nothing is diverted), calls of services are judged by no network',
      ...notes,
    ],
  };

  /** Of the incidents that detector 0 holds, those that an arm lets through: what a backdoor is after. */
  function lostShares(): [string, number][] {
    const before = held.get('detector-zero');
    if (before === undefined || before.size === 0) return [];
    return trained.map(([arm]) => {
      const lost = [...before].filter((id) => !held.get(arm)!.has(id));
      return [`${arm}.lost`, lost.length / before.size];
    });
  }

  async function ablationArms(): Promise<void> {
    const all = PUBLIC_DETECTOR.members.map(({ name }) => name);
    judgeDetector('whole', () => PUBLIC_DETECTOR, null);
    for (const name of all) {
      await context.pause();
      judgeDetector(
        `without ${name}`,
        () => PUBLIC_DETECTOR,
        all.filter((one) => one !== name),
      );
    }
    const variants: [string, (data: HospitalData) => HospitalData][] = [
      ['steps shuffled', (data) => shuffled(data, seedStream(seed, 'step-order', data.nodeId))],
      ['look-back 4', (data) => shortened(data, 4)],
      ['look-back 1', (data) => shortened(data, 1)],
    ];
    for (const [arm, change] of variants) {
      await context.pause();
      const scores = hospitals.map((data) =>
        createHospitalScorer(change(data), { seed, alpha }).score(PUBLIC_DETECTOR, null),
      );
      judge(armScores(arm, hospitals, scores));
    }
  }

  async function untrainedArms(): Promise<Judgement[]> {
    const { windows: publicOnes } = await publicWindows(config, context);
    const results: Judgement[] = [];
    for (let i = 0; i < config.evaluation.untrainedSeeds; i++) {
      await context.pause();
      const detector = untrainedDetector(
        seedStream(seed, 'initial-parameters', 'untrained', i),
        publicOnes,
      );
      models[`untrained ${i + 1}`] = sha256(encodeDetector(detector));
      results.push(judgeDetector(`untrained ${i + 1}`, () => detector, NETWORK_NAMES));
    }
    return results;
  }
}

function armScores(
  arm: string,
  hospitals: readonly HospitalData[],
  scores: readonly HospitalScores[],
): ArmScores {
  const incidents = new Map<string, number>();
  const beforeGuilt = new Map<string, number>();
  const rehearsed = new Map<string, number>();
  const found = new Set<string>();
  const benign: number[] = [];
  const raise = (into: Map<string, number>, id: string, score: number): void =>
    void into.set(id, Math.max(into.get(id) ?? -Infinity, score));
  hospitals.forEach(({ liveCases, rehearsal }, h) => {
    const own = scores[h]!;
    rehearsal?.cases.forEach((one, i) => {
      for (const id of one.incidents) raise(rehearsed, id, own.rehearsed![i]!);
    });
    liveCases.forEach((one, i) => {
      if (one.incidents.length === 0) benign.push(own.live[i]!);
      for (const id of one.incidents) {
        raise(incidents, id, own.live[i]!);
        if (own.beforeGuilt !== null) raise(beforeGuilt, id, own.beforeGuilt[i]!);
        if (own.calls?.heldGuilty[i] === true) found.add(id);
      }
    });
  });
  const calls = scores.flatMap((one) => one.calls ?? []);
  const sum = (of: 'benign' | 'held'): number => calls.reduce((total, one) => total + one[of], 0);
  return {
    arm,
    benign,
    incidents,
    beforeGuilt: scores.every((one) => one.beforeGuilt !== null) ? beforeGuilt : null,
    rehearsal: scores.every((one) => one.rehearsed !== null)
      ? { incidents: rehearsed, days: scores.flatMap((one) => one.rehearsed!) }
      : null,
    calibration: scores.flatMap((one) => one.calibration),
    calls:
      calls.length === 0 ? null : { heldShare: sum('held') / Math.max(1, sum('benign')), found },
  };
}

function* ofRounds(
  hospital: TrainingWindows['hospitals'][number],
): Generator<readonly ScoredWindow[]> {
  for (const round of hospital.counts.keys()) yield hospital.windows(round);
}

function nameOf({ nodeId, actor, day }: Case): string {
  return `${nodeId} ${actor} ${day}`;
}

/** Points of these days, and the most of each incident. */
function pointsOf(
  totals: SiemTotals,
  which: number,
  cases: readonly Case[],
): Pick<ArmScores, 'benign' | 'incidents'> {
  return {
    benign: cases.map((one) => totals.cases[nameOf(one)]?.[which] ?? 0),
    incidents: new Map(
      Object.entries(totals.incidents).map(([id, points]) => [id, points[which]!]),
    ),
  };
}

/** On the public canaries: a version whose AUC falls by more than 0.03 is not activated (detection.md §7). */
function canaryAucOf({ parameters }: Detector): number {
  const { detector, table } = DETECTOR_ZERO;
  return canaryReport({ ...detector, parameters }, table, PUBLIC_CANARIES).auc;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
