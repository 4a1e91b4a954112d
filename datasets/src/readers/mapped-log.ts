/**
 * Event logs of any shape: CSV with a mapping file that says which column is what. Two passes where activities are codes:
 * the code table needs the whole set of names before the first event has a code.
 * @module
 */

import { readFileSync } from 'node:fs';
import {
  decodeAccessEvent,
  FeatureError,
  TIME_GRANULARITIES,
  type AccessEvent,
} from '@bhschain/models/features';
import { parse } from 'yaml';
import type { CodeTable } from '../consortium.js';
import { checkNumber, DatasetError, pictureOf } from '../errors.js';
import { codeTableOf } from '../event-log/code-table.js';
import { csvFields } from '../event-log/csv-line.js';
import type { MalformedLine } from '../event-log/event-log.js';
import { createMalformedLines } from '../malformed-lines.js';
import { linesOf } from '../text-lines.js';

/** Fields of the access event that a column can give. */
export const MAPPED_FIELDS = [
  'eventId',
  'time',
  'actor',
  'role',
  'ward',
  'session',
  'action',
  'resourceType',
  'section',
  'purpose',
  'patient',
  'recordCount',
  'bytes',
  'outcome',
  'channel',
  'device',
  'activity',
] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

/** Forms of a time: ISO 8601 (UTC where no zone stands), a date, or seconds or milliseconds since 1970. */
export const TIME_FORMS = ['iso', 'date', 'epoch-s', 'epoch-ms'] as const;

export interface LogMapping {
  /** Field → column; `time` and `actor` are needed, and `action` or `activity`. */
  readonly columns: Readonly<Partial<Record<MappedField, string>>>;
  readonly timeForm: (typeof TIME_FORMS)[number];
  /** What the clock is worth; default `day` for dates, else `exact`. */
  readonly timeGranularity?: AccessEvent['timeGranularity'];
  /** Per field: value in the file → value of the access event; `*` stands for all others. */
  readonly values?: Readonly<Partial<Record<MappedField, Readonly<Record<string, string>>>>>;
  /** What stands for an absent value; default the empty field. */
  readonly absent?: string;
}

export interface MappedLog {
  /** null where actions come from the mapping and no activity is coded. */
  readonly vocabulary: CodeTable | null;
  /** @throws {DatasetError} as `openAccessLog` */
  events(): AsyncGenerator<AccessEvent>;
  counts(): Readonly<{
    lines: number;
    events: number;
    malformedCount: number;
    malformed: readonly MalformedLine[];
  }>;
}

const KEYS = ['format', 'columns', 'timeForm', 'timeGranularity', 'values', 'absent'];

/**
 * A mapping from a YAML file: `format: event-log-mapping/1` and the members of `LogMapping`.
 *
 * @throws {DatasetError} `ERR_LOG_MAPPING` with the path of the faulty element, what came and what was expected
 */
export function readMapping(file: string): LogMapping {
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    refuse(file, cause instanceof Error ? cause.message : String(cause), 'a readable YAML file');
  }
  return checkMapping(document);
}

/** @throws {DatasetError} `ERR_LOG_MAPPING` */
export function checkMapping(document: unknown): LogMapping {
  const root = objectAt('mapping', document);
  for (const key of Object.keys(root)) {
    if (!KEYS.includes(key)) refuse(key, 'a key', `one of ${KEYS.join(', ')}`);
  }
  if (root['format'] !== 'event-log-mapping/1') {
    refuse('format', root['format'], 'event-log-mapping/1');
  }
  const columns = objectAt('columns', root['columns']);
  for (const [field, column] of Object.entries(columns)) {
    fieldAt(`columns.${field}`, field);
    if (typeof column !== 'string' || column === '') {
      refuse(`columns.${field}`, column, 'the name of a column');
    }
  }
  for (const needed of ['time', 'actor']) {
    if (!Object.hasOwn(columns, needed)) refuse(`columns.${needed}`, 'nothing', 'a column');
  }
  if (!Object.hasOwn(columns, 'action') && !Object.hasOwn(columns, 'activity')) {
    refuse('columns', 'neither', 'action or activity');
  }
  if (!(TIME_FORMS as readonly unknown[]).includes(root['timeForm'])) {
    refuse('timeForm', root['timeForm'], `one of ${TIME_FORMS.join(', ')}`);
  }
  const granularity = root['timeGranularity'];
  const known: readonly unknown[] = TIME_GRANULARITIES;
  if (granularity !== undefined && !known.includes(granularity)) {
    refuse('timeGranularity', granularity, 'exact, day or case-shifted');
  }
  for (const [field, table] of Object.entries(objectAt('values', root['values'] ?? {}))) {
    fieldAt(`values.${field}`, field);
    for (const [from, to] of Object.entries(objectAt(`values.${field}`, table))) {
      if (typeof to !== 'string') refuse(`values.${field}.${from}`, to, 'text');
    }
  }
  const { absent } = root;
  if (absent !== undefined && typeof absent !== 'string') refuse('absent', absent, 'text');
  return root as unknown as LogMapping;
}

