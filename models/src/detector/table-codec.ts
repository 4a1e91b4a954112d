/**
 * Canonical bytes of a calibration table. One value has one encoding; little-endian.
 *
 * | field | bytes |
 * |---|---|
 * | magic `BHST`, format version 2 | 4, 2 |
 * | α in ppm, θ in millionths | 4, 4 |
 * | strata: count; each mask, shortest, longest, calibration windows n, whose they are, steps | 1; 4, 1, 1, 4, 1, … |
 * | members: count; each name (length, ASCII), then steps for each stratum | 1; 1, length, … |
 * | checksum (CRC-32) | 4 |
 *
 * Steps: count (2), thresholds, values (4 each a step).
 * @module
 */
import { STEPS_MAX, WIDTH_MAX } from '../architecture/index.js';
import { DetectorError } from '../errors.js';
import { BinaryReader, BinaryWriter } from './binary.js';
import { POOLS } from './calibration-table.js';
import type { CalibrationTable, MemberEvidence, Steps, TableStratum } from './detector.js';
import { MEMBER_NAME, MEMBERS_MAX, NAME_LENGTH_MAX } from './member-names.js';
import { checkStrata } from './strata.js';

export const TABLE_BYTES_MAX = 16_384;
const MAGIC = 'BHST';
const FORMAT = 2;

/**
 * @throws {DetectorError} `ERR_TABLE_VALUE`, `ERR_TABLE_SIZE`
 */
export function encodeTable(table: CalibrationTable): Uint8Array {
  checkTable(table);
  const writer = new BinaryWriter()
    .ascii(MAGIC)
    .u16(FORMAT)
    .u32(table.alphaPpm)
    .u32(table.theta)
    .u8(table.strata.length);
  for (const stratum of table.strata) {
    writer
      .u32(stratum.columnMask)
      .u8(stratum.lengthMin)
      .u8(stratum.lengthMax)
      .u32(stratum.n)
      .u8(POOLS.indexOf(stratum.pool));
    writeSteps(writer, stratum);
  }
  writer.u8(table.evidence.length);
  for (const { member, steps } of table.evidence) {
    writer.u8(member.length).ascii(member);
    for (const each of steps) writeSteps(writer, each);
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
  reader.within(reader.u16(), 'format version', FORMAT, FORMAT);
  const alphaPpm = reader.u32();
  const theta = reader.u32();
  const strata = Array.from({ length: reader.u8() }, () => readStratum(reader));
  const evidence = Array.from({ length: reader.u8() }, () => readEvidence(reader, strata.length));
  reader.end();
  const table: CalibrationTable = Object.freeze({
    formatVersion: FORMAT,
    alphaPpm,
    theta,
    evidence: Object.freeze(evidence),
    strata: Object.freeze(strata),
  });
  checkTable(table);
  return table;
}

function writeSteps(writer: BinaryWriter, { thresholds, values }: Steps): void {
  writer.u16(thresholds.length).u32s(thresholds).u32s(values);
}

function readSteps(reader: BinaryReader): Steps {
  const count = reader.u16();
  return { thresholds: reader.u32s(count), values: reader.u32s(count) };
}

function readStratum(reader: BinaryReader): TableStratum {
  const key = { columnMask: reader.u32(), lengthMin: reader.u8(), lengthMax: reader.u8() };
  const n = reader.u32();
  const pool = POOLS[reader.within(reader.u8(), 'pool', 0, POOLS.length - 1)]!;
  return Object.freeze({ ...key, n, pool, ...readSteps(reader) });
}

function readEvidence(reader: BinaryReader, strata: number): MemberEvidence {
  const member = reader.ascii(
    reader.within(reader.u8(), 'member name length', 1, NAME_LENGTH_MAX),
    'member name',
  );
  return Object.freeze({ member, steps: Array.from({ length: strata }, () => readSteps(reader)) });
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
  const checkSteps = (field: string, { thresholds, values }: Steps, most: number): void => {
    within(`${field}.thresholds`, thresholds.length, 1, 0xffff);
    if (values.length !== thresholds.length) {
      refuse(`${field}.values`, `${thresholds.length} entries`, values.length);
    }
    if (thresholds[0] !== 0) refuse(`${field}.thresholds[0]`, '0', thresholds[0]!);
    for (let k = 1; k < thresholds.length; k++) {
      if (thresholds[k]! <= thresholds[k - 1]!) {
        refuse(`${field}.thresholds[${k}]`, `> ${thresholds[k - 1]!}`, thresholds[k]!);
      }
      if (values[k]! <= values[k - 1]!) {
        refuse(`${field}.values[${k}]`, `> ${values[k - 1]!}`, values[k]!);
      }
    }
    within(`${field}.values[${values.length - 1}]`, values.at(-1)!, 0, most);
  };
  if ((table.formatVersion as number) !== FORMAT) {
    refuse('formatVersion', String(FORMAT), table.formatVersion);
  }
  within('alphaPpm', table.alphaPpm, 1, 500_000);
  within('theta', table.theta, 1, 999_999);
  const fault = checkStrata(table.strata, { steps: STEPS_MAX, features: WIDTH_MAX });
  if (fault !== null) refuse('strata', 'ascending and disjoint', fault);
  for (const [i, stratum] of table.strata.entries()) {
    within(`strata[${i}].n`, stratum.n, 1, 0xffffffff);
    if (!POOLS.includes(stratum.pool)) {
      refuse(`strata[${i}].pool`, POOLS.join(', '), stratum.pool);
    }
    checkSteps(`strata[${i}]`, stratum, 1_000_000);
  }
  within('evidence', table.evidence.length, 1, MEMBERS_MAX);
  for (const [m, { member, steps }] of table.evidence.entries()) {
    if (!MEMBER_NAME.test(member)) refuse(`evidence[${m}].member`, 'a name', member);
    if (table.evidence.findIndex((other) => other.member === member) !== m) {
      refuse(`evidence[${m}].member`, 'a name of its own', member);
    }
    if (steps.length !== table.strata.length) {
      refuse(`evidence[${m}].steps`, `${table.strata.length} strata`, steps.length);
    }
    for (const [i, each] of steps.entries()) {
      checkSteps(`evidence[${m}].steps[${i}]`, each, 0xffffffff);
    }
  }
}

function tooLarge(got: number): DetectorError {
  return new DetectorError(
    'ERR_TABLE_SIZE',
    `table: expected at most ${TABLE_BYTES_MAX} bytes, got ${got}`,
    { got, most: TABLE_BYTES_MAX },
  );
}
