/**
 * Canonical bytes of a detector. One value has one encoding and every accepted byte string re-encodes to itself, so the
 * SHA-256 of the bytes names the value. Integers and floats are little-endian.
 *
 * | field | bytes |
 * |---|---|
 * | magic `BHSD`, format version 1 | 4, 2 |
 * | version | 4 |
 * | round: length, ASCII | 1, length |
 * | feature schema version, hash | 2, 32 |
 * | kernel hash, layout hash | 32, 32 |
 * | plan hash, manifest digest: flag, hash | 1 (+ 32) each |
 * | steps, features, hidden, latent | 1 each |
 * | parameters: count, int32 in 2^-20 | 4, 4 each |
 * | normaliser: clip, centres, scales (float32) | 4, 4 · features, 4 · features |
 * | role tables: length, bytes | 4, length |
 * | vocabulary: flag, hash, size | 1 (+ 36) |
 * | strata: count; each mask, shortest, longest, means, whitening (float32) | 1; 4, 1, 1, 4 d, 2 d (d + 1) |
 * @module
 */
import { checkArchitecture, layoutOf, type Architecture } from '../architecture/index.js';
import { DetectorError } from '../errors.js';
import { decodeRoleTables, encodeRoleTables } from '../features/index.js';
import { BinaryReader, BinaryWriter } from './binary.js';
import type { Detector, Stratum } from './detector.js';
import { checkStrata, summaryWidth } from './strata.js';

/** A detector travels inside one transaction and is read by every guarded call. */
export const DETECTOR_BYTES_MAX = 65_536;
const MAGIC = 'BHSD';
const ROUND_LENGTH_MAX = 64;
const HASH = /^[0-9a-f]{64}$/;

/**
 * @throws {DetectorError} `ERR_DETECTOR_VALUE` if a field cannot be encoded, `ERR_DETECTOR_SIZE` above 64 KiB
 */
export function encodeDetector(detector: Detector): Uint8Array {
  checkDetector(detector);
  const { architecture: a, normaliser, vocabulary } = detector;
  const roles = encodeRoleTables(detector.roles);
  const writer = new BinaryWriter()
    .ascii(MAGIC)
    .u16(1)
    .u32(detector.version)
    .u8(detector.round.length)
    .ascii(detector.round)
    .u16(detector.featureSchemaVersion)
    .hash(detector.featureSchemaHash)
    .hash(detector.kernelHash)
    .hash(detector.layoutHash)
    .optionalHash(detector.planHash)
    .optionalHash(detector.manifestDigest)
    .u8(a.steps)
    .u8(a.features)
    .u8(a.hidden)
    .u8(a.latent)
    .u32(detector.parameters.length)
    .i32s(detector.parameters)
    .f32s(Float32Array.of(normaliser.clip))
    .f32s(normaliser.center)
    .f32s(normaliser.scale)
    .u32(roles.length)
    .bytes(roles);
  if (vocabulary === null) writer.u8(0);
  else writer.u8(1).hash(vocabulary.hash).u32(vocabulary.size);
  writer.u8(detector.strata.length);
  for (const stratum of detector.strata) {
    writer
      .u32(stratum.columnMask)
      .u8(stratum.lengthMin)
      .u8(stratum.lengthMax)
      .f32s(stratum.mean)
      .f32s(stratum.whitening);
  }
  const bytes = writer.done();
  if (bytes.length > DETECTOR_BYTES_MAX) throw tooLarge(bytes.length);
  return bytes;
}

/**
 * @throws {DetectorError} `ERR_DETECTOR_BYTES` (field, byte offset, what was expected), `ERR_DETECTOR_SIZE`,
 *   `ERR_DETECTOR_VALUE`
 */
export function decodeDetector(bytes: Uint8Array): Detector {
  if (bytes.length > DETECTOR_BYTES_MAX) throw tooLarge(bytes.length);
  const reader = new BinaryReader('ERR_DETECTOR_BYTES', bytes);
  reader.magic(MAGIC);
  reader.within(reader.u16(), 'format version', 1, 1);
  const version = reader.u32();
  const round = reader.ascii(
    reader.within(reader.u8(), 'round length', 0, ROUND_LENGTH_MAX),
    'round',
  );
  const featureSchemaVersion = reader.u16();
  const featureSchemaHash = reader.hash();
  const kernelHash = reader.hash();
  const layoutHash = reader.hash();
  const planHash = reader.optionalHash('plan hash');
  const manifestDigest = reader.optionalHash('manifest digest');
  const architecture = readArchitecture(reader);
  const { parameterCount } = layoutOf(architecture);
  const count = reader.within(reader.u32(), 'parameters', parameterCount, parameterCount);
  const parameters = reader.i32s(count);
  const clip = reader.f32s(1, 'clip')[0]!;
  const center = reader.f32s(architecture.features, 'centre');
  const scale = reader.f32s(architecture.features, 'scale');
  const roles = readRoles(reader);
  const vocabulary =
    reader.within(reader.u8(), 'vocabulary', 0, 1) === 0
      ? null
      : Object.freeze({ hash: reader.hash(), size: reader.u32() });
  const strata = Array.from({ length: reader.u8() }, () => readStratum(reader, architecture));
  reader.end();
  const detector: Detector = Object.freeze({
    formatVersion: 1,
    version,
    round,
    architecture,
    parameters,
    featureSchemaVersion,
    featureSchemaHash,
    kernelHash,
    layoutHash,
    planHash,
    manifestDigest,
    normaliser: Object.freeze({ center, scale, clip }),
    roles,
    vocabulary,
    strata: Object.freeze(strata),
  });
  checkDetector(detector);
  return detector;
}

