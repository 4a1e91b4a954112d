/**
 * The folded profile: what an actor usually does, in at most 2 KB of integers, forgetting with a half-life of 30 days.
 *
 * Two bounds are its defence. A day adds at most 5 % of max(mass, 200 events), so nobody becomes normal in a week; and a
 * session counts from the next day on, so that nobody warms up the morning's oddity for the afternoon.
 * @module
 */

import { countOf, largestCounts, readCounts, writeCounts, type Counts } from './counts.js';
import { createFeatureReader, createFeatureWriter } from './feature-bytes.js';
import { log2Q8 } from './integer-log.js';
import {
  EMPTY_HISTOGRAM,
  HOUR_BINS,
  joinHistograms,
  readHistogram,
  writeHistogram,
  type SessionHistogram,
} from './session-histogram.js';

export const PROFILE_BYTES_MAX = 2048;
export const PROFILE_ACTS_MAX = 176;
const PAIR_BYTES = 256;
const DAY_MS = 86_400_000;
const DAYS_MAX = 100_000_000;
/** Counts are events × 256, so that decay and the day's cap lose little to rounding. */
const UNIT = 256;
const MASS_MAX = 0x7fffffff;
const PRIOR_EVENTS = 200;
const DAY_SHARE = 20;
/** Gaps end at 2^24 units. */
const GAP_LOG_MAX = 24 * 256;
const FORMAT = 1;

export interface Profile {
  /** Days since 1970 of the newest merged or pending session; 0: never folded. */
  readonly day: number;
  /** Sum of all acts, those that no longer fit included; events × 256. */
  readonly massQ8: number;
  /** Events × 256 per act. */
  readonly acts: Counts;
  /** Events × 256 per hour bin. */
  readonly hours: Counts;
  /** Bitmap of hashed pairs ever seen. */
  readonly pairs: Uint8Array;
  /** Mean of 256 · log2(gap units); null until a day with gaps was merged. */
  readonly gapLogMean: number | null;
  /** Entropy of `acts` in bits × 256. */
  readonly entropyQ8: number;
  /** The sessions of `day`, not yet part of what is normal. */
  readonly pending: SessionHistogram;
}

export function emptyProfile(): Profile {
  return {
    day: 0,
    massQ8: 0,
    acts: [],
    hours: [],
    pairs: new Uint8Array(PAIR_BYTES),
    gapLogMean: null,
    entropyQ8: 0,
    pending: EMPTY_HISTOGRAM,
  };
}

/** Whether the pair was ever seen (up to hash collisions, which err on the side of "seen"). */
export function pairSeen(profile: Profile, pair: number): boolean {
  return (profile.pairs[pair >> 3]! & (1 << (pair & 7))) !== 0;
}

/**
 * Folds an ended session; `atMs` is the opening time of the session that follows. The first opening of a later day merges
 * everything that is pending.
 */
export function foldSession(profile: Profile, session: SessionHistogram, atMs: number): Profile {
  const day = Math.min(Math.floor(atMs / DAY_MS), DAYS_MAX);
  const pending = joinHistograms(profile.pending, session);
  if (day <= profile.day) return { ...profile, pending };
  return mergeDay(profile, pending, day);
}

function mergeDay(profile: Profile, pending: SessionHistogram, day: number): Profile {
  const elapsed = profile.day === 0 ? 0 : day - profile.day;
  const before = decayed(profile, elapsed);
  if (pending.eventCount === 0) return { ...before, day, pending: EMPTY_HISTOGRAM };
  const allowance = Math.floor(Math.max(before.massQ8, PRIOR_EVENTS * UNIT) / DAY_SHARE);
  const offered = pending.eventCount * UNIT;
  const taken = (count: number): number =>
    offered <= allowance
      ? count * UNIT
      : Math.max(1, Math.floor((count * allowance) / pending.eventCount));
  const acts = largestCounts(addCounts(before.acts, pending.acts, taken), PROFILE_ACTS_MAX);
  const massQ8 = Math.min(before.massQ8 + Math.min(offered, allowance), MASS_MAX);
  const pairs = before.pairs.slice();
  for (const [pair] of pending.pairs) pairs[pair >> 3]! |= 1 << (pair & 7);
  return {
    day,
    massQ8,
    acts,
    hours: addCounts(before.hours, pending.hours, taken),
    pairs,
    gapLogMean: movedMean(before.gapLogMean, pending),
    entropyQ8: entropyOf(acts),
    pending: EMPTY_HISTOGRAM,
  };
}

