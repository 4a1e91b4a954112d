/**
 * How figures are written in tables and sentences.
 * @module
 */
import { cellOf } from '../commands/inspect.js';
import type { Aggregate } from '../harness/aggregate.js';
import type { RunResult, StudyResultFile } from './study-result.js';

/** The swept values of a run, as a reader says them. */
export function pointOf({ swept }: RunResult): string {
  return Object.entries(swept)
    .map(([path, value]) => `${path.split('.').at(-1)!} ${String(value)}`)
    .join(', ');
}

export function labelOf({ name, evidence }: StudyResultFile): string {
  return `${name}${evidence ? '' : ' (no evidence)'}`;
}

export function cellOr(value: Aggregate | undefined): string {
  return value === undefined ? '' : cellOf(value);
}

/** .667 */
export function share(value: number): string {
  return value.toFixed(3).replace(/^0(?=\.)/, '');
}

export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
