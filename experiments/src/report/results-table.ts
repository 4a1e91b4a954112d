/**
 * The results tables of the README, from the result files. A test compares the two, so that no figure stands there that no
 * file backs.
 * @module
 */
import { share } from './figures.js';
import type { RunResult, StudyResultFile } from './study-result.js';

interface KindResult {
  readonly difficulty: number;
  readonly recall: number;
  readonly found: number;
  readonly incidents: number;
}

interface WorldResult {
  readonly worlds: string;
  readonly benignCalls: number;
  readonly heldPer1000: number;
  readonly kinds: readonly KindResult[];
  readonly arms: readonly { readonly arm: string; readonly auc: number; readonly recall: number }[];
}

export interface DetectorZeroResult {
  readonly command: string;
  readonly reports: readonly WorldResult[];
}

/** Markdown: one row a kind of world, detector 0 first, its controls beside it. */
export function resultsTable(result: DetectorZeroResult): string {
  const arms = result.reports[0]?.arms.map((each) => each.arm) ?? [];
  const header = [
    'worlds',
    'incidents found',
    'benign calls held per 1,000',
    ...arms.map((arm) => `${arm}: AUC / recall at 3.2 %`),
  ];
  const rows = result.reports.map((world) => {
    const incidents = world.kinds.reduce((sum, kind) => sum + kind.incidents, 0);
    const found = world.kinds.reduce(
      (sum, kind) => sum + Math.round(kind.found * kind.incidents),
      0,
    );
    return [
      world.worlds,
      `${found} of ${incidents}`,
      `${world.heldPer1000.toFixed(1)} (${world.benignCalls.toLocaleString('en')} calls)`,
      ...world.arms.map((arm) => `${digits(arm.auc)} / ${digits(arm.recall)}`),
    ];
  });
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const HEADLINE_ARMS: readonly (readonly [arm: string, who: string])[] = [
  ['hook-and-node', 'hook and node tier together'],
  ['siem-tuned', 'central SIEM, tuned'],
  ['siem-default', 'central SIEM, as it comes'],
  ['federated-private', 'hook, federated at ε = 0.5'],
  ['federated', 'hook, federated without noise'],
  ['local-only', 'hook, each hospital alone'],
  ['detector-zero', 'hook, detector 0'],
  ['untrained', 'the same networks untrained'],
  ['feature-norm', 'features whitened, no network'],
  ['random', 'drawing lots'],
];

/**
 * Markdown: recall of the detection claim, what is left of it without staging, and the same worlds with customs of their own.
 * @throws if a study that it tells of has no result
 */
export function headlineTable(studies: readonly StudyResultFile[]): string {
  const runOf = (name: string, isPoint: (run: RunResult) => boolean = () => true): RunResult => {
    const run = studies.find((study) => study.name === name)?.runs.find(isPoint);
    if (run === undefined) throw new Error(`experiments/results/${name}.json: no such run`);
    return run;
  };
  const headline = runOf('headline');
  const [known, foreign] = ['known', 'foreign'].map((customs) =>
    runOf('central-vs-federated', ({ swept }) => swept['world.customs'] === customs),
  ) as [RunResult, RunResult];
  const incidents = Math.round(headline.metrics['incidents']!.mean * headline.seeds.length);
  const cell = ({ metrics }: RunResult, metric: string): string => {
    const value = metrics[metric];
    return value === undefined
      ? '–'
      : `${share(value.mean)} [${share(value.low)}, ${share(value.high)}]`;
  };
  const header = [
    'at 3.2 % of actor-days',
    `finds of ${incidents} incidents`,
    'and not their innocent rehearsal',
    'finds where customs are foreign',
  ];
  const rows = HEADLINE_ARMS.map(([arm, who]) => [
    who,
    cell(`${arm}.recall` in headline.metrics ? headline : known, `${arm}.recall`),
    cell(headline, `${arm}.recallByAct`),
    cell(foreign, `${arm}.recall`),
  ]);
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function digits(value: number): string {
  return value.toFixed(3).replace(/^0/, '');
}
