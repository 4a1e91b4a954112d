/**
 * One page of all results: HTML that needs no script and no network, and the same tables as Markdown.
 * @module
 */
import { cellOf, escapeHtml, tableIn } from '../commands/inspect.js';
import type { Aggregate } from '../harness/aggregate.js';
import { barChart, lineChart, type Bar, type Line } from './charts.js';
import type { CellRow, RunResult, StudyResultFile } from './study-result.js';

interface Section {
  readonly heading: string;
  /** Already HTML, or absent. */
  readonly figure?: string;
  readonly rows?: readonly (readonly string[])[];
  readonly lines?: readonly string[];
}

const CONTROLS = new Set([
  'feature-norm',
  'likelihood-ratio',
  'unseen-count',
  'trigrams',
  'random',
  'untrained',
  'length',
]);

function standingOf(arm: string): Bar['standing'] {
  if (arm.startsWith('siem')) return 'rival';
  return CONTROLS.has(arm) || arm.startsWith('untrained') ? 'control' : 'ours';
}

/** Arms that have a recall, ours first; single untrained networks are one arm with their mean. */
function armsOf({ metrics }: RunResult): string[] {
  return Object.keys(metrics)
    .filter((name) => name.endsWith('.recall'))
    .map((name) => name.slice(0, -'.recall'.length))
    .filter((arm) => !/^untrained \d+$/.test(arm));
}

