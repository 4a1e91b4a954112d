/**
 * The access log of this node, followed into its window store.
 * @module
 */
import { join } from 'node:path';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { ACT_COUNT } from '@bhschain/models/features';
import {
  createHandles,
  createLogFollower,
  createWindowStore,
  readOrMakeNodeKey,
  type LogFollower,
  type WindowStore,
} from '../access-log/index.js';
import { readActorDirectory, type ActorDirectory } from '../enrolment/actor-directory.js';
import { HospitalNodeError } from '../errors.js';
import { openCareRecords, type CareRecords } from '../second-line/care-records.js';
import { openDayLog } from '../second-line/day-log.js';
import { untilAnswered, type NodeDatabase } from '../store/index.js';
import type { Lifetime } from './lifetime.js';
import type { Surroundings } from './surroundings.js';

export interface LogPart {
  readonly follower: LogFollower;
  readonly windows: WindowStore;
  readonly directory: ActorDirectory;
  readonly care: CareRecords;
  /** Why the log is not followed any more, or null. */
  readonly fault: () => HospitalNodeError | null;
}

const POLL_MS = 1_000;

export async function openLog(
  { config, log, fillBytes, sleep }: Surroundings,
  lifetime: Lifetime,
  database: NodeDatabase,
): Promise<LogPart> {
  const { binMs, retentionDays } = config.windows;
  const handles = createHandles(readOrMakeNodeKey(join(config.stateDir, 'node.key'), fillBytes));
  const windows = patient(createWindowStore({ database, binMs, retentionDays }), lifetime.signal);
  const care = openCareRecords(config.secondLine, handles, log.child({ part: 'second line' }));
  const days = await openDayLog({ database, care });
  const follower = lifetime.own(
    await createLogFollower({
      ...config.log,
      nodeId: config.nodeId,
      handles,
      store: windows,
      binMs,
      timeGranularity: config.timeGranularity,
      // A coded source has acts of its own, of which the public role tables know nothing.
      roles: config.vocabulary === null ? DETECTOR_ZERO.detector.roles : null,
      vocabularySize: config.vocabulary?.size ?? ACT_COUNT,
      // Where the clock is worth an order only, there are no days.
      days: config.timeGranularity === 'case-shifted' ? null : days,
      log: log.child({ part: 'access-log' }),
    }),
    (opened) => opened.close(),
  );
  let fault: HospitalNodeError | null = null;
  lifetime.run('access log', async (signal) => {
    const over = (): boolean => signal.aborted;
    while (!over() && fault === null) {
      try {
        await follower.pump();
      } catch (error) {
        if (over() || !(error instanceof HospitalNodeError)) throw error;
        // More lines would not make a refused log better: a person has to look. Review goes on, rounds are declined.
        fault = error;
        log.error({ code: error.code, facts: error.facts }, 'access log not followed any more');
      }
      await sleep(POLL_MS, signal).catch(() => undefined);
    }
  });
  return {
    follower,
    windows,
    care,
    directory: readActorDirectory(config.actorsFile, handles),
    fault: () => fault,
  };
}

/**
 * A server that is away stops the reading where it is: what was cut from the log already would otherwise be in no window,
 * and a round that was paid for would be lost.
 */
function patient(windows: WindowStore, signal: AbortSignal): WindowStore {
  return {
    readingState: () => windows.readingState(),
    actors: () => windows.actors(),
    commit: (change) => untilAnswered(() => windows.commit(change), signal),
    trainingWindows: (interval, labels) =>
      untilAnswered(() => windows.trainingWindows(interval, labels), signal),
    count: (interval) => untilAnswered(() => windows.count(interval), signal),
  };
}
