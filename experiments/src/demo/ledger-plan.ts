/**
 * What the demo's channel runs on. Two kinds, one way to use them: the clients see gateways, and a root to trust.
 * @module
 */
import type { CertificateAuthority } from '@bhschain/chaincode-hooks/embedded-peer';
import type { Narrator } from './narrator.js';
import type { ProcessSpec } from './processes.js';
import type { LedgerKind, StatePaths } from './state-directory.js';

export const CHANNEL = 'consortium';
export const CHAINCODE = 'bhschain';

export interface DemoLedger {
  readonly kind: LedgerKind;
  /** Signs the people of `H1MSP` …, `OpsMSP`. */
  authority(mspId: string): CertificateAuthority;
  /** Writes the configuration of its processes for this start. */
  plan(): Promise<LedgerPlan>;
}

export interface LedgerPlan {
  /** What it is, in one sentence that says whether there is consensus. */
  readonly banner: string;
  /** Chaincode servers and the ledger itself; they may start at once. */
  readonly processes: readonly ProcessSpec[];
  /** Gateways, `host:port`, the hospital's own first. */
  endpoints(nodeId: string | null): readonly string[];
  /** PEM file with the roots of the gateways' TLS certificates. */
  readonly tlsRoot: string;
  readonly chaincodeMetricsPorts: readonly number[];
  /** Resident memory of processes that are not in `processes`, MiB. */
  otherResidentMb(): number;
}

export interface LedgerOptions {
  readonly kind: LedgerKind;
  readonly paths: StatePaths;
  readonly hospitals: readonly string[];
  readonly narrator: Narrator;
}
