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

function neitherKind(file: string): (cause: unknown) => never {
  return (cause) => {
    if (!isHeaderFault(cause)) throw cause;
    throw new ExperimentError(
      'ERR_EVALUATE_FILES',
      `--train: ${file}: expected a header with session, label, events (other names: --columns id=…,label=…,events=…) or, ` +
        'of an event log, case, seq, date or time, group, activity',
      { option: '--train', file },
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
  const trainRows = await actsOf(train).catch(neitherKind(train));
  const calibrateRows = calibrate === undefined ? [] : await actsOf(calibrate);
  const testRows = test === undefined ? [] : await actsOf(test);
  const all = [...trainRows, ...calibrateRows, ...testRows];
  // Rows in file order are time order, so the row number is the clock.
  const rows = all.map(({ actor, act }, time): ActorAct => ({ actor, act, time }));
  const calibrateFrom =
    calibrate === undefined
      ? Math.floor((1 - CALIBRATION_SHARE) * trainRows.length)
      : trainRows.length;
  const parts = injectUserSwitch(rows, {
    seed,
    share: switchShare,
    ...(test === undefined
      ? {}
      : { borders: [calibrateFrom, trainRows.length + calibrateRows.length] as const }),
  });
  return {
    ...switchedSessions(parts),
    calibrateFrom: calibrate === undefined ? 'later part of the log' : 'a file',
  };
}

async function actsOf(file: string): Promise<Pick<ActorAct, 'actor' | 'act'>[]> {
  const { rows } = await readEventLog(file);
  return rows
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .flatMap(({ group, activity }) => (group === null ? [] : [{ actor: group, act: activity }]));
}
