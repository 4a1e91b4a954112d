/**
 * An event log of any shape as acts of its groups, in the order of time.
 * @module
 */
import { DatasetError, openMappedLog, type LogMapping, type MappedLog } from '@bhschain/datasets';
import type { NamedColumns } from './columns.js';

export interface GroupAct {
  readonly actor: string;
  readonly act: string;
}

export interface EventLogActs {
  readonly acts: readonly GroupAct[];
  /** What was left out, in words. */
  readonly notes: readonly string[];
}

/** Names of a column of times where none is given. */
const TIMES = ['time', 'date'];
/** Seconds since 1970, milliseconds, and any other whole number have one order, which is all that counts here. */
const FORMS = ['iso', 'date', 'epoch-ms'] as const;

/**
 * @param options.order - `file`: rows are in the order of time as they stand; otherwise they are put into it
 * @throws {DatasetError} as `openMappedLog`
 */
export async function readActs(
  file: string,
  options: Readonly<{ columns: NamedColumns; order?: 'file' | undefined }>,
): Promise<EventLogActs> {
  const log = await openLog(file, options.columns);
  const rows: { timeMs: number; group: string | null; act: string }[] = [];
  for await (const { timeMs, ward, code } of log.events()) {
    const group = ward === 'NA' ? null : ward;
    rows.push({ timeMs, group, act: log.vocabulary!.activities[Number(code)]! });
  }
  if (options.order === undefined) rows.sort((a, b) => a.timeMs - b.timeMs);
  const acts = rows.flatMap(({ group, act }) => (group === null ? [] : [{ actor: group, act }]));
  const notes: string[] = [];
  if (acts.length < rows.length) {
    notes.push(`${rows.length - acts.length} of ${rows.length} rows without a group were left out`);
  }
  const { lines, malformedCount, malformed } = log.counts();
  if (malformedCount > 0) {
    const [{ line, reason }] = malformed as [{ line: number; reason: string }];
    notes.push(
      `${malformedCount} of ${lines} lines cannot be read and were left out, the first is line ${line}: ${reason}`,
    );
  }
  return { acts, notes };
}

/** With the first column and form of time in which a row can be read. */
async function openLog(file: string, columns: NamedColumns): Promise<MappedLog> {
  const faults: DatasetError[] = [];
  for (const mapping of mappingsOf(columns)) {
    const open = (): Promise<MappedLog> => openMappedLog(file, { mapping, nodeId: 'log' });
    try {
      const events = (await open()).events();
      await events.next();
      await events.return(undefined);
      return await open();
    } catch (error) {
      if (!isFault(error, 'ERR_EVENT_LOG_HEADER') && !isFault(error, 'ERR_EVENT_LOG_MALFORMED')) {
        throw error;
      }
      faults.push(error);
    }
  }
  // Rows that cannot be read say more than a column that might have been there under another name.
  throw faults.find((fault) => isFault(fault, 'ERR_EVENT_LOG_MALFORMED')) ?? faults[0]!;
}

function mappingsOf({ case: caseName, time, group, activity }: NamedColumns): LogMapping[] {
  const act = activity ?? 'activity';
  const columns = {
    activity: act,
    // An event needs an actor, and a row may be without a group: so the group is the ward, and the actor something always there.
    actor: act,
    ward: group ?? 'group',
    ...(caseName === undefined ? {} : { patient: caseName }),
  };
  return (time === undefined ? TIMES : [time]).flatMap((name) =>
    FORMS.map((timeForm): LogMapping => ({ columns: { ...columns, time: name }, timeForm })),
  );
}

export function isFault(error: unknown, code: DatasetError['code']): error is DatasetError {
  return error instanceof DatasetError && error.code === code;
}
