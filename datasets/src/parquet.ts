/**
 * Access events in Parquet, in and out, a row group at a time.
 * @module
 */

import { decodeAccessEvent, FeatureError, type AccessEvent } from '@bhschain/models/features';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { DatasetError } from './errors.js';

type ParquetType = 'STRING' | 'INT64' | 'BOOLEAN';

const COLUMNS: Readonly<Record<keyof AccessEvent, ParquetType>> = {
  eventId: 'STRING',
  source: 'STRING',
  nodeId: 'STRING',
  timeMs: 'INT64',
  timeBasis: 'STRING',
  timeGranularity: 'STRING',
  // As text: a sequence may have 19 digits, which an INT64 cannot always hold.
  sequence: 'STRING',
  actor: 'STRING',
  actorClass: 'STRING',
  role: 'STRING',
  ward: 'STRING',
  session: 'STRING',
  action: 'STRING',
  resourceType: 'STRING',
  section: 'STRING',
  sensitivity: 'STRING',
  purpose: 'STRING',
  breakGlass: 'BOOLEAN',
  breakGlassReason: 'STRING',
  patient: 'STRING',
  recordCount: 'INT64',
  bytes: 'INT64',
  outcome: 'STRING',
  channel: 'STRING',
  device: 'STRING',
  network: 'STRING',
  code: 'STRING',
};
const NAMES = Object.keys(COLUMNS) as (keyof AccessEvent)[];
const ROW_GROUP_ROWS = 25_000;

/** Writes a table with one row an event and gives their number. */
export async function writeParquet(file: string, events: Iterable<AccessEvent>): Promise<number> {
  let count = 0;
  function* rows(): Generator<Record<string, unknown>> {
    for (const event of events) {
      count++;
      yield rowOf(event);
    }
  }
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: rows(),
    columns: NAMES.map((name) => ({ name, type: COLUMNS[name] })),
    rowGroupSize: ROW_GROUP_ROWS,
    createdBy: 'bhschain',
  });
  return count;
}

/** A table of words and numbers: figures of a study, for whoever analyses them elsewhere. */
export async function writeParquetTable(
  file: string,
  columns: Readonly<Record<string, 'STRING' | 'DOUBLE'>>,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  await parquetWriteRows({
    writer: fileWriter(file),
    rows,
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    rowGroupSize: ROW_GROUP_ROWS,
    createdBy: 'bhschain',
  });
}

function rowOf(event: AccessEvent): Record<string, unknown> {
  return {
    ...event,
    timeMs: BigInt(event.timeMs),
    recordCount: BigInt(event.recordCount),
    bytes: event.bytes === null ? null : BigInt(event.bytes),
    sequence: event.sequence?.toString() ?? null,
  };
}

/**
 * The events of a table, in its order; other columns are ignored.
 *
 * @throws {DatasetError} `ERR_EVENT_LOG_MISSING` (cannot be opened), `ERR_PARQUET` (no Parquet, or a column is missing),
 *   `ERR_EVENT_LOG_MALFORMED` with the row, counted from 1
 */
export async function* readParquet(file: string): AsyncGenerator<AccessEvent> {
  const buffer = await openBuffer(file);
  const metadata = await guarded(file, () => parquetMetadataAsync(buffer));
  const present = new Set(metadata.schema.slice(1).map((element) => element.name));
  const missing = NAMES.filter((name) => !present.has(name));
  if (missing.length > 0) {
    throw new DatasetError('ERR_PARQUET', `${file}: columns missing: ${missing.join(', ')}`, {
      file,
      missing: missing.join(', '),
    });
  }
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = row + Number(group.num_rows);
    const rows = await guarded(file, () =>
      parquetReadObjects({ file: buffer, metadata, columns: NAMES, rowStart: row, rowEnd }),
    );
    for (const each of rows) yield eventOf(file, each, ++row);
    row = rowEnd;
  }
}

type FileBuffer = Awaited<ReturnType<typeof asyncBufferFromFile>>;

async function openBuffer(file: string): Promise<FileBuffer> {
  try {
    return await asyncBufferFromFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatasetError(
      'ERR_EVENT_LOG_MISSING',
      `${file}: cannot be read (${reason})`,
      { file, reason },
      { cause },
    );
  }
}

async function guarded<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatasetError(
      'ERR_PARQUET',
      `${file}: not a readable Parquet file (${reason})`,
      { file, reason },
      { cause },
    );
  }
}

function eventOf(file: string, row: Readonly<Record<string, unknown>>, line: number): AccessEvent {
  const fields = Object.fromEntries(
    NAMES.map((name) => {
      const value = row[name] ?? null;
      return [name, typeof value === 'bigint' ? Number(value) : value];
    }),
  );
  try {
    return decodeAccessEvent(fields);
  } catch (cause) {
    if (!(cause instanceof FeatureError)) throw cause;
    throw new DatasetError(
      'ERR_EVENT_LOG_MALFORMED',
      `${file}: row ${line}: ${cause.message}`,
      { file, line, reason: cause.message },
      { cause },
    );
  }
}
