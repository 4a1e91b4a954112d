/**
 * A study's result as it is committed: runs of one name, seeds pooled. Whatever a report or the README says is read from such
 * a file.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcNemar, wilson } from '../evaluation/intervals.js';
import { aggregate, spread, spreadOfDifferences, type Aggregate } from '../harness/aggregate.js';
import type { Run } from '../harness/run-store.js';

export interface CellRow {
  readonly arm: string;
  readonly scenario: string;
  readonly kind: string;
  readonly difficulty: number;
  readonly seenBy: string;
  readonly incidents: number;
  readonly found: number;
  readonly low: number;
  readonly high: number;
  /** Found when played with innocent acts, and found only with guilty ones; absent where nothing was rehearsed. */
  readonly rehearsed?: number;
  readonly byAct?: number;
}

export interface ComparisonRow {
  readonly arm: string;
  readonly rival: string;
  readonly onlyArm: number;
  readonly onlyRival: number;
  readonly p: number;
}

/** What an arm has over detector 0, seed by seed on the same days. */
export interface GainRow {
  readonly arm: string;
  readonly recall: Aggregate;
  readonly auc: Aggregate;
}

/** An arm's recall at `CURVE_RATES`, mean and 95 % over seeds. */
export interface CurveBand {
  readonly arm: string;
  readonly recall: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Counts of all seeds together, by a few words; studies say which words. */
export type CountRow = Readonly<Record<string, string | number | readonly number[]>>;

export interface RunResult {
  readonly id: string;
  readonly swept: Readonly<Record<string, unknown>>;
  readonly seeds: readonly number[];
  readonly metrics: Readonly<Record<string, Aggregate>>;
  /** Scenario × difficulty, incidents of all seeds together. */
  readonly cells: readonly CellRow[];
  readonly againstSiem: readonly ComparisonRow[];
  /** Absent from files that were written before it was told. */
  readonly againstPublic?: readonly GainRow[];
  readonly curves: readonly CurveBand[];
  /** Scores of cases in bins, by arm. */
  readonly histograms: readonly CountRow[];
  /** By arm and hospital. */
  readonly hospitals: readonly CountRow[];
  /** By policy and week. */
  readonly weeks: readonly CountRow[];
  /** Further tables of a study, as it made them on its first seed. */
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly notes: readonly string[];
  readonly wallSeconds: number;
}

export interface StudyResultFile {
  readonly format: 'study-result/2';
  readonly name: string;
  readonly title: string;
  /** false: a run that shows the machinery, no claim may rest on it. */
  readonly evidence: boolean;
  readonly command: string;
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryPeakMiB: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hashes: Readonly<Record<string, string>>;
  readonly runs: readonly RunResult[];
}

const POOLED = new Set([
  'arms',
  'cells',
  'againstSiem',
  'curves',
  'histograms',
  'hospitals',
  'weeks',
]);

/** @param runs - of one name, at least one, each with a finished seed */
export function studyResultOf(runs: readonly Run[]): StudyResultFile {
  const first = runs[0]!;
  const manifest = first.seeds.find(({ state }) => state === 'ok')!.manifest!;
  const manifests = runs.flatMap(({ seeds }) =>
    seeds.flatMap((seed) => (seed.manifest === null ? [] : [seed.manifest])),
  );
  return {
    format: 'study-result/2',
    name: nameOf(first),
    title: first.title,
    // A claim wants every seed that its configuration names.
    evidence: first.evidence && runs.every((run) => seedsDone(run) >= seedsNamed(run)),
    command: ['npm run experiment -- run', first.file, ...first.overrides].join(' '),
    commit: manifest.commit,
    dirty: manifests.some(({ dirty }) => dirty === true),
    node: manifest.node,
    cpu: manifest.cpu,
    cores: manifest.cores,
    memoryPeakMiB: Math.max(...manifests.map(({ memoryPeakMiB }) => memoryPeakMiB)),
    config: first.config,
    hashes: { config: first.configHash, data: first.dataHash, code: first.codeHash },
    runs: runs.map(pooled).sort(byPoint),
  };
}

/** Along the swept values, one after the other: 3, 8, 20, 50 hospitals; shares of 0.05, 0.1, 0.5. */
function byPoint(a: RunResult, b: RunResult): number {
  const others = Object.values(b.swept);
  return Object.values(a.swept).reduce<number>(
    (order, value, i) => (order === 0 ? byValue(value, others[i]) : order),
    0,
  );
}

function byValue(a: unknown, b: unknown): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), 'en');
}

function seedsDone({ seeds }: Run): number {
  return seeds.filter(({ state }) => state === 'ok').length;
}

function seedsNamed({ config }: Run): number {
  return (config['seeds'] as readonly number[]).length;
}

export function nameOf(run: Pick<Run, 'config'>): string {
  return typeof run.config['name'] === 'string' ? run.config['name'] : '';
}

