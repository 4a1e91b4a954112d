/**
 * Canonical bytes of a detector. One value has one encoding and every accepted byte string re-encodes to itself, so the
 * SHA-256 of the bytes names the value. Integers and floats are little-endian.
 *
 * | field | bytes |
 * |---|---|
 * | magic `BHSD`, format version 2 | 4, 2 |
 * | version | 4 |
 * | round: length, ASCII | 1, length |
 * | feature schema version, hash | 2, 32 |
 * | kernel hash, layout hash | 32, 32 |
 * | plan hash, manifest digest: flag, hash | 1 (+ 32) each |
 * | columns of the layout | 1 |
 * | strata: count; each mask, shortest, longest | 1; 4, 1, 1 |
 * | members: count; each kind, name (length, ASCII); with columns: count, columns; a network: hidden, latent | 1; 1, 1, …; 1, 1 each; 1, 1 |
 * | parameters of all networks: count, int32 in 2^-20 | 4, 4 each |
 * | normaliser: clip, centres, scales (float32) | 4, 4 · columns, 4 · columns |
 * | role tables: length, bytes | 4, length |
 * | vocabulary: flag, hash, size | 1 (+ 36) |
 * | laws of each member with columns, stratum by stratum: means (float32), whitening (`whitening-grid.ts`) | 4 d, d + d (d + 1) |
 * | checksum (CRC-32) | 4 |
 * @module
 */
import { ArchitectureError, DetectorError } from '../errors.js';
import { networksLayout, type NetworksLayout } from '../ensemble/networks.js';
import { decodeRoleTables, encodeRoleTables, LAYOUT } from '../features/index.js';
import { BinaryReader, BinaryWriter } from './binary.js';
import type {
  AutoencoderMember,
  Detector,
  DetectorMember,
  FeaturesMember,
  StratumKey,
  SummaryLaw,
} from './detector.js';
import { MEMBER_NAME, MEMBERS_MAX, NAME_LENGTH_MAX } from './member-names.js';
import { checkStrata, presentColumns, projectMask } from './strata.js';
import {
  isOnWhiteningGrid,
  readWhitening,
  triangleSize,
  writeWhitening,
} from './whitening-grid.js';

/** A detector travels inside one transaction and is read by every guarded call. */
export const DETECTOR_BYTES_MAX = 65_536;
const MAGIC = 'BHSD';
const FORMAT = 2;
const ROUND_LENGTH_MAX = 64;
const COLUMNS_MAX = 32;
const HASH = /^[0-9a-f]{64}$/;
const KINDS = ['autoencoder', 'features', 'likelihood-ratio', 'unseen', 'trigrams'] as const;

/** The networks of a detector and where their parameters lie. */
export function networksOf(detector: Pick<Detector, 'members'>): NetworksLayout {
  return networksLayout(detector.members.filter(isAutoencoder));
}

export function isAutoencoder(member: DetectorMember): member is AutoencoderMember {
  return member.kind === 'autoencoder';
}

/** Entries of the summary of a member's columns in a stratum: 3 a column of a network, 2 of the features. */
export function lawWidth(
  { kind, columns }: Pick<AutoencoderMember | FeaturesMember, 'kind' | 'columns'>,
  { columnMask }: StratumKey,
): number {
  const present = presentColumns(projectMask(columnMask, columns), columns.length).length;
  return (kind === 'autoencoder' ? 3 : 2) * present;
}

/**
 * @throws {DetectorError} `ERR_DETECTOR_VALUE` if a field cannot be encoded, `ERR_DETECTOR_SIZE` above 64 KiB
 */
