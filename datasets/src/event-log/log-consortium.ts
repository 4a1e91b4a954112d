/**
 * A consortium made of a real event log: each group or department is one actor, spread over the hospitals by event count;
 * activities are acts through the log's own code table; cases are patients, with a record in each hospital that touches them.
 *
 * What the clock says is kept to the day. Within a day the source's order stands (case by case), and times are only ordinals:
 * a log with dates has no hours, and a log shifted per case has none that mean anything.
 * @module
 */

import type { AccessEvent, TimeGranularity } from '@bhschain/models/features';
import {
  HOSPITALS_MAX,
  nodeIdsOf,
  type CodeTable,
  type Consortium,
  type ConsortiumHospital,
  type Incident,
} from '../consortium.js';
import { checkInteger, DatasetError } from '../errors.js';
import { randomStream } from '../random-stream.js';
import { codeTableOf, RECORD_SET_EXPORTED, SESSION_CLOSED, SESSION_OPENED } from './code-table.js';
import { readEventLog, type EventLog } from './event-log.js';
import { bulkReading, chooseSwaps, type ActorRow, type Swap } from './planting.js';

export interface LogConsortiumOptions {
  /** CSV as `readEventLog` takes it. */
  readonly file: string;
  /** 1 to 8. */
  readonly hospitals: number;
  readonly seed: number;
  /** Days of history before the live part; default 180. Profiles forget with a half-life of 30 days. */
  readonly days?: number;
  /** The live part is the last whole days with at least so many rows; default 1000. */
  readonly liveRowsLeast?: number;
  /** See `readEventLog`. */
  readonly malformedShareMax?: number;
}

export interface LogConsortium extends Consortium {
  readonly vocabulary: CodeTable;
  readonly log: Omit<EventLog, 'rows'> & { readonly rowCount: number };
  readonly swaps: readonly Swap[];
}

const DAY_MS = 86_400_000;
/** A log thins out at its end, where only the longest cases still run; that tail is no ordinary day. */
const TAIL_SHARE = 0.01;
const ROWS_LEAST = 500;
const SESSION_ROWS_MAX = 48;
const UNATTRIBUTED = 'unattributed';

/**
 * @throws {DatasetError} those of `readEventLog`, `ERR_DATASET_OPTION`, and `ERR_EVENT_LOG_TOO_SMALL` below 500 rows or
 *   without history before the live part
 */
export async function createLogConsortium(options: LogConsortiumOptions): Promise<LogConsortium> {
  return logConsortiumOf(await readEventLog(options.file, options), options);
}

/** The same from a log that is already read, or simulated. `file` only names it in errors. */
export function logConsortiumOf(log: EventLog, options: LogConsortiumOptions): LogConsortium {
  const count = checkInteger('hospitals', options.hospitals, { least: 1, most: HOSPITALS_MAX });
  const seed = checkInteger('seed', options.seed, { least: 0, most: Number.MAX_SAFE_INTEGER });
  const days = checkInteger('days', options.days ?? 180, { least: 1, most: 36_600 });
  const liveRowsLeast = checkInteger('liveRowsLeast', options.liveRowsLeast ?? 1_000, {
    least: 1,
    most: 1_000_000,
  });
  const vocabulary = codeTableOf(log.rows.map((row) => row.activity));
  const { rows, liveFromDay, endDay } = frame(options.file, log, vocabulary, {
    days,
    liveRowsLeast,
  });
  const homes = spread(rows, nodeIdsOf(count));
  const history = rows.filter((row) => row.day < liveFromDay);
  const live = rows.filter((row) => row.day >= liveFromDay);
  const swaps = chooseSwaps(history, live);
  const sessions = [...sessionsOf(history, []), ...sessionsOf(live, swaps)];
  const bulk = plantBulkReading({ seed, history, live, swaps });
  const built = buildEvents({
    seed,
    sessions: [...sessions, ...bulk],
    homes,
    granularity: log.timeGranularity,
  });
  return {
    hospitals: nodeIdsOf(count).map((nodeId) => hospitalOf(nodeId, homes, built.events)),
    truth: built.truth,
    startMs: (rows[0]?.day ?? liveFromDay) * DAY_MS,
    liveFromMs: liveFromDay * DAY_MS,
    endMs: (endDay + 1) * DAY_MS,
    vocabulary,
    swaps,
    log: {
      rowCount: log.rows.length,
      timeGranularity: log.timeGranularity,
      malformedCount: log.malformedCount,
      malformed: log.malformed,
      outOfOrderCount: log.outOfOrderCount,
    },
  };
}

