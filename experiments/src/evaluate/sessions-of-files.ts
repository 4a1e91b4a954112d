/**
 * What a user brings, as training, calibration and test sessions: labelled session CSVs as they are; event logs without
 * labels as windows per actor, with user switches planted into the test part – and said so.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  injectUserSwitch,
  openSessionLog,
  SHARES,
  type ActorAct,
  type LabelledSession,
} from '@bhschain/datasets';
import { switchedSessions, type Session } from '../detectors/index.js';
import { ExperimentError } from '../errors.js';
import { kindNamed, namedColumns, sessionColumns, type NamedColumns } from './columns.js';
import { isFault, readActs, type GroupAct } from './event-log.js';

export interface FileOptions {
  readonly train: string;
  /** May be absent for an event log, which is then split by time. */
  readonly test?: string | undefined;
  readonly calibrate?: string | undefined;
  /** `id=session,label=label,events=events[,group=user]`, or of an event log `case=…,time=…,group=…,activity=…`. */
  readonly columns?: string | undefined;
  /** `file`: rows of an event log are in the order of time as they stand; otherwise their times say. Sessions always are. */
  readonly order?: 'file' | undefined;
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
 * @throws {ExperimentError} `ERR_EVALUATE_FILES`, `ERR_EVALUATE_COLUMNS`; {DatasetError} with file and line for what cannot be read
 */
export async function sessionsOfFiles(options: FileOptions): Promise<FileSessions> {
  const files = hashed(options);
  const columns = options.columns === undefined ? {} : namedColumns(options.columns);
  const kind = kindNamed(columns) ?? (await kindOf(options.train, columns));
  if (kind === 'event log') {
    const sessions = await planted(options, columns);
    return { files, kind: 'event log with planted user switches', ...sessions };
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
    train: await labelled(options.train, columns),
    ...(options.calibrate === undefined
      ? {}
      : { calibrate: await labelled(options.calibrate, columns) }),
    test: await labelled(options.test, columns),
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

async function labelled(file: string, columns: NamedColumns): Promise<LabelledSession[]> {
  const sessions: LabelledSession[] = [];
  const log = openSessionLog(file, { columns: sessionColumns(columns) });
  for await (const session of log.sessions()) sessions.push(session);
  return sessions;
}

/** A labelled log is told by its header alone, so that a faulty line further down is reported as what it is. */
async function kindOf(file: string, columns: NamedColumns): Promise<'sessions' | 'event log'> {
  try {
    await openSessionLog(file, { columns: sessionColumns(columns) })
      .sessions()
      .next();
    return 'sessions';
  } catch (error) {
    return isFault(error, 'ERR_EVENT_LOG_HEADER') ? 'event log' : 'sessions';
  }
}

async function planted(
  { train, test, calibrate, order, switchShare, seed }: FileOptions,
  columns: NamedColumns,
): Promise<Omit<FileSessions, 'kind' | 'files'>> {
  const notes: string[] = [];
  const actsOf = async (option: string, file: string | undefined): Promise<readonly GroupAct[]> => {
    if (file === undefined) return [];
    const log = await readActs(file, { columns, order }).catch(
      withoutColumns(option, file, columns),
    );
    notes.push(...log.notes.map((note) => `${option}: ${note}`));
    return log.acts;
  };
  const trainActs = await actsOf('--train', train);
  const calibrateActs = await actsOf('--calibrate', calibrate);
  const testActs = await actsOf('--test', test);
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

function withoutColumns(
  option: string,
  file: string,
  columns: NamedColumns,
): (cause: unknown) => never {
  return (cause) => {
    if (!isFault(cause, 'ERR_EVENT_LOG_HEADER')) throw cause;
    const expected =
      kindNamed(columns) === null
        ? 'a header with session, label, events (other names: --columns id=…,label=…,events=…) or, of an event log, ' +
          'time or date, group, activity (other names: --columns case=…,time=…,group=…,activity=…)'
        : `a column ${JSON.stringify(cause.facts['missing'])}`;
    throw new ExperimentError(
      'ERR_EVALUATE_FILES',
      `${option}: ${file}: expected ${expected}, got ${JSON.stringify(cause.facts['got'])}`,
      { option, file },
      { cause },
    );
  };
}
