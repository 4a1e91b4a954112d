/**
 * The channel as the orchestrator uses it: governance functions only. Each is idempotent, so an answer that got lost is
 * asked for again.
 * @module
 */
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';

/** What goes with a proposal: where the detector comes from and what it cost. */
export interface ProposalEntry {
  readonly manifestDigest: string;
  readonly round: string;
  readonly planHash: string;
  readonly unit: string;
  readonly epsilonMicro: number;
  readonly deltaExponent: number;
}

export interface DetectorStatus {
  readonly state: 'proposed' | 'active' | 'superseded' | 'withdrawn' | 'refused';
  readonly modelHash: string;
  readonly tableHash: string;
  /** MSPs that attested this version. */
  readonly attestedBy: readonly string[];
  readonly activeVersion: number | null;
}

export interface GovernanceChannel {
  /** `FederationContract:configure`; the same bytes again are success. */
  configure(configuration: string): Promise<void>;
  /** `FederationContract:admit`: one more hospital whose word counts; repeating it is success. */
  admit(mspId: string): Promise<void>;
  propose(
    o: Readonly<{ version: number; detector: Uint8Array; table: Uint8Array; entry: ProposalEntry }>,
  ): Promise<void>;
  /** Null if there is no such version. */
  status(version: number): Promise<DetectorStatus | null>;
  activate(version: number): Promise<void>;
  /** Gives a proposal up; the reason travels as a digest. */
  refuse(version: number, reasonDigest: string): Promise<void>;
  /** The hospitals whose votes approved a privacy plan; null if it is not approved. */
  planApprovers(planHash: string): Promise<readonly string[] | null>;
  close(): Promise<void>;
}

/** Committed transactions, block by block. */
export interface BlockSource extends AsyncIterable<
  Readonly<{ number: number; transactions: readonly DecodedTransaction[] }>
> {
  close(): void;
}

export interface ChannelBlocks {
  /** From block `first` on, without end and without recovery: who reads opens again, and gets another gateway. */
  open(first: bigint): Promise<BlockSource>;
}

/** The channel cannot be reached, or a call was overtaken: ask again later. */
export class ChannelUnavailableError extends Error {
  override readonly name = 'ChannelUnavailableError';
}

/** The contract said no, with its code. */
export class ChannelRefusedError extends Error {
  override readonly name = 'ChannelRefusedError';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