export function encodeDetector(detector: Detector): Uint8Array {
  checkDetector(detector);
  const { normaliser, vocabulary, strata, members } = detector;
  const roles = encodeRoleTables(detector.roles);
  const writer = new BinaryWriter()
    .ascii(MAGIC)
    .u16(FORMAT)
    .u32(detector.version)
    .u8(detector.round.length)
    .ascii(detector.round)
    .u16(detector.featureSchemaVersion)
    .hash(detector.featureSchemaHash)
    .hash(detector.kernelHash)
    .hash(detector.layoutHash)
    .optionalHash(detector.planHash)
    .optionalHash(detector.manifestDigest)
    .u8(normaliser.center.length)
    .u8(strata.length);
  for (const { columnMask, lengthMin, lengthMax } of strata) {
    writer.u32(columnMask).u8(lengthMin).u8(lengthMax);
  }
  writer.u8(members.length);
  for (const member of members) {
    writer.u8(KINDS.indexOf(member.kind)).u8(member.name.length).ascii(member.name);
    if (!('columns' in member)) continue;
    writer.u8(member.columns.length).bytes(Uint8Array.from(member.columns));
    if (member.kind === 'autoencoder') writer.u8(member.hidden).u8(member.latent);
  }
  writer
    .u32(detector.parameters.length)
    .i32s(detector.parameters)
    .f32s(Float32Array.of(normaliser.clip))
    .f32s(normaliser.center)
    .f32s(normaliser.scale)
    .u32(roles.length)
    .bytes(roles);
  if (vocabulary === null) writer.u8(0);
  else writer.u8(1).hash(vocabulary.hash).u32(vocabulary.size);
  for (const member of members) {
    if (!('laws' in member)) continue;
    for (const { mean, whitening } of member.laws) {
      writer.f32s(mean);
      writeWhitening(writer, whitening, mean.length);
    }
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
  reader.within(reader.u16(), 'format version', FORMAT, FORMAT);
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
  const features = reader.within(reader.u8(), 'columns', 1, COLUMNS_MAX);
  const strata = Array.from({ length: reader.u8() }, (): StratumKey =>
    Object.freeze({ columnMask: reader.u32(), lengthMin: reader.u8(), lengthMax: reader.u8() }),
  );
  const lawless = Array.from(
    { length: reader.within(reader.u8(), 'members', 1, MEMBERS_MAX) },
    () => readMember(reader),
  );
  const { parameterCount } = readLayout(lawless);
  const count = reader.within(reader.u32(), 'parameters', parameterCount, parameterCount);
  const parameters = reader.i32s(count);
  const clip = reader.f32s(1, 'clip')[0]!;
  const center = reader.f32s(features, 'centre');
  const scale = reader.f32s(features, 'scale');
  const roles = readRoles(reader);
  const vocabulary =
    reader.within(reader.u8(), 'vocabulary', 0, 1) === 0
      ? null
      : Object.freeze({ hash: reader.hash(), size: reader.u32() });
  const members = lawless.map((member): DetectorMember => {
    if (!('columns' in member)) return Object.freeze(member);
    const laws = strata.map((key) => readLaw(reader, lawWidth(member, key)));
    return Object.freeze({ ...member, laws });
  });
  reader.end();
  const detector: Detector = Object.freeze({
    formatVersion: FORMAT,
    version,
    round,
    members: Object.freeze(members),
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

function readMember(reader: BinaryReader): DetectorMember {
  const kind = KINDS[reader.within(reader.u8(), 'member kind', 0, KINDS.length - 1)]!;
  const name = reader.ascii(
    reader.within(reader.u8(), 'member name length', 1, NAME_LENGTH_MAX),
    'member name',
  );
  if (kind !== 'autoencoder' && kind !== 'features') return { kind, name };
  const columns = [...reader.bytes(reader.within(reader.u8(), 'member columns', 1, COLUMNS_MAX))];
  if (kind === 'features') return { kind, name, columns, laws: [] };
  return { kind, name, columns, hidden: reader.u8(), latent: reader.u8(), laws: [] };
}

function readLayout(members: readonly DetectorMember[]): NetworksLayout {
  try {
    return networksOf({ members });
  } catch (cause) {
    throw new DetectorError(
      'ERR_DETECTOR_BYTES',
      'members: sizes of a network out of range',
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

function readLaw(reader: BinaryReader, width: number): SummaryLaw {
  return Object.freeze({
    mean: reader.f32s(width, 'mean'),
    whitening: readWhitening(reader, width),
  });
}

/** What both directions insist on beyond the shape of the bytes. */
function checkDetector(detector: Detector): void {
  const { parameters, normaliser, strata, members } = detector;
  const features = normaliser.center.length;
  const refuse = (field: string, expected: string, got: string | number): never => {
    throw new DetectorError('ERR_DETECTOR_VALUE', `${field}: expected ${expected}, got ${got}`, {
      field,
      expected,
      got: String(got),
    });
  };
  const integer = (field: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most) {
      refuse(field, `${least} … ${most}`, value);
    }
  };
  const finite = (field: string, values: Float32Array, length: number): void => {
    if (values.length !== length) refuse(field, `${length} entries`, values.length);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) refuse(`${field}[${bad}]`, 'a finite number', values[bad]!);
  };
  if ((detector.formatVersion as number) !== FORMAT)
    refuse('formatVersion', String(FORMAT), detector.formatVersion);
  integer('version', detector.version, 0, 0xffffffff);
  integer('featureSchemaVersion', detector.featureSchemaVersion, 0, 0xffff);
  if (!/^[ -~]{0,64}$/.test(detector.round))
    refuse('round', 'printable ASCII ≤ 64', detector.round);
  for (const field of ['featureSchemaHash', 'kernelHash', 'layoutHash'] as const) {
    if (!HASH.test(detector[field])) refuse(field, 'SHA-256 in hex', detector[field]);
  }
  for (const field of ['planHash', 'manifestDigest'] as const) {
    const hash = detector[field];
    if (hash !== '' && !HASH.test(hash)) refuse(field, "SHA-256 in hex or ''", hash);
  }
  integer('columns', features, 1, COLUMNS_MAX);
  finite('center', normaliser.center, features);
  finite('scale', normaliser.scale, features);
  const flat = normaliser.scale.findIndex((scale) => scale <= 0);
  if (flat !== -1) refuse(`scale[${flat}]`, '> 0', normaliser.scale[flat]!);
  const { clip } = normaliser;
  if (!(clip > 0 && clip <= 1024 && Math.fround(clip) === clip)) {
    refuse('clip', 'a float32 in (0, 1024]', clip);
  }
  if (detector.vocabulary !== null) {
    integer('vocabulary.size', detector.vocabulary.size, 0, 0xffffffff);
    if (!HASH.test(detector.vocabulary.hash)) {
      refuse('vocabulary.hash', 'SHA-256 in hex', detector.vocabulary.hash);
    }
  }
  const fault = checkStrata(strata, { steps: LAYOUT.steps, features });
  if (fault !== null) refuse('strata', 'ascending, disjoint, inside the layout', fault);
  integer('members', members.length, 1, MEMBERS_MAX);
  for (const [m, member] of members.entries()) {
    const where = `members[${m}]`;
    if (!MEMBER_NAME.test(member.name)) refuse(`${where}.name`, 'a name', member.name);
    if (members.findIndex(({ name }) => name === member.name) !== m) {
      refuse(`${where}.name`, 'a name of its own', member.name);
    }
    if (!KINDS.includes(member.kind)) refuse(`${where}.kind`, KINDS.join(', '), member.kind);
    if (!('columns' in member)) continue;
    member.columns.forEach((column, i) => {
      integer(`${where}.columns[${i}]`, column, (member.columns[i - 1] ?? -1) + 1, features - 1);
    });
    if (member.laws.length !== strata.length) {
      refuse(`${where}.laws`, `${strata.length} strata`, member.laws.length);
    }
    for (const [i, { mean, whitening }] of member.laws.entries()) {
      const width = lawWidth(member, strata[i]!);
      if (width === 0) refuse(`${where}.laws[${i}]`, 'a stratum with a column', 'none');
      finite(`${where}.laws[${i}].mean`, mean, width);
      finite(`${where}.laws[${i}].whitening`, whitening, triangleSize(width));
      if (!isOnWhiteningGrid(whitening, width)) {
        refuse(`${where}.laws[${i}].whitening`, 'entries on the whitening grid', 'others');
      }
    }
  }
  const { parameterCount } = layoutIn(detector, refuse);
  if (parameters.length !== parameterCount) {
    refuse('parameters', `${parameterCount} entries`, parameters.length);
  }
  const large = parameters.findIndex((p) => Math.abs(p) >= 16 * 2 ** 20);
  if (large !== -1) refuse(`parameters[${large}]`, 'below 16 · 2^20 in size', parameters[large]!);
}

function layoutIn(
  detector: Detector,
  refuse: (field: string, expected: string, got: string) => never,
): NetworksLayout {
  try {
    return networksOf(detector);
  } catch (error) {
    if (!(error instanceof ArchitectureError)) throw error;
    return refuse('members', 'networks within the limits', error.message);
  }
}

function tooLarge(got: number): DetectorError {
  return new DetectorError(
    'ERR_DETECTOR_SIZE',
    `detector: expected at most ${DETECTOR_BYTES_MAX} bytes, got ${got}`,
    { got, most: DETECTOR_BYTES_MAX },
  );
}
