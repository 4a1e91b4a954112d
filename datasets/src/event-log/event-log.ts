/**
 * Reader of event-log CSV, plain or gzip: `case,seq,date|time,group,activity`. Malformed lines are counted, the first ones
 * kept with their numbers, and skipped up to a stated share; beyond it the file is refused.
 * @module
 */

import type { TimeGranularity } from '@bhschain/models/features';
import { checkNumber, DatasetError } from '../errors.js';
import { linesOf } from '../text-lines.js';
import { csvFields } from './csv-line.js';

export interface LogRow {
  readonly case: string;
  /** Order in the source. */
  readonly sequence: number;
  /** The time as UTC milliseconds, taken at face value. */
  readonly timeMs: number;
  /** null where the source has none (`NA`). */
  readonly group: string | null;
  readonly activity: string;
}

export interface MalformedLine {
  readonly line: number;
  readonly reason: string;
}

export interface EventLog {
  readonly rows: readonly LogRow[];
  /** `day` where the log has dates only; `case-shifted` where it has times, which publishers shift per case. */
  readonly timeGranularity: TimeGranularity;
  readonly malformedCount: number;
  /** The first 20. */
  readonly malformed: readonly MalformedLine[];
  /** Rows whose time lies before the row above in the same case. */
  readonly outOfOrderCount: number;
}

const MALFORMED_KEPT = 20;
/** A bad share is judged only after so many lines, so that one bad line in a small file is no catastrophe. */
const JUDGED_AFTER = 1_000;

/**
 * Reads a log.
 *
 * @param options.malformedShareMax - default 0.01
 * @throws {DatasetError} `ERR_EVENT_LOG_MISSING` (cannot be opened), `ERR_EVENT_LOG_GZIP` (cut short or corrupt),
 *   `ERR_EVENT_LOG_HEADER`, `ERR_EVENT_LOG_MALFORMED` (too many bad lines; the facts name the first)
 */
export async function readEventLog(
  file: string,
  options: Readonly<{ malformedShareMax?: number }> = {},
): Promise<EventLog> {
  const malformedShareMax = checkNumber('malformedShareMax', options.malformedShareMax ?? 0.01, {
    least: 0,
    most: 1,
  });
  const rows: LogRow[] = [];
  const malformed: MalformedLine[] = [];
  const lastOfCase = new Map<string, number>();
  let malformedCount = 0;
  let outOfOrderCount = 0;
  let lineNumber = 0;
  let parse: RowParser | null = null;
  let granularity: TimeGranularity = 'day';

  const judge = (): void => {
    if (malformedCount <= malformedShareMax * (lineNumber - 1)) return;
    const first = malformed[0];
    throw new DatasetError(
      'ERR_EVENT_LOG_MALFORMED',
      `${file}: ${malformedCount} of ${lineNumber - 1} lines malformed, at most ` +
        `${malformedShareMax * 100} % accepted; first at line ${first?.line ?? 0}: ${first?.reason ?? ''}`,
      { file, malformedCount, lines: lineNumber - 1, firstLine: first?.line ?? 0 },
    );
  };
  for await (const raw of linesOf(file)) {
    lineNumber++;
    const line = lineNumber === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (parse === null) {
      ({ parse, granularity } = headerOf(file, line));
      continue;
    }
    if (line === '') continue;
    const row = parse(line, lineNumber);
    if (typeof row === 'string') {
      malformedCount++;
      if (malformed.length < MALFORMED_KEPT) malformed.push({ line: lineNumber, reason: row });
      if (lineNumber > JUDGED_AFTER) judge();
      continue;
    }
    if ((lastOfCase.get(row.case) ?? 0) > row.timeMs) outOfOrderCount++;
    lastOfCase.set(row.case, row.timeMs);
    rows.push(row);
  }
  if (parse === null) headerOf(file, '');
  judge();
  return { rows, timeGranularity: granularity, malformedCount, malformed, outOfOrderCount };
}

type RowParser = (line: string, lineNumber: number) => LogRow | string;

const COLUMNS = ['case', 'seq', 'group', 'activity'] as const;

function headerOf(file: string, line: string): { parse: RowParser; granularity: TimeGranularity } {
  const names = csvFields(line) ?? [];
  const timeName = names.includes('date') ? 'date' : 'time';
  const missing = [...COLUMNS, timeName].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new DatasetError(
      'ERR_EVENT_LOG_HEADER',
      `${file}: expected a header with case, seq, date or time, group, activity; missing ${missing.join(', ')}`,
      { file, got: line.slice(0, 80), missing: missing.join(', ') },
    );
  }
  const at = (name: string): number => names.indexOf(name);
  const place = {
    case: at('case'),
    seq: at('seq'),
    time: at(timeName),
    group: at('group'),
    activity: at('activity'),
  };
  const form = timeName === 'date' ? DATE : TIME;
  const parse: RowParser = (text) => {
    const fields = csvFields(text);
    if (fields === null) return 'broken quotes';
    if (fields.length !== names.length) {
      return `expected ${names.length} fields, got ${fields.length}`;
    }
    const stamp = fields[place.time]!;
    const timeMs = form.test(stamp) ? Date.parse(stamp.length === 10 ? stamp : `${stamp}Z`) : NaN;
    if (!(timeMs >= 0)) return `expected a ${timeName}, got ${JSON.stringify(stamp.slice(0, 40))}`;
    const sequence = fields[place.seq]!;
    if (!/^\d{1,9}$/.test(sequence)) {
      return `expected an integer seq, got ${JSON.stringify(sequence.slice(0, 40))}`;
    }
    const [caseName, group, activity] = [
      fields[place.case]!,
      fields[place.group]!,
      fields[place.activity]!,
    ];
    if (caseName === '' || caseName.length > 64) return 'expected a case of 1 to 64 characters';
    if (activity === '' || activity.length > 200) {
      return 'expected an activity of 1 to 200 characters';
    }
    if (group.length > 64) return 'expected a group of at most 64 characters';
    return {
      case: caseName,
      sequence: Number(sequence),
      timeMs,
      group: group === '' || group === 'NA' ? null : group,
      activity,
    };
  };
  return { parse, granularity: timeName === 'date' ? 'day' : 'case-shifted' };
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/;