/** Rows in order of day, case and source, cut to history and live part. */
function frame(
  file: string,
  log: EventLog,
  vocabulary: CodeTable,
  options: Readonly<{ days: number; liveRowsLeast: number }>,
): { rows: ActorRow[]; liveFromDay: number; endDay: number } {
  if (log.rows.length < ROWS_LEAST) {
    throw new DatasetError(
      'ERR_EVENT_LOG_TOO_SMALL',
      `${file}: expected at least ${ROWS_LEAST} rows, got ${log.rows.length}`,
      { file, rows: log.rows.length },
    );
  }
  const codes = new Map(vocabulary.activities.map((activity, code) => [activity, code]));
  const all = log.rows
    .map((row): ActorRow => ({
      row,
      code: codes.get(row.activity)!,
      actor: row.group ?? UNATTRIBUTED,
      day: Math.floor(row.timeMs / DAY_MS),
    }))
    .sort(
      (a, b) =>
        a.day - b.day ||
        (a.row.case < b.row.case ? -1 : a.row.case > b.row.case ? 1 : 0) ||
        a.row.sequence - b.row.sequence,
    );
  const last = Math.floor((all.length - 1) * (1 - TAIL_SHARE));
  const endDay = all[last]!.day;
  const liveFromDay = all[Math.max(0, last - options.liveRowsLeast + 1)]!.day;
  const firstDay = liveFromDay - options.days;
  if (all[0]!.day >= liveFromDay) {
    throw new DatasetError(
      'ERR_EVENT_LOG_TOO_SMALL',
      `${file}: no day of history before the live part of ${options.liveRowsLeast} rows`,
      { file, rows: log.rows.length, liveRowsLeast: options.liveRowsLeast },
    );
  }
  return {
    rows: all.filter(({ day }) => day >= firstDay && day <= endDay),
    liveFromDay,
    endDay,
  };
}

/** Actor → hospital: the largest first, each to the hospital with the least load so far. */
function spread(
  rows: readonly ActorRow[],
  nodeIds: readonly string[],
): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const { actor } of rows) counts.set(actor, (counts.get(actor) ?? 0) + 1);
  const loads = nodeIds.map((nodeId) => ({ nodeId, load: 0 }));
  const homes = new Map<string, string>();
  const largestFirst = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  for (const [actor, count] of largestFirst) {
    const least = loads.reduce((best, next) => (next.load < best.load ? next : best));
    least.load += count;
    homes.set(actor, least.nodeId);
  }
  return homes;
}

interface LogSession {
  readonly actor: string;
  readonly day: number;
  readonly incident: { kind: 'actor swap' | 'bulk reading'; difficulty: 1 | 2 } | null;
  readonly steps: readonly Readonly<{ code: number; record: string | null; records: number }>[];
}

/** One actor's rows of one day, in sessions of at most 48. A swapped actor's rows go to the other one. */
function sessionsOf(rows: readonly ActorRow[], swaps: readonly Swap[]): LogSession[] {
  const open = new Map<
    string,
    LogSession & { steps: { code: number; record: string; records: 1 }[] }
  >();
  const sessions: LogSession[] = [];
  for (const { row, code, actor, day } of rows) {
    const swap = swaps.find((s) => s.actors.includes(actor) && day >= s.fromDay);
    const by = swap === undefined ? actor : swap.actors[swap.actors[0] === actor ? 1 : 0];
    const key = `${day} ${by}`;
    let session = open.get(key);
    if (session === undefined || session.steps.length >= SESSION_ROWS_MAX) {
      session = {
        actor: by,
        day,
        steps: [],
        incident: swap === undefined ? null : { kind: 'actor swap', difficulty: 2 },
      };
      open.set(key, session);
      sessions.push(session);
    }
    session.steps.push({ code, record: row.case, records: 1 });
  }
  return sessions;
}

function plantBulkReading(
  options: Readonly<{
    seed: number;
    history: readonly ActorRow[];
    live: readonly ActorRow[];
    swaps: readonly Swap[];
  }>,
): LogSession[] {
  const { history, live } = options;
  const random = randomStream(options.seed, 'bulk reading');
  const swapped = new Set(options.swaps.flatMap((swap) => swap.actors));
  const known = new Map<string, number[]>();
  for (const { actor, code } of history)
    known.set(actor, [...(known.get(actor) ?? []), code].slice(-500));
  const busy = [...known].filter(([actor, codes]) => codes.length >= 100 && !swapped.has(actor));
  const days = [...new Set(live.map((row) => row.day))];
  return random
    .shuffled(busy)
    .slice(0, 2)
    .map(([actor, codes]): LogSession => ({
      actor,
      day: random.pick(days),
      incident: { kind: 'bulk reading', difficulty: 1 },
      steps: bulkReading(codes, random),
    }));
}