/**
 * @param options.malformedShareMax - default 0.01
 * @throws {DatasetError} `ERR_EVENT_LOG_HEADER`, `ERR_EVENT_LOG_MISSING`, `ERR_EVENT_LOG_GZIP` from the first pass
 */
export async function openMappedLog(
  file: string,
  options: Readonly<{ mapping: LogMapping; nodeId: string; malformedShareMax?: number }>,
): Promise<MappedLog> {
  const { mapping, nodeId } = options;
  const shareMax = checkNumber('malformedShareMax', options.malformedShareMax ?? 0.01, {
    least: 0,
    most: 1,
  });
  const vocabulary =
    mapping.columns.activity === undefined ? null : codeTableOf(await activitiesOf(file, mapping));
  const codes = new Map(vocabulary?.activities.map((activity, code) => [activity, code]));
  const malformed = createMalformedLines(file, shareMax);
  const count = { lines: 0, events: 0 };
  return {
    vocabulary,
    counts: () => ({ ...count, malformedCount: malformed.count, malformed: malformed.kept }),
    async *events() {
      for await (const { line, fields } of rowsOf(file, mapping)) {
        count.lines++;
        const event =
          typeof fields === 'string' ? fields : eventOf({ fields, line, mapping, nodeId, codes });
        if (typeof event === 'string') {
          malformed.add({ line, reason: event }, count.lines);
          continue;
        }
        count.events++;
        yield event;
      }
      malformed.judge(count.lines);
    },
  };
}

type Row = (field: MappedField) => string | null;

/** The rows of a file, or what is wrong with them. */
async function* rowsOf(
  file: string,
  mapping: LogMapping,
): AsyncGenerator<Readonly<{ line: number; fields: Row | string }>> {
  let names: readonly string[] | null = null;
  let line = 0;
  const places = new Map<MappedField, number>();
  const header = (text: string): readonly string[] => {
    const found = csvFields(text) ?? [];
    for (const [field, column] of Object.entries(mapping.columns)) {
      if (!found.includes(column)) {
        throw new DatasetError(
          'ERR_EVENT_LOG_HEADER',
          `${file}: expected a column ${column} (for ${field}), got ${text.slice(0, 80)}`,
          { file, got: text.slice(0, 80), missing: column },
        );
      }
      places.set(field as MappedField, found.indexOf(column));
    }
    return found;
  };
  for await (const raw of linesOf(file)) {
    line++;
    if (names === null) {
      names = header(raw.replace(/^\uFEFF/, ''));
      continue;
    }
    if (raw.trim() === '') continue;
    const values = csvFields(raw);
    if (values === null) yield { line, fields: 'broken quotes' };
    else if (values.length !== names.length) {
      yield { line, fields: `expected ${names.length} fields, got ${values.length}` };
    } else {
      yield {
        line,
        fields: (field) => {
          const at = places.get(field);
          const value = at === undefined ? null : values[at]!;
          return value === '' || value === mapping.absent ? null : value;
        },
      };
    }
  }
  if (names === null) header('');
}

