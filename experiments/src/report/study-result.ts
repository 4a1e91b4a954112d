/**
 * A study's result as it is committed: runs of one name, seeds pooled. Whatever a report or the README says is read from such
 * a file.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcNemar, wilson } from '../evaluation/intervals.js';
import { aggregate, type Aggregate } from '../harness/aggregate.js';
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
}

export interface ComparisonRow {
  readonly arm: string;
  readonly rival: string;
  readonly onlyArm: number;
  readonly onlyRival: number;
  readonly p: number;
}

export interface RunResult {
  readonly id: string;
  readonly swept: Readonly<Record<string, unknown>>;
  readonly seeds: readonly number[];
  readonly metrics: Readonly<Record<string, Aggregate>>;
  /** Scenario × difficulty, incidents of all seeds together. */
  readonly cells: readonly CellRow[];
  readonly againstSiem: readonly ComparisonRow[];
  /** Further tables of a study, as it made them on its first seed. */
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly notes: readonly string[];
  readonly wallSeconds: number;
}

export interface StudyResultFile {
  readonly format: 'study-result/1';
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

const POOLED = new Set(['arms', 'cells', 'againstSiem']);

/** @param runs - of one name, at least one, each with a finished seed */
export function studyResultOf(runs: readonly Run[]): StudyResultFile {
  const first = runs[0]!;
  const manifest = first.seeds.find(({ state }) => state === 'ok')!.manifest!;
  const manifests = runs.flatMap(({ seeds }) =>
    seeds.flatMap((seed) => (seed.manifest === null ? [] : [seed.manifest])),
  );
  return {
    format: 'study-result/1',
    name: nameOf(first),
    title: first.title,
    evidence: first.evidence,
    command: ['npm run experiment -- run', first.file, ...first.overrides].join(' '),
    commit: manifest.commit,
    dirty: manifests.some(({ dirty }) => dirty === true),
    node: manifest.node,
    cpu: manifest.cpu,
    cores: manifest.cores,
    memoryPeakMiB: Math.max(...manifests.map(({ memoryPeakMiB }) => memoryPeakMiB)),
    config: first.config,
    hashes: { config: first.configHash, data: first.dataHash, code: first.codeHash },
    runs: runs.map(pooled),
  };
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
  const first = results[0];
  return {
    id: run.id,
    swept: run.swept,
    seeds: done.map(({ seed }) => seed),
    metrics: aggregate(results.map(({ metrics }) => metrics)),
    cells: [...cells.values()],
    againstSiem: [...comparisons.values()].filter(({ arm }) => !arm.startsWith('untrained ')),
    tables: Object.fromEntries(
      Object.entries(first?.tables ?? {}).filter(([name]) => !POOLED.has(name)),
    ),
    notes: [...new Set(results.flatMap(({ notes }) => notes))],
    wallSeconds: Math.round(
      done.reduce((sum, { manifest }) => sum + (manifest?.wallMs ?? 0), 0) / 1_000,
    ),
  };
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
    .filter((one): one is StudyResultFile => one.format === 'study-result/1');
}

/** What a figure is rounded to in a committed file. */
export function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Math.round(value * 1e6) / 1e6
    : value;
}
