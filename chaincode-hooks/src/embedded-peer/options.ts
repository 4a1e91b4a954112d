/**
 * What the embedded peer is given. Paths and files belong to `config.ts`; here everything is already in memory.
 * @module
 */

/** Where the peer's log lines go; a pino logger fits. Silent when absent. */
export interface PeerLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** A certificate with its private key, both PEM (the key PKCS #8). */
export interface KeyPairPem {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** A hospital: its root, its endorser's identity, and the chaincode server that its endorser dials. */
export interface HospitalOptions {
  readonly mspId: string;
  readonly rootPem: string;
  /** A spare hospital (`false`) is known but refused: its members can neither propose nor listen. */
  readonly active: boolean;
  readonly peer: KeyPairPem;
  /** `host:port` of the `fabric-shim` chaincode server. */
  readonly chaincodeAddress: string;
  /** TLS towards the chaincode server; plaintext when absent (loopback). */
  readonly chaincodeTls?: { readonly rootPem: string; readonly client?: KeyPairPem };
}

/** An organisation that may propose, query and listen, but has no endorser (the orchestrator's OpsMSP). */
export interface ClientOrganisationOptions {
  readonly mspId: string;
  readonly rootPem: string;
}

/** When a block is cut: the first limit that is reached. */
export interface BatchOptions {
  /** Longest wait for company, ms. A transaction that is alone in flight does not wait. */
  readonly timeoutMs: number;
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** Misbehaviour on demand, for tests. Each field may be changed while the peer runs. */
export interface Faults {
  /** MSP id → blocks by which this endorser's simulations lag behind the ledger. */
  readonly heightLag: Map<string, number>;
  /** MSP ids whose endorsers refuse to answer (as if their process were stopped). */
  readonly paused: Set<string>;
  /** Order the envelope, then answer Submit with UNAVAILABLE: the outcome is unknown to the client. */
  submitAnswersLost: boolean;
  /** Take envelopes, but order nothing while this is set. */
  orderingStalled: boolean;
  /** Ends every event stream, block stream and wait for a status with UNAVAILABLE, as a restart would. */
  cutStreams(): void;
}

export interface EmbeddedPeerOptions {
  readonly channel: string;
  readonly chaincode: { readonly name: string; readonly packageId: string };
  /** Port 0 takes any free port; `EmbeddedPeer.port` tells which. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: KeyPairPem;
  readonly blocksDir: string;
  readonly hospitals: readonly HospitalOptions[];
  readonly clientOrganisations: readonly ClientOrganisationOptions[];
  /** Endorsements of that many different active hospitals make a transaction valid. */
  readonly policy: { readonly outOf: number };
  readonly batch?: Partial<BatchOptions>;
  /** How long one endorser's simulation may take, ms (30,000). */
  readonly executeTimeoutMs?: number;
  /** How long an endorsement waits for a chaincode server that is away, ms (1,000). */
  readonly chaincodeWaitMs?: number;
  /** Wall clock in ms since the epoch; only `main.ts` and tests pass the real one. */
  readonly nowMs: () => number;
  readonly log?: PeerLog;
  /** Size above which the block store opens its next segment file, bytes (64 MiB). */
  readonly segmentBytesMax?: number;
  /** Indexes live in memory; beyond this many transactions a development ledger is the wrong tool (1,000,000). */
  readonly transactionsMax?: number;
}

export const DEFAULT_BATCH: BatchOptions = {
  timeoutMs: 10,
  messagesMax: 200,
  bytesMax: 10_000_000,
};

/** Half width of the window around the peer's clock in which a proposal's time must lie, ms (Fabric's default). */
export const PROPOSAL_WINDOW_MS: number = 15 * 60_000;

export const SILENT_LOG: PeerLog = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
