/**
 * The tables and sentences of this room's README that come from committed results; a test compares the two, so that no figure
 * is typed.
 * @module
 */
import { cellOf, tableIn } from '../commands/inspect.js';
import type { Aggregate } from '../harness/aggregate.js';
import { pointOf } from './sections.js';
import type { RunResult, StudyResultFile } from './study-result.js';

const HOSPITAL_ARMS = [
  'hook-and-node',
  'federated-private',
  'federated',
  'networks-only',
  'untrained',
  'feature-norm',
  'siem-tuned',
  'random',
] as const;

function ofStudy(studies: readonly StudyResultFile[], name: string): StudyResultFile[] {
  return studies.filter(({ config }) => config['study'] === name);
}

/** Simulated hospitals: one row a run that has a recall, arms at the same false-positive rate. */
export function studiesTable(studies: readonly StudyResultFile[]): string {
  const runs = ofStudy(studies, 'hospital').flatMap((study) =>
    study.runs
      .filter(({ metrics }) => HOSPITAL_ARMS.some((arm) => `${arm}.recall` in metrics))
      .map((run) => ({ study, run })),
  );
  const arms = HOSPITAL_ARMS.filter((arm) =>
    runs.some(({ run }) => `${arm}.recall` in run.metrics),
  );
  return tableIn('md', [
    ['study', 'swept', 'incidents', 'seeds', ...arms],
    ...runs.map(({ study, run }) => [
      labelOf(study),
      pointOf(run),
      String(Math.round((run.metrics['incidents']?.mean ?? 0) * run.seeds.length)),
      String(run.seeds.length),
      ...arms.map((arm) => cellOr(run.metrics[`${arm}.recall`])),
    ]),
  ]);
}

const LOG_DETECTORS = [
  'ensemble',
  'lstm-autoencoder',
  'next-event-lstm',
  'count-vector',
  'own-vs-peers-mean',
  'autoencoder-untrained',
  'unseen-event',
  'length',
] as const;

/** Real logs: AUC / recall at 3.2 %, means over seeds. */
export function logsTable(studies: readonly StudyResultFile[]): string {
  const runs = ofStudy(studies, 'logs').flatMap((study) =>
    study.runs.map((run) => ({ study, run })),
  );
  const detectors = LOG_DETECTORS.filter((name) =>
    runs.some(({ run }) => `${name}.auc` in run.metrics),
  );
  return tableIn('md', [
    ['log', 'swept', 'abnormal of test', 'seeds', ...detectors],
    ...runs.map(({ study, run }) => {
      const { metrics } = run;
      return [
        labelOf(study),
        pointOf(run),
        `${Math.round(metrics['abnormalSessions']!.mean)} of ${Math.round(metrics['testSessions']!.mean)}`,
        String(run.seeds.length),
        ...detectors.map((name) => {
          const auc = metrics[`${name}.auc`];
          const recall = metrics[`${name}.recall`];
          return auc === undefined || recall === undefined
            ? ''
            : `${share(auc.mean)} / ${share(recall.mean)}`;
        }),
      ];
    }),
  ]);
}

/** What the main comparison says in words, with its figures; a sentence that has no result is not there. */
export function findings(studies: readonly StudyResultFile[]): string {
  const named = (name: string): StudyResultFile | undefined =>
    studies.find((study) => study.name === name);
  const main = named('headline') ?? named('small');
  return [
    ...(main === undefined ? [] : mainFindings(main)),
    ...driftFindings(named('drift')),
    ...poisoningFindings(named('poisoning') ?? named('small-poisoning')),
    ...logFindings(ofStudy(studies, 'logs')),
  ]
    .map((sentence) => `- ${sentence}`)
    .join('\n');
}