function buildEvents(
  options: Readonly<{
    seed: number;
    sessions: readonly LogSession[];
    homes: ReadonlyMap<string, string>;
    granularity: TimeGranularity;
  }>,
): { events: ReadonlyMap<string, AccessEvent[]>; truth: Incident[] } {
  const { homes } = options;
  const random = randomStream(options.seed, 'event log names');
  const days = new Map<string, LogSession[]>();
  for (const session of options.sessions) {
    const key = `${homes.get(session.actor)!} ${session.day}`;
    days.set(key, [...(days.get(key) ?? []), session]);
  }
  const events = new Map<string, AccessEvent[]>([...homes.values()].map((id) => [id, []]));
  const guilty = new Map<string, { session: LogSession; events: AccessEvent[] }>();
  for (const key of [...days.keys()].sort(byHospitalAndDay)) {
    const sessions = days.get(key)!;
    const count = sessions.reduce((sum, session) => sum + session.steps.length + 2, 0);
    const tickMs = Math.floor(DAY_MS / (count + 1));
    let timeMs = sessions[0]!.day * DAY_MS;
    for (const session of sessions) {
      const nodeId = homes.get(session.actor)!;
      const name = `${nodeId}.s.${random.hex(12)}`;
      const into = events.get(nodeId)!;
      const write = (step: LogSession['steps'][number], action: AccessEvent['action']): void => {
        timeMs += tickMs;
        const { granularity } = options;
        into.push(
          logEvent({
            ...step,
            action,
            nodeId,
            session: name,
            actor: session.actor,
            timeMs,
            granularity,
            sequence: into.length + 1,
            eventId: `${nodeId}-${random.hex(14)}`,
          }),
        );
      };
      write({ code: SESSION_OPENED, record: null, records: 1 }, 'login');
      const from = into.length;
      for (const step of session.steps) {
        write(step, step.code === RECORD_SET_EXPORTED ? 'export' : 'read');
      }
      if (session.incident !== null) {
        const of = `${session.incident.kind} ${session.actor}`;
        const known = guilty.get(of) ?? { session, events: [] };
        known.events.push(...into.slice(from));
        guilty.set(of, known);
      }
      write({ code: SESSION_CLOSED, record: null, records: 1 }, 'logout');
    }
  }
  const truth = [...guilty.values()].map(({ session, events: found }, i): Incident => ({
    id: `I${String(i + 1).padStart(2, '0')}`,
    scenario: session.incident!.kind === 'actor swap' ? 'S4' : 'S5',
    kind: session.incident!.kind,
    difficulty: session.incident!.difficulty,
    nodeId: found[0]!.nodeId,
    actor: found[0]!.actor,
    eventIds: found.map((event) => event.eventId),
    startMs: found[0]!.timeMs,
    endMs: found[found.length - 1]!.timeMs,
    expected: 'quarantined',
  }));
  return { events, truth };
}

function byHospitalAndDay(a: string, b: string): number {
  const [hospitalA, dayA] = a.split(' ') as [string, string];
  const [hospitalB, dayB] = b.split(' ') as [string, string];
  return hospitalA < hospitalB ? -1 : hospitalA > hospitalB ? 1 : Number(dayA) - Number(dayB);
}

function logEvent(
  facts: Readonly<{
    eventId: string;
    nodeId: string;
    session: string;
    actor: string;
    timeMs: number;
    granularity: TimeGranularity;
    sequence: number;
    action: AccessEvent['action'];
    code: number;
    record: string | null;
    records: number;
  }>,
): AccessEvent {
  const { nodeId, record } = facts;
  return {
    eventId: facts.eventId,
    source: 'native',
    nodeId,
    timeMs: facts.timeMs,
    timeBasis: 'recorded',
    timeGranularity: facts.granularity,
    sequence: BigInt(facts.sequence),
    actor: `${nodeId}.${facts.actor}`,
    // A department stands in for one person: the log names nobody else.
    actorClass: 'person',
    role: 'unknown',
    ward: facts.actor,
    session: facts.session,
    action: facts.action,
    resourceType: record === null ? 'account' : 'observation',
    section: record === null && facts.action !== 'export' ? 'none' : 'results',
    sensitivity: 'unknown',
    purpose: 'treatment',
    breakGlass: false,
    breakGlassReason: 'none',
    patient: record === null ? null : `${nodeId}-${record}`,
    recordCount: facts.records,
    bytes: null,
    outcome: 'success',
    channel: 'unknown',
    device: null,
    network: 'unknown',
    code: String(facts.code),
  };
}

function hospitalOf(
  nodeId: string,
  homes: ReadonlyMap<string, string>,
  events: ReadonlyMap<string, readonly AccessEvent[]>,
): ConsortiumHospital {
  return {
    nodeId,
    staff: [...homes]
      .filter(([, home]) => home === nodeId)
      .map(([actor]) => ({
        actor: `${nodeId}.${actor}`,
        role: 'unknown' as const,
        ward: actor,
        class: 'person' as const,
      })),
    events: () => events.get(nodeId) ?? [],
  };
}
