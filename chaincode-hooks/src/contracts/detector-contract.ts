/**
 * The registry of detectors: proposed by the orchestrator, verified by each hospital, active when m of them agree.
 *
 * Blobs are on the ledger under their SHA-256, so every peer that has the pointer has the weights. A blob that is there is
 * not written again: a new version of its key would fail every guarded call in flight.
 * @module
 */
import {
  DETECTOR_BYTES_MAX,
  TABLE_BYTES_MAX,
  createScorer,
  decodeDetector,
  decodeTable,
  type CalibrationTable,
  type Detector,
} from '@bhschain/models/detector';

import { decodePointer, type DetectorPointer, type Judges } from '../active-detector.js';
import {
  base64Argument,
  hashArgument,
  integerArgument,
  memberArgument,
  refusedArgument,
} from '../arguments.js';
import { canonicalJson, type JsonObject } from '../canonical-json.js';
import {
  attests,
  parseProvenance,
  type Attestation,
  type Calibration,
  type DetectorEntry,
  type DetectorState,
} from '../detector-entry.js';
import { sha256Hex } from '../digest.js';
import { SCORE_THRESHOLD } from '../disposition.js';
import { ChaincodeError } from '../errors.js';
import { readFederationConfig } from '../federation-config.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import {
  ACTIVE_DETECTOR_KEY,
  LAST_DETECTOR_KEY,
  attestationKey,
  calibrationKey,
  confirmationKey,
  detectorBlobKey,
  detectorEntryKey,
  detectorVoteKey,
} from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

const CODE_HASH_LENGTH_MAX = 128;
/** α₀: 32 in 1,000 benign calls are held. */
const PUBLIC_ALPHA_PPM = 32_000;
const CALIBRATION_COUNT_MIN = 1_000;
const VOTES = ['rollBack', 'withdraw', 'enforce', 'shadow'] as const;
type VoteAction = (typeof VOTES)[number];

export class DetectorContract extends GuardedContract {
  readonly #judges: Judges;

  constructor(options: GuardOptions) {
    super('DetectorContract', options);
    this.#judges = options.judges;
  }