async function activitiesOf(file: string, mapping: LogMapping): Promise<Set<string>> {
  const activities = new Set<string>();
  for await (const { fields } of rowsOf(file, mapping)) {
    if (typeof fields === 'string') continue;
    const activity = fields('activity');
    if (activity !== null) activities.add(activity);
  }
  return activities;
}

function eventOf(
  of: Readonly<{
    fields: Row;
    line: number;
    mapping: LogMapping;
    nodeId: string;
    codes: ReadonlyMap<string, number>;
  }>,
): AccessEvent | string {
  const { fields, line, mapping, nodeId } = of;
  const timeMs = timeOf(fields('time') ?? '', mapping.timeForm);
  if (timeMs === null) {
    return `expected a time as ${mapping.timeForm}, got ${JSON.stringify(fields('time'))}`;
  }
  const coded = fields('activity');
  if (mapping.columns.activity !== undefined && coded === null) return 'expected an activity';
  const value = (field: MappedField, otherwise: string): string => {
    const raw = fields(field);
    const table = mapping.values?.[field];
    if (table === undefined) return raw ?? otherwise;
    // Own values only: a log may well hold the word "constructor".
    const known = raw !== null && Object.hasOwn(table, raw) ? table[raw] : table['*'];
    return known ?? (raw === null ? otherwise : 'unknown');
  };
  const whole = (field: MappedField): number | null => {
    const raw = fields(field);
    return raw === null ? null : Number(raw);
  };
  const role = value('role', 'unknown');
  const event = {
    eventId: fields('eventId') ?? `${nodeId}-line-${line}`,
    source: 'native',
    nodeId,
    timeMs,
    timeBasis: 'recorded',
    timeGranularity: mapping.timeGranularity ?? (mapping.timeForm === 'date' ? 'day' : 'exact'),
    sequence: String(line),
    actor: fields('actor'),
    actorClass: role === 'service' ? 'service' : role === 'unknown' ? 'unknown' : 'person',
    role,
    ward: fields('ward'),
    session: fields('session'),
    action: value('action', coded === null ? 'unknown' : 'read'),
    resourceType: value('resourceType', 'unknown'),
    section: value('section', 'unknown'),
    sensitivity: 'unknown',
    purpose: value('purpose', 'unknown'),
    breakGlass: false,
    breakGlassReason: 'none',
    patient: fields('patient'),
    recordCount: whole('recordCount') ?? 1,
    bytes: whole('bytes'),
    outcome: value('outcome', 'unknown'),
    channel: value('channel', 'unknown'),
    device: fields('device'),
    network: 'unknown',
    code: coded === null ? null : String(of.codes.get(coded)!),
  };
  try {
    return decodeAccessEvent(event);
  } catch (fault) {
    if (fault instanceof FeatureError) return fault.message;
    throw fault;
  }
}

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const WHOLE = /^\d{1,15}$/;

function timeOf(text: string, form: LogMapping['timeForm']): number | null {
  let timeMs = NaN;
  if (form === 'iso') {
    const zone = ISO.exec(text)?.[1];
    if (ISO.test(text))
      timeMs = Date.parse(text.replace(' ', 'T') + (zone === undefined ? 'Z' : ''));
  } else if (form === 'date') {
    if (DATE.test(text)) timeMs = Date.parse(text);
  } else if (WHOLE.test(text)) timeMs = Number(text) * (form === 'epoch-s' ? 1_000 : 1);
  return timeMs >= 0 && Number.isSafeInteger(timeMs) ? timeMs : null;
}

function fieldAt(path: string, field: string): void {
  if (!(MAPPED_FIELDS as readonly string[]).includes(field)) {
    refuse(path, field, `one of ${MAPPED_FIELDS.join(', ')}`);
  }
}

function objectAt(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(path, value, 'a mapping');
  }
  return value as Record<string, unknown>;
}

function refuse(path: string, got: unknown, expected: string): never {
  const picture = pictureOf(got);
  throw new DatasetError('ERR_LOG_MAPPING', `${path}: expected ${expected}, got ${picture}`, {
    path,
    got: picture,
    expected,
  });
}