function pooled(run: Run): RunResult {
  const done = run.seeds.filter(({ state, result }) => state === 'ok' && result !== null);
  const results = done.map(({ result }) => result!);
  const cells = new Map<string, CellRow>();
  const comparisons = new Map<string, ComparisonRow>();
  for (const { tables } of results) {
    for (const row of (tables['cells'] ?? []) as unknown as readonly CellRow[]) {
      const key = `${row.arm} ${row.scenario} ${row.difficulty}`;
      const known = cells.get(key);
      const incidents = row.incidents + (known?.incidents ?? 0);
      const found = row.found + (known?.found ?? 0);
      const { arm, scenario, kind, difficulty, seenBy } = row;
      cells.set(key, {
        arm,
        scenario,
        kind,
        difficulty,
        seenBy,
        incidents,
        found,
        ...wilson(found, incidents),
        ...both(row, known, 'rehearsed'),
        ...both(row, known, 'byAct'),
      });
    }
    for (const row of (tables['againstSiem'] ?? []) as unknown as readonly ComparisonRow[]) {
      const known = comparisons.get(row.arm);
      const onlyArm = row.onlyArm + (known?.onlyArm ?? 0);
      const onlyRival = row.onlyRival + (known?.onlyRival ?? 0);
      comparisons.set(row.arm, {
        arm: row.arm,
        rival: row.rival,
        onlyArm,
        onlyRival,
        p: mcNemar(onlyArm, onlyRival),
      });
    }
  }
  const tableOf = (name: string): readonly CountRow[] =>
    results.flatMap(({ tables }) => (tables[name] ?? []) as unknown as readonly CountRow[]);
  const first = results[0];
  return {
    id: run.id,
    swept: run.swept,
    seeds: done.map(({ seed }) => seed),
    metrics: aggregate(results.map(({ metrics }) => metrics)),
    cells: [...cells.values()],
    againstSiem: [...comparisons.values()].filter(({ arm }) => !arm.startsWith('untrained ')),
    againstPublic: gains(results.map(({ metrics }) => metrics)),
    curves: curveBands(tableOf('curves') as unknown as readonly CurveSeed[]),
    histograms: summed(tableOf('histograms'), ['arm']),
    hospitals: summed(tableOf('hospitals'), ['arm', 'hospital']),
    weeks: summed(tableOf('weeks'), ['policy', 'week']),
    tables: Object.fromEntries(
      Object.entries(first?.tables ?? {}).filter(([name]) => !POOLED.has(name)),
    ),
    notes: [...new Set(results.flatMap(({ notes }) => notes))],
    wallSeconds: Math.round(
      done.reduce((sum, { manifest }) => sum + (manifest?.wallMs ?? 0), 0) / 1_000,
    ),
  };
}

function gains(seeds: readonly Readonly<Record<string, number>>[]): GainRow[] {
  const rival = 'detector-zero';
  const arms = Object.keys(seeds[0] ?? {})
    .filter((name) => name.endsWith('.recall'))
    .map((name) => name.slice(0, -'.recall'.length));
  if (!arms.includes(rival)) return [];
  const over = (arm: string, metric: string): Aggregate =>
    spreadOfDifferences(
      seeds.map((metrics) => [metrics[`${arm}.${metric}`], metrics[`${rival}.${metric}`]]),
    );
  return arms
    .filter((arm) => arm !== rival && !/^untrained \d+$|: networks only$/.test(arm))
    .map((arm): GainRow => ({ arm, recall: over(arm, 'recall'), auc: over(arm, 'auc') }));
}

/** A count that only some studies make. */
function both(
  row: CellRow,
  known: CellRow | undefined,
  count: 'rehearsed' | 'byAct',
): Partial<CellRow> {
  const own = row[count] ?? null;
  return own === null ? {} : { [count]: own + (known?.[count] ?? 0) };
}

type CurveSeed = Pick<CurveBand, 'arm' | 'recall'>;

function curveBands(rows: readonly CurveSeed[]): CurveBand[] {
  const arms = new Map<string, CurveSeed[]>();
  for (const row of rows) arms.set(row.arm, [...(arms.get(row.arm) ?? []), row]);
  return [...arms].map(([arm, own]): CurveBand => {
    const points = own[0]!.recall.map((_, i) => spread(own.map(({ recall }) => recall[i]!)));
    return {
      arm,
      recall: points.map(({ mean }) => mean),
      low: points.map(({ low }) => low),
      high: points.map(({ high }) => high),
    };
  });
}

/** Rows of the same key added up, number by number; words that are no key are dropped. */
function summed(rows: readonly CountRow[], key: readonly string[]): CountRow[] {
  const sums = new Map<string, Record<string, string | number | readonly number[]>>();
  for (const row of rows) {
    const id = key.map((name) => row[name]).join(' ');
    let sum = sums.get(id);
    if (sum === undefined) {
      sum = Object.fromEntries(key.map((name) => [name, row[name]!]));
      sums.set(id, sum);
    }
    for (const [name, value] of Object.entries(row)) {
      if (key.includes(name) || typeof value === 'string') continue;
      const known = sum[name];
      sum[name] =
        typeof value === 'number'
          ? value + ((known as number | undefined) ?? 0)
          : value.map((one, i) => one + ((known as readonly number[] | undefined)?.[i] ?? 0));
    }
  }
  return [...sums.values()];
}

/** Every committed result of a study, by name. */
export function readStudyResults(dir: string): StudyResultFile[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map(
      (name) =>
        JSON.parse(readFileSync(join(dir, name), 'utf8')) as StudyResultFile | { format?: never },
    )
    .filter((one): one is StudyResultFile => one.format === 'study-result/2');
}

/** What a figure is rounded to in a committed file. */
export function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Math.round(value * 1e6) / 1e6
    : value;
}
