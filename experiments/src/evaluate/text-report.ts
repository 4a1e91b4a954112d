/**
 * An evaluation as a table for a terminal.
 * @module
 */
import type { DetectorResult, Evaluation } from './evaluate.js';

export function textReport(evaluation: Evaluation): string {
  const { sessions, abnormal, calibrationFrom, notes, detectors } = evaluation;
  const lines = [
    `${sessions.train} training, ${sessions.calibrate} calibration (${calibrationFrom}), ${sessions.test} test sessions, ${abnormal} of them abnormal`,
    ...notes.map((note) => `note: ${note}`),
    '',
    `${'detector'.padEnd(27)}${'AUC'.padStart(6)}${'95 % interval'.padStart(17)}   recall at false positives of        at θ = 0.87`,
    `${' '.repeat(50)}    1 %  3.2 %    5 %   10 %   false positives   recall`,
    ...(['ours', 'rival', 'control'] as const).flatMap((standing) => {
      const of = detectors.filter((detector) => detector.standing === standing);
      return of.length === 0 ? [] : [standing, ...of.map(rowOf)];
    }),
    '',
    'Recall at a rate places the threshold on the test itself (ranking); at θ it was fixed on calibration sessions before.',
    ...classLines(detectors),
  ];
  return lines.join('\n');
}

function rowOf({ name, auc, recallAt, atTheta }: DetectorResult): string {
  const interval = `[${share(auc.interval.low)}, ${share(auc.interval.high)}]`;
  return [
    `  ${name.padEnd(25)}`,
    share(auc.mean).padStart(6),
    interval.padStart(17),
    ...recallAt.map(({ recall }) => share(recall).padStart(7)),
    percent(atTheta.falsePositiveRate).padStart(18),
    share(atTheta.recall).padStart(9),
  ].join('');
}

/** Classes only where there is more than one, for the best of ours. */
function classLines(detectors: readonly DetectorResult[]): string[] {
  const best = detectors.find(({ standing }) => standing === 'ours') ?? detectors[0];
  if (best === undefined || best.classes.length < 2) return [];
  return [
    '',
    `${best.name}, by class:`,
    ...best.classes.map(
      ({ label, sessions, auc, recall, recallInterval }) =>
        `  ${label.padEnd(25)}${share(auc).padStart(6)}   recall at θ ${share(recall)} [${share(recallInterval.low)}, ${share(recallInterval.high)}] of ${sessions}`,
    ),
  ];
}

function share(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3).replace(/^0(?=\.)/, '') : '–';
}

function percent(value: number): string {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–';
}