  /** The next version; the same bytes under the same version again are success, and write nothing. */
  async propose(
    ctx: GuardContext,
    ...[versionText, model, table, entryText]: Args
  ): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const modelBytes = base64Argument(model, 'detector', DETECTOR_BYTES_MAX);
    const tableBytes = base64Argument(table, 'table', TABLE_BYTES_MAX);
    const provenance = parseProvenance(entryText);
    const detector = verify(version, modelBytes, tableBytes);
    const entry: DetectorEntry = {
      version,
      state: 'proposed',
      modelHash: sha256Hex(modelBytes),
      tableHash: sha256Hex(tableBytes),
      kernelHash: detector.kernelHash,
      schemaHash: detector.featureSchemaHash,
      provenance,
      proposedMs: transactionTimeMs(ctx),
    };
    const blobs = [
      [detectorBlobKey(entry.modelHash), modelBytes],
      [detectorBlobKey(entry.tableHash), tableBytes],
    ] as const;
    const known = await readObject(ctx, detectorEntryKey(version), 'detector entry');
    const last = await readObject(ctx, LAST_DETECTOR_KEY, 'last detector');
    const present = await Promise.all(blobs.map(([key]) => ctx.stub.getState(key)));
    if (known !== null) {
      const stored = known as unknown as DetectorEntry;
      requireSameProposal(stored, entry);
      ctx.eventParts = { detector: { version, state: stored.state } };
      return { status: 'already-proposed', version, state: stored.state };
    }
    requireNext(version, last);
    for (const [i, [key, bytes]] of blobs.entries()) {
      if (present[i]!.length === 0) await ctx.stub.putState(key, bytes);
    }
    await writeEntry(ctx, entry);
    await writeObject(ctx, LAST_DETECTOR_KEY, { version });
    return { status: 'proposed', version, modelHash: entry.modelHash, tableHash: entry.tableHash };
  }

  /** One key per MSP, so hospitals that attest at the same time do not collide; replaceable until activation. */
  async attest(
    ctx: GuardContext,
    ...[versionText, modelHash, tableHash, kernelHash, codeHash]: Args
  ): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const { actor, mspId } = callerOf(ctx);
    if (codeHash === undefined || codeHash.length > CODE_HASH_LENGTH_MAX) {
      throw new ChaincodeError(
        'ERR_ARGUMENT',
        `codeHash: expected at most ${CODE_HASH_LENGTH_MAX} characters`,
      );
    }
    const entry = await readEntry(ctx, version);
    requireState(entry, ['proposed'], 'attest');
    const attestation: Attestation = {
      mspId,
      modelHash: hashArgument(modelHash, 'modelHash'),
      tableHash: hashArgument(tableHash, 'tableHash'),
      kernelHash: hashArgument(kernelHash, 'kernelHash'),
      codeHash,
      by: actor,
      atMs: transactionTimeMs(ctx),
    };
    if (!attests(entry, attestation)) {
      throw new ChaincodeError(
        'ERR_DETECTOR_DIGEST',
        `attest: the hashes are not those of proposal ${version}`,
        { version },
      );
    }
    await writeObject(ctx, attestationKey(version, mspId), attestation);
    ctx.eventParts = { detector: { version, state: entry.state } };
    return { status: 'attested', version, mspId };
  }

  /**
   * A hospital's own calibration table for a version: what is strange there. Its shape is checked, so that no hospital can
   * switch itself off; it judges that hospital's calls once m − 1 others have recomputed it and `activate` takes it up.
   * The block range names the calls that it was made from.
   */
  async calibrate(
    ctx: GuardContext,
    ...[versionText, fromBlock, toBlock, tableText]: Args
  ): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const blocks = {
      from: integerArgument(fromBlock, 'fromBlock'),
      to: integerArgument(toBlock, 'toBlock'),
    };
    if (blocks.to < blocks.from) throw refusedArgument('toBlock', 'not before fromBlock');
    const bytes = base64Argument(tableText, 'table', TABLE_BYTES_MAX);
    const { mspId, actor } = callerOf(ctx);
    const tableHash = sha256Hex(bytes);
    const entry = await readEntry(ctx, version);
    const present = await ctx.stub.getState(detectorBlobKey(tableHash));
    const model = await ctx.stub.getState(detectorBlobKey(entry.modelHash));
    requireState(entry, ['proposed', 'active'], 'calibrate');
    requireCalibration(model, bytes);
    const calibration: Calibration = { mspId, tableHash, blocks, by: actor };
    await writeObject(ctx, calibrationKey(version, mspId), calibration);
    if (present.length === 0) await ctx.stub.putState(detectorBlobKey(tableHash), bytes);
    ctx.eventParts = { detector: { version, state: entry.state } };
    return { status: 'calibrated', version, mspId, tableHash };
  }

  /** "I recomputed the table of that hospital from the same blocks, and it has this hash." One key per MSP. */
  async confirmTable(
    ctx: GuardContext,
    ...[versionText, ofMsp, tableText]: Args
  ): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const tableHash = hashArgument(tableText, 'tableHash');
    const { mspId } = callerOf(ctx);
    const entry = await readEntry(ctx, version);
    const calibration = await readCalibration(ctx, version, ofMsp ?? '');
    if (calibration === null) {
      throw new ChaincodeError('ERR_NOT_FOUND', 'this hospital has no table for this version');
    }
    if (calibration.mspId === mspId) {
      throw new ChaincodeError('ERR_FOUR_EYES', 'confirmTable is for another hospital');
    }
    if (calibration.tableHash !== tableHash) {
      throw new ChaincodeError('ERR_DETECTOR_DIGEST', 'confirmTable: the table has another hash');
    }
    await writeObject(ctx, confirmationKey(version, calibration.mspId, mspId), { tableHash });
    ctx.eventParts = { detector: { version, state: entry.state } };
    return { status: 'confirmed', version, mspId: calibration.mspId };
  }

  /**
   * Moves the pointer. Calls in flight fail once with an MVCC conflict, so no verdict of the old detector commits later. Of
   * the active version again, it takes up the hospitals' tables that were confirmed since.
   */
  async activate(ctx: GuardContext, ...[versionText]: Args): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const { hospitals, attestations: needed } = await readFederationConfig(ctx);
    const entry = await readEntry(ctx, version);
    const attestations = await readAttestations(ctx, version, hospitals);
    const tables = await confirmedTables(ctx, version, hospitals, needed);
    const pointer = await readPointer(ctx);
    if (entry.state === 'active' && pointer?.version === version) {
      ctx.eventParts = { detector: { version, state: entry.state } };
      if (canonicalJson(tables) === canonicalJson(pointer.tables ?? {})) {
        return { status: 'already-active', version };
      }
      await writeObject(ctx, ACTIVE_DETECTOR_KEY, { ...pointer, tables });
      return { status: 'active', version, tables };
    }
    requireState(entry, ['proposed'], 'activate');
    const counted = attestations.filter((attestation) => attests(entry, attestation));
    if (counted.length < needed) {
      throw new ChaincodeError(
        'ERR_DETECTOR_ATTESTATIONS',
        `activate: version ${version} has ${counted.length} attestations of its hashes, needs ${needed}`,
        { version, got: counted.length, needed },
      );
    }
    await switchTo(ctx, entry, pointer, tables);
    return { status: 'active', version, attestations: counted.map(({ mspId }) => mspId) };
  }

  /** Gives a proposal up, e.g. when no quorum attests it; the reason is a digest. */
  async refuse(ctx: GuardContext, ...[versionText, reasonDigest]: Args): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    hashArgument(reasonDigest, 'reasonDigest');
    const entry = await readEntry(ctx, version);
    requireState(entry, ['proposed'], 'refuse');
    await writeEntry(ctx, { ...entry, state: 'refused' });
    return { status: 'refused', version };
  }

  /**
   * A hospital's vote to take a version out of use (`withdraw`) or back into use (`rollBack`), or on how the active version
   * acts: `enforce` diverts, `shadow` only records what it would have diverted.
   */
  async vote(
    ctx: GuardContext,
    ...[actionText, versionText, reasonDigest]: Args
  ): Promise<JsonObject> {
    const action = memberArgument(actionText, 'action', VOTES);
    const version = integerArgument(versionText, 'version');
    const { actor, mspId } = callerOf(ctx);
    const entry = await readEntry(ctx, version);
    await writeObject(ctx, detectorVoteKey(action, version, mspId), {
      mspId,
      by: actor,
      reasonDigest: hashArgument(reasonDigest, 'reasonDigest'),
      atMs: transactionTimeMs(ctx),
    });
    ctx.eventParts = { detector: { version, state: entry.state } };
    return { status: 'voted', action, version, mspId };
  }

  /** Back to a superseded version, by m votes. Votes are used up. */
  async rollBack(ctx: GuardContext, ...[versionText]: Args): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const entry = await readEntry(ctx, version);
    const { hospitals, attestations: needed } = await readFederationConfig(ctx);
    const tables = await confirmedTables(ctx, version, hospitals, needed);
    const pointer = await readPointer(ctx);
    requireState(entry, ['superseded'], 'rollBack');
    await useVotes(ctx, 'rollBack', version);
    await switchTo(ctx, entry, pointer, tables);
    return { status: 'active', version };
  }

  /** Never to be used again, by m votes. The active version cannot be withdrawn before another one is active. */
  async withdraw(ctx: GuardContext, ...[versionText]: Args): Promise<JsonObject> {
    const version = integerArgument(versionText, 'version');
    const entry = await readEntry(ctx, version);
    requireState(entry, ['superseded', 'proposed'], 'withdraw');
    await useVotes(ctx, 'withdraw', version);
    await writeEntry(ctx, { ...entry, state: 'withdrawn' });
    return { status: 'withdrawn', version };
  }

  /** `enforce` or `shadow`, by m votes for that mode and the version that is active. Votes are used up. */
  async setMode(ctx: GuardContext, ...[modeText]: Args): Promise<JsonObject> {
    const mode = memberArgument(modeText, 'mode', ['enforce', 'shadow'] as const);
    const pointer = await readPointer(ctx);
    if (pointer === null) throw new ChaincodeError('ERR_NOT_FOUND', 'no detector is active');
    const { version } = pointer;
    if (pointer.mode === mode) return { status: 'already-set', version, mode };
    await useVotes(ctx, mode, version);
    await writeObject(ctx, ACTIVE_DETECTOR_KEY, { ...pointer, mode });
    ctx.eventParts = { detector: { version, state: mode } };
    return { status: 'set', version, mode };
  }

  /** A version's entry and attestations, and the pointer; '' asks for the active version. */
  async status(ctx: GuardContext, ...[versionText]: Args): Promise<JsonObject> {
    const pointer = await readPointer(ctx);
    const active = pointer as unknown as JsonObject | null;
    if (versionText === '' && pointer === null) return { active: null };
    const version =
      versionText === '' && pointer !== null
        ? pointer.version
        : integerArgument(versionText, 'version');
    const entry = await readEntry(ctx, version);
    const { hospitals } = await readFederationConfig(ctx);
    const attestations = await readAttestations(ctx, version, hospitals);
    return {
      ...(entry as unknown as JsonObject),
      attestations: attestations as unknown as readonly JsonObject[],
      active,
    };
  }

  /** Base64, as a JSON string. A server that handed a blob out need not read it when it judges. */
  async blob(ctx: GuardContext, ...[sha256]: Args): Promise<string> {
    const bytes = await ctx.stub.getState(detectorBlobKey(hashArgument(sha256, 'sha256')));
    if (bytes.length === 0) throw new ChaincodeError('ERR_NOT_FOUND', 'no blob of this hash');
    this.#judges.remember(bytes);
    return Buffer.from(bytes).toString('base64');
  }
}

