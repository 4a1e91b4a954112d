/**
 * One call as 30 integers. Integer arithmetic only – no `Math.log`, `exp` or `pow` – because every endorser must get the same
 * bytes. The same function serves node and hook.
 * @module
 */

import { FeatureError } from './errors.js';
import { GUARDED_FUNCTIONS, type GuardedFunction } from './function-policy.js';
import type { GuardedCall } from './guarded-call.js';
import { log2Q8, surprisalQ8 } from './integer-log.js';
import { COLUMN, COLUMN_COUNT, LAYOUT, PEERLESS_MASK, TIMELESS_MASK } from './layout.js';
import { actMassOf, pairSeen, type Profile } from './profile.js';
import { gapOf, type Ring } from './ring.js';
import type { RoleTables } from './role-tables.js';
import { trigramSurprisal } from './trigrams.js';
import { countOf } from './counts.js';
import { HOUR_BINS, hourBinOf, pairOf } from './session-histogram.js';
import { ACT_COUNT, CODE_ACT_BASE, PURPOSES, SECTIONS } from './vocabulary.js';

export interface FeatureRow {
  /** `[30]`, see `LAYOUT`; a masked column is 0 and means nothing. */
  readonly columns: Int16Array;
  /** Bit i set: column i is absent. */
  readonly mask: number;
}

export interface FeatureRowOptions {
  readonly call: GuardedCall;
  /** The session's ring before this call. */
  readonly ring: Ring;
  readonly profile: Profile;
  /** null: a source without peers; its peer columns are masked. */
  readonly roles: RoleTables | null;
  /** Number of acts that the source can have, ≥ 1: `ACT_COUNT`, or the size of its code table. */
  readonly vocabularySize: number;
  /** Sessions that the actor opened in the last hour, as counted before this call. */
  readonly sessionsLastHour: number;
}

/** What the prior weighs in 1/65536 of an event: half an event (κ = 0.5) where it is flat, eight where peers vouch for it. */
const FLAT_PRIOR_WEIGHT = 32_768;
const PEER_PRIOR_WEIGHT = 8 * 65_536;
/** Below 200 events a newcomer's new acts are no news as long as at least one in 512 of the peers' acts is such. */
const NEWCOMER_MASS_Q8 = 200 * 256;
const VOUCHED_SHARE = 65_536 / 512;
/** The hour's prior weighs four events: rotas move. */
const HOUR_PRIOR_WEIGHT = 4 * 65_536;
/** Below 20 events an actor's entropy says nothing yet; four bits is a middling ward's. */
const SETTLED_MASS_Q8 = 20 * 256;
const UNSETTLED_ENTROPY_Q8 = 4 * 256;
/** Half a minute in 1/8 s, as log2 × 256, for an actor without a known pace. */
const USUAL_GAP_LOG: number = log2Q8(1 + 240);
const DENIED_MAX = 4;
const SESSIONS_MAX = 16;
const IRREGULARITY_MAX = 16 * 256;
/** Arrivals at random have a squared coefficient of variation of 1. */
const IRREGULARITY_UNKNOWN = 256;

/** The numbers by which a row is computed, for the schema hash. */
export const FEATURE_RULES: Readonly<Record<string, number>> = {
  FLAT_PRIOR_WEIGHT,
  PEER_PRIOR_WEIGHT,
  HOUR_PRIOR_WEIGHT,
  NEWCOMER_MASS_Q8,
  VOUCHED_SHARE,
  SETTLED_MASS_Q8,
  UNSETTLED_ENTROPY_Q8,
  USUAL_GAP_LOG,
  DENIED_MAX,
  SESSIONS_MAX,
  IRREGULARITY_MAX,
  IRREGULARITY_UNKNOWN,
};

