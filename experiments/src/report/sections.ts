/**
 * What a page says of a study, section by section: figures first, then their tables.
 * @module
 */
import { THETA } from '../evaluation/conformal.js';
import { BIN_WIDTH, CURVE_RATES } from '../studies/hospital/curves.js';
import { cellOf } from '../commands/inspect.js';
import type { Aggregate } from '../harness/aggregate.js';
import { barChart, type Bar } from './charts/bar-chart.js';
import { dotChart, type DotRow } from './charts/dot-chart.js';
import type { Figure } from './charts/frame.js';
import { histogramChart } from './charts/histogram.js';
import { categoryAxis, percentTicks, xyChart, type Axis, type Series } from './charts/xy-chart.js';
import { pointOf } from './figures.js';
import type { CellRow, CountRow, CurveBand, RunResult, StudyResultFile } from './study-result.js';

export interface Section {
  readonly heading: string;
  readonly figure?: Figure;
  readonly rows?: readonly (readonly string[])[];
  readonly lines?: readonly string[];
}

const CONTROLS = new Set([
  'feature-norm',
  'likelihood-ratio',
  'unseen-count',
  'trigrams',
  'random',
  'length',
]);

/** Arms worth a line of their own where there is room for a few, most telling first. */
const MAIN_ARMS = [
  'hook-and-node',
  'federated-private',
  'federated',
  'detector-zero',
  'siem-tuned',
  'central',
  'local-only',
  'networks-only',
  'untrained',
  'feature-norm',
  'unseen-count',
  'random',
];

export function sectionsOf(study: StudyResultFile): Section[] {
  const [first] = study.runs;
  if (first === undefined) return [];
  const isSwept = Object.keys(first.swept).length > 0;
  return [
    ...(isSwept ? sweepSections(study) : []),
    ...study.runs.flatMap((run) => runSections(run, isSwept)),
    {
      heading: 'How it was made',
      lines: [
        `command: ${study.command}`,
        `commit ${study.commit ?? 'unknown'}${study.dirty ? ' with uncommitted changes' : ''}, Node ${study.node}, ${study.cpu}, ${study.cores} cores, at most ${study.memoryPeakMiB} MiB`,
        `configuration ${study.hashes['config']!.slice(0, 16)}, code ${study.hashes['code']!.slice(0, 16)}${study.hashes['data'] === '' ? '' : `, data ${study.hashes['data']!.slice(0, 16)}`}`,
        ...study.runs.map(
          (run) => `${run.id}: seeds ${run.seeds.join(', ')}, ${run.wallSeconds} s`,
        ),
      ],
    },
  ];
}

function runSections(run: RunResult, isSwept: boolean): Section[] {
  const sections = [
    armsSection(run),
    rocSection(run),
    precisionSection(run),
    ...cellSections(run),
    histogramSection(run),
    ...roundSections(run),
    weeksSection(run),
    hospitalsSection(run),
    siemSection(run),
    publicSection(run),
    ...tableSections(run),
    ...(run.notes.length > 0 ? [{ heading: 'Notes', lines: run.notes }] : []),
  ].filter((section): section is Section => section !== null);
  const of = isSwept ? ` (${pointOf(run)})` : '';
  return sections.map((section) => ({ ...section, heading: `${section.heading}${of}` }));
}

function standingOf(arm: string): Bar['standing'] {
  if (arm.startsWith('siem')) return 'rival';
  return CONTROLS.has(arm) || arm.startsWith('untrained') ? 'control' : 'ours';
}

/** Arms that have a recall; single untrained networks are one arm with their mean. */
function armsOf({ metrics }: RunResult): string[] {
  return Object.keys(metrics)
    .filter((name) => name.endsWith('.recall'))
    .map((name) => name.slice(0, -'.recall'.length))
    .filter((arm) => !/^untrained \d+$/.test(arm));
}

/** At most `most` of them, the most telling. */
function mainOf(arms: readonly string[], most: number): string[] {
  return MAIN_ARMS.filter((arm) => arms.includes(arm)).slice(0, most);
}

const SHARES = percentTicks([0, 0.25, 0.5, 0.75, 1]);
const SHARE_AXIS = (label: string): Axis => ({ label, from: 0, to: 1, ticks: SHARES });