function mainFindings(study: StudyResultFile): string[] {
  const run = study.runs[0]!;
  const ours = ['hook-and-node', 'federated-private'].filter(
    (arm) => `${arm}.recall` in run.metrics,
  );
  const siem = run.metrics['siem-tuned.recall'];
  const shown = (arm: string, metric: string): string =>
    share(run.metrics[`${arm}.${metric}`]!.mean);
  const sentences = [
    `\`${study.name}\`, ${run.seeds.length === 1 ? 'one seed' : `${run.seeds.length} seeds`}, ${Math.round(run.metrics['incidents']!.mean * run.seeds.length)} incidents${study.evidence ? '' : ' (no evidence: fewer seeds or incidents than a claim wants)'}.`,
  ];
  for (const arm of ours) {
    if (siem === undefined) continue;
    const versus = run.againstSiem.find((row) => row.arm === arm);
    sentences.push(
      `\`${arm}\` finds ${shown(arm, 'recall')} of all incidents at 3.2 % of actor-days, the tuned SIEM ${share(siem.mean)}` +
        (versus === undefined
          ? ''
          : ` (${versus.onlyArm} incidents found by ours alone, ${versus.onlyRival} by the SIEM alone, p ${versus.p < 0.001 ? '< .001' : `= ${share(versus.p)}`})`) +
        `; of those that the catalogue gives to the hook ${shown(arm, 'recallHook')} against ${shown('siem-tuned', 'recallHook')}.`,
    );
  }
  const [arm] = ours;
  if (arm !== undefined && siem !== undefined) {
    const gaps = scenarioGaps(run, arm);
    const list = (rows: readonly Gap[]): string =>
      rows
        .map(({ scenario, ours: a, rival }) => `${scenario} (${share(a)} against ${share(rival)})`)
        .join(', ');
    const worse = gaps.filter(({ gap }) => gap < -0.1).slice(0, 5);
    const better = gaps
      .filter(({ gap }) => gap > 0.1)
      .slice(-5)
      .reverse();
    if (worse.length > 0) {
      sentences.push(
        `The SIEM finds more in ${list(worse)}: it is told who treats whom and who works where, and sees all hospitals at once.`,
      );
    }
    if (better.length > 0) sentences.push(`\`${arm}\` finds more in ${list(better)}.`);
  }
  if ('untrained.recall' in run.metrics && 'networks-only.recall' in run.metrics) {
    sentences.push(
      `The three networks alone reach ${shown('networks-only', 'recall')}, the same networks untrained ${shown('untrained', 'recall')} (ten seeds, ${share(run.metrics['untrained.recallLow']!.mean)} to ${share(run.metrics['untrained.recallHigh']!.mean)}): most of the detection is in the features and the score, as the training recipe foretold.`,
    );
  }
  if ('federated.recall' in run.metrics && 'federated-private.recall' in run.metrics) {
    sentences.push(
      `Federated training from detector 0 ends at ${shown('federated', 'recall')} without noise and ${shown('federated-private', 'recall')} at ε = 0.5 a window and round; detector 0 itself has ${shown('detector-zero', 'recall')}.`,
    );
  }
  const fixed = run.metrics[`${arm ?? 'detector-zero'}.fixedRate`];
  const held = run.metrics['federated-private.heldShare'];
  if (fixed !== undefined && held !== undefined) {
    sentences.push(
      `A threshold fixed on the days before alerts on ${percent(fixed.mean)} of actor-days, and θ holds ${percent(held.mean)} of benign calls, where 3.2 % is promised.`,
    );
  }
  return sentences;
}

interface Gap {
  readonly scenario: string;
  readonly ours: number;
  readonly rival: number;
  readonly gap: number;
}

