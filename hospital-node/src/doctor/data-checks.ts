/** DAT: the access log, and what was cut from it. Counts stay in this hospital. @module */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { createHandles, NODE_KEY_BYTES } from '../access-log/index.js';
import { createLineDecoder } from '../access-log/log-line-decoder.js';
import type { NodeConfig } from '../config.js';
import { readActorDirectory } from '../enrolment/actor-directory.js';
import { pass, skip, warn, type Check, type Look } from './check.js';
import { lookAtState, type ReadDatabase } from './node-state.js';

const MIB = 1024 * 1024;
const SAMPLE_LINES = 200;
const WINDOWS_WARN = 1_000;
const LATE_WARN_SHARE = 0.01;
const GAP_WARN_BINS = 1;
const NO_STATE = 'The node has not read its log yet.';

/** The source itself: these need no running node and no certificate. */
export function sourceChecks(config: NodeConfig): Check[] {
  // Handles are not looked at here, so any key will do.
  const handles = createHandles(new Uint8Array(NODE_KEY_BYTES));
  let sample: Sample | null = null;
  const read = (): Sample => (sample ??= sampleOf(config));
  return [
    {
      code: 'DAT-001',
      look: () => pass(`The access log is there, ${statSync(config.log.file).size} bytes.`),
    },
    {
      code: 'DAT-002',
      look: () => {
        if (config.log.file.endsWith('.gz'))
          return skip('A compressed log.', 'It is checked while it is read.');
        const { lines, faults } = read();
        if (lines === 0) return warn('The access log is empty.', 'Wait for its first line.');
        return faults.length === 0
          ? pass(`The first ${lines} lines are sound.`)
          : warn(
              `${faults.length} of the first ${lines} lines are malformed; ${faults[0]!}.`,
              'Mend the source; more than 1 % stops the node.',
            );
      },
    },
    {
      code: 'DAT-005',
      look: () => {
        if (config.log.file.endsWith('.gz'))
          return skip('A compressed log.', 'It is checked while it is read.');
        const { backwards, decoded } = read();
        if (decoded === 0) return skip('No line to look at.', 'See DAT-002.');
        return backwards === 0
          ? pass('The first lines are in time order, as far as the watermark allows.')
          : warn(
              `${backwards} of the first ${decoded} lines come later than the watermark of ${config.log.watermarkMs / 1000} s allows; they would count as late.`,
              'Let the source write in time order, or raise log.watermarkMs.',
            );
      },
    },
    {
      code: 'DAT-008',
      look: () =>
        pass(
          `${readActorDirectory(config.actorsFile, handles).entries.length} actors in the directory.`,
        ),
    },
  ];
}

/** What the node made of it. */
export function windowChecks(config: NodeConfig): Check[] {
  const look =
    (judge: (database: ReadDatabase) => Promise<Look>): (() => Promise<Look>) =>
    () =>
      lookAtState(config, judge);
  return [
    { code: 'DAT-003', look: look((database) => windowsOfNewestBin(database, config)) },
    { code: 'DAT-004', look: look((database) => gaps(database, config)) },
    { code: 'DAT-006', look: look(lateLines) },
    { code: 'DAT-007', look: look(labels) },
  ];
}

interface Sample {
  readonly lines: number;
  readonly decoded: number;
  readonly faults: readonly string[];
  readonly backwards: number;
}

function sampleOf(config: NodeConfig): Sample {
  const decode = createLineDecoder({
    ...config,
    handles: createHandles(new Uint8Array(NODE_KEY_BYTES)),
  });
  const lines = head(config.log.file).split('\n').slice(0, -1).slice(0, SAMPLE_LINES);
  const faults: string[] = [];
  let decoded = 0;
  let backwards = 0;
  let newestMs = -Infinity;
  lines.forEach((line, index) => {
    const result = decode(line);
    if (result.kind === 'malformed') {
      faults.push(`line ${index + 1}: ${result.reason}`);
      return;
    }
    if (result.call === null) return;
    const { timeMs } = result.event;
    decoded += 1;
    if (timeMs < newestMs - config.log.watermarkMs) backwards += 1;
    newestMs = Math.max(newestMs, timeMs);
  });
  return { lines: lines.length, decoded, faults, backwards };
}

function head(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(MIB);
    return bytes.toString('utf8', 0, readSync(handle, bytes));
  } finally {
    closeSync(handle);
  }
}

async function windowsOfNewestBin(database: ReadDatabase, config: NodeConfig): Promise<Look> {
  const row = await database
    .selectFrom('training_window')
    .select((e) => [e.fn.countAll<number>().as('windows'), 'bin_start_ms'])
    .groupBy('bin_start_ms')
    .orderBy('bin_start_ms', 'desc')
    .executeTakeFirst();
  if (row === undefined) return skip('No window has been cut yet.', 'Wait for the end of a bin.');
  const at = new Date(row.bin_start_ms).toISOString();
  const sentence = `${row.windows} windows in the newest bin of ${config.windows.binMs / 3_600_000} h (${at})`;
  return row.windows >= WINDOWS_WARN
    ? pass(`${sentence}.`)
    : warn(
        `${sentence}; at ε = 0.5 training learns next to nothing below ${WINDOWS_WARN}.`,
        'Nothing to mend: the public detector and the profiles do the work in a small hospital.',
      );
}

async function gaps(database: ReadDatabase, config: NodeConfig): Promise<Look> {
  const rows = await database
    .selectFrom('training_window')
    .select('bin_start_ms')
    .distinct()
    .orderBy('bin_start_ms')
    .execute();
  if (rows.length < 2) return skip('Too few bins to see a gap.', 'Wait for a day of log.');
  const missing = rows.slice(1).reduce((sum, row, index) => {
    const bins = (row.bin_start_ms - rows[index]!.bin_start_ms) / config.windows.binMs - 1;
    return sum + bins;
  }, 0);
  return missing < GAP_WARN_BINS
    ? pass(`No bin without windows among ${rows.length}.`)
    : warn(
        `${missing} bins between the first and the last of ${rows.length} have no window at all.`,
        'Was the log source down? Lines that come after a bin was spent never train.',
      );
}

async function lateLines(database: ReadDatabase): Promise<Look> {
  const row = await database.selectFrom('log_position').selectAll().executeTakeFirst();
  if (row === undefined) return skip(NO_STATE, 'Start it.');
  const share = row.late_events / Math.max(1, row.counted_lines);
  const sentence = `${row.late_events} of ${row.counted_lines} lines came too late`;
  return share <= LATE_WARN_SHARE
    ? pass(`${sentence}.`)
    : warn(`${sentence}.`, 'Raise log.watermarkMs, or let the source write sooner.');
}

/** What reviewers said and are still asked: windows under a pending or confirmed label do not train. */
async function labels(database: ReadDatabase): Promise<Look> {
  const rows = await database
    .withTables<{ label: { readonly state: string } }>()
    .selectFrom('label')
    .select((e) => ['state', e.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  const count = (state: string): number => rows.find((row) => row.state === state)?.count ?? 0;
  return pass(
    `${count('pending')} pending and ${count('confirmed')} confirmed holds keep their windows out of training; ${count('released')} released ones do not.`,
  );
}
