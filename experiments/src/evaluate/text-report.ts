/**
 * An evaluation as a page for a terminal: what was judged, how each detector ranks, how it keeps its rate, and what that
 * comes to beside the controls.
 * @module
 */
import type { Interval } from '../evaluation/intervals.js';
import type { DetectorResult, Evaluation } from './evaluate.js';

const STANDINGS = { ours: 'ours', rival: 'rivals', control: 'controls' } as const;

export function textReport(evaluation: Evaluation): string {
  const { sessions, abnormal, calibrationFrom, notes, detectors, groups } = evaluation;
  return [
    `${sessions.train} sessions to train on, ${sessions.calibrate} to fix the threshold (${calibrationFrom}), ` +
      `${sessions.test} to test, ${abnormal} of them abnormal`,
    ...notes.map((note) => `note: ${note}`),
    '',
    ...headOf(groups),
    ...(['ours', 'rival', 'control'] as const).flatMap((standing) => {
      const of = detectors.filter((detector) => detector.standing === standing);
      return of.length === 0
        ? []
        : [STANDINGS[standing], ...of.map((detector) => rowOf(detector, groups))];
    }),
    '',
    'AUC: how surely an abnormal session scores above a normal one; .5 is a coin. Intervals are 95 %.',
    ...(groups
      ? ['Within: the same among sessions of one group; near .5, only names differ.']
      : []),
    'Recall at a rate puts the threshold on the test itself, so it says how well a detector ranks.',
    'At θ = 0.87 the threshold was fixed before the test and promises 3.2 % false positives.',
    ...chanceLines(detectors),
    ...classLines(detectors),
    ...verdict(detectors),
  ].join('\n');
}

function headOf(groups: boolean): string[] {
  const within = groups ? 'within' : '';
  const width = groups ? 8 : 0;
  return [
    `${''.padEnd(50 + width)}recall at false positives of   at θ = 0.87`,
    `${'detector'.padEnd(27)}${'AUC'.padStart(6)}${'interval'.padStart(15)}${within.padStart(width)}` +
      `${['1 %', '3.2 %', '5 %', '10 %'].map((rate) => rate.padStart(7)).join('')}   ${'false positives'.padEnd(21)}recall`,
  ];
}

function rowOf(
  { name, auc, aucWithinGroups, recallAt, atTheta }: DetectorResult,
  groups: boolean,
): string {
  return [
    `  ${name.padEnd(25)}`,
    share(auc.mean).padStart(6),
    interval(auc.interval).padStart(15),
    ...(groups ? [share(aucWithinGroups ?? Number.NaN).padStart(8)] : []),
    ...recallAt.map(({ recall }) => share(recall).padStart(7)),
    `   ${share(atTheta.falsePositiveRate)} ${interval(atTheta.falsePositiveInterval)}`.padEnd(24),
    `${share(atTheta.recall)} ${interval(atTheta.recallInterval)}`,
  ].join('');
}

/** How far a threshold from so few sessions may miss its promise by chance, and who misses it by more. */
function chanceLines(detectors: readonly DetectorResult[]): string[] {
  const ranges = new Map<string, string[]>();
  for (const { name, atTheta } of detectors) {
    const range = interval(atTheta.byChance);
    ranges.set(range, [...(ranges.get(range) ?? []), name]);
  }
  const widest = [...ranges].toSorted(([, a], [, b]) => b.length - a.length);
  const [usual, ...others] = widest.map(([range, names], i) =>
    i === 0 ? range : `${range} for ${names.join(', ')}`,
  );
  // Scores that tie keep a rate low; only one that is too high says something.
  const above = detectors.filter(
    ({ atTheta }) => atTheta.falsePositiveRate > atTheta.byChance.high,
  );
  const list = above.map(({ name, atTheta }) => `${name} ${share(atTheta.falsePositiveRate)}`);
  return [
    `With so few sessions to fix it on, the rate may be in ${[usual, ...others].join(', ')} by chance.`,
    ...(above.length === 0
      ? []
      : [
          `More than that, because normal sessions of the test are unlike those that fixed it: ${list.join(', ')}.`,
        ]),
  ];
}

/** Classes only where there is more than one, for the best of ours. */
function classLines(detectors: readonly DetectorResult[]): string[] {
  const best = bestOf(detectors, 'ours') ?? detectors[0];
  if (best === undefined || best.classes.length < 2) return [];
  return [
    '',
    `${best.name}, by class:`,
    ...best.classes.map(
      ({ label, sessions, auc, recall, recallInterval }) =>
        `  ${label.padEnd(25)}${share(auc).padStart(6)}   recall at θ ${share(recall)} ${interval(recallInterval)} of ${sessions}`,
    ),
  ];
}

/** A result that a control reaches as well belongs to the control. */
function verdict(detectors: readonly DetectorResult[]): string[] {
  const ours = bestOf(detectors, 'ours');
  const control = bestOf(detectors, 'control');
  const rival = bestOf(detectors, 'rival');
  if (ours === undefined || control === undefined) return [];
  const clear = ours.auc.interval.low > control.auc.interval.high;
  return [
    '',
    `Best by AUC: of ours ${ours.name} ${share(ours.auc.mean)}` +
      (rival === undefined ? '' : `, of the rivals ${rival.name} ${share(rival.auc.mean)}`) +
      `, of the controls ${control.name} ${share(control.auc.mean)}.`,
    clear
      ? `${ours.name} is clearly above every control.`
      : `${ours.name} is not clearly above ${control.name} (${control.about}): what is found here needs no more than that.`,
  ];
}

function bestOf(
  detectors: readonly DetectorResult[],
  standing: DetectorResult['standing'],
): DetectorResult | undefined {
  return detectors
    .filter((one) => one.standing === standing && Number.isFinite(one.auc.mean))
    .toSorted((a, b) => b.auc.mean - a.auc.mean)[0];
}

function interval({ low, high }: Interval): string {
  return Number.isFinite(low) ? `[${share(low)}, ${share(high)}]` : '';
}

function share(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3).replace(/^0(?=\.)/, '') : '–';
}