/** Decodes both blobs and makes a scorer of them: what cannot judge is never proposed. */
function verify(version: number, modelBytes: Uint8Array, tableBytes: Uint8Array): Detector {
  let detector: Detector;
  let table: CalibrationTable;
  try {
    detector = decodeDetector(modelBytes);
    table = decodeTable(tableBytes);
    createScorer(detector, table);
  } catch (cause) {
    // Kernel, schema, layout, size, bytes: whatever `models` refuses has a code and a sentence of its own.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new ChaincodeError('ERR_DETECTOR_INVALID', cause.message, { cause: String(cause.code) });
  }
  if (detector.version !== version) {
    throw new ChaincodeError(
      'ERR_DETECTOR_VERSION',
      `propose: expected the detector's own version ${detector.version}, got ${version}`,
    );
  }
  if (table.theta !== SCORE_THRESHOLD) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.theta: expected ${SCORE_THRESHOLD}, got ${table.theta}`,
    );
  }
  return detector;
}

/**
 * What a hospital's own table may be: one that goes with the model, of the same θ, made from enough calls, and with an α that
 * is at most twice and at least half of the public one's.
 */
function requireCalibration(modelBytes: Uint8Array, tableBytes: Uint8Array): void {
  let table: CalibrationTable;
  try {
    table = decodeTable(tableBytes);
    createScorer(decodeDetector(modelBytes), table);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new ChaincodeError('ERR_DETECTOR_INVALID', cause.message, { cause: String(cause.code) });
  }
  if (table.theta !== SCORE_THRESHOLD) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.theta: expected ${SCORE_THRESHOLD}, got ${table.theta}`,
    );
  }
  const [least, most] = [Math.floor(PUBLIC_ALPHA_PPM / 2), PUBLIC_ALPHA_PPM * 2];
  if (table.alphaPpm < least || table.alphaPpm > most) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table.alphaPpm: expected ${least} to ${most}, got ${table.alphaPpm}`,
    );
  }
  const fewest = Math.min(...table.strata.map(({ n }) => n));
  if (fewest < CALIBRATION_COUNT_MIN) {
    throw new ChaincodeError(
      'ERR_DETECTOR_INVALID',
      `table: expected at least ${CALIBRATION_COUNT_MIN} calls a stratum, got ${fewest}`,
    );
  }
}

function requireSameProposal(stored: DetectorEntry, entry: DetectorEntry): void {
  if (
    stored.modelHash !== entry.modelHash ||
    stored.tableHash !== entry.tableHash ||
    canonicalJson({ ...stored.provenance }) !== canonicalJson({ ...entry.provenance })
  ) {
    throw new ChaincodeError(
      'ERR_DETECTOR_DIGEST',
      `propose: version ${entry.version} was proposed with other bytes`,
      { version: entry.version },
    );
  }
}

/** The first version is 0, the public detector, or 1; each further one follows its predecessor. */
function requireNext(version: number, last: JsonObject | null): void {
  const previous = last?.['version'];
  const ok = typeof previous === 'number' ? version === previous + 1 : version <= 1;
  if (!ok) {
    const expected = typeof previous === 'number' ? String(previous + 1) : '0 or 1';
    throw new ChaincodeError(
      'ERR_DETECTOR_VERSION',
      `propose: expected version ${expected}, got ${version}`,
    );
  }
}

function requireState(entry: DetectorEntry, states: readonly DetectorState[], step: string): void {
  if (!states.includes(entry.state)) {
    throw new ChaincodeError(
      'ERR_DETECTOR_STATE',
      `${step}: expected version ${entry.version} ${states.join(' or ')}, it is ${entry.state}`,
      { version: entry.version, state: entry.state },
    );
  }
}

async function switchTo(
  ctx: GuardContext,
  entry: DetectorEntry,
  pointer: DetectorPointer | null,
  tables: Readonly<Record<string, string>>,
): Promise<void> {
  if (pointer !== null) {
    await writeObject(ctx, detectorEntryKey(pointer.version), {
      ...(await readEntry(ctx, pointer.version)),
      state: 'superseded',
    });
  }
  const next: DetectorPointer = {
    version: entry.version,
    modelHash: entry.modelHash,
    tableHash: entry.tableHash,
    ...(Object.keys(tables).length === 0 ? {} : { tables }),
    kernelHash: entry.kernelHash,
    schemaHash: entry.schemaHash,
    mode: pointer?.mode ?? 'enforce',
    previous: pointer?.version ?? null,
  };
  await writeObject(ctx, ACTIVE_DETECTOR_KEY, next);
  await writeEntry(ctx, { ...entry, state: 'active' });
}

/** Tables by MSP that m − 1 other hospitals recomputed. */
async function confirmedTables(
  ctx: GuardContext,
  version: number,
  hospitals: readonly string[],
  needed: number,
): Promise<Readonly<Record<string, string>>> {
  const calibrations = await Promise.all(
    hospitals.map((mspId) => readCalibration(ctx, version, mspId)),
  );
  const tables: Record<string, string> = {};
  for (const calibration of calibrations) {
    if (calibration === null) continue;
    const { mspId, tableHash } = calibration;
    const confirmations = await Promise.all(
      hospitals.map((by) =>
        readObject(ctx, confirmationKey(version, mspId, by), 'confirmation of a table'),
      ),
    );
    const counted = confirmations.filter((one) => one?.['tableHash'] === tableHash);
    if (counted.length >= needed - 1) tables[mspId] = tableHash;
  }
  return tables;
}

async function readCalibration(
  ctx: GuardContext,
  version: number,
  mspId: string,
): Promise<Calibration | null> {
  const raw = await readObject(ctx, calibrationKey(version, mspId), 'calibration');
  return raw as unknown as Calibration | null;
}

async function useVotes(ctx: GuardContext, action: VoteAction, version: number): Promise<void> {
  const { hospitals, attestations: needed } = await readFederationConfig(ctx);
  const keys = hospitals.map((mspId) => detectorVoteKey(action, version, mspId));
  const votes = await Promise.all(keys.map((key) => ctx.stub.getState(key)));
  const cast = keys.filter((_, i) => votes[i]!.length > 0);
  if (cast.length < needed) {
    throw new ChaincodeError(
      'ERR_DETECTOR_ATTESTATIONS',
      `${action}: version ${version} has ${cast.length} votes, needs ${needed}`,
      { version, got: cast.length, needed },
    );
  }
  for (const key of cast) await ctx.stub.deleteState(key);
}

async function writeEntry(ctx: GuardContext, entry: DetectorEntry): Promise<void> {
  await writeObject(ctx, detectorEntryKey(entry.version), entry);
  ctx.eventParts = { detector: { version: entry.version, state: entry.state } };
}

async function readEntry(ctx: GuardContext, version: number): Promise<DetectorEntry> {
  const raw = await readObject(ctx, detectorEntryKey(version), 'detector entry');
  if (raw === null) throw new ChaincodeError('ERR_NOT_FOUND', `no detector of version ${version}`);
  return raw as unknown as DetectorEntry;
}

async function readPointer(ctx: GuardContext): Promise<DetectorPointer | null> {
  return decodePointer(await ctx.stub.getState(ACTIVE_DETECTOR_KEY));
}

async function readAttestations(
  ctx: GuardContext,
  version: number,
  hospitals: readonly string[],
): Promise<readonly Attestation[]> {
  const all = await Promise.all(
    hospitals.map((mspId) => readObject(ctx, attestationKey(version, mspId), 'attestation')),
  );
  return all.filter((one) => one !== null) as unknown as readonly Attestation[];
}
