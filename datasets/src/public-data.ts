/**
 * The public data sets that studies use, from a local folder: HDFS, ADFA-LD, LANL, Sepsis, BPIC 2011. Nothing of them is
 * shipped; each has terms of its own.
 * @module
 */

import { join } from 'node:path';
import { DatasetError } from './errors.js';
import { csvFields } from './event-log/csv-line.js';
import { readEventLog, type LogRow } from './event-log/event-log.js';
import {
  openSessionLog,
  type LabelledSession,
  type SessionColumns,
} from './readers/session-log.js';
import type { ActorAct } from './splits/user-switch.js';
import { linesOf } from './text-lines.js';

export interface SessionData {
  /** Normal only, in the order of the source. */
  readonly train: readonly LabelledSession[];
  readonly test: readonly LabelledSession[];
  /** Sort by this for skewed nodes: the first events of a session. */
  readonly skewKeyOf: (session: LabelledSession) => string;
}

const FIRST_EVENTS = 5;
const skewKeyOf = (session: LabelledSession): string =>
  session.events
    .slice(0, FIRST_EVENTS)
    .map((event) => event.padStart(4, '0'))
    .join(' ');

/**
 * HDFS sessions (Xu et al. 2009): 4,855 normal ones to train, 1,000 + 1,000 to test; no times, so the order of the source.
 *
 * @param dataDir - the folder that holds `hdfs_sessions/`
 * @param options.extra - also the 8,419 further abnormal sessions; default false
 * @throws {DatasetError} as `openSessionLog`
 */
export async function loadHdfs(
  dataDir: string,
  options: Readonly<{ extra?: boolean }> = {},
): Promise<SessionData> {
  const of = (file: string): Promise<LabelledSession[]> =>
    sessionsOf(join(dataDir, 'hdfs_sessions', file));
  const test = await of('valid_labelled.csv.gz');
  return {
    train: await of('train_normal.csv.gz'),
    test: options.extra === true ? [...test, ...(await of('abnormal_extra.csv.gz'))] : test,
    skewKeyOf,
  };
}

/**
 * ADFA-LD system-call traces (Creech and Hu 2013): 833 normal ones to train, 2,186 normal and 429 of three attack families to test.
 *
 * @throws {DatasetError} as `openSessionLog`
 */
export async function loadAdfa(dataDir: string): Promise<SessionData> {
  const columns = { id: 'trace', label: 'class', events: 'syscalls' };
  const of = (file: string): Promise<LabelledSession[]> =>
    sessionsOf(join(dataDir, 'adfa_ld', file), columns);
  return {
    train: await of('train_normal.csv.gz'),
    test: [...(await of('validation_normal_a.csv.gz')), ...(await of('attack_a.csv.gz'))],
    skewKeyOf,
  };
}

async function sessionsOf(file: string, columns?: SessionColumns): Promise<LabelledSession[]> {
  const sessions: LabelledSession[] = [];
  const log = openSessionLog(file, columns === undefined ? {} : { columns });
  for await (const session of log.sessions()) sessions.push(session);
  return sessions;
}

export interface ActData {
  /** In order of time. */
  readonly rows: readonly ActorAct[];
  /** Natural borders of train, calibration and test, where shares make no sense. */
  readonly borders: readonly [number, number] | null;
  /** Node skew: whole actors stay together. */
  readonly skewKeyOf: (row: ActorAct) => string;
}

const actorOf = (row: ActorAct): string => row.actor;

/** BPIC 2011 (van Dongen 2011): departments as actors, activities as acts; dates only, so days are the time. */
export function loadBpic2011(dataDir: string): Promise<ActData> {
  return actsOf(join(dataDir, 'hospital_event_logs', 'bpic2011_hospital.csv.gz'));
}

/** Sepsis cases (Mannhardt 2016): groups as actors; times are shifted per case, so only the day counts. */
export function loadSepsis(dataDir: string): Promise<ActData> {
  return actsOf(join(dataDir, 'hospital_event_logs', 'sepsis.csv.gz'));
}

async function actsOf(file: string): Promise<ActData> {
  const { rows } = await readEventLog(file);
  const named = rows.filter((row): row is LogRow & { group: string } => row.group !== null);
  return {
    rows: named
      .map((row) => ({ row, day: Math.floor(row.timeMs / 86_400_000) }))
      .sort(
        (a, b) =>
          a.day - b.day ||
          (a.row.case < b.row.case ? -1 : a.row.case > b.row.case ? 1 : 0) ||
          a.row.sequence - b.row.sequence,
      )
      .map(({ row, day }) => ({ actor: row.group, act: row.activity, time: day })),
    borders: null,
    skewKeyOf: actorOf,
  };
}

const LANL_COLUMNS = [
  'day',
  'second',
  'src_user',
  'dst_computer',
  'auth_type',
  'logon_type',
  'orientation',
  'result',
] as const;

/**
 * LANL authentications (Kent 2015), three slices of minutes on three days: users as actors, an act is orientation, kind and
 * result of an authentication. Days 0 and 1 are profile, day 2 is test; there is no calibration slice of its own.
 *
 * @throws {DatasetError} `ERR_EVENT_LOG_HEADER`, `ERR_EVENT_LOG_MALFORMED` with the line
 */
export async function loadLanl(dataDir: string): Promise<ActData> {
  const file = join(dataDir, 'auth_logs', 'lanl_auth_sample.csv.gz');
  const rows: ActorAct[] = [];
  let names: readonly string[] | null = null;
  let line = 0;
  for await (const text of linesOf(file)) {
    line++;
    const fields = csvFields(text);
    if (names === null) {
      names = fields ?? [];
      const missing = LANL_COLUMNS.filter((name) => !names!.includes(name));
      if (missing.length > 0) {
        throw new DatasetError(
          'ERR_EVENT_LOG_HEADER',
          `${file}: expected ${LANL_COLUMNS.join(', ')}; missing ${missing.join(', ')}`,
          { file, missing: missing.join(', ') },
        );
      }
      continue;
    }
    const value = (name: (typeof LANL_COLUMNS)[number]): string =>
      fields?.[names!.indexOf(name)] ?? '';
    if (fields?.length !== names.length || !/^\d+$/.test(value('second'))) {
      throw new DatasetError(
        'ERR_EVENT_LOG_MALFORMED',
        `${file}: line ${line}: expected ${names.length} fields and whole seconds`,
        { file, line },
      );
    }
    const act = [value('orientation'), value('logon_type'), value('auth_type'), value('result')];
    // Where to is part of what somebody does.
    rows.push({
      actor: value('src_user'),
      act: [...act, value('dst_computer')].join(' '),
      time: Number(value('day')) * 86_400 + (Number(value('second')) % 86_400),
    });
  }
  return { rows, borders: [2 * 86_400, 2 * 86_400], skewKeyOf: actorOf };
}
