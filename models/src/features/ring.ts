/**
 * The ring: the last 16 calls of a session, as the ledger keeps them under `ctx~actor~session`. It is written after each
 * call with that call's own row last, so the window that a call is judged by is the ring before it plus its own row.
 * @module
 */

import { createFeatureReader, createFeatureWriter } from './feature-bytes.js';
import { GUARDED_FUNCTIONS } from './function-policy.js';
import type { GuardedCall } from './guarded-call.js';
import { log2Q8 } from './integer-log.js';
import { COLUMN_COUNT, LAYOUT } from './layout.js';
import {
  addToHistogram,
  EMPTY_HISTOGRAM,
  readHistogram,
  writeHistogram,
  type SessionHistogram,
} from './session-histogram.js';

export const ROW_OUTCOMES = ['allowed', 'denied', 'diverted'] as const;
/** Index in `ROW_OUTCOMES`. */
export type RowOutcome = 0 | 1 | 2;

export interface RingRow {
  /** `[30]`, see `LAYOUT`. */
  readonly columns: Int16Array;
  readonly recordTag: number;
  readonly act: number;
  readonly outcome: RowOutcome;
}

export interface StoredRow extends RingRow {
  /** Index in `GUARDED_FUNCTIONS`. */
  readonly functionIndex: number;
  /** Time since the call before in 1/8 s; null for the first call and where the clock says nothing. */
  readonly gap: number | null;
}

export interface Ring {
  /** At most 16, oldest first. */
  readonly rows: readonly StoredRow[];
  /** Time of the last call, 0 before the first. */
  readonly lastTimeMs: number;
  /** Act of the last call; null before the first. */
  readonly previousAct: number | null;
  /** Calls of the session so far. */
  readonly callCount: number;
  /** What the session will teach the profile. Diverted calls did not run and teach nothing. */
  readonly histogram: SessionHistogram;
}

const GAP_MAX = 0xffffff;
const CALLS_MAX = 1_000_000;
const FORMAT = 2;

export function emptyRing(): Ring {
  return { rows: [], lastTimeMs: 0, previousAct: null, callCount: 0, histogram: EMPTY_HISTOGRAM };
}

/** Gap from the ring's last call to this one in 1/8 s, at most 2^24 − 1; a clock that runs back gives 0. */
export function gapOf(ring: Ring, call: GuardedCall): number | null {
  if (ring.callCount === 0 || call.timeGranularity !== 'exact') return null;
  return Math.min(Math.max(0, Math.floor((call.timeMs - ring.lastTimeMs) / 125)), GAP_MAX);
}

/** The ring after the call. */
export function pushRow(ring: Ring, row: RingRow, call: GuardedCall): Ring {
  const gap = gapOf(ring, call);
  const stored: StoredRow = {
    columns: row.columns,
    recordTag: row.recordTag,
    act: row.act,
    outcome: row.outcome,
    functionIndex: GUARDED_FUNCTIONS.indexOf(call.functionName),
    gap,
  };
  return {
    rows: [...ring.rows.slice(-(LAYOUT.steps - 1)), stored],
    lastTimeMs: call.timeMs,
    previousAct: call.act,
    callCount: Math.min(ring.callCount + 1, CALLS_MAX),
    histogram:
      row.outcome === 2
        ? ring.histogram
        : addToHistogram(ring.histogram, {
            act: call.act,
            previousAct: ring.previousAct,
            timeMs: call.timeMs,
            timeGranularity: call.timeGranularity,
            gapLog: gap === null ? null : log2Q8(1 + gap),
          }),
  };
}

/** The rows by which a call is judged: up to 15 of the ring before it, and its own. */
export function scoringWindow(ring: Ring, columns: Int16Array): readonly Int16Array[] {
  return [...ring.rows.slice(-(LAYOUT.steps - 1)).map((row) => row.columns), columns];
}

export function encodeRing(ring: Ring): Uint8Array {
  const writer = createFeatureWriter();
  writer.whole(FORMAT);
  writer.whole(ring.lastTimeMs);
  writer.whole(ring.previousAct === null ? 0 : ring.previousAct + 1);
  writer.whole(ring.callCount);
  writeHistogram(writer, ring.histogram);
  writer.whole(ring.rows.length);
  for (const row of ring.rows) {
    writer.columns(row.columns);
    writer.whole(row.recordTag);
    writer.whole(row.act);
    writer.whole(row.outcome);
    writer.whole(row.functionIndex);
    writer.whole(row.gap === null ? 0 : row.gap + 1);
  }
  return writer.finish();
}

/** @throws {FeatureError} `ERR_FEATURE_BYTES` for anything that `encodeRing` does not write */
export function decodeRing(bytes: Uint8Array): Ring {
  const reader = createFeatureReader('ring', bytes);
  if (reader.whole('format', 255) !== FORMAT) reader.refuse('format', `format ${FORMAT}`);
  const lastTimeMs = reader.whole('last time', Number.MAX_SAFE_INTEGER);
  const previousAct = reader.whole('previous act', 65_536);
  const callCount = reader.whole('calls', CALLS_MAX);
  const histogram = readHistogram(reader);
  const length = reader.whole('rows', LAYOUT.steps);
  const rows: StoredRow[] = [];
  for (let i = 0; i < length; i++) {
    const columns = reader.columns('columns', COLUMN_COUNT);
    const recordTag = reader.whole('record tag', 0xffffffff);
    const act = reader.whole('act', 65_535);
    const outcome = reader.whole('outcome', ROW_OUTCOMES.length - 1) as RowOutcome;
    const functionIndex = reader.whole('function', GUARDED_FUNCTIONS.length - 1);
    const gap = reader.whole('gap', GAP_MAX + 1);
    rows.push({ columns, recordTag, act, outcome, functionIndex, gap: gap === 0 ? null : gap - 1 });
  }
  reader.finish();
  return {
    rows,
    lastTimeMs,
    previousAct: previousAct === 0 ? null : previousAct - 1,
    callCount,
    histogram,
  };
}
