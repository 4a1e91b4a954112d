/**
 * Labelled sessions: CSV with an id, a label, blank-separated events and, optionally, a group such as the user; any column
 * names, plain or gzip, streaming. Rows in the order of the file are rows in the order of time.
 * @module
 */

import { checkNumber, DatasetError } from '../errors.js';
import { csvFields } from '../event-log/csv-line.js';
import type { MalformedLine } from '../event-log/event-log.js';
import { createMalformedLines } from '../malformed-lines.js';
import { linesOf } from '../text-lines.js';

export interface LabelledSession {
  readonly id: string;
  /** `normal`, or the name of a class of abnormal sessions. */
  readonly label: string;
  readonly normal: boolean;
  readonly events: readonly string[];
  readonly group: string | null;
  /** Line in the file, the header being line 1. */
  readonly line: number;
}

export interface SessionColumns {
  readonly id: string;
  readonly label: string;
  readonly events: string;
  readonly group?: string;
}

export interface SessionLogOptions {
  /** Default `{ id: 'session', label: 'label', events: 'events' }`. */
  readonly columns?: SessionColumns;
  /** Share of malformed lines that is skipped; default 0: evidence is not thinned out silently. */
  readonly malformedShareMax?: number;
}

export interface SessionLogCounts {
  readonly lines: number;
  readonly sessions: number;
  readonly malformedCount: number;
  /** The first 20. */
  readonly malformed: readonly MalformedLine[];
}

export interface SessionLog {
  /**
   * @throws {DatasetError} `ERR_EVENT_LOG_MISSING`, `ERR_EVENT_LOG_GZIP`, `ERR_EVENT_LOG_HEADER`, `ERR_EVENT_LOG_MALFORMED`
   */
  sessions(): AsyncGenerator<LabelledSession>;
  /** What was seen so far. */
  counts(): SessionLogCounts;
}

export const SESSION_COLUMNS: SessionColumns = { id: 'session', label: 'label', events: 'events' };
const KEYS = ['id', 'label', 'events', 'group'] as const;

/**
 * Columns from text such as `id=session,label=label,events=events,group=user`; what is not named keeps its default.
 *
 * @throws {DatasetError} `ERR_DATASET_OPTION` for an unknown or repeated key, or an empty name
 */
export function parseColumns(text: string): SessionColumns {
  const columns: Record<string, string> = { ...SESSION_COLUMNS };
  const given = new Set<string>();
  for (const part of text.split(',')) {
    const [key = '', name = '', ...rest] = part.split('=').map((word) => word.trim());
    const known = (KEYS as readonly string[]).includes(key);
    if (!known || name === '' || rest.length > 0 || given.has(key)) {
      throw new DatasetError(
        'ERR_DATASET_OPTION',
        `columns: expected id=…,label=…,events=…[,group=…], got ${JSON.stringify(part)}`,
        { name: 'columns', got: part },
      );
    }
    given.add(key);
    columns[key] = name;
  }
  return columns as unknown as SessionColumns;
}

export function openSessionLog(file: string, options: SessionLogOptions = {}): SessionLog {
  const columns = options.columns ?? SESSION_COLUMNS;
  const shareMax = checkNumber('malformedShareMax', options.malformedShareMax ?? 0, {
    least: 0,
    most: 1,
  });
  const malformed = createMalformedLines(file, shareMax);
  const count = { lines: 0, sessions: 0 };
  return {
    counts: () => ({ ...count, malformedCount: malformed.count, malformed: malformed.kept }),
    async *sessions() {
      let parse: RowParser | null = null;
      let line = 0;
      for await (const raw of linesOf(file)) {
        line++;
        if (parse === null) {
          parse = headerOf(file, raw.replace(/^\uFEFF/, ''), columns);
          continue;
        }
        if (raw.trim() === '') continue;
        count.lines++;
        const session = parse(raw, line);
        if (typeof session === 'string') {
          malformed.add({ line, reason: session }, count.lines);
          // Where no line may be malformed, nobody waits for a thousand.
          if (shareMax === 0) malformed.judge(count.lines);
          continue;
        }
        count.sessions++;
        yield session;
      }
      if (parse === null) headerOf(file, '', columns);
      malformed.judge(count.lines);
    },
  };
}

/** 0, empty and `normal` are normal; anything else names its class. */
export function isNormalLabel(label: string): boolean {
  return label === '' || label === '0' || label.toLowerCase() === 'normal';
}

type RowParser = (text: string, line: number) => LabelledSession | string;

function headerOf(file: string, header: string, columns: SessionColumns): RowParser {
  const names = csvFields(header) ?? [];
  const wanted = KEYS.flatMap((key) => columns[key] ?? []);
  const missing = wanted.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new DatasetError(
      'ERR_EVENT_LOG_HEADER',
      `${file}: expected a header with ${wanted.join(', ')}; missing ${missing.join(', ')}`,
      { file, got: header.slice(0, 80), missing: missing.join(', ') },
    );
  }
  const twice = wanted.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) {
    throw new DatasetError(
      'ERR_EVENT_LOG_HEADER',
      `${file}: expected each column once in the header, got ${twice} twice`,
      { file, got: header.slice(0, 80), twice },
    );
  }
  const place = (name: string | undefined): number =>
    name === undefined ? -1 : names.indexOf(name);
  const at = {
    id: place(columns.id),
    label: place(columns.label),
    events: place(columns.events),
    group: place(columns.group),
  };
  return (text, line) => {
    const fields = csvFields(text);
    if (fields === null) return 'broken quotes';
    if (fields.length !== names.length) {
      return `expected ${names.length} fields, got ${fields.length}`;
    }
    const id = fields[at.id]!;
    if (id === '') return `expected an id in column ${columns.id}`;
    const events = fields[at.events]!.split(' ').filter((event) => event !== '');
    if (events.length === 0) return `expected events in column ${columns.events}`;
    const label = fields[at.label]!.trim();
    const normal = isNormalLabel(label);
    const group = at.group < 0 ? null : fields[at.group]!;
    if (group === '') return `expected a group in column ${columns.group ?? ''}`;
    return { id, label: normal ? 'normal' : label, normal, events, group, line };
  };
}
