/**
 * Follows the access log into the window store. Reading may stop anywhere and go on anywhere: nothing is remembered but
 * what a transaction wrote, and what is read again gives the same windows.
 * @module
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { AccessEvent, ActorCall, RoleTables } from '@bhschain/models/features';
import type { Logger } from 'pino';
import { AccessLogError } from '../errors.js';
import type { NodeDatabase } from '../store/index.js';
import type { Handles } from './handles.js';
import { followFile } from './followed-file.js';
import { readGzip } from './gzip-file.js';
import { createLineDecoder, type LineDecoder } from './log-line-decoder.js';
import type { LogLine, LogPosition, LogSource } from './log-source.js';
import { floorToPeriod, OpenPeriod, type ClosedPeriod } from './open-period.js';
import type { ReadingState, WindowStore } from './window-store.js';

export interface LogFollowerOptions {
  /** A growing file, or a finished `.gz`. */
  readonly file: string;
  readonly nodeId: string;
  readonly handles: Handles;
  readonly store: WindowStore;
  readonly binMs: number;
  readonly watermarkMs: number;
  /** Profiles are frozen for enrolment as of this instant; null: as of the end of what is there at the first start. */
  readonly liveFromMs: number | null;
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
  readonly roles: RoleTables | null;
  readonly vocabularySize: number;
  /** Counts every event by account and day; null: nobody does. */
  readonly days: EventCounter | null;
  readonly log: Logger;
}

export interface EventCounter {
  /** @returns false if the event's period is closed: it came too late and is not counted */
  take(event: AccessEvent, place: Place): boolean;
  /** The first line, in the order of arrival, that is not counted yet: what must be read again after a crash. */
  readonly firstOpen: Place | null;
  /** Counts what happened before `throughMs`. @returns what makes it last, for the transaction that closes the period */
  close(throughMs: number): Promise<(transaction: NodeDatabase) => Promise<void>>;
}

export interface LogStatus {
  readonly lines: number;
  readonly malformed: number;
  readonly lastMalformed: { readonly line: number; readonly reason: string } | null;
  readonly late: number;
  /** Times the file could not be continued where it was left. */
  readonly gaps: number;
  readonly closedThroughMs: number | null;
  readonly newestEventMs: number | null;
  /** The instant whose profiles are enrolled on the channel; null: not known yet. */
  readonly liveFromMs: number | null;
}

export interface LogFollower {
  /** Reads what is there. Concurrent calls share one pass. */
  pump(): Promise<void>;
  /**
   * Reads what is there and closes everything before `toMs`, whether or not later lines were seen: the round has begun,
   * and what comes later is late.
   */
  closeThrough(toMs: number): Promise<void>;
  status(): LogStatus;
  close(): Promise<void>;
}

/** From this many lines on, more than this share of malformed ones stops the reading. */
export const MALFORMED_FROM_LINES = 1_000;
export const MALFORMED_SHARE_MAX = 0.01;

const MALFORMED_LOGGED = 5;
/** A single line whose time leaps further than this waits for a second witness. */
const LEAP_MS = 86_400_000;
/** At least so many event ids back, a repeated delivery is noticed. */
const EVENT_IDS_REMEMBERED = 32_768;

/** Where a line stands, and how many stand before it. */
export interface Place {
  readonly position: LogPosition;
  readonly ordinal: number;
}

/** @throws {AccessLogError} `ERR_LOG_UNREADABLE` */
export async function createLogFollower(options: LogFollowerOptions): Promise<LogFollower> {
  const saved = await options.store.readingState();
  const source = options.file.endsWith('.gz')
    ? await readGzip(options.file, saved?.resume ?? null)
    : await followFile(options.file, saved?.resume ?? null);
  const period = new OpenPeriod<Place>({
    binMs: options.binMs,
    roles: options.roles,
    vocabularySize: options.vocabularySize,
    actors: await options.store.actors(),
    closedThroughMs: saved?.closedThroughMs ?? null,
  });
  return new Follower(options, source, period, saved);
}