/** @throws {FeatureError} `ERR_FEATURE_OPTION` if `vocabularySize` is not an integer ≥ 1 */
export function featureRow(options: FeatureRowOptions): FeatureRow {
  const { call, ring, profile, vocabularySize } = options;
  if (!Number.isSafeInteger(vocabularySize) || vocabularySize < 1) {
    throw new FeatureError('ERR_FEATURE_OPTION', {
      path: 'vocabularySize',
      got: String(vocabularySize),
      expected: 'an integer of at least 1',
    });
  }
  const coded = call.act >= CODE_ACT_BASE;
  const roles = coded ? null : options.roles;
  const mask =
    (roles === null ? PEERLESS_MASK : 0) | (call.timeGranularity === 'exact' ? 0 : TIMELESS_MASK);
  const columns = new Int16Array(COLUMN_COUNT);
  const set = (column: number, value: number): void => {
    if ((mask & (1 << column)) === 0) columns[column] = clamp(value);
  };

  const prior = roles?.actShares[call.role * ACT_COUNT + call.act] ?? shareOf(vocabularySize);
  const own = ownSurprisal(profile, call.act, prior, roles !== null);
  const excused = isExcused(profile, prior, roles !== null);
  const peer = surprisalQ8(prior, 65_536);
  const entropy = profile.massQ8 < SETTLED_MASS_Q8 ? UNSETTLED_ENTROPY_Q8 : profile.entropyQ8;
  set(COLUMN.ownSurprisal, own);
  set(COLUMN.peerSurprisal, peer);
  set(COLUMN.logRatio, own - peer);
  set(COLUMN.actUnseen, !excused && actMassOf(profile, call.act) === 0 ? 1 : 0);
  set(
    COLUMN.pairUnseen,
    !excused && ring.previousAct !== null && !pairSeen(profile, pairOf(ring.previousAct, call.act))
      ? 1
      : 0,
  );
  set(COLUMN.actRarity, (65_536 - (roles?.actorShares[call.act] ?? 0)) >> 8);
  set(COLUMN.hourSurprisal, hourSurprisal(profile, call, roles));
  set(COLUMN.surprisalExcess, own - entropy);
  set(COLUMN.purposeSurprisal, purposeSurprisal(call, roles));
  set(COLUMN.sensitivity, call.sensitivity);
  set(COLUMN.breakGlass, call.breakGlass ? 1 : 0);
  set(COLUMN.foreignRecord, call.homeRecord ? 0 : 1);
  set(COLUMN.recordCount, log2Q8(call.recordCount));
  set(COLUMN.exportFlag, call.functionName === 'export' ? 1 : 0);
  set(COLUMN.sessionsLastHour, Math.min(options.sessionsLastHour, SESSIONS_MAX));
  set(COLUMN.position, log2Q8(1 + ring.callCount));
  if (roles !== null)
    set(COLUMN.trigramSurprisal, trigramSurprisal(roles.trigrams, ring, call.act));
  setRecordColumns(set, ring, call);
  setWriteColumns(set, ring, call);
  setPaceColumns(set, ring, call, profile);
  return { columns, mask };
}

type Set = (column: number, value: number) => void;

function setRecordColumns(set: Set, ring: Ring, call: GuardedCall): void {
  const rows = ring.rows.slice(-(LAYOUT.steps - 1));
  const records = new Set<number>();
  const functions = new Set<number>([GUARDED_FUNCTIONS.indexOf(call.functionName)]);
  let withRecord = 0;
  let refused = 0;
  for (const row of rows) {
    functions.add(row.functionIndex);
    if (row.outcome !== 0) refused++;
    if (row.recordTag === 0) continue;
    withRecord++;
    records.add(row.recordTag);
  }
  set(COLUMN.recordInRing, call.recordTag !== 0 && records.has(call.recordTag) ? 1 : 0);
  if (call.recordTag !== 0) {
    withRecord++;
    records.add(call.recordTag);
  }
  set(COLUMN.distinctRecords, records.size);
  set(COLUMN.distinctShare, Math.floor((records.size * 256) / Math.max(1, withRecord)));
  set(COLUMN.distinctFunctions, functions.size);
  set(COLUMN.deniedOrDiverted, Math.min(refused, DENIED_MAX));
}

const READS = new Set<GuardedFunction>(['requestAccess', 'export', 'breakGlass']);
const WRITES = new Set<GuardedFunction>(['amend', 'erase']);

