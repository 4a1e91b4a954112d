/**
 * Training windows: one per (actor, time bin), the bin's first 16 calls, never overlapping, never across bins. Inside a bin
 * each session's ring starts empty and profiles are frozen, so that a row depends on its own window only and removing an
 * actor changes nobody else's window: the unit that the privacy statement counts.
 * @module
 */

import { FeatureError } from './errors.js';
import { featureRow } from './feature-row.js';
import type { GuardedCall } from './guarded-call.js';
import { LAYOUT } from './layout.js';
import type { Profile } from './profile.js';
import { emptyRing, pushRow, type RowOutcome } from './ring.js';
import type { RoleTables } from './role-tables.js';

export interface Window {
  readonly actor: string;
  /** UTC milliseconds, a multiple of the bin. */
  readonly binStartMs: number;
  /** `<actor>/<binStartMs>` */
  readonly id: string;
  /** `[length ≤ 16][30]` */
  readonly rows: readonly Int16Array[];
  /** Columns that are absent in any row. */
  readonly mask: number;
  readonly length: number;
}

/** A call with the two names that a cutter needs. */
export interface ActorCall {
  readonly actor: string;
  readonly session: string;
  readonly call: GuardedCall;
  readonly outcome: RowOutcome;
}

export interface WindowCutterOptions {
  /** Divides a day. */
  readonly binMs: number;
  /** At most 16. */
  readonly stepsMax: number;
  /** The profile as frozen before the bin. */
  readonly profileOf: (actor: string) => Profile;
  readonly roles: RoleTables | null;
  readonly vocabularySize: number;
}

export interface WindowCutter {
  /** Takes a call up; false where its bin was already cut. Order inside a bin is by time, then by arrival. */
  push(call: ActorCall): boolean;
  /** Cuts the bins that end at or before `beforeMs`, ordered by bin, then actor. */
  flush(beforeMs: number): Window[];
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** @throws {FeatureError} `ERR_FEATURE_OPTION` for a bin that does not divide a day or steps outside 1…16 */
export function createWindowCutter(options: WindowCutterOptions): WindowCutter {
  const { binMs, stepsMax } = options;
  if (!Number.isSafeInteger(binMs) || binMs < 1 || DAY_MS % binMs !== 0) {
    refuse('binMs', binMs, 'milliseconds that divide a day');
  }
  if (!Number.isSafeInteger(stepsMax) || stepsMax < 1 || stepsMax > LAYOUT.steps) {
    refuse('stepsMax', stepsMax, `an integer from 1 to ${LAYOUT.steps}`);
  }
  const bins = new Map<number, Map<string, ActorCall[]>>();
  let cutBeforeMs = 0;
  return {
    push(call) {
      const binStartMs = call.call.timeMs - (call.call.timeMs % binMs);
      if (binStartMs + binMs <= cutBeforeMs) return false;
      let actors = bins.get(binStartMs);
      if (actors === undefined) bins.set(binStartMs, (actors = new Map<string, ActorCall[]>()));
      const calls = actors.get(call.actor);
      if (calls === undefined) actors.set(call.actor, [call]);
      else keepEarliest(calls, call, stepsMax);
      return true;
    },
    flush(beforeMs) {
      cutBeforeMs = Math.max(cutBeforeMs, beforeMs);
      const windows: Window[] = [];
      for (const binStartMs of [...bins.keys()].sort((a, b) => a - b)) {
        if (binStartMs + binMs > beforeMs) break;
        const actors = bins.get(binStartMs)!;
        for (const actor of [...actors.keys()].sort()) {
          windows.push(windowOf(options, actor, binStartMs, actors.get(actor)!));
        }
        bins.delete(binStartMs);
      }
      return windows;
    },
  };
}

/** Sorted insertion into the earliest `most` calls: memory stays bounded and arrival order hardly matters. */
function keepEarliest(calls: ActorCall[], call: ActorCall, most: number): void {
  let at = calls.length;
  while (at > 0 && calls[at - 1]!.call.timeMs > call.call.timeMs) at--;
  if (at >= most) return;
  calls.splice(at, 0, call);
  if (calls.length > most) calls.pop();
}

function windowOf(
  options: WindowCutterOptions,
  actor: string,
  binStartMs: number,
  calls: readonly ActorCall[],
): Window {
  const profile = options.profileOf(actor);
  const rows: Int16Array[] = [];
  const openings: number[] = [];
  let mask = 0;
  let ring = emptyRing();
  let session: string | null = null;
  for (const { call, outcome, session: current } of calls) {
    if (session !== current) ring = emptyRing();
    session = current;
    const row = featureRow({
      call,
      ring,
      profile,
      roles: options.roles,
      vocabularySize: options.vocabularySize,
      sessionsLastHour: openings.filter((atMs) => call.timeMs - atMs < HOUR_MS).length,
    });
    if (call.functionName === 'openSession') openings.push(call.timeMs);
    rows.push(row.columns);
    mask |= row.mask;
    const { recordTag, act } = call;
    ring = pushRow(ring, { columns: row.columns, recordTag, act, outcome }, call);
  }
  return { actor, binStartMs, id: `${actor}/${binStartMs}`, rows, mask, length: rows.length };
}

function refuse(path: string, got: number, expected: string): never {
  throw new FeatureError('ERR_FEATURE_OPTION', { path, got: String(got), expected });
}