class Follower implements LogFollower {
  readonly #options: LogFollowerOptions;
  readonly #source: LogSource;
  readonly #period: OpenPeriod<Place>;
  readonly #decode: LineDecoder;
  #recentIds = new Set<string>();
  #olderIds = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #place: Place | null;
  #countedLines: number;
  #malformed: number;
  #late: number;
  #lastMalformed: { readonly line: number; readonly reason: string } | null;
  #closedThroughMs: number | null;
  #newestMs: number | null;
  #liveFromMs: number | null;
  #leap: { readonly line: LogLine; readonly timeMs: number } | null = null;
  #dirty = false;

  constructor(
    options: LogFollowerOptions,
    source: LogSource,
    period: OpenPeriod<Place>,
    saved: ReadingState | null,
  ) {
    this.#options = options;
    this.#source = source;
    this.#period = period;
    this.#decode = createLineDecoder(options);
    this.#place = saved === null ? null : { position: saved.resume, ordinal: saved.resumeOrdinal };
    this.#countedLines = saved?.countedLines ?? 0;
    this.#malformed = saved?.malformedLines ?? 0;
    this.#late = saved?.lateEvents ?? 0;
    this.#lastMalformed = saved?.lastMalformed ?? null;
    this.#closedThroughMs = saved?.closedThroughMs ?? null;
    this.#newestMs = saved?.newestEventMs ?? null;
    this.#liveFromMs = options.liveFromMs ?? saved?.liveFromMs ?? null;
  }

  pump(): Promise<void> {
    return this.#serially(() => this.#readAll());
  }