function sectionsOf(study: StudyResultFile): Section[] {
  const [first] = study.runs;
  if (first === undefined) return [];
  return [
    ...(study.runs.length > 1 ? [sweepSection(study)] : []),
    ...study.runs.flatMap((run) => runSections(run, study.runs.length > 1)),
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

function sweepSection({ runs }: StudyResultFile): Section {
  const axis = Object.keys(runs[0]!.swept).join(', ');
  const labelOf = (run: RunResult): string => Object.values(run.swept).map(String).join(' ');
  const arms = armsOf(runs[0]!).filter((arm) => !arm.includes(':'));
  const lines = arms.map((arm): Line => ({
    label: arm,
    points: runs.flatMap((run) => {
      const value = run.metrics[`${arm}.recall`];
      return value === undefined
        ? []
        : [{ x: labelOf(run), y: value.mean, low: value.low, high: value.high }];
    }),
  }));
  return {
    heading: `Over ${axis}`,
    figure: lineChart(`recall at the matched rate over ${axis}`, lines),
    rows: [
      [axis, ...arms],
      ...runs.map((run) => [
        labelOf(run),
        ...arms.map((arm) => shownOr(run.metrics[`${arm}.recall`])),
      ]),
    ],
  };
}

function runSections(run: RunResult, swept: boolean): Section[] {
  const of = swept
    ? ` (${Object.entries(run.swept)
        .map(([key, value]) => `${key.split('.').at(-1)!} ${String(value)}`)
        .join(', ')})`
    : '';
  const arms = armsOf(run);
  const metric = (arm: string, name: string): Aggregate | undefined =>
    run.metrics[`${arm}.${name}`];
  const sections: Section[] = [];
  if (arms.length > 0) {
    sections.push({
      heading: `Arms${of}`,
      figure: barChart(
        'recall of incidents at the same false-positive rate; whiskers: 95 % over seeds',
        arms.map((arm): Bar => {
          const value = metric(arm, 'recall')!;
          return {
            label: arm,
            value: value.mean,
            low: value.low,
            high: value.high,
            standing: standingOf(arm),
          };
        }),
      ),
      rows: [
        [
          'arm',
          'recall, same rate',
          '… of those the hook can see',
          'AUC',
          'realised rate, threshold fixed before',
          'recall there',
          'benign calls held',
        ],
        ...arms.map((arm) =>
          ['recall', 'recallHook', 'auc', 'fixedRate', 'fixedRecall', 'heldShare'].reduce<string[]>(
            (cells, name) => [...cells, shownOr(metric(arm, name))],
            [arm],
          ),
        ),
      ],
    });
  }
  if (run.cells.length > 0)
    sections.push({ heading: `Scenario × difficulty${of}`, rows: cellRows(run.cells) });
  if (run.againstSiem.length > 0) {
    sections.push({
      heading: `Against the tuned SIEM, incident by incident${of}`,
      rows: [
        ['arm', 'found by it alone', 'found by the SIEM alone', 'McNemar, exact p'],
        ...run.againstSiem.map(({ arm, onlyArm, onlyRival, p }) => [
          arm,
          String(onlyArm),
          String(onlyRival),
          p < 0.001 ? '< 0.001' : p.toFixed(3),
        ]),
      ],
    });
  }
  for (const [name, rows] of Object.entries(run.tables)) {
    if (rows.length === 0) continue;
    const columns = Object.keys(rows[0]!);
    sections.push({
      heading: `${name}${of}`,
      rows: [columns, ...rows.map((row) => columns.map((column) => shown(row[column])))],
    });
  }
  if (run.notes.length > 0) sections.push({ heading: `Notes${of}`, lines: run.notes });
  return sections;
}

const MAIN_ARMS = [
  'detector-zero',
  'federated',
  'federated-private',
  'central',
  'siem-tuned',
  'networks-only',
  'feature-norm',
  'unseen-count',
  'random',
];

function cellRows(cells: readonly CellRow[]): string[][] {
  const arms = MAIN_ARMS.filter((arm) => cells.some((cell) => cell.arm === arm));
  const keys = new Map<string, CellRow>(
    cells.map((cell) => [`${cell.scenario} ${cell.difficulty}`, cell]),
  );
  return [
    ['scenario', 'difficulty', 'seen by', 'incidents', ...arms],
    ...[...keys.values()].map(({ scenario, kind, difficulty, seenBy, incidents }) => [
      `${scenario} ${kind}`,
      String(difficulty),
      seenBy,
      String(incidents),
      ...arms.map((arm) => {
        const cell = cells.find(
          (one) => one.arm === arm && one.scenario === scenario && one.difficulty === difficulty,
        );
        return cell === undefined ? '–' : (cell.found / cell.incidents).toFixed(2);
      }),
    ]),
  ];
}

function shownOr(value: Aggregate | undefined): string {
  return value === undefined ? '–' : cellOf(value);
}

function shown(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3);
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const NO_EVIDENCE =
  'This run shows that the machinery works. It is no evidence: too few seeds, too small a world.';

export function reportMarkdown(studies: readonly StudyResultFile[]): string {
  const parts = ['# Results', ''];
  for (const study of studies) {
    parts.push(`## ${study.title || study.name}`, '');
    if (!study.evidence) parts.push(`_${NO_EVIDENCE}_`, '');
    for (const { heading, rows, lines } of sectionsOf(study)) {
      parts.push(`### ${heading}`, '');
      if (rows !== undefined)
        parts.push(
          tableIn(
            'md',
            rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|'))),
          ),
          '',
        );
      if (lines !== undefined) parts.push(...lines.map((line) => `- ${line}`), '');
    }
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

export function reportHtml(studies: readonly StudyResultFile[]): string {
  const contents = studies
    .map(
      ({ name, title, evidence }) =>
        `<li><a href="#${escapeHtml(name)}">${escapeHtml(title || name)}</a>${evidence ? '' : ' – no evidence'}</li>`,
    )
    .join('');
  const bodies = studies.map((study) => {
    const sections = sectionsOf(study).map(
      ({ heading, figure = '', rows, lines }) =>
        `<h3>${escapeHtml(heading)}</h3>${figure}${rows === undefined ? '' : `<div class="wide">${tableIn('html', rows)}</div>`}${lines === undefined ? '' : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`}`,
    );
    return `<section id="${escapeHtml(study.name)}"><h2>${escapeHtml(study.title || study.name)}</h2>${study.evidence ? '' : `<p class="warning">${NO_EVIDENCE}</p>`}${sections.join('')}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Results</title><style>${STYLE}</style></head>
<body><main><h1>Results</h1><p>Simulated hospitals unless a log is named. Rates are of actor-days unless another unit is named.</p><nav><ul>${contents}</ul></nav>${bodies.join('\n')}</main></body></html>
`;
}

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#d1d9e0;--ours:#0969da;--rival:#9a6700;--control:#818b98;--c0:#0969da;--c1:#9a6700;--c2:#1a7f37;--c3:#8250df;--c4:#cf222e;--warn:#fff8c5}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--rule:#3d444d;--ours:#4493f8;--rival:#d29922;--control:#656c76;--c0:#4493f8;--c1:#d29922;--c2:#3fb950;--c3:#ab7df8;--c4:#f85149;--warn:#3a2d00}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:64rem;margin:0 auto;padding:1.5rem}
h2{border-top:1px solid var(--rule);padding-top:1.2rem;margin-top:2.5rem}h3{margin-top:1.6rem}a{color:var(--ours)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid var(--rule);padding:.25rem .6rem;text-align:left;white-space:nowrap}th{color:var(--soft);font-weight:600}
figure{margin:1rem 0}figcaption{color:var(--soft);font-size:13px}svg{max-width:45rem;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .tick{fill:var(--soft)}svg .grid{stroke:var(--rule)}svg .whisker{stroke:var(--ink);stroke-width:1.5}
svg .ours{fill:var(--ours)}svg .rival{fill:var(--rival)}svg .control{fill:var(--control)}svg .path{fill:none;stroke-width:2}
svg circle.line0{fill:var(--c0)}svg circle.line1{fill:var(--c1)}svg circle.line2{fill:var(--c2)}svg circle.line3{fill:var(--c3)}svg circle.line4{fill:var(--c4)}
svg .path.line0{stroke:var(--c0)}svg .path.line1{stroke:var(--c1)}svg .path.line2{stroke:var(--c2)}svg .path.line3{stroke:var(--c3)}svg .path.line4{stroke:var(--c4)}
.warning{background:var(--warn);padding:.6rem .9rem;border-radius:6px}@media print{main{max-width:none}}
`;