function movedMean(mean: number | null, pending: SessionHistogram): number | null {
  if (pending.gapCount === 0) return mean;
  const today = Math.min(Math.floor(pending.gapLogSum / pending.gapCount), GAP_LOG_MAX);
  return mean === null ? today : mean + Math.trunc((today - mean) / DAY_SHARE);
}

/** `round(65536 · 2^(−d/30))` for d in 0…29. A test recomputes it. */
const DECAY_Q16: readonly number[] = [
  65536, 64039, 62576, 61147, 59751, 58386, 57052, 55749, 54476, 53232, 52016, 50828, 49667, 48533,
  47424, 46341, 45283, 44248, 43238, 42250, 41285, 40342, 39421, 38520, 37641, 36781, 35941, 35120,
  34318, 33534,
];

function decayed(profile: Profile, days: number): Profile {
  if (days === 0 || profile.massQ8 === 0) return profile;
  const factor = DECAY_Q16[days % 30]!;
  const halvings = 2 ** Math.min(Math.floor(days / 30), 40);
  const fade = (count: number): number => Math.floor((count * factor) / (65_536 * halvings));
  const fadeAll = (counts: Counts): Counts =>
    counts.map(([key, count]) => [key, fade(count)] as const).filter(([, count]) => count > 0);
  const acts = fadeAll(profile.acts);
  return {
    ...profile,
    massQ8: fade(profile.massQ8),
    acts,
    hours: fadeAll(profile.hours),
    // Rounding moves it a little, and a profile must be what its bytes say.
    entropyQ8: entropyOf(acts),
  };
}

function addCounts(into: Counts, more: Counts, taken: (count: number) => number): Counts {
  const sum = new Map(into);
  for (const [key, count] of more) {
    sum.set(key, Math.min((sum.get(key) ?? 0) + taken(count), MASS_MAX));
  }
  return [...sum].sort((a, b) => a[0] - b[0]);
}

/** Entropy in bits × 256 of counts: log2(n) − Σ c·log2(c) / n. */
function entropyOf(counts: Counts): number {
  let total = 0;
  let weighted = 0;
  for (const [, count] of counts) {
    total += count;
    weighted += count * log2Q8(count);
  }
  return total === 0 ? 0 : Math.max(0, log2Q8(total) - Math.floor(weighted / total));
}

/** Canonical bytes, at most `PROFILE_BYTES_MAX`. */
export function encodeProfile(profile: Profile): Uint8Array {
  const writer = createFeatureWriter();
  writer.whole(FORMAT);
  writer.whole(profile.day);
  writer.whole(profile.massQ8);
  writer.whole(profile.gapLogMean === null ? 0 : profile.gapLogMean + 1);
  writeCounts(writer, profile.acts);
  writeCounts(writer, profile.hours);
  writer.raw(profile.pairs);
  writeHistogram(writer, profile.pending);
  return writer.finish();
}

/** @throws {FeatureError} `ERR_FEATURE_BYTES` for anything that `encodeProfile` does not write */
export function decodeProfile(bytes: Uint8Array): Profile {
  const reader = createFeatureReader('profile', bytes);
  if (bytes.length > PROFILE_BYTES_MAX) reader.refuse('size', `at most ${PROFILE_BYTES_MAX} bytes`);
  if (reader.whole('format', 255) !== FORMAT) reader.refuse('format', `format ${FORMAT}`);
  const day = reader.whole('day', DAYS_MAX);
  const massQ8 = reader.whole('mass', MASS_MAX);
  const gapLog = reader.whole('mean gap', GAP_LOG_MAX + 1);
  const acts = readCounts(reader, 'acts', {
    keysMax: PROFILE_ACTS_MAX,
    keyMax: 65_535,
    countMax: MASS_MAX,
  });
  const hours = readCounts(reader, 'hours', {
    keysMax: HOUR_BINS,
    keyMax: HOUR_BINS - 1,
    countMax: MASS_MAX,
  });
  const pairs = reader.raw('pairs', PAIR_BYTES);
  const pending = readHistogram(reader);
  reader.finish();
  return {
    day,
    massQ8,
    acts,
    hours,
    pairs,
    gapLogMean: gapLog === 0 ? null : gapLog - 1,
    entropyQ8: entropyOf(acts),
    pending,
  };
}

/** Events × 256 that the profile holds for an act. */
export function actMassOf(profile: Profile, act: number): number {
  return countOf(profile.acts, act);
}
