/**
 * Public canaries: simulated normal and attack windows. Every version is tried on them before it is activated
 * (detection.md §7). Bytes: magic `BHSC`, format version (2), columns (1), count (4), then for each window label (1),
 * length (1), mask (4), rows (int16). Little-endian.
 * @module
 */
import { STEPS_MAX, WIDTH_MAX } from '../architecture/index.js';
import { DetectorError } from '../errors.js';
import { BinaryReader, BinaryWriter } from './binary.js';
import type { CalibrationTable, Canaries, Detector, ScoredWindow } from './detector.js';
import { createScorer } from './scorer.js';

const MAGIC = 'BHSC';
const COUNT_MAX = 100_000;

export interface CanaryReport {
  /** Probability that an attack is stranger than a normal window (ties count half). */
  readonly auc: number;
  /** Share of normal windows at or above θ, in millionths. */
  readonly alertRatePpm: number;
  /** Scores in millionths, window by window, 4 bytes each, little-endian: the caller hashes them. */
  readonly scoreBytes: Uint8Array;
}

/**
 * @throws {DetectorError} `ERR_CANARIES_VALUE` if there is not at least one window of each label; what `createScorer`
 *   and `score` throw
 */
export function canaryReport(
  detector: Detector,
  table: CalibrationTable,
  canaries: Canaries,
): CanaryReport {
  checkCanaries(canaries);
  const scored = createScorer(detector, table).scoreAll(canaries.windows);
  const normal: number[] = [];
  const attacks: number[] = [];
  let alerts = 0;
  const scoreBytes = new Uint8Array(4 * scored.length);
  const view = new DataView(scoreBytes.buffer);
  scored.forEach(({ nonconformity, scoreMillionths }, i) => {
    view.setUint32(4 * i, scoreMillionths, true);
    if (canaries.labels[i] === 1) attacks.push(nonconformity);
    else {
      normal.push(nonconformity);
      if (scoreMillionths >= table.theta) alerts++;
    }
  });
  return {
    auc: areaUnderCurve(normal, attacks),
    alertRatePpm: Math.round((1e6 * alerts) / normal.length),
    scoreBytes,
  };
}

/** P(attack > normal) + P(attack = normal) / 2, by ranks (Mann & Whitney 1947). NaN if either side is empty. */
export function areaUnderCurve(normal: readonly number[], attacks: readonly number[]): number {
  const all = [
    ...normal.map((value) => ({ value, attack: false })),
    ...attacks.map((value) => ({ value, attack: true })),
  ].sort((a, b) => a.value - b.value);
  let normalBelow = 0;
  let wins = 0;
  for (let i = 0; i < all.length;) {
    let tiedNormal = 0;
    let tiedAttacks = 0;
    const { value } = all[i]!;
    for (; i < all.length && all[i]!.value === value; i++) {
      if (all[i]!.attack) tiedAttacks++;
      else tiedNormal++;
    }
    wins += tiedAttacks * (normalBelow + tiedNormal / 2);
    normalBelow += tiedNormal;
  }
  return wins / (normal.length * attacks.length);
}

/**
 * @throws {DetectorError} `ERR_CANARIES_VALUE`
 */
export function encodeCanaries(canaries: Canaries): Uint8Array {
  checkCanaries(canaries);
  const { windows, labels } = canaries;
  const columns = windows[0]!.rows[0]!.length;
  const writer = new BinaryWriter().ascii(MAGIC).u16(1).u8(columns).u32(windows.length);
  windows.forEach(({ rows, mask }, i) => {
    writer.u8(labels[i]!).u8(rows.length).u32(mask);
    for (const row of rows) writer.i16s(row);
  });
  return writer.done();
}

/**
 * @throws {DetectorError} `ERR_CANARIES_BYTES`, `ERR_CANARIES_VALUE`
 */
export function decodeCanaries(bytes: Uint8Array): Canaries {
  const reader = new BinaryReader('ERR_CANARIES_BYTES', bytes);
  reader.magic(MAGIC);
  reader.within(reader.u16(), 'format version', 1, 1);
  const columns = reader.within(reader.u8(), 'columns', 1, WIDTH_MAX);
  const count = reader.within(reader.u32(), 'count', 1, COUNT_MAX);
  const windows: ScoredWindow[] = [];
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = reader.within(reader.u8(), 'label', 0, 1);
    const length = reader.within(reader.u8(), 'length', 1, STEPS_MAX);
    const mask = reader.u32();
    windows.push({ mask, rows: Array.from({ length }, () => reader.i16s(columns)) });
  }
  reader.end();
  const canaries: Canaries = { windows, labels };
  checkCanaries(canaries);
  return canaries;
}

function checkCanaries({ windows, labels }: Canaries): void {
  const refuse = (expected: string, got: number): never => {
    throw new DetectorError('ERR_CANARIES_VALUE', `canaries: expected ${expected}, got ${got}`, {
      expected,
      got,
    });
  };
  if (labels.length !== windows.length) refuse(`${windows.length} labels`, labels.length);
  if (windows.length > COUNT_MAX) refuse(`at most ${COUNT_MAX} windows`, windows.length);
  for (const label of [0, 1]) if (!labels.includes(label)) refuse('windows of both labels', label);
  const columns = windows[0]?.rows[0]?.length ?? 0;
  for (const { rows } of windows) {
    if (rows.length < 1 || rows.length > STEPS_MAX) refuse(`1 … ${STEPS_MAX} rows`, rows.length);
    const odd = rows.find((row) => row.length !== columns);
    if (odd !== undefined) refuse(`${columns} columns`, odd.length);
  }
}
