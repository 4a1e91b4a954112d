/**
 * The table of studies in this room's README, from the committed results; a test compares the two.
 * @module
 */
import { cellOf, tableIn } from '../commands/inspect.js';
import type { StudyResultFile } from './study-result.js';

const COLUMNS = [
  'federated-private',
  'networks-only',
  'untrained',
  'feature-norm',
  'siem-tuned',
  'random',
] as const;

/** One row a run that has a recall: arms at the same false-positive rate. */
export function studiesTable(studies: readonly StudyResultFile[]): string {
  const rows = studies.flatMap((study) =>
    study.runs
      .filter(({ metrics }) => Object.keys(metrics).some((name) => name.endsWith('.recall')))
      .map((run) => [
        `${study.name}${study.evidence ? '' : ' (no evidence)'}`,
        Object.entries(run.swept)
          .map(([path, value]) => `${path.split('.').at(-1)!} ${String(value)}`)
          .join(', '),
        String(
          run.metrics['incidents'] === undefined
            ? ''
            : run.metrics['incidents'].mean * run.seeds.length,
        ),
        String(run.seeds.length),
        ...COLUMNS.map((arm) => {
          const value = run.metrics[`${arm}.recall`];
          return value === undefined ? '' : cellOf(value);
        }),
      ]),
  );
  return tableIn('md', [['study', 'swept', 'incidents', 'seeds', ...COLUMNS], ...rows]);
}
