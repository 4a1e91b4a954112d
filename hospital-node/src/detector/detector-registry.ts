/**
 * The channel's registry of detectors, read and attested through a gateway.
 * @module
 */
import type { FabricConnection } from '../fabric/connection.js';
import { ChaincodeError } from '../fabric/errors.js';
import type { ProposedDetector } from './detector-check.js';

export interface RegistryEntry {
  readonly version: number;
  readonly state: 'proposed' | 'active' | 'superseded' | 'withdrawn' | 'refused';
  readonly modelHash: string;
  readonly tableHash: string;
  readonly kernelHash: string;
  readonly attestations: readonly { readonly mspId: string }[];
}

export interface DetectorRegistry {
  /** null: not proposed yet. */
  entry(version: number): Promise<RegistryEntry | null>;
  fetch(entry: RegistryEntry): Promise<ProposedDetector>;
  /** @returns the transaction, or null if the version was no longer open for attestation */
  attest(entry: RegistryEntry, codeHash: string): Promise<string | null>;
  activeVersion(): Promise<number | null>;
}

/** Codes of the contract for "there is no such version" and "its time is over". */
const UNKNOWN_CODE = 'ERR_NOT_FOUND';
const TOO_LATE_CODE = 'ERR_DETECTOR_STATE';

export function createDetectorRegistry(fabric: FabricConnection): DetectorRegistry {
  const query = async (fn: string, argument: string): Promise<unknown> =>
    JSON.parse(Buffer.from(await fabric.evaluate(fn, [argument])).toString('utf8'));
  const blob = async (hash: string): Promise<Uint8Array> =>
    Uint8Array.from(Buffer.from(String(await query('DetectorContract:blob', hash)), 'base64'));
  return {
    entry: async (version) => {
      try {
        return (await query('DetectorContract:status', String(version))) as RegistryEntry;
      } catch (error) {
        if (error instanceof ChaincodeError && error.chaincodeCode === UNKNOWN_CODE) return null;
        throw error;
      }
    },
    fetch: async (entry) => ({
      version: entry.version,
      modelHash: entry.modelHash,
      tableHash: entry.tableHash,
      detectorBytes: await blob(entry.modelHash),
      tableBytes: await blob(entry.tableHash),
    }),
    attest: async (entry, codeHash) => {
      const { version, modelHash, tableHash, kernelHash } = entry;
      try {
        const outcome = await fabric.submit('DetectorContract:attest', [
          String(version),
          modelHash,
          tableHash,
          kernelHash,
          codeHash,
        ]);
        return outcome.txId;
      } catch (error) {
        if (error instanceof ChaincodeError && error.chaincodeCode === TOO_LATE_CODE) return null;
        throw error;
      }
    },
    activeVersion: async () => {
      const status = (await query('DetectorContract:status', '')) as {
        active: { version: number } | null;
      };
      return status.active?.version ?? null;
    },
  };
}