/** Both difficulties together, the largest lead of the SIEM first. */
function scenarioGaps({ cells }: RunResult, arm: string): Gap[] {
  const recallOf = (who: string, scenario: string): number => {
    const own = cells.filter((cell) => cell.arm === who && cell.scenario === scenario);
    const sum = (of: 'found' | 'incidents'): number =>
      own.reduce((total, cell) => total + cell[of], 0);
    return sum('found') / Math.max(1, sum('incidents'));
  };
  return [...new Set(cells.map(({ scenario }) => scenario))]
    .map((scenario): Gap => {
      const ours = recallOf(arm, scenario);
      const rival = recallOf('siem-tuned', scenario);
      return { scenario, ours, rival, gap: ours - rival };
    })
    .sort((a, b) => a.gap - b.gap);
}

function driftFindings(study: StudyResultFile | undefined): string[] {
  return (study?.runs ?? []).map((run) => {
    const of = (policy: string, metric: string): string =>
      percent(run.metrics[`${policy}.${metric}`]!.mean);
    const point = pointOf(run);
    return (
      `Weeks after the calibration${point === '' ? '' : ` (${point})`}: a static table holds ${of('static', 'callRate')} of benign calls (worst week ${of('static', 'callRateWorstWeek')}), ` +
      `a threshold recalibrated on unflagged calls ${of('naive', 'callRate')} (worst ${of('naive', 'callRateWorstWeek')}), adaptive α ${of('adaptive', 'callRate')} (worst ${of('adaptive', 'callRateWorstWeek')}); ` +
      `incidents with a held call: ${of('static', 'callRecall')}, ${of('naive', 'callRecall')}, ${of('adaptive', 'callRecall')}.`
    );
  });
}

function poisoningFindings(study: StudyResultFile | undefined): string[] {
  if (study === undefined) return [];
  const clean = study.runs.find(({ swept }) => swept['attack.kind'] === 'none');
  if (clean === undefined) return [];
  const rows = study.runs.filter((run) => run.swept['attack.kind'] !== 'none');
  const of = (run: RunResult, metric: string): string =>
    share(run.metrics[`federated.${metric}`]?.mean ?? Number.NaN);
  return [
    `One poisoning hospital (\`${study.name}\`), recall and AUC on the public canaries without attack ${of(clean, 'recall')} / ${of(clean, 'canaryAuc')}: ${rows
      .map(
        (run) =>
          `${String(run.swept['attack.kind'])} under ${String(run.swept['attack.aggregation'])} ${of(run, 'recall')} / ${of(run, 'canaryAuc')}`,
      )
      .join(', ')}. A version whose canary AUC falls by more than .03 is not activated.`,
  ];
}

const BEHIND = 0.03;

/** Logs on which one member alone ranks better than the ensemble. */
function logFindings(studies: readonly StudyResultFile[]): string[] {
  const behind = studies.flatMap(({ name, runs }) =>
    runs.flatMap((run): string[] => {
      const aucs = Object.entries(run.metrics).flatMap(([metric, value]) =>
        metric.endsWith('.auc') ? [{ detector: metric.slice(0, -4), auc: value.mean }] : [],
      );
      const ensemble = aucs.find(({ detector }) => detector === 'ensemble');
      const best = aucs.reduce((a, b) => (b.auc > a.auc ? b : a));
      if (ensemble === undefined || best.auc - ensemble.auc < BEHIND) return [];
      const point = pointOf(run);
      return [
        `${name}${point === '' ? '' : ` (${point})`} ${best.detector} ${share(best.auc)}, ensemble ${share(ensemble.auc)}`,
      ];
    }),
  );
  if (behind.length === 0) return [];
  return [
    `Real logs on which one member alone ranks better than the ensemble, by AUC: ${behind.join('; ')}. Members that see nothing there speak as loudly as the one that does.`,
  ];
}

function labelOf({ name, evidence }: StudyResultFile): string {
  return `${name}${evidence ? '' : ' (no evidence)'}`;
}

function cellOr(value: Aggregate | undefined): string {
  return value === undefined ? '' : cellOf(value);
}

/** .667 */
function share(value: number): string {
  return value.toFixed(3).replace(/^0(?=\.)/, '');
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
