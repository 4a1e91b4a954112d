/**
 * Lines that a reader could not take: counted, the first few kept with their reasons, and the file refused once their share
 * is above what was accepted.
 * @module
 */
import { DatasetError } from './errors.js';
import type { MalformedLine } from './event-log/event-log.js';

const KEPT = 20;
/** Until so many lines were read, one bad line would be a large share. */
const JUDGED_AFTER = 1_000;

export interface MalformedLines {
  readonly count: number;
  /** The first 20. */
  readonly kept: readonly MalformedLine[];
  /**
   * Of `lines` read so far.
   * @throws {DatasetError} `ERR_EVENT_LOG_MALFORMED` with the first faulty line
   */
  add(fault: MalformedLine, lines: number): void;
  /** @throws {DatasetError} as `add`, whatever the number of lines */
  judge(lines: number): void;
}

export function createMalformedLines(file: string, shareMax: number): MalformedLines {
  const kept: MalformedLine[] = [];
  let count = 0;
  const judge = (lines: number): void => {
    if (count <= shareMax * lines) return;
    const first = kept[0]!;
    throw new DatasetError(
      'ERR_EVENT_LOG_MALFORMED',
      `${file}: ${count} of ${lines} lines malformed, at most ` +
        `${shareMax * 100} % accepted; first at line ${first.line}: ${first.reason}`,
      { file, malformedCount: count, lines, firstLine: first.line },
    );
  };
  return {
    get count() {
      return count;
    },
    get kept() {
      return [...kept];
    },
    add(fault, lines) {
      count++;
      if (kept.length < KEPT) kept.push(fault);
      if (lines > JUDGED_AFTER) judge(lines);
    },
    judge,
  };
}
