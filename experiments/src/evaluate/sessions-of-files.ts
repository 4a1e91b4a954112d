/**
 * What a user brings, as training, calibration and test sessions: labelled session CSVs as they are; event logs without
 * labels as windows per actor, with user switches planted into the test part – and said so.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  DatasetError,
  injectUserSwitch,
  openSessionLog,
  parseColumns,
  readEventLog,
  SHARES,
  type ActorAct,
  type LabelledSession,
} from '@bhschain/datasets';
import { switchedSessions, type Session } from '../detectors/index.js';
import { ExperimentError } from '../errors.js';

export interface FileOptions {
  readonly train: string;
  /** May be absent for an event log, which is then split by time. */
  readonly test?: string | undefined;
  readonly calibrate?: string | undefined;
  /** `id=session,label=label,events=events[,group=user]`; event logs have columns of their own. */
  readonly columns?: string | undefined;
  /** Share of foreign acts in a switched window of an event log. */
  readonly switchShare: number;
  readonly seed: number;
}

export interface InputFile {
  readonly file: string;
  readonly sha256: string;
}

export interface FileSessions {
  readonly kind: 'labelled sessions' | 'event log with planted user switches';
  readonly files: Readonly<Record<string, InputFile>>;
  readonly train: readonly Session[];
  readonly calibrate?: readonly Session[];
  readonly calibrateFrom?: string;
  readonly test: readonly Session[];
  /** What was left out of the files. */
  readonly notes?: readonly string[];
}

/** Share of an event log's training rows, the latest, that fixes the threshold. */
const CALIBRATION_SHARE = 0.2;

/**
 * @throws {ExperimentError} `ERR_EVALUATE_FILES`; {DatasetError} with file and line for what cannot be read
 */
export async function sessionsOfFiles(options: FileOptions): Promise<FileSessions> {
  const files = hashed(options);
  if (options.columns === undefined && !(await isLabelled(options.train))) {
    return { files, kind: 'event log with planted user switches', ...(await planted(options)) };
  }
  if (options.test === undefined) {
    throw new ExperimentError(
      'ERR_EVALUATE_FILES',
      '--test: expected a file beside --train for labelled sessions, got none',
      { option: '--test' },
    );
  }
  return {
    files,
    kind: 'labelled sessions',
    train: await labelled(options.train, options.columns),
    ...(options.calibrate === undefined
      ? {}
      : { calibrate: await labelled(options.calibrate, options.columns) }),
    test: await labelled(options.test, options.columns),
  };
}

function hashed({ train, test, calibrate }: FileOptions): Record<string, InputFile> {
  const named = { train, test, calibrate };
  const files: Record<string, InputFile> = {};
  for (const [part, file] of Object.entries(named)) {
    if (file === undefined) continue;
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (cause) {
      throw new ExperimentError(
        'ERR_EVALUATE_FILES',
        `--${part}: expected a readable file, got ${JSON.stringify(file)} (${(cause as Error).message})`,
        { option: `--${part}`, file },
        { cause },
      );
    }
    files[part] = { file, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  return files;
}

async function labelled(file: string, columns: string | undefined): Promise<LabelledSession[]> {
  const log = openSessionLog(file, columns === undefined ? {} : { columns: parseColumns(columns) });
  const sessions: LabelledSession[] = [];
  for await (const session of log.sessions()) sessions.push(session);
  return sessions;
}

/** A labelled log is told by its header alone, so that a faulty line further down is reported as what it is. */
async function isLabelled(file: string): Promise<boolean> {
  try {
    await openSessionLog(file).sessions().next();
    return true;
  } catch (error) {
    return !isHeaderFault(error);
  }
}

function isHeaderFault(error: unknown): boolean {
  return error instanceof DatasetError && error.code === 'ERR_EVENT_LOG_HEADER';
}

function neitherKind(option: string, file: string): (cause: unknown) => never {
  return (cause) => {
    if (!isHeaderFault(cause)) throw cause;
    throw new ExperimentError(
      'ERR_EVALUATE_FILES',
      `${option}: ${file}: expected a header with session, label, events (other names: --columns id=…,label=…,events=…) or, ` +
        'of an event log, case, seq, date or time, group, activity',
      { option, file },
      { cause },
    );
  };
}

async function planted({
  train,
  test,
  calibrate,
  switchShare,
  seed,
}: FileOptions): Promise<Omit<FileSessions, 'kind' | 'files'>> {
  const notes: string[] = [];
  const trainActs = await actsOf('--train', train, notes);
  const calibrateActs =
    calibrate === undefined ? [] : await actsOf('--calibrate', calibrate, notes);
  const testActs = test === undefined ? [] : await actsOf('--test', test, notes);
  // A threshold of its own file and no test file: the end of the training file is tested, and stands behind the calibration.
  const cut =
    calibrate !== undefined && test === undefined
      ? Math.ceil((1 - SHARES.test) * trainActs.length)
      : trainActs.length;
  const all = [...trainActs.slice(0, cut), ...calibrateActs, ...trainActs.slice(cut), ...testActs];
  // Rows are in the order of time, so the row number is the clock.
  const rows = all.map((act, time): ActorAct => ({ ...act, time }));
  const calibrateFrom = calibrate === undefined ? Math.floor((1 - CALIBRATION_SHARE) * cut) : cut;
  const parts = injectUserSwitch(rows, {
    seed,
    share: switchShare,
    ...(calibrate === undefined && test === undefined
      ? {}
      : { borders: [calibrateFrom, cut + calibrateActs.length] as const }),
  });
  return {
    ...switchedSessions(parts),
    calibrateFrom: calibrate === undefined ? 'later part of the log' : 'a file',
    notes,
  };
}

type Act = Pick<ActorAct, 'actor' | 'act'>;

async function actsOf(option: string, file: string, notes: string[]): Promise<Act[]> {
  const { rows } = await readEventLog(file).catch(neitherKind(option, file));
  const acts = rows
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .flatMap(({ group, activity }) => (group === null ? [] : [{ actor: group, act: activity }]));
  if (acts.length < rows.length) {
    notes.push(
      `${option}: ${rows.length - acts.length} of ${rows.length} rows without a group were left out`,
    );
  }
  return acts;
}