function sweepSections({ runs }: StudyResultFile): Section[] {
  const axes = Object.keys(runs[0]!.swept);
  // More than one axis: a line for each value of the others.
  const [along, ...others] = axes;
  const labelOf = (run: RunResult): string => String(run.swept[along!]);
  const labels = [...new Set(runs.map(labelOf))];
  const arms = armsOf(runs[0]!).filter((arm) => !arm.includes(':'));
  const groups = new Map<string, RunResult[]>();
  for (const run of runs) {
    const key = others.map((path) => `${path.split('.').at(-1)!} ${String(run.swept[path])}`);
    groups.set(key.join(', '), [...(groups.get(key.join(', ')) ?? []), run]);
  }
  const shownArms = mainOf(arms, 5);
  const chosen = shownArms.length > 0 ? shownArms : arms.slice(0, 5);
  return [
    ...[...groups].map(([name, own]): Section => {
      const series = chosen.map((arm): Series => ({
        label: arm,
        points: own.flatMap((run) => {
          const value = run.metrics[`${arm}.recall`];
          if (value === undefined) return [];
          const { mean, low, high, seeds } = value;
          const point = { x: labels.indexOf(labelOf(run)), y: mean };
          return [seeds > 1 ? { ...point, low, high } : point];
        }),
      }));
      return {
        heading: `Over ${along!.split('.').at(-1)!}${name === '' ? '' : ` (${name})`}`,
        figure: xyChart({
          caption: 'recall at the matched rate; bands: 95 % over seeds',
          x: categoryAxis(along!.split('.').at(-1)!, labels),
          y: SHARE_AXIS('recall'),
          series: series.filter(({ points }) => points.length > 0),
        }),
      };
    }),
    {
      heading: 'All points of the sweep',
      rows: [
        ['', ...arms],
        ...runs.map((run) => [
          pointOf(run),
          ...arms.map((arm) => shownOr(run.metrics[`${arm}.recall`])),
        ]),
      ],
    },
  ];
}

const ARM_COLUMNS: readonly (readonly [metric: string, title: string])[] = [
  ['recall', 'recall, same rate'],
  ['recallHook', '… of those the hook can see'],
  ['auc', 'AUC'],
  ['fixedRate', 'realised rate, threshold fixed before'],
  ['fixedRecall', 'recall there'],
  ['heldShare', 'benign calls held'],
  ['recallBeforeGuilt', 'found before the first guilty call'],
  ['rehearsedRate', 'innocent days staged alike that alert'],
  ['rehearsedRecall', 'found when played with innocent acts'],
  ['recallByAct', 'found, and not when played so'],
  ['canaryAuc', 'AUC on the public canaries'],
  ['lost', 'let through of what detector 0 holds'],
];

function armsSection(run: RunResult): Section | null {
  const arms = armsOf(run);
  if (arms.length === 0) return null;
  const columns = ARM_COLUMNS.filter(([metric]) =>
    arms.some((arm) => run.metrics[`${arm}.${metric}`] !== undefined),
  );
  return {
    heading: 'Arms',
    figure: barChart(
      'recall of incidents at the same false-positive rate; whiskers: 95 % over seeds',
      arms.map((arm): Bar => {
        const { mean, low, high } = run.metrics[`${arm}.recall`]!;
        return { label: arm, value: mean, low, high, standing: standingOf(arm) };
      }),
    ),
    rows: [
      ['arm', ...columns.map(([, title]) => title)],
      ...arms.map((arm) => [
        arm,
        ...columns.map(([metric]) => shownOr(run.metrics[`${arm}.${metric}`])),
      ]),
    ],
  };
}

const RATE_AXIS: Axis = {
  label: 'false-positive rate of actor-days',
  from: 0.001,
  to: 1,
  scale: 'log',
  ticks: percentTicks([0.001, 0.01, 0.1, 1]),
};

function mainCurves({ curves }: RunResult): CurveBand[] {
  const names = mainOf(
    curves.map(({ arm }) => arm),
    6,
  );
  return names.map((name) => curves.find(({ arm }) => arm === name)!);
}

function rocSection(run: RunResult): Section | null {
  const curves = mainCurves(run);
  if (curves.length === 0) return null;
  return {
    heading: 'ROC',
    figure: xyChart({
      caption: 'recall of incidents over the false-positive rate; bands: 95 % over seeds',
      x: RATE_AXIS,
      y: SHARE_AXIS('recall'),
      marks: [{ axis: 'x', at: 0.032, label: '3.2 %' }],
      series: curves.map(({ arm, recall, low, high }): Series => ({
        label: arm,
        points: CURVE_RATES.map((x, i) => {
          const point = { x, y: recall[i]! };
          return run.seeds.length > 1 ? { ...point, low: low[i]!, high: high[i]! } : point;
        }),
      })),
    }),
  };
}

