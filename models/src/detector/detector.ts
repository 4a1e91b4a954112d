/**
 * The published artefact and what belongs to it, in memory. The bytes are in `detector-codec.ts` and `table-codec.ts`.
 * @module
 */
import type { Pool } from './calibration-table.js';
import type { RoleTables } from '../features/index.js';
import type { NetworkSpec } from '../ensemble/networks.js';

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

/** The public law of a summary in one stratum; the entries are those of the columns that the stratum has. */
export interface SummaryLaw {
  /** `[d]` */
  readonly mean: Float32Array;
  /** Lower triangle of L⁻¹ with Σ = L Lᵀ, row by row, `[d (d + 1) / 2]`, on the whitening grid. */
  readonly whitening: Float32Array;
}

/** Whitened residual summary of an autoencoder: mean, largest and deviation of each of its columns. */
export interface AutoencoderMember extends NetworkSpec {
  readonly kind: 'autoencoder';
  /** One a stratum, in the order of the detector's strata. */
  readonly laws: readonly SummaryLaw[];
}

/** Whitened summary of the features themselves, no network: mean and largest of each of its columns. */
export interface FeaturesMember {
  readonly kind: 'features';
  readonly name: string;
  /** Ascending. */
  readonly columns: readonly number[];
  readonly laws: readonly SummaryLaw[];
}

/** A count or sum of integer columns, which needs nothing but its name. */
export interface IntegerMember {
  readonly kind: 'likelihood-ratio' | 'unseen' | 'trigrams';
  readonly name: string;
}

/** One way to see that a window is strange; leave it out to switch it off. */
export type DetectorMember = AutoencoderMember | FeaturesMember | IntegerMember;

export interface Detector {
  readonly formatVersion: 2;
  /** 0 for the public detector that ships with the product. */
  readonly version: number;
  /** Round that made it, '' for detector 0; printable ASCII, at most 64 characters. */
  readonly round: string;
  /** In the order in which their evidence is added; names differ. */
  readonly members: readonly DetectorMember[];
  /** Of the autoencoders, one after the other, in units of 2^-20: what a round trains. */
  readonly parameters: Int32Array;
  readonly featureSchemaVersion: number;
  /** Hashes are SHA-256 in lower-case hex. */
  readonly featureSchemaHash: string;
  readonly kernelHash: string;
  /** Of `networksDescription`. */
  readonly layoutHash: string;
  /** '' for detector 0. */
  readonly planHash: string;
  readonly manifestDigest: string;
  readonly normaliser: Normaliser;
  readonly roles: RoleTables;
  readonly vocabulary: Readonly<{ hash: string; size: number }> | null;
  /** Ascending by mask, then length; ranges of one mask do not overlap. */
  readonly strata: readonly StratumKey[];
}

/** A step function: the value of x is that of the last threshold ≤ x. */
export interface Steps {
  /** Ascending, the first 0. */
  readonly thresholds: Uint32Array;
  /** Ascending. */
  readonly values: Uint32Array;
}

/** Steps of one stratum from the summed evidence to the score in millionths. */
export interface TableStratum extends StratumKey, Steps {
  /** Calibration windows behind it … */
  readonly n: number;
  /** … and whose they are: its own, or a coarser stratum's. */
  readonly pool: Pool;
}

/** Steps of one member from its nonconformity to its evidence. */
export interface MemberEvidence {
  readonly member: string;
  /** One a stratum, in the order of the table's strata. */
  readonly steps: readonly Steps[];
}

export interface CalibrationTable {
  readonly formatVersion: 2;
  readonly alphaPpm: number;
  /** Millionths. */
  readonly theta: number;
  readonly evidence: readonly MemberEvidence[];
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
