/**
 * An evaluation as a page for a terminal: what was judged, how each detector ranks, how it keeps its rate, and what that
 * comes to beside the controls.
 * @module
 */
import type { Interval } from '../evaluation/intervals.js';
import { OPERATING_RATES } from '../evaluation/ranking.js';
import type { DetectorResult, Evaluation } from './evaluate.js';

const STANDINGS = { ours: 'ours', rival: 'rivals', control: 'controls' } as const;

export function textReport(evaluation: Evaluation): string {
  const { sessions, abnormal, calibrationFrom, notes, intervals, detectors, groups } = evaluation;
  return [
    `${sessions.train} sessions to train on, ${sessions.calibrate} to fix the threshold (${calibrationFrom}), ` +
      `${sessions.test} to test, ${abnormal} of them abnormal`,
    ...notes.map((note) => `note: ${note}`),
    '',
    ...tableOf(detectors, [
      { head: 'AUC', of: ({ auc }) => [auc.mean, auc.interval] },
      ...(groups ? [WITHIN] : []),
      {
        head: 'θ: false positives',
        of: ({ atTheta: at }) => [at.falsePositiveRate, at.falsePositiveInterval],
      },
      { head: 'θ: recall', of: ({ atTheta: at }) => [at.recall, at.recallInterval] },
    ]),
    '',
    ...tableOf(
      detectors,
      OPERATING_RATES.map((rate, i) => ({
        head: `recall at ${+(100 * rate).toFixed(1)} %`,
        of: ({ recallAt }) => [recallAt[i]!.recall, recallAt[i]!.interval],
      })),
    ),
    '',
    'AUC: how surely an abnormal session scores above a normal one; .5 is a coin.',
    ...(groups
      ? ['Within: the same among sessions of one group; near .5, only names differ.']
      : []),
    'Recall at a rate puts the threshold on the test itself, so it says how well a detector ranks.',
    'At θ = 0.87 the threshold was fixed before the test and promises 3.2 % false positives.',
    ...intervalLines(intervals),
    ...chanceLines(detectors),
    ...classLines(detectors),
    ...verdict(detectors),
  ].join('\n');
}

interface Column {
  readonly head: string;
  of(detector: DetectorResult): readonly [number, Interval | null];
}

const WITHIN: Column = {
  head: 'within',
  of: (one) => [one.aucWithinGroups ?? Number.NaN, one.aucWithinGroupsInterval],
};

function tableOf(detectors: readonly DetectorResult[], columns: readonly Column[]): string[] {
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(27)}${cells.map((cell) => cell.padEnd(20)).join('')}`.trimEnd();
  return [
    row(
      'detector',
      columns.map(({ head }) => head),
    ),
    ...(['ours', 'rival', 'control'] as const).flatMap((standing) => {
      const of = detectors.filter((detector) => detector.standing === standing);
      if (of.length === 0) return [];
      const rows = of.map((one) =>
        row(
          `  ${one.name}`,
          columns.map((column) => withInterval(...column.of(one))),
        ),
      );
      return [STANDINGS[standing], ...rows];
    }),
  ];
}

function intervalLines({ over, units, draws }: Evaluation['intervals']): string[] {
  const groups = over === 'groups';
  const drawn = groups
    ? `whole groups (${units}, what is normal and abnormal under one name apart)`
    : `${units} sessions`;
  return [
    `Intervals are 95 %, by ${draws} draws of ${drawn} and of seeds.`,
    `A rate or recall that is 0, or 1, in every draw has Wilson's instead, each ${groups ? 'group' : 'session'} counted once.`,
  ];
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
      ({ label, sessions, auc, aucInterval, recall, recallInterval }) =>
        `  ${label.padEnd(25)}AUC ${withInterval(auc, aucInterval).padEnd(20)}` +
        `recall at θ ${withInterval(recall, recallInterval)} of ${sessions}`,
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

function withInterval(value: number, of: Interval | null): string {
  return of === null || !Number.isFinite(value) ? share(value) : `${share(value)} ${interval(of)}`;
}

function interval({ low, high }: Interval): string {
  return Number.isFinite(low) ? `[${share(low)}, ${share(high)}]` : '';
}

function share(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3).replace(/^0(?=\.)/, '') : '–';
}