/** From the ROC and the counts of this world; in life incidents are far rarer, and so is a true alarm among alarms. */
function precisionSection(run: RunResult): Section | null {
  const curves = mainCurves(run);
  const incidents = run.metrics['incidents']?.mean;
  const benign = run.metrics['benignActorDays']?.mean;
  if (curves.length === 0 || incidents === undefined || benign === undefined) return null;
  return {
    heading: 'Precision and recall',
    figure: xyChart({
      caption: `share of true alarms among alarms over recall, at this world's ${Math.round(incidents)} incidents to ${Math.round(benign)} benign actor-days`,
      x: SHARE_AXIS('recall'),
      y: SHARE_AXIS('precision'),
      series: curves.map(({ arm, recall }): Series => ({
        label: arm,
        points: CURVE_RATES.map((rate, i) => {
          const found = recall[i]! * incidents;
          return { x: recall[i]!, y: found / Math.max(1e-9, found + rate * benign) };
        }),
      })),
    }),
  };
}

function cellSections({ cells }: RunResult): Section[] {
  if (cells.length === 0) return [];
  const names = [...new Set(cells.map(({ arm }) => arm))];
  const drawn = ['hook-and-node', 'siem-tuned', 'federated-private', 'detector-zero']
    .filter((arm) => names.includes(arm))
    .slice(0, 3);
  const keys = new Map(cells.map((cell) => [`${cell.scenario} ${cell.difficulty}`, cell]));
  const cellAt = (arm: string, { scenario, difficulty }: CellRow): CellRow | undefined =>
    cells.find(
      (one) => one.arm === arm && one.scenario === scenario && one.difficulty === difficulty,
    );
  const arms = mainOf(names, 9);
  return [
    {
      heading: 'Scenario × difficulty',
      ...(drawn.length === 0
        ? {}
        : {
            figure: dotChart(
              'share of incidents found at the matched rate; whiskers: 95 % (Wilson)',
              drawn,
              [...keys.values()].map((key): DotRow => ({
                label: `${key.scenario} ${key.kind} · ${key.difficulty}`,
                dots: drawn.map((arm) => {
                  const cell = cellAt(arm, key);
                  return cell === undefined
                    ? null
                    : { value: cell.found / cell.incidents, low: cell.low, high: cell.high };
                }),
              })),
            ),
          }),
      rows: [
        ['scenario', 'difficulty', 'seen by', 'incidents', ...arms],
        ...[...keys.values()].map((key) => [
          `${key.scenario} ${key.kind}`,
          String(key.difficulty),
          key.seenBy,
          String(key.incidents),
          ...arms.map((arm) => {
            const cell = cellAt(arm, key);
            return cell === undefined ? '–' : (cell.found / cell.incidents).toFixed(2);
          }),
        ]),
      ],
    },
  ];
}

function histogramSection({ histograms }: RunResult): Section | null {
  const [name] = mainOf(
    histograms.map((row) => String(row['arm'])),
    1,
  );
  const row = histograms.find(({ arm }) => arm === name);
  if (name === undefined || row === undefined) return null;
  return {
    heading: 'Scores',
    figure: histogramChart({
      caption: `scores of ${name}: share of benign actor-days above, of incidents below`,
      binWidth: BIN_WIDTH,
      benign: row['benign'] as readonly number[],
      incidents: row['incidents'] as readonly number[],
      theta: THETA,
    }),
  };
}

function roundSections({ tables }: RunResult): Section[] {
  const rows = (tables['rounds'] ?? []).filter((row) => row['windowEpsilon'] !== null);
  if (rows.length === 0) return [];
  const last = rows.at(-1)!;
  const most = Math.max(...rows.map((row) => Number(row['actorEpsilonSoFar'])));
  const series = (label: string, column: string): Series => ({
    label,
    points: rows.map((row) => ({ x: Number(row['round']), y: Number(row[column]) })),
  });
  const count = Number(last['round']);
  const step = most > 8 ? 4 : most > 3 ? 2 : most > 1.5 ? 1 : 0.5;
  return [
    {
      heading: 'ε over the rounds',
      figure: xyChart({
        caption:
          'ε of a window, which is in one round only, and of an actor who was in every round so far (add or remove one, PLD, δ of the plan)',
        x: {
          label: 'round',
          from: 0.5,
          to: count + 0.5,
          ticks: rows
            .filter((_, i) => count <= 14 || i % 4 === 0)
            .map((row) => ({ at: Number(row['round']), label: String(row['round']) })),
        },
        y: {
          label: 'ε',
          from: 0,
          to: most * 1.05,
          ticks: Array.from({ length: Math.floor((most * 1.05) / step) + 1 }, (_, i) => ({
            at: i * step,
            label: String(i * step),
          })),
        },
        series: [
          series('actor, all rounds', 'actorEpsilonSoFar'),
          series('window', 'windowEpsilon'),
        ],
      }),
    },
  ];
}