/** What the session has written so far, this call included; refused calls count, for they were tried. */
function setWriteColumns(set: Set, ring: Ring, call: GuardedCall): void {
  const read = new Set<number>();
  const written = new Set<number>();
  const readThenWritten = new Set<number>();
  let reads = 0;
  let writes = 0;
  const add = (name: GuardedFunction, record: number): void => {
    if (READS.has(name)) {
      reads++;
      if (record !== 0) read.add(record);
    } else if (WRITES.has(name)) {
      writes++;
      if (record === 0) return;
      written.add(record);
      if (read.has(record)) readThenWritten.add(record);
    }
  };
  for (const row of ring.rows.slice(-(LAYOUT.steps - 1))) {
    add(GUARDED_FUNCTIONS[row.functionIndex]!, row.recordTag);
  }
  add(call.functionName, call.recordTag);
  set(COLUMN.write, call.functionName === 'amend' ? 1 : 0);
  set(COLUMN.erase, call.functionName === 'erase' ? 1 : 0);
  set(COLUMN.readThenWritten, readThenWritten.size);
  set(COLUMN.distinctWritten, written.size);
  set(COLUMN.writeShare, Math.floor((256 * writes) / Math.max(1, reads + writes)));
}

function setPaceColumns(set: Set, ring: Ring, call: GuardedCall, profile: Profile): void {
  const usual = profile.gapLogMean ?? USUAL_GAP_LOG;
  const gap = gapOf(ring, call);
  let count = 0;
  let sum = 0;
  let squares = 0;
  let logs = 0;
  const add = (value: number | null): void => {
    if (value === null) return;
    count++;
    sum += value;
    squares += value * value;
    logs += log2Q8(1 + value);
  };
  for (const row of ring.rows.slice(-(LAYOUT.steps - 1))) add(row.gap);
  add(gap);
  set(COLUMN.gap, gap === null ? usual : log2Q8(1 + gap));
  set(COLUMN.pace, count === 0 ? 0 : usual - Math.floor(logs / count));
  // Equal stamps are a laboratory's batch, not a machine: no irregularity can be told from them.
  const irregularity =
    count < 3 || sum === 0
      ? IRREGULARITY_UNKNOWN
      : Math.floor((256 * (count * squares - sum * sum)) / (sum * sum));
  set(COLUMN.gapIrregularity, Math.min(irregularity, IRREGULARITY_MAX));
}

/** −log2 p(act | own profile), p = (c + κ·q) / (n + κ). */
function ownSurprisal(profile: Profile, act: number, prior: number, peers: boolean): number {
  const weight = peers ? PEER_PRIOR_WEIGHT : FLAT_PRIOR_WEIGHT;
  return surprisalQ8(
    Math.max(1, actMassOf(profile, act) * 256 + Math.floor((prior * weight) / 65_536)),
    profile.massQ8 * 256 + weight,
  );
}

/** Whether "never seen" would only say that the profile is young. */
function isExcused(profile: Profile, prior: number, peers: boolean): boolean {
  if (!peers) return profile.massQ8 < SETTLED_MASS_Q8;
  return profile.massQ8 < NEWCOMER_MASS_Q8 && prior >= VOUCHED_SHARE;
}

function hourSurprisal(profile: Profile, call: GuardedCall, roles: RoleTables | null): number {
  const bin = hourBinOf(call.timeMs);
  const day = bin - (bin % 24);
  const near = (offset: number): number =>
    countOf(profile.hours, day + ((bin - day + offset + 24) % 24));
  let mass = 0;
  for (const [, count] of profile.hours) mass += count;
  const prior = roles?.hourShares[call.role * HOUR_BINS + bin] ?? shareOf(HOUR_BINS);
  return surprisalQ8(
    Math.max(1, (near(-1) + 2 * near(0) + near(1)) * 64 + prior * 4),
    mass * 256 + HOUR_PRIOR_WEIGHT,
  );
}

function purposeSurprisal(call: GuardedCall, roles: RoleTables | null): number {
  if (roles === null) return 0;
  const row = (call.role * SECTIONS.length + call.section) * PURPOSES.length;
  return surprisalQ8(roles.purposeShares[row + call.purpose]!, 65_536);
}

function shareOf(choices: number): number {
  return Math.max(1, Math.floor(65_536 / choices));
}

function clamp(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value));
}