  closeThrough(toMs: number): Promise<void> {
    return this.#serially(async () => {
      await this.#readAll();
      await this.#closeBefore(toMs);
    });
  }

  status(): LogStatus {
    return {
      lines: this.#countedLines,
      malformed: this.#malformed,
      lastMalformed: this.#lastMalformed,
      late: this.#late,
      gaps: this.#source.gaps,
      closedThroughMs: this.#closedThroughMs,
      newestEventMs: this.#newestMs,
      liveFromMs: this.#liveFromMs,
    };
  }

  async close(): Promise<void> {
    await this.#running.catch(() => undefined);
    await this.#source.close();
  }

  #serially(task: () => Promise<void>): Promise<void> {
    const next = this.#running.catch(() => undefined).then(task);
    this.#running = next;
    return next;
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const lines = await this.#source.read();
      if (lines.length === 0) break;
      for (const line of lines) this.#take(line);
      if (this.#newestMs !== null) {
        await this.#closeBefore(this.#newestMs - this.#options.watermarkMs);
      }
      await breathe();
    }
    if (this.#liveFromMs === null) {
      // The first time the end of the file is reached, everything in it becomes history.
      this.#liveFromMs = this.#newestMs === null ? 0 : floorToPeriod(this.#newestMs);
      await this.#closeBefore(this.#liveFromMs);
    }
    if (this.#dirty) await this.#commit(null);
  }

  /** Stops at the first live instant on the way, so that the profiles of that instant can be frozen for enrolment. */
  async #closeBefore(beforeMs: number): Promise<void> {
    const live = this.#liveFromMs;
    if (live !== null && beforeMs > live && (this.#closedThroughMs ?? 0) < live) {
      await this.#commit(this.#period.closeBefore(live));
    }
    const closed = this.#period.closeBefore(beforeMs);
    if (closed !== null) await this.#commit(closed);
  }

  #take(line: LogLine): void {
    const place = { position: line.at, ordinal: this.#place?.ordinal ?? 0 };
    this.#place = { position: line.next, ordinal: place.ordinal + 1 };
    const isNew = place.ordinal >= this.#countedLines;
    if (isNew) this.#countedLines = place.ordinal + 1;
    this.#dirty = true;
    if ('fault' in line) {
      this.#refuse(line, line.fault, isNew);
      return;
    }
    if (line.text.trim() === '') return;
    const decoded = this.#decode(line.text);
    if (decoded.kind === 'malformed') {
      this.#refuse(line, decoded.reason, isNew);
      return;
    }
    const { event, call } = decoded;
    if (this.#isRepeated(event.eventId)) return;
    if (call !== null && !this.#isWitnessed(line, event.timeMs, isNew)) return;
    if (!this.#takeEvent(decoded, place) && isNew) this.#late += 1;
  }

  /** Only calls move the time of the log on. @returns false if the event came too late */
  #takeEvent(
    { event, call }: { event: AccessEvent; call: ActorCall | null },
    place: Place,
  ): boolean {
    const { days } = this.#options;
    if (call === null) {
      const leaps = this.#newestMs !== null && event.timeMs > this.#newestMs + LEAP_MS;
      return leaps || days === null || days.take(event, place);
    }
    this.#newestMs = Math.max(this.#newestMs ?? 0, event.timeMs);
    if (!this.#period.take(call, place)) return false;
    days?.take(event, place);
    return true;
  }

  /**
   * One line with a wrong clock must not close weeks of log. The first line that leaps more than a day ahead is set
   * aside; if the next one confirms it, time has really moved on (a quiet weekend), else the first was wrong. The first
   * line of a real leap is lost to training.
   */
  #isWitnessed(line: LogLine, timeMs: number, isNew: boolean): boolean {
    const leaps = this.#newestMs !== null && timeMs > this.#newestMs + LEAP_MS;
    const earlier = this.#leap;
    this.#leap = leaps && earlier === null ? { line, timeMs } : null;
    if (!leaps && earlier !== null)
      this.#refuse(earlier.line, 'timeMs: ahead of its neighbours', isNew);
    return !leaps || earlier !== null;
  }

  /** Two generations, so that forgetting the oldest costs nothing. */
  #isRepeated(eventId: string): boolean {
    if (this.#recentIds.has(eventId) || this.#olderIds.has(eventId)) return true;
    if (this.#recentIds.size >= EVENT_IDS_REMEMBERED) {
      this.#olderIds = this.#recentIds;
      this.#recentIds = new Set();
    }
    this.#recentIds.add(eventId);
    return false;
  }

  /** @throws {AccessLogError} `ERR_LOG_MALFORMED` once the share is passed */
  #refuse(line: LogLine, reason: string, isNew: boolean): void {
    if (!isNew) return;
    this.#malformed += 1;
    this.#lastMalformed = { line: line.at.line, reason };
    const { log } = this.#options;
    if (this.#malformed <= MALFORMED_LOGGED) {
      log.warn({ line: line.at.line, reason }, 'access log line skipped');
    }
    const share = this.#malformed / this.#countedLines;
    if (this.#countedLines < MALFORMED_FROM_LINES || share <= MALFORMED_SHARE_MAX) return;
    throw new AccessLogError(
      'ERR_LOG_MALFORMED',
      `${this.#options.file}: ${this.#malformed} of ${this.#countedLines} lines are malformed, more than ${MALFORMED_SHARE_MAX * 100} %; the last is line ${line.at.line} (${reason})`,
      {
        file: this.#options.file,
        malformed: this.#malformed,
        lines: this.#countedLines,
        line: line.at.line,
        reason,
      },
    );
  }

  async #commit(closed: ClosedPeriod | null): Promise<void> {
    if (closed !== null) this.#closedThroughMs = closed.throughMs;
    const { store, days } = this.#options;
    const beside = closed === null ? null : ((await days?.close(closed.throughMs)) ?? null);
    const resume = earlier(this.#period.firstOpen, days?.firstOpen ?? null) ?? this.#place;
    if (resume === null) return;
    await store.commit({
      ...{ closed, beside },
      freezesProfiles: closed !== null && closed.throughMs === this.#liveFromMs,
      state: {
        resume: resume.position,
        resumeOrdinal: resume.ordinal,
        countedLines: this.#countedLines,
        malformedLines: this.#malformed,
        lateEvents: this.#late,
        lastMalformed: this.#lastMalformed,
        closedThroughMs: this.#closedThroughMs,
        newestEventMs: this.#newestMs,
        liveFromMs: this.#liveFromMs,
      },
    });
    this.#dirty = false;
  }
}

function earlier(a: Place | null, b: Place | null): Place | null {
  if (a === null || b === null) return a ?? b;
  return a.ordinal < b.ordinal ? a : b;
}