function weeksSection({ weeks }: RunResult): Section | null {
  if (weeks.length === 0) return null;
  const policies = [...new Set(weeks.map((row) => String(row['policy'])))];
  const numbers = [...new Set(weeks.map((row) => Number(row['week'])))].sort((a, b) => a - b);
  const rowAt = (policy: string, week: number): CountRow | undefined =>
    weeks.find((row) => row['policy'] === policy && row['week'] === week);
  const rateAt = (policy: string, week: number): number => {
    const row = rowAt(policy, week);
    return row === undefined ? Number.NaN : Number(row['held']) / Math.max(1, Number(row['calls']));
  };
  const most = Math.max(
    0.07,
    ...policies.flatMap((policy) => numbers.map((week) => rateAt(policy, week))),
  );
  return {
    heading: 'Realised rate over the weeks',
    figure: xyChart({
      caption: 'share of benign calls held in each week after the calibration, all seeds together',
      x: {
        label: 'week after the calibration',
        from: 0.7,
        to: Math.max(...numbers) + 0.3,
        ticks: numbers.map((at) => ({ at, label: String(at) })),
      },
      y: {
        label: 'benign calls held',
        from: 0,
        to: most * 1.1,
        ticks: percentTicks(
          [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3].filter((at) => at <= most * 1.1),
        ),
      },
      marks: [{ axis: 'y', at: 0.032, label: 'promised: 3.2 %' }],
      series: policies.map((policy): Series => ({
        label: policy,
        points: numbers
          .filter((week) => rowAt(policy, week) !== undefined)
          .map((week) => ({ x: week, y: rateAt(policy, week) })),
      })),
    }),
    rows: [
      ['policy', ...numbers.map((week) => `week ${week}`)],
      ...policies.map((policy) => [
        policy,
        ...numbers.map((week) => `${(100 * rateAt(policy, week)).toFixed(2)} %`),
      ]),
    ],
  };
}

function hospitalsSection({ hospitals }: RunResult): Section | null {
  const arms = mainOf([...new Set(hospitals.map((row) => String(row['arm'])))], 4);
  if (arms.length === 0) return null;
  const rows = hospitals.filter((row) => arms.includes(String(row['arm'])));
  const share = (row: CountRow, of: string, whole: string): number =>
    Number(row[of]) / Math.max(1, Number(row[whole]));
  return {
    heading: 'Hospital by hospital',
    rows: [
      ['arm', 'hospital', 'alerts of benign actor-days', 'incidents', 'found'],
      ...arms.flatMap((arm) =>
        rows
          .filter((row) => row['arm'] === arm)
          .sort((a, b) => share(a, 'found', 'incidents') - share(b, 'found', 'incidents'))
          .slice(0, 8)
          .map((row) => [
            arm,
            String(row['hospital']),
            `${(100 * share(row, 'alerts', 'benign')).toFixed(2)} % of ${String(row['benign'])}`,
            String(row['incidents']),
            share(row, 'found', 'incidents').toFixed(2),
          ]),
      ),
    ],
    lines: ['one threshold for all at the matched rate; the hospitals with the least recall first'],
  };
}

function siemSection({ againstSiem }: RunResult): Section | null {
  if (againstSiem.length === 0) return null;
  return {
    heading: 'Against the tuned SIEM, incident by incident',
    rows: [
      ['arm', 'found by it alone', 'found by the SIEM alone', 'McNemar, exact p'],
      ...againstSiem.map(({ arm, onlyArm, onlyRival, p }) => [
        arm,
        String(onlyArm),
        String(onlyRival),
        p < 0.001 ? '< 0.001' : p.toFixed(3),
      ]),
    ],
  };
}

function publicSection({ againstPublic = [] }: RunResult): Section | null {
  if (againstPublic.length === 0) return null;
  return {
    heading: 'Over detector 0, seed by seed',
    rows: [
      ['arm', 'recall', 'AUC'],
      ...againstPublic.map(({ arm, recall, auc }) => [arm, cellOf(recall), cellOf(auc)]),
    ],
    lines: ['differences on the same days, mean ± sd [95 % over seeds]'],
  };
}

function tableSections({ tables }: RunResult): Section[] {
  return Object.entries(tables).flatMap(([name, rows]): Section[] => {
    if (rows.length === 0) return [];
    const columns = Object.keys(rows[0]!);
    return [
      {
        heading: name,
        rows: [columns, ...rows.map((row) => columns.map((column) => shown(row[column])))],
      },
    ];
  });
}

function shownOr(value: Aggregate | undefined): string {
  return value === undefined ? '–' : cellOf(value);
}

function shown(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3);
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
