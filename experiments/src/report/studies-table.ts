/**
 * The tables and sentences of this room's README that come from committed results; a test compares the two, so that no figure
 * is typed.
 * @module
 */
import { tableIn } from '../commands/inspect.js';
import { cellOr, labelOf, percent, pointOf, share } from './figures.js';
import { hospitalFindings } from './hospital-findings.js';
import type { StudyResultFile } from './study-result.js';

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
  '6-gram',
  'own-vs-peers-mean',
  'own-vs-peers-max',
  'autoencoder-untrained',
  'events-whitened',
  'group-rarity',
  'length',
] as const;

/** Real logs: AUC / recall at 3.2 %, and in brackets the AUC of pairs under one name; means over seeds. */
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
          const within = metrics[`${name}.aucWithinGroups`];
          return auc === undefined || recall === undefined
            ? ''
            : `${share(auc.mean)} / ${share(recall.mean)}${within === undefined ? '' : ` (${share(within.mean)})`}`;
        }),
      ];
    }),
  ]);
}

/** What committed results say in words; a sentence that has no result is not there. */
export function findings(studies: readonly StudyResultFile[]): string[] {
  return [...hospitalFindings(studies), ...logFindings(ofStudy(studies, 'logs'))];
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
  const members =
    behind.length === 0
      ? []
      : [
          `Real logs on which one member alone ranks better than the ensemble, by AUC: ${behind.join('; ')}. Members that see nothing there speak as loudly as the one that does.`,
        ];
  return [...members, ...rateFindings(studies), ...nameFindings(studies)];
}

/** What a threshold costs that was fixed before the test. The normal sessions of a sweep are the same, so one run tells. */
function rateFindings(studies: readonly StudyResultFile[]): string[] {
  const logs = studies.flatMap(({ name, runs }) => {
    const { metrics } = runs[0]!;
    const rates = Object.entries(metrics).flatMap(([metric, { mean }]) =>
      metric.endsWith('.fixedRate') ? [{ detector: metric.slice(0, -10), rate: mean }] : [],
    );
    const ensemble = rates.find(({ detector }) => detector === 'ensemble');
    if (ensemble === undefined) return [];
    const worst = rates.reduce((a, b) => (b.rate > a.rate ? b : a));
    return [
      `${name} ${percent(ensemble.rate)} by the ensemble, ${percent(worst.rate)} at worst (${worst.detector})`,
    ];
  });
  if (logs.length === 0) return [];
  return [
    `False positives of the test at a threshold fixed on calibration sessions, 3.2 % promised: ${logs.join('; ')}.`,
  ];
}

const SEEN = 0.6;
const MOSTLY_NAMES = 0.8;

/** Logs on which a detector ranks well over all names and hardly within one: it tells actors apart, not what they did. */
function nameFindings(studies: readonly StudyResultFile[]): string[] {
  const logs = studies.flatMap((study) =>
    study.runs.flatMap((run): string[] => {
      const auc = run.metrics['own-vs-peers-mean.auc'];
      const within = run.metrics['own-vs-peers-mean.aucWithinGroups'];
      const control = run.metrics['group-rarity.auc'];
      if (auc === undefined || within === undefined || control === undefined) return [];
      if (auc.mean < MOSTLY_NAMES || within.mean > SEEN) return [];
      return [
        `${study.name} (${pointOf(run)}) own-vs-peers-mean ${share(auc.mean)}, of pairs under one name ${share(within.mean)}, group-rarity ${share(control.mean)}`,
      ];
    }),
  );
  if (logs.length === 0) return [];
  return [
    `Where only names differ: ${logs.join('; ')}. The switched groups do the same acts, so a profile cannot tell them apart; a partial switch mixes the order of acts, which other members see.`,
  ];
}
