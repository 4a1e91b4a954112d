/**
 * The registry of detectors: proposed by the orchestrator, verified by each hospital, active when m of them agree.
 *
 * Blobs are on the ledger under their SHA-256, so every peer that has the pointer has the weights. A blob that is there is
 * not written again: a new version of its key would fail every guarded call in flight.
 * @module
 */
import { DETECTOR_BYTES_MAX, TABLE_BYTES_MAX } from '@bhschain/models/detector';

import type { Judges } from '../active-detector.js';
import {
  base64Argument,
  hashArgument,
  integerArgument,
  memberArgument,
  refusedArgument,
} from '../arguments.js';
import { canonicalJson, type JsonObject } from '../canonical-json.js';
import {
  requireCalibration,
  requireNext,
  requireSameProposal,
  requireState,
  verifyProposal,
} from '../detector-checks.js';
import {
  attests,
  parseProvenance,
  type Attestation,
  type Calibration,
  type DetectorEntry,
} from '../detector-entry.js';
import {
  VOTES,
  confirmedTables,
  readAttestations,
  readCalibration,
  readEntry,
  readPointer,
  switchTo,
  useVotes,
  writeEntry,
} from '../detector-registry.js';
import { sha256Hex } from '../digest.js';
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
    const detector = verifyProposal(version, modelBytes, tableBytes);
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
