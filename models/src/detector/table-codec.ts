/**
 * Canonical bytes of a calibration table: magic `BHST`, format version (2), α in ppm (4), θ in millionths (4), strata (1),
 * then for each: mask (4), shortest and longest length (1 each), calibration windows n (4), steps (2), thresholds and
 * scores (4 each a step). Little-endian; one value, one encoding.
 * @module
 */
import { STEPS_MAX, WIDTH_MAX } from '../architecture/index.js';
import { DetectorError } from '../errors.js';
import { BinaryReader, BinaryWriter } from './binary.js';
import type { CalibrationTable, TableStratum } from './detector.js';
import { checkStrata } from './strata.js';

export const TABLE_BYTES_MAX = 16_384;
const MAGIC = 'BHST';

/**
 * @throws {DetectorError} `ERR_TABLE_VALUE`, `ERR_TABLE_SIZE`
 */
export function encodeTable(table: CalibrationTable): Uint8Array {
  checkTable(table);
  const writer = new BinaryWriter()
    .ascii(MAGIC)
    .u16(1)
    .u32(table.alphaPpm)
    .u32(table.theta)
    .u8(table.strata.length);
  for (const stratum of table.strata) {
    writer
      .u32(stratum.columnMask)
      .u8(stratum.lengthMin)
      .u8(stratum.lengthMax)
      .u32(stratum.n)
      .u16(stratum.thresholds.length)
      .u32s(stratum.thresholds)
      .u32s(stratum.scores);
  }
  const bytes = writer.done();
  if (bytes.length > TABLE_BYTES_MAX) throw tooLarge(bytes.length);
  return bytes;
}

/**
 * @throws {DetectorError} `ERR_TABLE_BYTES`, `ERR_TABLE_VALUE`, `ERR_TABLE_SIZE`
 */
export function decodeTable(bytes: Uint8Array): CalibrationTable {
  if (bytes.length > TABLE_BYTES_MAX) throw tooLarge(bytes.length);
  const reader = new BinaryReader('ERR_TABLE_BYTES', bytes);
  reader.magic(MAGIC);
  reader.within(reader.u16(), 'format version', 1, 1);
  const alphaPpm = reader.u32();
  const theta = reader.u32();
  const strata = Array.from({ length: reader.u8() }, () => readStratum(reader));
  reader.end();
  const table: CalibrationTable = Object.freeze({
    formatVersion: 1,
    alphaPpm,
    theta,
    strata: Object.freeze(strata),
  });
  checkTable(table);
  return table;
}

function readStratum(reader: BinaryReader): TableStratum {
  const key = { columnMask: reader.u32(), lengthMin: reader.u8(), lengthMax: reader.u8() };
  const n = reader.u32();
  const steps = reader.u16();
  return Object.freeze({ ...key, n, thresholds: reader.u32s(steps), scores: reader.u32s(steps) });
}

function checkTable(table: CalibrationTable): void {
  const refuse = (field: string, expected: string, got: string | number): never => {
    throw new DetectorError('ERR_TABLE_VALUE', `${field}: expected ${expected}, got ${got}`, {
      field,
      expected,
      got: String(got),
    });
  };
  const within = (field: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most) {
      refuse(field, `${least} … ${most}`, value);
    }
  };
  if ((table.formatVersion as number) !== 1) refuse('formatVersion', '1', table.formatVersion);
  within('alphaPpm', table.alphaPpm, 1, 500_000);
  within('theta', table.theta, 1, 999_999);
  const fault = checkStrata(table.strata, { steps: STEPS_MAX, features: WIDTH_MAX });
  if (fault !== null) refuse('strata', 'ascending and disjoint', fault);
  for (const [i, { n, thresholds, scores }] of table.strata.entries()) {
    within(`strata[${i}].n`, n, 1, 0xffffffff);
    within(`strata[${i}].thresholds`, thresholds.length, 1, 0xffff);
    if (scores.length !== thresholds.length) {
      refuse(`strata[${i}].scores`, `${thresholds.length} entries`, scores.length);
    }
    if (thresholds[0] !== 0) refuse(`strata[${i}].thresholds[0]`, '0', thresholds[0]!);
    for (let k = 1; k < thresholds.length; k++) {
      if (thresholds[k]! <= thresholds[k - 1]!) {
        refuse(`strata[${i}].thresholds[${k}]`, `> ${thresholds[k - 1]!}`, thresholds[k]!);
      }
      if (scores[k]! <= scores[k - 1]!) {
        refuse(`strata[${i}].scores[${k}]`, `> ${scores[k - 1]!}`, scores[k]!);
      }
    }
    within(`strata[${i}].scores[${scores.length - 1}]`, scores.at(-1)!, 0, 1_000_000);
  }
}

function tooLarge(got: number): DetectorError {
  return new DetectorError(
    'ERR_TABLE_SIZE',
    `table: expected at most ${TABLE_BYTES_MAX} bytes, got ${got}`,
    { got, most: TABLE_BYTES_MAX },
  );
}