function readArchitecture(reader: BinaryReader): Architecture {
  const sizes = {
    steps: reader.u8(),
    features: reader.u8(),
    hidden: reader.u8(),
    latent: reader.u8(),
  };
  try {
    return checkArchitecture(sizes);
  } catch (cause) {
    throw new DetectorError(
      'ERR_DETECTOR_BYTES',
      'architecture: sizes out of range',
      {},
      { cause },
    );
  }
}

function readRoles(reader: BinaryReader): Detector['roles'] {
  const bytes = reader.bytes(reader.u32());
  try {
    return decodeRoleTables(bytes);
  } catch (cause) {
    throw new DetectorError('ERR_DETECTOR_BYTES', 'role tables: not decodable', {}, { cause });
  }
}

function readStratum(reader: BinaryReader, { features }: Architecture): Stratum {
  const columnMask = reader.u32();
  const lengthMin = reader.u8();
  const lengthMax = reader.u8();
  const width = summaryWidth(columnMask, features);
  return Object.freeze({
    columnMask,
    lengthMin,
    lengthMax,
    mean: reader.f32s(width, 'mean'),
    whitening: reader.f32s((width * (width + 1)) / 2, 'whitening'),
  });
}

/** What both directions insist on beyond the shape of the bytes. */
function checkDetector(detector: Detector): void {
  const { architecture, parameters, normaliser, strata } = detector;
  const { features } = architecture;
  const { parameterCount } = layoutOf(architecture);
  const refuse = (field: string, expected: string, got: string | number): never => {
    throw new DetectorError('ERR_DETECTOR_VALUE', `${field}: expected ${expected}, got ${got}`, {
      field,
      expected,
      got: String(got),
    });
  };
  const integer = (field: string, value: number, most: number): void => {
    if (!Number.isInteger(value) || value < 0 || value > most) refuse(field, `0 … ${most}`, value);
  };
  const finite = (field: string, values: Float32Array, length: number): void => {
    if (values.length !== length) refuse(field, `${length} entries`, values.length);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) refuse(`${field}[${bad}]`, 'a finite number', values[bad]!);
  };
  if ((detector.formatVersion as number) !== 1)
    refuse('formatVersion', '1', detector.formatVersion);
  integer('version', detector.version, 0xffffffff);
  integer('featureSchemaVersion', detector.featureSchemaVersion, 0xffff);
  if (!/^[ -~]{0,64}$/.test(detector.round))
    refuse('round', 'printable ASCII ≤ 64', detector.round);
  for (const field of ['featureSchemaHash', 'kernelHash', 'layoutHash'] as const) {
    if (!HASH.test(detector[field])) refuse(field, 'SHA-256 in hex', detector[field]);
  }
  for (const field of ['planHash', 'manifestDigest'] as const) {
    const hash = detector[field];
    if (hash !== '' && !HASH.test(hash)) refuse(field, "SHA-256 in hex or ''", hash);
  }
  if (parameters.length !== parameterCount) {
    refuse('parameters', `${parameterCount} entries`, parameters.length);
  }
  const large = parameters.findIndex((p) => Math.abs(p) >= 16 * 2 ** 20);
  if (large !== -1) refuse(`parameters[${large}]`, 'below 16 · 2^20 in size', parameters[large]!);
  finite('center', normaliser.center, features);
  finite('scale', normaliser.scale, features);
  const flat = normaliser.scale.findIndex((scale) => scale <= 0);
  if (flat !== -1) refuse(`scale[${flat}]`, '> 0', normaliser.scale[flat]!);
  const { clip } = normaliser;
  if (!(clip > 0 && clip <= 1024 && Math.fround(clip) === clip)) {
    refuse('clip', 'a float32 in (0, 1024]', clip);
  }
  if (detector.vocabulary !== null) {
    integer('vocabulary.size', detector.vocabulary.size, 0xffffffff);
    if (!HASH.test(detector.vocabulary.hash)) {
      refuse('vocabulary.hash', 'SHA-256 in hex', detector.vocabulary.hash);
    }
  }
  const fault = checkStrata(strata, architecture);
  if (fault !== null) refuse('strata', 'ascending, disjoint, inside the architecture', fault);
  for (const [i, { columnMask, mean, whitening }] of strata.entries()) {
    const width = summaryWidth(columnMask, features);
    finite(`strata[${i}].mean`, mean, width);
    finite(`strata[${i}].whitening`, whitening, (width * (width + 1)) / 2);
  }
}

function tooLarge(got: number): DetectorError {
  return new DetectorError(
    'ERR_DETECTOR_SIZE',
    `detector: expected at most ${DETECTOR_BYTES_MAX} bytes, got ${got}`,
    { got, most: DETECTOR_BYTES_MAX },
  );
}
