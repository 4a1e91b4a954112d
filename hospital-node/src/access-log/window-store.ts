/**
 * What the log came to, on disk: windows, actors, and the place to read on from. One transaction per closed stretch, so
 * that a crash at any moment leaves a state from which the same windows are cut again.
 * @module
 */
import {
  COLUMN_COUNT,
  decodeProfile,
  decodeRing,
  encodeProfile,
  encodeRing,
  type Window,
} from '@bhschain/models/features';
import { transact, type NodeDatabase } from '../store/index.js';
import type { LogPosition } from './log-source.js';
import type { ActorState, ClosedPeriod } from './open-period.js';
import type { WindowLabels, WindowState } from './window-labels.js';

/** Everything that reading resumes from. */
export interface ReadingState {
  readonly resume: LogPosition;
  /** Lines before `resume`, over all files. */
  readonly resumeOrdinal: number;
  readonly countedLines: number;
  readonly malformedLines: number;
  readonly lateEvents: number;
  readonly lastMalformed: { readonly line: number; readonly reason: string } | null;
  readonly closedThroughMs: number | null;
  readonly newestEventMs: number | null;
  /** The instant whose profiles are enrolled on the channel. */
  readonly liveFromMs: number | null;
}

/** Half open, log time. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A window that may train, and one that may not, with the reason. Private. */
export interface TrainingWindows {
  readonly windows: readonly Window[];
  /** Held, and nobody has decided yet: they do not train, and they count where rates are counted. */
  readonly pending: readonly Window[];
  readonly excluded: Readonly<Record<Exclude<WindowState, 'clear' | 'released'>, number>>;
}

export interface WindowStore {
  readingState(): Promise<ReadingState | null>;
  actors(): Promise<Map<string, ActorState>>;
  /**
   * Stores a closed stretch and the reading state, all or nothing.
   * @param o.freezesProfiles - the profiles as they now stand are the ones to enrol; a second time changes nothing
   * @param o.beside - what else belongs to the closed stretch
   */
  commit(o: {
    readonly state: ReadingState;
    readonly closed: ClosedPeriod | null;
    readonly freezesProfiles: boolean;
    readonly beside: ((transaction: NodeDatabase) => Promise<void>) | null;
  }): Promise<void>;
  /**
   * Windows of the interval, ordered by bin and actor. A quarantined or confirmed stretch does not train; each window is
   * decided for itself.
   */
  trainingWindows(interval: Interval, labels: WindowLabels): Promise<TrainingWindows>;
  count(interval: Interval): Promise<number>;
}

const ROWS_PER_STATEMENT = 100;
const DAY_MS = 86_400_000;

