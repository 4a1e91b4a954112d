/**
 * The published artefact and what belongs to it, in memory. The bytes are in `detector-codec.ts`.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import type { RoleTables } from '../features/index.js';
import type { Whitening } from '../kernel/index.js';

/** What turns a column's value (integer ÷ 2^k) into a network input: `clip((value − center) · scale)`. */
export interface Normaliser {
  /** `[features]`, in the column's unit. */
  readonly center: Float32Array;
  /** `[features]`, > 0. */
  readonly scale: Float32Array;
  /** Inputs stay within ± this. */
  readonly clip: number;
}

/** Windows that are judged alike: those whose absent columns are `columnMask` and whose length is in the range. */
export interface StratumKey {
  readonly columnMask: number;
  readonly lengthMin: number;
  readonly lengthMax: number;
}

/** A stratum with the public law of its residual summaries. */
export interface Stratum extends StratumKey, Whitening {}

export interface Detector {
  readonly formatVersion: 1;
  /** 0 for the public detector that ships with the product. */
  readonly version: number;
  /** Round that made it, '' for detector 0; printable ASCII, at most 64 characters. */
  readonly round: string;
  readonly architecture: Architecture;
  /** In units of 2^-20. */
  readonly parameters: Int32Array;
  readonly featureSchemaVersion: number;
  /** Hashes are SHA-256 in lower-case hex. */
  readonly featureSchemaHash: string;
  readonly kernelHash: string;
  readonly layoutHash: string;
  /** '' for detector 0. */
  readonly planHash: string;
  readonly manifestDigest: string;
  readonly normaliser: Normaliser;
  readonly roles: RoleTables;
  readonly vocabulary: Readonly<{ hash: string; size: number }> | null;
  /** Ascending by mask, then length; ranges of one mask do not overlap. */
  readonly strata: readonly Stratum[];
}

/** Steps of one stratum: the score of x is that of the last threshold ≤ x. */
export interface TableStratum extends StratumKey {
  /** Calibration windows behind it. */
  readonly n: number;
  /** Nonconformity, ascending, the first 0. */
  readonly thresholds: Uint32Array;
  /** Millionths, ascending. */
  readonly scores: Uint32Array;
}

export interface CalibrationTable {
  readonly formatVersion: 1;
  readonly alphaPpm: number;
  /** Millionths. */
  readonly theta: number;
  readonly strata: readonly TableStratum[];
}

/** A window to judge: ≤ 16 rows, oldest first, the last one is the call in question. */
export interface ScoredWindow {
  /** Each `[features]` integers of the feature layout. */
  readonly rows: readonly Int16Array[];
  /** Bit i set: column i is absent. */
  readonly mask: number;
}

/** Public, simulated windows with labels (1 = attack), on which every version is tried before it is used. */
export interface Canaries {
  readonly windows: readonly ScoredWindow[];
  readonly labels: Uint8Array;
}
