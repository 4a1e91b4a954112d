/**
 * What one session was made of. The ring carries it, and the next session's opening folds it into the profile.
 * @module
 */

import { readCounts, withCount, writeCounts, type Counts } from './counts.js';
import type { FeatureReader, FeatureWriter } from './feature-bytes.js';
import type { TimeGranularity } from './vocabulary.js';

export interface SessionHistogram {
  readonly eventCount: number;
  /** Events per act. */
  readonly acts: Counts;
  /** Events per hashed pair of acts (`pairOf`). */
  readonly pairs: Counts;
  /** Events per hour bin (`hourBinOf`); empty where the source has no true clock. */
  readonly hours: Counts;
  /** Sum of 256 · log2(gap units) over the gaps inside the session, and their number. */
  readonly gapLogSum: number;
  readonly gapCount: number;
}

export const EMPTY_HISTOGRAM: SessionHistogram = {
  eventCount: 0,
  acts: [],
  pairs: [],
  hours: [],
  gapLogSum: 0,
  gapCount: 0,
};

/** Bounds that keep a profile below 2 KB. What does not fit is not learnt and stays "never seen". */
export const HISTOGRAM_LIMITS = {
  acts: { keysMax: 64, keyMax: 65_535, countMax: 16_383 },
  pairs: { keysMax: 64, keyMax: 2_047, countMax: 127 },
  hours: { keysMax: 48, keyMax: 47, countMax: 16_383 },
} as const;
const EVENTS_MAX = 1_000_000;

export const HOUR_BINS = 48;

/** Hour of day in UTC, 0–23 on working days, 24–47 at the weekend. */
export function hourBinOf(timeMs: number): number {
  const hour = Math.floor(timeMs / 3_600_000);
  // 1970-01-01 was a Thursday.
  const weekday = (Math.floor(hour / 24) + 3) % 7;
  return (hour % 24) + (weekday >= 5 ? 24 : 0);
}

/** 11-bit hash of (previous act, act). */
export function pairOf(previous: number, act: number): number {
  return Math.imul(Math.imul(previous, 0x85ebca6b) + act, 0x9e3779b1) >>> 21;
}

/** The histogram with one more call. `gapLog` is null for the first call and where the clock says nothing. */
export function addToHistogram(
  histogram: SessionHistogram,
  call: Readonly<{
    act: number;
    previousAct: number | null;
    timeMs: number;
    timeGranularity: TimeGranularity;
    gapLog: number | null;
  }>,
): SessionHistogram {
  const { acts, pairs, hours } = histogram;
  return {
    eventCount: Math.min(histogram.eventCount + 1, EVENTS_MAX),
    acts: withCount(acts, call.act, 1, HISTOGRAM_LIMITS.acts),
    pairs:
      call.previousAct === null
        ? pairs
        : withCount(pairs, pairOf(call.previousAct, call.act), 1, HISTOGRAM_LIMITS.pairs),
    hours:
      call.timeGranularity === 'exact'
        ? withCount(hours, hourBinOf(call.timeMs), 1, HISTOGRAM_LIMITS.hours)
        : hours,
    gapLogSum: histogram.gapLogSum + (call.gapLog ?? 0),
    gapCount: histogram.gapCount + (call.gapLog === null ? 0 : 1),
  };
}

/** Both sessions as one. */
export function joinHistograms(a: SessionHistogram, b: SessionHistogram): SessionHistogram {
  const join = (kind: keyof typeof HISTOGRAM_LIMITS): Counts =>
    b[kind].reduce(
      (counts, [key, count]) => withCount(counts, key, count, HISTOGRAM_LIMITS[kind]),
      a[kind],
    );
  return {
    eventCount: Math.min(a.eventCount + b.eventCount, EVENTS_MAX),
    acts: join('acts'),
    pairs: join('pairs'),
    hours: join('hours'),
    gapLogSum: a.gapLogSum + b.gapLogSum,
    gapCount: a.gapCount + b.gapCount,
  };
}

export function writeHistogram(writer: FeatureWriter, histogram: SessionHistogram): void {
  writer.whole(histogram.eventCount);
  writeCounts(writer, histogram.acts);
  writeCounts(writer, histogram.pairs);
  writeCounts(writer, histogram.hours);
  writer.whole(histogram.gapLogSum);
  writer.whole(histogram.gapCount);
}

export function readHistogram(reader: FeatureReader): SessionHistogram {
  return {
    eventCount: reader.whole('histogram events', EVENTS_MAX),
    acts: readCounts(reader, 'histogram acts', HISTOGRAM_LIMITS.acts),
    pairs: readCounts(reader, 'histogram pairs', HISTOGRAM_LIMITS.pairs),
    hours: readCounts(reader, 'histogram hours', HISTOGRAM_LIMITS.hours),
    gapLogSum: reader.whole('histogram gaps', Number.MAX_SAFE_INTEGER),
    gapCount: reader.whole('histogram gap count', Number.MAX_SAFE_INTEGER),
  };
}
