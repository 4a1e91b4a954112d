/**
 * Members that count or sum integer columns: no fit, no float, nothing to ship but their names.
 * @module
 */
import type { IntegerMember, ScoredWindow } from '../detector/detector.js';
import { COLUMN } from '../features/index.js';
import type { Member } from './member.js';

/** Steps that sums look back. */
const RECENT = 5;

/**
 * | kind             | nonconformity                                                                           |
 * |------------------|-----------------------------------------------------------------------------------------|
 * | likelihood-ratio | own less peer surprisal of the last five calls, sum and largest, in 1/256 bit           |
 * | unseen           | acts and pairs of acts in the window that the actor has never shown before              |
 * | trigrams         | surprisal of the last five calls, each after the two before it, sum and largest, in bits |
 */
const MEASURES: Readonly<Record<IntegerMember['kind'], (window: ScoredWindow) => number>> = {
  'likelihood-ratio': (window) => recent(window, COLUMN.logRatio),
  trigrams: (window) => recent(window, COLUMN.trigramSurprisal),
  unseen: ({ rows, mask }) =>
    [COLUMN.actUnseen, COLUMN.pairUnseen]
      .filter((column) => !isAbsent(mask, column))
      .reduce((sum, column) => sum + rows.reduce((count, row) => count + row[column]!, 0), 0),
};

/** Columns that a member's evidence is put down to. */
export const INTEGER_COLUMNS: Readonly<Record<IntegerMember['kind'], readonly number[]>> = {
  'likelihood-ratio': [COLUMN.logRatio],
  unseen: [COLUMN.actUnseen, COLUMN.pairUnseen],
  trigrams: [COLUMN.trigramSurprisal],
};

export function integerMember(kind: IntegerMember['kind'], name: string = kind): Member {
  const measure = MEASURES[kind];
  return {
    name,
    nonconformities: (windows) =>
      Uint32Array.from(windows, (window) => Math.max(0, measure(window))),
  };
}

function recent({ rows, mask }: ScoredWindow, column: number): number {
  if (isAbsent(mask, column)) return 0;
  let sum = 0;
  let largest = -Infinity;
  for (const row of rows.slice(-RECENT)) {
    sum += row[column]!;
    largest = Math.max(largest, row[column]!);
  }
  return sum + largest;
}

function isAbsent(mask: number, column: number): boolean {
  return ((mask >>> column) & 1) === 1;
}