export function createWindowStore(options: {
  readonly database: NodeDatabase;
  readonly binMs: number;
  readonly retentionDays: number;
}): WindowStore {
  const { database, binMs } = options;
  const retentionMs = options.retentionDays * DAY_MS;
  return {
    readingState: async () => {
      const row = await database.selectFrom('log_position').selectAll().executeTakeFirst();
      if (row === undefined) return null;
      return {
        resume: {
          inode: row.resume_inode,
          fingerprint: row.resume_fingerprint,
          offset: row.resume_offset,
          line: row.resume_line,
        },
        resumeOrdinal: row.resume_ordinal,
        countedLines: row.counted_lines,
        malformedLines: row.malformed_lines,
        lateEvents: row.late_events,
        lastMalformed:
          row.last_malformed_line === null
            ? null
            : { line: row.last_malformed_line, reason: row.last_malformed_reason ?? '' },
        closedThroughMs: row.closed_through_ms,
        newestEventMs: row.newest_event_ms,
        liveFromMs: row.live_from_ms,
      };
    },

    actors: async () => {
      const rows = await database.selectFrom('actor_state').selectAll().execute();
      return new Map(
        rows.map((row) => [
          row.actor,
          {
            profile: decodeProfile(row.profile),
            session: row.session,
            ring: decodeRing(row.ring),
          },
        ]),
      );
    },

    commit: async ({ state, closed, freezesProfiles, beside }) => {
      await transact(database, async (transaction) => {
        const position = rowOf(state);
        await transaction
          .insertInto('log_position')
          .values({ id: 0, ...position })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(position))
          .execute();
        if (closed === null) return;
        await beside?.(transaction);
        for (const part of partsOf(closed.windows, ROWS_PER_STATEMENT)) {
          await transaction
            .insertInto('training_window')
            .values(
              part.map((window) => ({
                actor: window.actor,
                bin_start_ms: window.binStartMs,
                window_id: window.id,
                length: window.length,
                mask: window.mask,
                rows: packRows(window.rows),
              })),
            )
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        for (const part of partsOf([...closed.changed], ROWS_PER_STATEMENT)) {
          await transaction
            .insertInto('actor_state')
            .values(
              part.map(([actor, actorState]) => ({
                actor,
                profile: encodeProfile(actorState.profile),
                session: actorState.session,
                ring: encodeRing(actorState.ring),
              })),
            )
            .onConflict((conflict) =>
              conflict.column('actor').doUpdateSet((row) => ({
                profile: row.ref('excluded.profile'),
                session: row.ref('excluded.session'),
                ring: row.ref('excluded.ring'),
              })),
            )
            .execute();
        }
        await transaction
          .deleteFrom('training_window')
          .where('bin_start_ms', '<', closed.throughMs - retentionMs)
          .execute();
        if (!freezesProfiles) return;
        await transaction
          .insertInto('starting_profile')
          .columns(['actor', 'profile'])
          .expression((builder) =>
            builder
              .selectFrom('actor_state')
              .select(['actor', 'profile'])
              // SQLite needs a WHERE to tell the conflict clause from a join.
              .where((where) => where.lit(true)),
          )
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      });
    },

    trainingWindows: async (interval, labels) => {
      const rows = await database
        .selectFrom('training_window')
        .selectAll()
        .where('bin_start_ms', '>=', interval.fromMs)
        .where('bin_start_ms', '<=', interval.toMs - binMs)
        .orderBy('bin_start_ms')
        .orderBy('actor')
        .execute();
      const windows: Window[] = [];
      const pending: Window[] = [];
      let confirmed = 0;
      for (const row of rows) {
        const binEndMs = row.bin_start_ms + binMs;
        const state = await labels.windowStateOf(row.actor, row.bin_start_ms, binEndMs);
        if (state === 'confirmed') {
          confirmed += 1;
          continue;
        }
        (state === 'pending' ? pending : windows).push({
          actor: row.actor,
          binStartMs: row.bin_start_ms,
          id: row.window_id,
          rows: unpackRows(row.rows),
          mask: row.mask,
          length: row.length,
        });
      }
      return { windows, pending, excluded: { pending: pending.length, confirmed } };
    },

    count: async (interval) => {
      const row = await database
        .selectFrom('training_window')
        .select((builder) => builder.fn.countAll<number>().as('count'))
        .where('bin_start_ms', '>=', interval.fromMs)
        .where('bin_start_ms', '<=', interval.toMs - binMs)
        .executeTakeFirstOrThrow();
      return row.count;
    },
  };
}

function rowOf(state: ReadingState): {
  resume_inode: string;
  resume_fingerprint: string;
  resume_offset: number;
  resume_line: number;
  resume_ordinal: number;
  counted_lines: number;
  malformed_lines: number;
  late_events: number;
  last_malformed_line: number | null;
  last_malformed_reason: string | null;
  closed_through_ms: number | null;
  newest_event_ms: number | null;
  live_from_ms: number | null;
} {
  return {
    resume_inode: state.resume.inode,
    resume_fingerprint: state.resume.fingerprint,
    resume_offset: state.resume.offset,
    resume_line: state.resume.line,
    resume_ordinal: state.resumeOrdinal,
    counted_lines: state.countedLines,
    malformed_lines: state.malformedLines,
    late_events: state.lateEvents,
    last_malformed_line: state.lastMalformed?.line ?? null,
    last_malformed_reason: state.lastMalformed?.reason ?? null,
    closed_through_ms: state.closedThroughMs,
    newest_event_ms: state.newestEventMs,
    live_from_ms: state.liveFromMs,
  };
}

/** `[length][24]` int16 → bytes, little-endian. */
function packRows(rows: readonly Int16Array[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * COLUMN_COUNT * 2);
  const view = new DataView(bytes.buffer);
  rows.forEach((row, step) => {
    row.forEach((value, column) => {
      view.setInt16((step * COLUMN_COUNT + column) * 2, value, true);
    });
  });
  return bytes;
}

function unpackRows(bytes: Uint8Array): Int16Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength / (COLUMN_COUNT * 2);
  return Array.from({ length }, (_, step) =>
    Int16Array.from({ length: COLUMN_COUNT }, (__, column) =>
      view.getInt16((step * COLUMN_COUNT + column) * 2, true),
    ),
  );
}

function* partsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
