/**
 * The registry of detectors on the ledger: entries, attestations, hospitals' tables, votes, and the pointer.
 * @module
 */
import { decodePointer, type DetectorPointer } from './active-detector.js';
import type { Attestation, Calibration, DetectorEntry } from './detector-entry.js';
import { ChaincodeError } from './errors.js';
import { readFederationConfig } from './federation-config.js';
import type { GuardContext } from './guard-context.js';
import {
  ACTIVE_DETECTOR_KEY,
  attestationKey,
  calibrationKey,
  confirmationKey,
  detectorEntryKey,
  detectorVoteKey,
} from './ledger-keys.js';
import { readObject, writeObject } from './ledger.js';

export const VOTES = ['rollBack', 'withdraw', 'enforce', 'shadow'] as const;
export type VoteAction = (typeof VOTES)[number];

/** Makes an entry the active one, and the one that was active superseded. */
export async function switchTo(
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
export async function confirmedTables(
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

export async function readCalibration(
  ctx: GuardContext,
  version: number,
  mspId: string,
): Promise<Calibration | null> {
  const raw = await readObject(ctx, calibrationKey(version, mspId), 'calibration');
  return raw as unknown as Calibration | null;
}

export async function useVotes(
  ctx: GuardContext,
  action: VoteAction,
  version: number,
): Promise<void> {
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

export async function writeEntry(ctx: GuardContext, entry: DetectorEntry): Promise<void> {
  await writeObject(ctx, detectorEntryKey(entry.version), entry);
  ctx.eventParts = { detector: { version: entry.version, state: entry.state } };
}

export async function readEntry(ctx: GuardContext, version: number): Promise<DetectorEntry> {
  const raw = await readObject(ctx, detectorEntryKey(version), 'detector entry');
  if (raw === null) throw new ChaincodeError('ERR_NOT_FOUND', `no detector of version ${version}`);
  return raw as unknown as DetectorEntry;
}

export async function readPointer(ctx: GuardContext): Promise<DetectorPointer | null> {
  return decodePointer(await ctx.stub.getState(ACTIVE_DETECTOR_KEY));
}

export async function readAttestations(
  ctx: GuardContext,
  version: number,
  hospitals: readonly string[],
): Promise<readonly Attestation[]> {
  const all = await Promise.all(
    hospitals.map((mspId) => readObject(ctx, attestationKey(version, mspId), 'attestation')),
  );
  return all.filter((one) => one !== null) as unknown as readonly Attestation[];
}
