/**
 * What the demo runs on: the simulated consortium or a real event log, written as each hospital's own access log, with
 * the truth about planted incidents kept apart.
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import {
  createConsortium,
  createLogConsortium,
  selectLiveCalls,
  writeConsortium,
  type Consortium,
  type LiveSelection,
} from '@bhschain/datasets';
import type { DemoFlags } from './flags.js';
import type { DemoRecord, StatePaths } from './state-directory.js';

/** Calls that go through the ledger in a demo: enough for a rate, few enough for a minute. */
export const LIVE_CALLS_MAX = 1500;

export interface DemoWorld {
  readonly consortium: Consortium;
  readonly selection: LiveSelection;
  readonly source: DemoRecord['source'];
  /** What the clock of the source is worth. */
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
  /** Sentences about the source for the summary (what was skipped, why training is noise …). */
  readonly notes: readonly string[];
}

/** @throws DatasetError for a log that cannot be opened or used */
export async function createWorld(flags: DemoFlags): Promise<DemoWorld> {
  const { hospitals, seed } = flags;
  if (flags.log === null) {
    const consortium = createConsortium({
      seed,
      hospitals,
      ...(flags.days === null ? {} : { days: flags.days }),
    });
    return {
      consortium,
      selection: selectLiveCalls(consortium, { seed, callsMax: LIVE_CALLS_MAX }),
      source: { kind: 'simulated' },
      timeGranularity: 'exact',
      notes: ['The hospitals, their staff and every access are simulated.'],
    };
  }
  const file = resolve(flags.log);
  const consortium = await createLogConsortium({
    file,
    hospitals,
    seed,
    ...(flags.days === null ? {} : { days: flags.days }),
  });
  const { log } = consortium;
  return {
    consortium,
    selection: selectLiveCalls(consortium, { seed, callsMax: LIVE_CALLS_MAX }),
    source: { kind: 'log', file, sha256: await sha256Of(file) },
    timeGranularity: log.timeGranularity,
    notes: [
      `Real log: ${log.rowCount} rows, ${log.malformedCount} malformed lines skipped, ${log.outOfOrderCount} rows out of time order. Each group is an actor.`,
      ...log.malformed.slice(0, 5).map((each) => `Skipped line ${each.line}: ${each.reason}`),
      `The log's clock is worth ${log.timeGranularity === 'day' ? 'days' : 'the order within a case'} only: columns of hour, gap and rate are absent, not zero.`,
      'The log is far too small to train at ε = 0.5: the updates are noise. Detection rests on detector 0 (simulated) and the profiles.',
    ],
  };
}

/** Writes the access logs and the truth. Nothing reads the truth but the summary and the scripted people. */
export function writeWorld(paths: StatePaths, world: DemoWorld): void {
  writeConsortium(world.consortium, {
    logsDir: paths.logs,
    truthFile: paths.truth,
    live: world.selection,
  });
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
